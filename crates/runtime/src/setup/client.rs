//! One HTTP exchange at a time with the Pipeline API, in words where it fails.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::http::{Request as HttpRequest, Response};
use ureq::{Agent, Body};

use super::error::{ErrorKind, SetupError};
use super::retry::{self, Retries};
use super::state::ApiRequest;
use super::token::Token;

/// Where the service is and who asks; all of it comes from the environment.
pub struct ClientConfig {
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
    config: ClientConfig,
    bearer: Option<Token>,
    has_renewed: bool,
    secrets: Vec<Token>,
}

/// What came back: a whole reply, or status 0.
pub(super) struct Reply {
    pub(super) status: u16,
    /// The body, where it is one JSON object.
    pub(super) body: Option<Value>,
    /// Whether a later try may do better.
    pub(super) is_transient: bool,
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
    pub fn new(config: ClientConfig) -> Self {
        let transport = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0) // a connection that died between two steps would be taken for a failing service
            .timeout_global(Some(config.timeout))
            .user_agent(concat!("sidestage/", env!("CARGO_PKG_VERSION")))
            .build();
        let bearer = config.bearer.clone();
        let secrets = [&config.bearer, &config.api_key].into_iter().flatten().cloned().collect();
        Self { agent: transport.into(), config, bearer, has_renewed: false, secrets }
    }

    /// The id of the pipeline.
    pub(super) fn pipeline_id(&self) -> &str {
        &self.config.pipeline
    }

    pub(super) fn tries(&self) -> u32 {
        self.config.retries.tries
    }

    /// No message shows this secret, even where a service echoes it.
    pub(super) fn redact(&mut self, token: &Token) {
        self.secrets.push(token.clone());
    }

    /// The whole address of a path of the pipeline.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}/tekton_pipelines/{}{path}", self.config.api.trim_end_matches('/'), self.config.pipeline)
    }

    /// Whether a webhook address is one that a token may be sent to.
    pub(super) fn is_safe_url(&self, url: &str) -> bool {
        let is_plain = url.starts_with("http://") && self.config.api.starts_with("http://");
        (url.starts_with("https://") || is_plain) && !url.contains(char::is_whitespace)
    }

    pub(super) fn back_off(&self, attempt: u32, asked: Option<Duration>) {
        let mut bytes = [0; 4];
        // Without randomness the wait is only less spread.
        let _ = getrandom::fill(&mut bytes);
        std::thread::sleep(self.config.retries.wait(attempt, asked, u32::from_le_bytes(bytes)));
    }

    /// Asks until a JSON object comes. `what` is the purpose, as "could not ...".
    pub(super) fn get(&mut self, path: &str, what: &str) -> Result<Value, SetupError> {
        let request = ApiRequest { method: "GET", path: path.to_owned(), body: None, what: what.to_owned() };
        let mut attempt = 1;
        loop {
            let mut reply = self.send(&request)?;
            let is_malformed = reply.is_good() && reply.body.is_none();
            if is_malformed {
                reply.problem = format!("HTTP {} with a body that is not a JSON object", reply.status);
            }
            match reply.body.take() {
                Some(body) if reply.is_good() => return Ok(body),
                _ if attempt >= self.tries() || !(reply.is_transient || is_malformed) => return Err(reply.error(what, &self.address(""))),
                _ => self.back_off(attempt, reply.retry_after),
            }
            attempt += 1;
        }
    }

    /// One request. A token that has run out is replaced once, by the API key where there is one.
    pub(super) fn send(&mut self, request: &ApiRequest) -> Result<Reply, SetupError> {
        if self.bearer.is_none() && !self.sign_in()? {
            return Err(SetupError::new(ErrorKind::Rights, "there is no IAM token and no API key")
                .reason("The Pipeline API answers only to a known user.")
                .help("Type: export IAM_ACCESS_TOKEN=<token>, or CD_TEKTON_PIPELINE_APIKEY=<key>; in a run, set the secure property ibmcloud-api-key."));
        }
        let reply = self.exchange_with_bearer(request);
        if reply.status == 401 && self.config.bearer.is_some() && !self.has_renewed {
            self.has_renewed = true;
            if self.sign_in()? {
                return Ok(self.exchange_with_bearer(request));
            }
        }
        Ok(reply)
    }

    fn exchange_with_bearer(&self, request: &ApiRequest) -> Reply {
        let kind = if request.method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let bearer = format!("Bearer {}", self.bearer.as_ref().map_or("", Token::expose_secret));
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
    fn sign_in(&mut self) -> Result<bool, SetupError> {
        let Some(key) = self.config.api_key.clone() else { return Ok(false) };
        let base = self.config.iam.trim_end_matches('/');
        let url = format!("{}/identity/token", base.trim_end_matches("/identity/token"));
        let form = format!("grant_type={}&apikey={}", encoded("urn:ibm:params:oauth:grant-type:apikey"), encoded(key.expose_secret()));
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
                self.redact(&token);
                self.bearer = Some(token);
                return Ok(true);
            }
            if attempt >= self.tries() || !(reply.is_transient || reply.is_good()) {
                return Err(match reply.status {
                    400 | 401 | 403 => SetupError::new(ErrorKind::Rights, format!("the API key is refused by {base}: {}", reply.problem))
                        .reason("The Pipeline API answers only to a known user.")
                        .help("Renew CD_TEKTON_PIPELINE_APIKEY, or in a run the secure property ibmcloud-api-key."),
                    _ => reply.error(&format!("exchange the API key for a token at {base}"), base),
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
            Err(error) => {
                Reply { status: 0, body: None, is_transient: false, retry_after: None, problem: self.redacted(&error.to_string()) }
            }
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
            is_transient: matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            retry_after: header("retry-after").and_then(|text| retry::requested_wait(text, jiff::Timestamp::now().as_second())),
            problem: self.redacted(&problem),
            body,
        }
    }

    fn no_reply(&self, error: &ureq::Error) -> Reply {
        use ureq::Error::{ConnectionFailed, HostNotFound, Io, Protocol, Timeout};
        let is_transient = matches!(error, Io(_) | Timeout(_) | ConnectionFailed | HostNotFound | Protocol(_));
        Reply { status: 0, body: None, is_transient, retry_after: None, problem: self.redacted(&error.to_string()) }
    }

    fn redacted(&self, text: &str) -> String {
        let mut text = text.replace(char::is_control, " ");
        for secret in &self.secrets {
            text = text.replace(secret.expose_secret(), "***");
        }
        text.chars().take(400).collect()
    }
}

impl Reply {
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// This reply ends the set-up. `address` is the pipeline's.
    pub(super) fn error(&self, what: &str, address: &str) -> SetupError {
        let what = format!("could not {what}: {}", self.problem);
        match self.status {
            401 => SetupError::new(ErrorKind::Rights, what)
                .reason("The Pipeline API does not know this token or API key.")
                .help("Renew it: IAM_ACCESS_TOKEN, CD_TEKTON_PIPELINE_APIKEY, or the secure property ibmcloud-api-key."),
            403 => SetupError::new(ErrorKind::Rights, what)
                .reason("Setting up the webhook needs the Editor role on the toolchain; an Operator may only run the pipeline.")
                .help("Give the owner of the API key the Editor role (IAM, Continuous Delivery), or let an Editor run this once."),
            404 => SetupError::new(ErrorKind::Setting, what)
                .reason(format!("There is no such pipeline at {address}, or what was asked for has just been deleted."))
                .help("Look at PIPELINE_ID, and at CD_TEKTON_PIPELINE_URL or IBM_CLOUD_REGION."),
            0 => SetupError::new(ErrorKind::Service, what)
                .reason(format!("The service was not reached at {address}."))
                .help("Look at the network, and at CD_TEKTON_PIPELINE_URL or IBM_CLOUD_REGION; then run this again."),
            _ => SetupError::new(ErrorKind::Service, what)
                .reason("Without it no async stage can be started.")
                .help("Run this again; if it stays, give the message above to the support of Continuous Delivery."),
        }
    }
}
