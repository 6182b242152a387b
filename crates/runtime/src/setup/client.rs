//! One HTTP exchange at a time with the Pipeline API, in words where it fails.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::http::{Request as HttpRequest, Response};
use ureq::{Agent, Body};

use super::fault::{Fault, Kind};
use super::retry::{self, Retries};
use super::state::Request;
use super::token::Token;

/// Where the service is and who asks; all of it comes from the environment.
pub struct Surroundings {
    /// Base address of the Pipeline API, without the pipeline.
    pub api: String,
    /// Base address of IAM.
    pub iam: String,
    /// Id of the pipeline.
    pub pipeline: String,
    /// A bearer token.
    pub bearer: Option<Token>,
    /// An API key, for where there is no token or it has run out.
    pub api_key: Option<Token>,
    /// How often and how soon something is tried again.
    pub retries: Retries,
    /// The longest time of one exchange.
    pub timeout: Duration,
}

/// A client of one pipeline.
pub struct Client {
    agent: Agent,
    surroundings: Surroundings,
    bearer: Option<Token>,
    has_renewed: bool,
    hidden: Vec<Token>,
}

/// What came back: a whole reply, or status 0.
pub(super) struct Reply {
    pub(super) status: u16,
    /// The body, where it is one JSON object.
    pub(super) body: Option<Value>,
    /// Whether a later try may do better.
    pub(super) is_passing: bool,
    pub(super) retry_after: Option<Duration>,
    problem: String,
}

/// More than any list of 1,024 triggers with their properties.
const BODY_LIMIT: u64 = 64 << 20;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as a part of an address.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

impl Client {
    /// A client that has not asked anything yet.
    pub fn new(surroundings: Surroundings) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0) // a connection that died between two steps would be taken for a failing service
            .timeout_global(Some(surroundings.timeout))
            .user_agent(concat!("sidestage/", env!("CARGO_PKG_VERSION")))
            .build();
        let bearer = surroundings.bearer.clone();
        let hidden = [&surroundings.bearer, &surroundings.api_key].into_iter().flatten().cloned().collect();
        Self { agent: config.into(), surroundings, bearer, has_renewed: false, hidden }
    }

    /// The id of the pipeline.
    pub(super) fn pipeline_id(&self) -> &str {
        &self.surroundings.pipeline
    }

    pub(super) fn tries(&self) -> u32 {
        self.surroundings.retries.tries
    }

    /// No message shows this secret, even where a service echoes it.
    pub(super) fn hide(&mut self, token: &Token) {
        self.hidden.push(token.clone());
    }

    /// The whole address of a path below the pipeline.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}/tekton_pipelines/{}{path}", self.surroundings.api.trim_end_matches('/'), self.surroundings.pipeline)
    }

    /// Whether a webhook address is one that a token may be sent to.
    pub(super) fn may_call(&self, url: &str) -> bool {
        let is_plain = url.starts_with("http://") && self.surroundings.api.starts_with("http://");
        (url.starts_with("https://") || is_plain) && !url.contains(char::is_whitespace)
    }

    pub(super) fn back_off(&self, attempt: u32, asked: Option<Duration>) {
        let mut bytes = [0; 4];
        // Without randomness the wait is only less spread.
        let _ = getrandom::fill(&mut bytes);
        std::thread::sleep(self.surroundings.retries.wait(attempt, asked, u32::from_le_bytes(bytes)));
    }

    /// Asks until a JSON object comes. `what` is the purpose, as "could not ...".
    pub(super) fn get(&mut self, path: &str, what: &str) -> Result<Value, Fault> {
        let request = Request { method: "GET", path: path.to_owned(), body: None, what: what.to_owned() };
        let mut attempt = 1;
        loop {
            let mut reply = self.send(&request)?;
            let is_odd = reply.is_good() && reply.body.is_none();
            if is_odd {
                reply.problem = format!("HTTP {} with a body that is no JSON object", reply.status);
            }
            match reply.body.take() {
                Some(body) if reply.is_good() => return Ok(body),
                _ if attempt >= self.tries() || !(reply.is_passing || is_odd) => return Err(reply.fault(what, &self.address(""))),
                _ => self.back_off(attempt, reply.retry_after),
            }
            attempt += 1;
        }
    }

    /// One request. A token that has run out is replaced once, by the API key where there is one.
    pub(super) fn send(&mut self, request: &Request) -> Result<Reply, Fault> {
        if self.bearer.is_none() && !self.sign_in()? {
            return Err(Fault::new(Kind::Rights, "there is no IAM token and no API key")
                .because("The Pipeline API answers only to a known user.")
                .so("Type: export IAM_ACCESS_TOKEN=<token>, or CD_TEKTON_PIPELINE_APIKEY=<key>; in a run, set the secure property ibmcloud-api-key."));
        }
        let reply = self.ask(request);
        if reply.status == 401 && self.surroundings.bearer.is_some() && !self.has_renewed {
            self.has_renewed = true;
            if self.sign_in()? {
                return Ok(self.ask(request));
            }
        }
        Ok(reply)
    }

    fn ask(&self, request: &Request) -> Reply {
        let kind = if request.method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let bearer = format!("Bearer {}", self.bearer.as_ref().map_or("", Token::reveal));
        let built = HttpRequest::builder()
            .method(request.method)
            .uri(self.address(&request.path))
            .header("accept", "application/json")
            .header("content-type", kind)
            .header("authorization", bearer);
        match &request.body {
            Some(body) => self.exchange(built.body(body.to_string()).map(|request| self.agent.run(request))),
            None => self.exchange(built.body(()).map(|request| self.agent.run(request))),
        }
    }

    /// Exchanges the API key for a token; tells whether there is a key.
    fn sign_in(&mut self) -> Result<bool, Fault> {
        let Some(key) = self.surroundings.api_key.clone() else { return Ok(false) };
        let base = self.surroundings.iam.trim_end_matches('/');
        let url = format!("{}/identity/token", base.trim_end_matches("/identity/token"));
        let form = format!("grant_type={}&apikey={}", encoded("urn:ibm:params:oauth:grant-type:apikey"), encoded(key.reveal()));
        let mut attempt = 1;
        loop {
            let built = HttpRequest::builder()
                .method("POST")
                .uri(&url)
                .header("accept", "application/json")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.clone());
            let reply = self.exchange(built.map(|request| self.agent.run(request)));
            let token = reply.body.as_ref().and_then(|body| body["access_token"].as_str()).filter(|token| !token.is_empty());
            if let Some(token) = token.filter(|_| reply.is_good()) {
                let token = Token::new(token.to_owned());
                self.hide(&token);
                self.bearer = Some(token);
                return Ok(true);
            }
            if attempt >= self.tries() || !(reply.is_passing || reply.is_good()) {
                return Err(match reply.status {
                    400 | 401 | 403 => Fault::new(Kind::Rights, format!("the API key is refused by {base}: {}", reply.problem))
                        .because("The Pipeline API answers only to a known user.")
                        .so("Renew CD_TEKTON_PIPELINE_APIKEY, or in a run the secure property ibmcloud-api-key."),
                    _ => reply.fault(&format!("exchange the API key for a token at {base}"), base),
                });
            }
            self.back_off(attempt, reply.retry_after);
            attempt += 1;
        }
    }

    fn exchange(&self, sent: Result<Result<Response<Body>, ureq::Error>, ureq::http::Error>) -> Reply {
        match sent {
            Ok(Ok(response)) => self.reply(response),
            Ok(Err(error)) => self.no_reply(&error),
            Err(error) => Reply { status: 0, body: None, is_passing: false, retry_after: None, problem: self.shown(&error.to_string()) },
        }
    }

    fn reply(&self, mut response: Response<Body>) -> Reply {
        let status = response.status().as_u16();
        let text = match response.body_mut().with_config().limit(BODY_LIMIT).read_to_string() {
            Ok(text) => text,
            Err(error) => return self.no_reply(&error),
        };
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let body = serde_json::from_str::<Value>(&text).ok().filter(Value::is_object);
        let words: Vec<&str> = body
            .iter()
            .filter_map(|body| body["errors"].as_array())
            .flatten()
            .filter_map(|error| error["message"].as_str().or(error["code"].as_str()))
            .chain(body.iter().filter_map(|body| body["errorMessage"].as_str()))
            .collect();
        let mut problem = format!("HTTP {status}");
        if !words.is_empty() {
            problem.push_str(&format!(": {}", words.join("; ")));
        }
        if let Some(id) = header("x-global-transaction-id") {
            problem.push_str(&format!(" (transaction {id})"));
        }
        Reply {
            status,
            is_passing: matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            retry_after: header("retry-after").and_then(|text| retry::asked_for(text, jiff::Timestamp::now().as_second())),
            problem: self.shown(&problem),
            body,
        }
    }

    fn no_reply(&self, error: &ureq::Error) -> Reply {
        use ureq::Error::{ConnectionFailed, HostNotFound, Io, Protocol, Timeout};
        let is_passing = matches!(error, Io(_) | Timeout(_) | ConnectionFailed | HostNotFound | Protocol(_));
        Reply { status: 0, body: None, is_passing, retry_after: None, problem: self.shown(&error.to_string()) }
    }

    fn shown(&self, text: &str) -> String {
        let mut text = text.replace(char::is_control, " ");
        for secret in &self.hidden {
            text = text.replace(secret.reveal(), "***");
        }
        text.chars().take(400).collect()
    }
}

impl Reply {
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// This reply ends the set-up. `address` is what was asked, without what is below.
    pub(super) fn fault(&self, what: &str, address: &str) -> Fault {
        let what = format!("could not {what}: {}", self.problem);
        match self.status {
            401 => Fault::new(Kind::Rights, what)
                .because("The Pipeline API does not know this token or API key.")
                .so("Renew it: IAM_ACCESS_TOKEN, CD_TEKTON_PIPELINE_APIKEY, or the secure property ibmcloud-api-key."),
            403 => Fault::new(Kind::Rights, what)
                .because("Setting up the webhook needs the Editor role on the toolchain; an Operator may only run the pipeline.")
                .so("Give the owner of the API key the Editor role (IAM, Continuous Delivery), or let an Editor run this once."),
            404 => Fault::new(Kind::Setting, what)
                .because(format!("There is no such pipeline at {address}, or somebody has just deleted what was asked for."))
                .so("Look at PIPELINE_ID, and at CD_TEKTON_PIPELINE_URL or IBM_CLOUD_REGION."),
            0 => Fault::new(Kind::Service, what)
                .because(format!("The service was not reached at {address}."))
                .so("Look at the network, and at CD_TEKTON_PIPELINE_URL or IBM_CLOUD_REGION; then run this again."),
            _ => Fault::new(Kind::Service, what)
                .because("Without it no async stage can be started.")
                .so("Run this again; if it stays, give the message above to the support of Continuous Delivery."),
        }
    }
}
