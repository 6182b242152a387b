//! One HTTP exchange at a time with the Pipeline API and the webhook, in words where it fails.

use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::http::{Request as HttpRequest, Response};
use ureq::{Agent, AsSendBody, Body, Proxy};

use super::retry::{self, Retries};
use super::token::Token;
use crate::failure::{Failure, FailureKind};

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

/// A request, relative to the pipeline's address.
pub(crate) struct ApiRequest {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// What it is for, as "could not ...".
    pub(crate) what: String,
}

/// A client of one pipeline.
pub struct Client {
    agent: Agent,
    config: ClientConfig,
    bearer: Option<Token>,
    secrets: Vec<Token>,
    started: Instant,
}

/// What came back: a whole reply, or status 0.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The body, where it is one JSON object.
    pub(crate) body: Option<Value>,
    /// Whether a later try may do better.
    pub(crate) is_transient: bool,
    pub(crate) retry_after: Option<Duration>,
    /// Whether the service may have the request: false where there was no connection.
    pub(crate) may_have_arrived: bool,
    /// What is wrong, in the service's own words.
    pub(crate) problem: String,
}

/// More than any list of 1,024 triggers with their properties.
const BODY_LIMIT: u64 = 64 << 20;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The proxy for https, from the variables that curl reads for it.
fn https_proxy() -> Option<Proxy> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].iter().any(is_set).then(Proxy::try_from_env).flatten()
}

/// A text as a part of an address.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

impl Client {
    /// A client that has not asked anything yet.
    pub fn new(config: ClientConfig) -> Self {
        let transport = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0) // a connection that died between two steps would be taken for a failing service
            .proxy(https_proxy())
            .user_agent(concat!("sidestage/", env!("CARGO_PKG_VERSION")))
            .build();
        let bearer = config.bearer.clone();
        let secrets = [&config.bearer, &config.api_key].into_iter().flatten().cloned().collect();
        Self { agent: transport.into(), config, bearer, secrets, started: Instant::now() }
    }

    /// The id of the pipeline.
    pub(crate) fn pipeline_id(&self) -> &str {
        &self.config.pipeline
    }

    pub(crate) fn tries(&self) -> u32 {
        self.config.retries.tries
    }

    /// No message shows this secret, even where a service echoes it.
    pub(crate) fn redact(&mut self, token: &Token) {
        self.secrets.push(token.clone());
    }

    /// The whole address of a path of the pipeline.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}/tekton_pipelines/{}{path}", self.config.api.trim_end_matches('/'), self.config.pipeline)
    }

    /// Whether a webhook address is one that a token may be sent to.
    pub(crate) fn is_safe_url(&self, url: &str) -> bool {
        let is_plain = url.starts_with("http://") && self.config.api.starts_with("http://");
        (url.starts_with("https://") || is_plain) && !url.contains(char::is_whitespace)
    }

    /// The token that every parent with this API key makes for a trigger.
    pub(crate) fn derived_token(&self, trigger: &str) -> Option<Token> {
        Token::derived(self.config.api_key.as_ref()?, &self.config.pipeline, trigger)
    }

    /// Waits before another try; at once false where the deadline would pass meanwhile.
    #[must_use]
    pub(crate) fn back_off(&self, attempt: u32, asked: Option<Duration>) -> bool {
        let mut bytes = [0; 4];
        // Without randomness the wait is only less spread.
        let _ = getrandom::fill(&mut bytes);
        let wait = self.config.retries.wait(attempt, asked, u32::from_le_bytes(bytes));
        let is_in_time = self.started.elapsed() + wait < self.config.retries.deadline;
        if is_in_time {
            std::thread::sleep(wait);
        }
        is_in_time
    }

    /// The same, as a part of the set-up: others are waited for only so long.
    pub(crate) fn rest(&self, attempt: u32) -> Result<(), Failure> {
        if self.back_off(attempt, None) { Ok(()) } else { Err(self.unsettled()) }
    }

    /// The deadline has passed.
    pub(crate) fn unsettled(&self) -> Failure {
        let seconds = self.config.retries.deadline.as_secs();
        Failure::new(FailureKind::Service, format!("trigger and token did not come to rest within {seconds} seconds"))
            .reason("Other runs seem to change them all the time.")
            .help("Run this again when they have ended, or give it more time: export SIDESTAGE_DEADLINE=<seconds>")
    }

    /// The longest time of one exchange, which ends with the deadline.
    fn time_out(&self) -> Duration {
        let left = self.config.retries.deadline.saturating_sub(self.started.elapsed());
        self.config.timeout.min(left.max(Duration::from_secs(1)))
    }

    /// A new piece of work, with the whole deadline before it.
    pub(crate) fn begin_again(&mut self) {
        self.started = Instant::now();
    }

    /// Asks until a JSON object comes. `what` is the purpose, as "could not ...".
    pub(crate) fn get(&mut self, path: &str, what: &str) -> Result<Value, Failure> {
        self.ask(path, what).map_err(|reply| reply.map_or_else(|failure| failure, |reply| reply.error(what, &self.address(""))))
    }

    /// The same; nothing where the service has no such thing.
    pub(crate) fn find(&mut self, path: &str, what: &str) -> Result<Option<Value>, Failure> {
        match self.ask(path, what) {
            Ok(body) => Ok(Some(body)),
            Err(Ok(reply)) if reply.status == 404 => Ok(None),
            Err(Ok(reply)) => Err(reply.error(what, &self.address(""))),
            Err(Err(failure)) => Err(failure),
        }
    }

    /// Asks until a JSON object comes: else the last reply, or why there is none.
    fn ask(&mut self, path: &str, what: &str) -> Result<Value, Result<Reply, Failure>> {
        let request = ApiRequest { method: "GET", path: path.to_owned(), body: None, what: what.to_owned() };
        let mut attempt = 1;
        loop {
            let mut reply = self.send(&request).map_err(Err)?;
            let is_malformed = reply.is_good() && reply.body.is_none();
            if is_malformed {
                reply.problem = format!("HTTP {} with a body that is not a JSON object", reply.status);
            }
            if let Some(body) = reply.body.take().filter(|_| reply.is_good()) {
                return Ok(body);
            }
            let may_repeat = attempt < self.tries() && (reply.is_transient || is_malformed);
            if !may_repeat || !self.back_off(attempt, reply.retry_after) {
                return Err(Ok(reply));
            }
            attempt += 1;
        }
    }

    /// One request. A token that is refused is replaced by the API key, where there is one: once for each request.
    pub(crate) fn send(&mut self, request: &ApiRequest) -> Result<Reply, Failure> {
        self.sign_in_once()?;
        let reply = self.exchange_with_bearer(request);
        if reply.status == 401 && self.sign_in()? {
            return Ok(self.exchange_with_bearer(request));
        }
        Ok(reply)
    }

    /// A call of the webhook, at an address that the service gave.
    pub(crate) fn call_webhook(&self, url: &str, header: &str, token: &Token, payload: &str) -> Reply {
        let built = HttpRequest::builder().method("POST").uri(url).header("content-type", "application/json");
        self.exchange(built.header(header, token.expose_secret()).body(payload.to_owned()))
    }

    /// Signs in where that was not done yet.
    pub(crate) fn sign_in_once(&mut self) -> Result<(), Failure> {
        if self.bearer.is_some() || self.sign_in()? { Ok(()) } else { Err(no_key()) }
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
            Some(body) => self.exchange(built.body(body.to_string())),
            None => self.exchange(built.body(())),
        }
    }

    /// Exchanges the API key for a token; tells whether there is a key.
    fn sign_in(&mut self) -> Result<bool, Failure> {
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
            let reply = self.exchange(built);
            let token = reply.body.as_ref().and_then(|body| body["access_token"].as_str()).filter(|token| !token.is_empty());
            if let Some(token) = token.filter(|_| reply.is_good()) {
                let token = Token::new(token.to_owned());
                self.redact(&token);
                self.bearer = Some(token);
                return Ok(true);
            }
            let may_repeat = attempt < self.tries() && (reply.is_transient || reply.is_good());
            if !may_repeat || !self.back_off(attempt, reply.retry_after) {
                return Err(match reply.status {
                    400 | 401 | 403 => Failure::new(FailureKind::Rights, format!("the API key is refused by {base}: {}", reply.problem))
                        .reason("The Pipeline API answers only to a known user.")
                        .help("Renew CD_TEKTON_PIPELINE_APIKEY, or in a run the secure property ibmcloud-api-key."),
                    _ => reply.error(&format!("exchange the API key for a token at {base}"), base),
                });
            }
            attempt += 1;
        }
    }

    fn exchange<B: AsSendBody>(&self, request: Result<HttpRequest<B>, ureq::http::Error>) -> Reply {
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                let problem = self.redacted(&error.to_string());
                return Reply { status: 0, body: None, is_transient: false, retry_after: None, may_have_arrived: false, problem };
            }
        };
        // A service without TLS is on this machine or beside it: no proxy gets to see a token.
        let is_plain = request.uri().scheme_str() == Some("http");
        let options = self.agent.configure_request(request).timeout_global(Some(self.time_out()));
        let options = if is_plain { options.proxy(None) } else { options };
        match self.agent.run(options.build()) {
            Ok(response) => self.reply(response),
            Err(error) => self.no_reply(&error),
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
            may_have_arrived: true,
            problem: self.redacted(&problem),
            body,
        }
    }

    fn no_reply(&self, error: &ureq::Error) -> Reply {
        use ureq::Error::{ConnectionFailed, HostNotFound, Io, Protocol, Timeout};
        let is_transient = matches!(error, Io(_) | Timeout(_) | ConnectionFailed | HostNotFound | Protocol(_));
        let is_unconnected = match error {
            ConnectionFailed | HostNotFound => true,
            Io(reason) => reason.kind() == std::io::ErrorKind::ConnectionRefused,
            _ => false,
        };
        Reply {
            status: 0,
            body: None,
            is_transient,
            retry_after: None,
            may_have_arrived: !is_unconnected,
            problem: self.redacted(&error.to_string()),
        }
    }

    fn redacted(&self, text: &str) -> String {
        let mut text = text.replace(char::is_control, " ");
        for secret in &self.secrets {
            text = text.replace(secret.expose_secret(), "***");
        }
        text.chars().take(400).collect()
    }
}

fn no_key() -> Failure {
    Failure::new(FailureKind::Rights, "there is no IAM token and no API key").reason("The Pipeline API answers only to a known user.").help(
        "Type: export IAM_ACCESS_TOKEN=<token>, or CD_TEKTON_PIPELINE_APIKEY=<key>; in a run, set the secure property ibmcloud-api-key.",
    )
}

impl Reply {
    pub(crate) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// This reply ends the set-up. `address` is the pipeline's.
    pub(crate) fn error(&self, what: &str, address: &str) -> Failure {
        let what = format!("could not {what}: {}", self.problem);
        match self.status {
            401 => Failure::new(FailureKind::Rights, what)
                .reason("The Pipeline API does not know this token or API key.")
                .help("Renew it: IAM_ACCESS_TOKEN, CD_TEKTON_PIPELINE_APIKEY, or the secure property ibmcloud-api-key."),
            403 => Failure::new(FailureKind::Rights, what)
                .reason("Setting up the webhook needs the Editor role on the toolchain; an Operator may only run the pipeline.")
                .help("Give the owner of the API key the Editor role (IAM, Continuous Delivery), or let an Editor run this once."),
            404 => Failure::new(FailureKind::Setting, what)
                .reason(format!("There is no such pipeline at {address}, or what was asked for has just been deleted."))
                .help("Look at PIPELINE_ID, and at CD_TEKTON_PIPELINE_URL or IBM_CLOUD_REGION."),
            0 => Failure::new(FailureKind::Service, what)
                .reason(format!("The service was not reached at {address}."))
                .help("Look at the network, and at CD_TEKTON_PIPELINE_URL or IBM_CLOUD_REGION; then run this again."),
            _ => Failure::new(FailureKind::Service, what)
                .reason("Without it no async stage can be started.")
                .help("Run this again; if it stays, give the message above to the support of Continuous Delivery."),
        }
    }
}
