//! The Kubernetes API, as far as a stage may use it: to look at runs.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, http};

use super::pod::{Pod, variable};
use super::trigger::PARENT;
use crate::api::encoded;
use crate::failure::{Failure, FailureKind};

/// The longest time of one exchange.
const TIME_OUT: Duration = Duration::from_secs(10);
/// More than any list of runs that one parent starts.
const BODY_LIMIT: u64 = 64 << 20;
/// So many runs a page.
const PAGE: u32 = 100;
/// More pages are not looked at.
const PAGES: usize = 50;

/// The API, with its own certificate and the token of the pod's account.
pub(super) struct Kube {
    agent: Agent,
    base: String,
    token: PathBuf,
}

/// What the API says of a run.
#[derive(Debug)]
pub(super) enum Seen {
    /// There is none of this name.
    Absent,
    /// It is there.
    Run(Value),
    /// The account may not look.
    Refused(String),
    /// The API does not say; it may a moment later.
    Unknown(String),
}

impl Kube {
    /// The API of the cluster that this pod is in.
    ///
    /// # Errors
    /// Where the manifest has not given what is needed.
    pub(super) fn new(pod: &Pod) -> Result<Self, Failure> {
        let (host, port) = (variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"));
        if host.is_empty() || pod.namespace.is_empty() {
            return Err(not_here("KUBERNETES_SERVICE_HOST or SIDESTAGE_NAMESPACE is not set"));
        }
        let certificate = pod.kube.join("ca.crt");
        let pem = fs::read(&certificate).map_err(|error| not_here(&format!("{} cannot be read: {error}", certificate.display())))?;
        let certificates = parse_pem(&pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        let certificates: Vec<_> = certificates.collect();
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&certificates)).build();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .tls_config(tls)
            .timeout_global(Some(TIME_OUT))
            .user_agent(concat!("sidestage/", env!("CARGO_PKG_VERSION")))
            .build();
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let port = if port.is_empty() { "443".to_owned() } else { port };
        let base = format!("https://{host}:{port}/apis/tekton.dev/v1/namespaces/{}/pipelineruns", encoded(&pod.namespace));
        Ok(Self { agent: agent.into(), base, token: pod.kube.join("token") })
    }

    /// The run of a name.
    pub(super) fn run(&self, name: &str) -> Seen {
        match self.get(&format!("{}/{}", self.base, encoded(name))) {
            Ok((200, Some(run))) => Seen::Run(run),
            Ok((404, Some(status))) if status["kind"] == "Status" => Seen::Absent,
            Ok((status @ (401 | 403), body)) => Seen::Refused(said(status, body.as_ref())),
            Ok((status, body)) => Seen::Unknown(said(status, body.as_ref())),
            Err(reason) => Seen::Unknown(reason),
        }
    }

    /// All runs that a run has started.
    pub(super) fn started_by(&self, parent: &str) -> Result<Vec<Value>, String> {
        let selector = encoded(&format!("{PARENT}={parent}"));
        let mut runs = Vec::new();
        let mut next = String::new();
        for _ in 0..PAGES {
            let page = match self.get(&format!("{}?labelSelector={selector}&limit={PAGE}{next}", self.base))? {
                (200, Some(page)) => page,
                (status, body) => return Err(said(status, body.as_ref())),
            };
            runs.extend(page["items"].as_array().into_iter().flatten().cloned());
            match page["metadata"]["continue"].as_str().filter(|next| !next.is_empty()) {
                Some(token) => next = format!("&continue={}", encoded(token)),
                None => break,
            }
        }
        Ok(runs)
    }

    /// The status of an answer, and its body where that is a JSON object. The token is read each time: it is renewed.
    fn get(&self, url: &str) -> Result<(u16, Option<Value>), String> {
        let token = fs::read_to_string(&self.token).map_err(|error| format!("{} cannot be read: {error}", self.token.display()))?;
        let request = self.agent.get(url).header("accept", "application/json").header("authorization", format!("Bearer {}", token.trim()));
        let mut response: http::Response<Body> = request.call().map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(BODY_LIMIT).read_to_string().map_err(|error| error.to_string())?;
        Ok((status, serde_json::from_str(&text).ok().filter(Value::is_object)))
    }
}

fn said(status: u16, body: Option<&Value>) -> String {
    let message = body.and_then(|body| body["message"].as_str()).unwrap_or_default();
    let message: String = message.chars().filter(|c| !c.is_control()).take(300).collect();
    if message.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {message}") }
}

fn not_here(what: &str) -> Failure {
    Failure::new(FailureKind::Setting, what)
        .reason("By the Kubernetes API a started run is seen; only tasks that trigger, or list runs, have what that needs.")
        .help("Build the manifests of this commit again, so that this task gets it: sidestage build --target tekton --out DIR")
}
