//! `trigger-task` on a cluster: the call of the listener, and a look at the run of the name that was chosen before. A repeated
//! call cannot make a second run, since a run has its name once.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sidestage_compiler::emit::Carried;
use sidestage_compiler::platform::TOKEN_HEADER;
use sidestage_compiler::platform::tekton::MAX_PAYLOAD_TEXT;
use ureq::Agent;

use super::kube::{Kube, Seen};
use super::payload_text;
use super::pod::{Pod, variable};
use crate::api::{Retries, Token, random_bytes};
use crate::failure::{Failure, FailureKind};
use crate::hash::hex;
use crate::run_store::RunStore;
use crate::trigger::{REGISTER, StartOnCluster, payload_on_cluster, register_key};

/// The labels that say who has started a run, and of what.
pub(super) const PARENT: &str = "sidestage.dev/parent";
pub(super) const STAGE: &str = "sidestage.dev/stage";
/// What the register says of a run that was seen.
pub(super) const ACCEPTED: &str = "accepted";
/// The name of a run ends in a hyphen and 16 digits.
const LONGEST_HEAD: usize = 46;

/// What is started.
#[derive(Debug)]
pub struct TriggerTask<'a> {
    /// The name of the stage.
    pub stage: &'a str,
    /// What it gets, as far as it was foreseen.
    pub foreseen: Vec<Carried<'a>>,
    /// The configuration, relative to the root of its repository.
    pub config: &'a str,
}

/// A run that is there.
#[derive(Debug)]
pub struct Started {
    /// Its name.
    pub run: String,
}

/// How long a run is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// In all.
    deadline: Duration,
    /// Between the first looks; later ones are up to five times as far apart.
    look: Duration,
    /// Until the call is made again.
    again: Duration,
}

impl Patience {
    /// From `SIDESTAGE_DEADLINE`, `SIDESTAGE_RETRY_DELAY` and `SIDESTAGE_RETRY_CAP`: seconds, with or without a fraction.
    ///
    /// # Errors
    /// Where one is not a number of seconds.
    pub fn read() -> Result<Self, Failure> {
        let seconds = |name: &str, default: &str| {
            let text = variable(name);
            Retries::time_out(name, if text.is_empty() { default } else { &text })
        };
        Ok(Self {
            deadline: seconds("SIDESTAGE_DEADLINE", "60")?,
            look: seconds("SIDESTAGE_RETRY_DELAY", "0.1")?,
            again: seconds("SIDESTAGE_RETRY_CAP", "8")?,
        })
    }
}

/// Starts the stage; what there is to say on the way goes to `say`.
///
/// # Errors
/// Why no run was started, or why it is not known, with the exit code that says so.
pub fn trigger(
    pod: &Pod,
    store: RunStore,
    task: &TriggerTask<'_>,
    patience: Patience,
    say: &mut dyn FnMut(&str),
) -> Result<Started, Failure> {
    let stage = task.stage;
    let listener = Listener::new(pod)?;
    listener.token()?;
    if pod.run.is_empty() {
        return Err(Failure::new(FailureKind::Setting, "PIPELINE_RUN_ID is not set").reason("It says whose run the stage belongs to."));
    }
    let nonce = nonce()?;
    let start = StartOnCluster { stage, foreseen: &task.foreseen, config: task.config, nonce: &nonce };
    let payload = payload_on_cluster(store, &start, say)?;
    let payload = payload_text::written(&payload).map_err(|length| too_large(stage, length))?;
    let name = run_name(stage, &nonce);
    let mut call = Call { kube: Kube::new(pod)?, listener, stage, name: &name, parent: &pod.run, payload, patience };
    // Rights are found out about before the call: one that is refused afterwards has a run already.
    let is_there = call.look_before()?;
    let key = register_key(stage, &nonce);
    if !is_there && store.data(&key, Some("status"))? == ACCEPTED {
        return Err(call.is_gone());
    }
    // The run is registered before the call and completed after it, so that no run is ever forgotten.
    store.put_data(REGISTER, &key, stage)?;
    for (property, value) in [("id", name.as_str()), ("status", "requested")] {
        store.put_data(&key, property, value)?;
    }
    if !is_there && let Err(lost) = call.send() {
        let _ = store.put_data(&key, "status", if lost.may_run { "unconfirmed" } else { "failed" });
        return Err(lost.failure);
    }
    store.put_data(&key, "status", ACCEPTED).map_err(|_| {
        Failure::new(FailureKind::Service, format!("the stage {stage} runs as {name}, but put_data failed"))
            .reason("The list of runs finds it by its label.")
            .help("Do not start it again; look why pipelinectl cannot write.")
    })?;
    Ok(Started { run: name })
}

/// 16 random digits; or those that the caller repeats.
fn nonce() -> Result<String, Failure> {
    let given = variable("SIDESTAGE_NONCE");
    if given.is_empty() {
        return Ok(hex(&random_bytes::<8>()?));
    }
    let is_nonce = given.len() == 16 && given.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if is_nonce { Ok(given) } else { Err(Failure::new(FailureKind::Setting, "SIDESTAGE_NONCE is not 16 hexadecimal digits")) }
}

/// `STAGE-NONCE`, in 63 characters.
fn run_name(stage: &str, nonce: &str) -> String {
    let head = stage.get(..LONGEST_HEAD).unwrap_or(stage).trim_end_matches('-');
    format!("{head}-{nonce}")
}

fn too_large(stage: &str, length: usize) -> Failure {
    let what = format!("the payload of stage {stage} has {length} characters when it is packed; a step takes at most {MAX_PAYLOAD_TEXT}");
    Failure::new(FailureKind::Size, what)
        .reason("A step gets it as one variable of its environment.")
        .help("Export less, or save big data elsewhere and export where it is.")
}

/// The listener, and the token for it.
struct Listener {
    agent: Agent,
    url: String,
    token: PathBuf,
    secret: String,
    namespace: String,
}

/// Why no run was seen.
struct Lost {
    failure: Failure,
    /// Whether one may run all the same, or appear later.
    may_run: bool,
}

/// What became of a call.
enum Posted {
    /// The listener has it: that says nothing of a run.
    Taken,
    /// It cannot have arrived.
    NotReached(String),
    /// It has answered with something else: to call again at once changes nothing.
    Answered(String),
    /// It may have.
    Doubtful(String),
}

impl Listener {
    fn new(pod: &Pod) -> Result<Self, Failure> {
        let url = variable("SIDESTAGE_LISTENER");
        if url.is_empty() {
            return Err(Failure::new(FailureKind::Setting, "SIDESTAGE_LISTENER is not set")
                .reason("Only tasks that trigger know the listener of the cluster.")
                .help("Build the manifests of this commit again: sidestage build --target tekton --out DIR"));
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(10)))
            .user_agent(concat!("sidestage/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: agent.into(),
            url: by_service_variables(&url, variable),
            token: variable("SIDESTAGE_TOKEN_FILE").into(),
            secret: variable("SIDESTAGE_TOKEN_SECRET"),
            namespace: pod.namespace.clone(),
        })
    }

    /// The token of the listener. It is read each time, since it may be replaced while this waits.
    fn token(&self) -> Result<Token, Failure> {
        let text = fs::read_to_string(&self.token).unwrap_or_default();
        if text.trim().is_empty() {
            let secret = if self.secret.is_empty() { "the secret of the token" } else { &self.secret };
            return Err(Failure::new(
                FailureKind::Rights,
                format!("there is no token of the listener: {} is not there", self.token.display()),
            )
            .reason("Without it the listener takes no call.")
            .help(format!(
                "Type: kubectl create secret generic {secret} --namespace {} --from-literal=token=\"$(openssl rand -hex 32)\"",
                self.namespace
            )));
        }
        Ok(Token::new(text.trim().to_owned()))
    }

    fn post(&self, body: &Value) -> Result<Posted, Failure> {
        let token = self.token()?;
        let request = self.agent.post(&self.url).header("content-type", "application/json").header(TOKEN_HEADER, token.expose_secret());
        Ok(match request.send(body.to_string()) {
            Ok(response) if response.status().is_success() => Posted::Taken,
            Ok(response) => Posted::Answered(format!("the listener answers HTTP {}", response.status().as_u16())),
            Err(error @ (ureq::Error::ConnectionFailed | ureq::Error::HostNotFound)) => Posted::NotReached(error.to_string()),
            Err(ureq::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => Posted::NotReached(error.to_string()),
            Err(error) => Posted::Doubtful(error.to_string()),
        })
    }
}

/// The address of the listener by the variables that Kubernetes gives for its service: images without a resolver need no DNS.
fn by_service_variables(url: &str, variable: impl Fn(&str) -> String) -> String {
    let host = url.strip_prefix("http://").and_then(|rest| rest.split([':', '/']).next()).unwrap_or_default();
    let name = host.to_ascii_uppercase().replace('-', "_");
    let (address, port) = (variable(&format!("{name}_SERVICE_HOST")), variable(&format!("{name}_SERVICE_PORT")));
    if host.is_empty() || host.contains('.') || address.is_empty() || port.is_empty() {
        return url.to_owned();
    }
    let address = if address.contains(':') { format!("[{address}]") } else { address };
    format!("http://{address}:{port}")
}

/// One start: calls until the run is seen.
struct Call<'a> {
    kube: Kube,
    listener: Listener,
    stage: &'a str,
    name: &'a str,
    parent: &'a str,
    payload: String,
    patience: Patience,
}

impl Call<'_> {
    /// Whether the run is there already: the caller repeats a start.
    fn look_before(&self) -> Result<bool, Failure> {
        let until = Instant::now() + self.patience.deadline;
        let mut pause = self.patience.look;
        loop {
            match self.kube.run(self.name) {
                Seen::Absent => return Ok(false),
                Seen::Run(run) => return self.is_own(&run).map(|()| true),
                Seen::Refused(reason) => return Err(self.no_rights(&reason)),
                Seen::Unknown(reason) if Instant::now() + pause >= until => return Err(self.no_api(&reason)),
                Seen::Unknown(_) => pause = self.rest(pause),
            }
        }
    }

    /// Calls until the run is seen.
    fn send(&mut self) -> Result<(), Lost> {
        let body = json!({ "sidestage": 1, "stage": self.stage, "run": self.name, "parent": self.parent, "payload": self.payload });
        let started = Instant::now();
        let mut may_run = false;
        let mut last = String::new();
        let mut pause = self.patience.look;
        let mut next_call = started;
        loop {
            if Instant::now() >= next_call {
                next_call = Instant::now() + self.patience.again;
                match self.listener.post(&body) {
                    Ok(Posted::Taken) => may_run = true,
                    Ok(Posted::Answered(reason)) => (may_run, last) = (true, reason),
                    Ok(Posted::NotReached(reason)) => (last, next_call) = (reason, Instant::now()),
                    Ok(Posted::Doubtful(reason)) => (may_run, last, next_call) = (true, reason, Instant::now()),
                    // A call may have arrived before the token was gone.
                    Err(failure) if may_run => last = failure.to_string(),
                    Err(failure) => return Err(Lost { failure, may_run }),
                }
                pause = self.patience.look;
            }
            match self.kube.run(self.name) {
                Seen::Run(run) => return self.is_own(&run).map_err(|failure| Lost { failure, may_run: false }),
                Seen::Absent => {}
                Seen::Refused(reason) | Seen::Unknown(reason) => last = reason,
            }
            if started.elapsed() + pause >= self.patience.deadline {
                let failure = if may_run { self.unconfirmed(&last) } else { self.unreached(&last) };
                return Err(Lost { failure, may_run });
            }
            pause = self.rest(pause);
        }
    }

    /// Waits, a little longer each time.
    fn rest(&self, pause: Duration) -> Duration {
        std::thread::sleep(pause);
        (pause * 3 / 2).min(self.patience.look * 5)
    }

    /// Only a run that we have started is ours.
    fn is_own(&self, run: &Value) -> Result<(), Failure> {
        let labels = &run["metadata"]["labels"];
        if labels[PARENT] == self.parent && labels[STAGE] == self.stage {
            return Ok(());
        }
        let what = format!("there is a run {} already, which this run has not started, or of another stage", self.name);
        Err(Failure::new(FailureKind::Decision, what)
            .help("Start the stage again: it gets another name. With SIDESTAGE_NONCE, give another one."))
    }

    /// The same start again, after its run was deleted.
    fn is_gone(&self) -> Failure {
        Failure::new(FailureKind::Decision, format!("the run {} was started, and is deleted", self.name))
            .reason("The same SIDESTAGE_NONCE never starts a second run.")
            .help("To start the stage once more, give another one, or none.")
    }

    fn no_rights(&self, reason: &str) -> Failure {
        Failure::new(FailureKind::Rights, format!("this stage may not look at runs: {reason}"))
            .reason(format!("So the stage {} was not started: it could not be told whether it runs.", self.stage))
            .help("Apply access.yaml of the manifests, and run the pipeline with its service account: `serviceAccountName` in runs/KIND.yaml.")
    }

    fn no_api(&self, reason: &str) -> Failure {
        Failure::new(FailureKind::Service, format!("the Kubernetes API does not say which runs there are: {reason}"))
            .reason(format!("So the stage {} was not started.", self.stage))
            .help("Run this again when the API answers.")
    }

    fn unreached(&self, reason: &str) -> Failure {
        Failure::new(FailureKind::Service, format!("could not start the stage {}: the listener was not reached: {reason}", self.stage))
            .reason("No run was started.")
            .help(format!("Look at the listener: kubectl get eventlistener,pods; its address is {}.", self.listener.url))
    }

    fn unconfirmed(&self, reason: &str) -> Failure {
        let what = format!("no run {} is to be seen for the stage {}", self.name, self.stage);
        let why = "The listener answers 202 whatever happens, and the run may appear later.";
        let last = if reason.is_empty() { String::new() } else { format!("\n  The last words were: {reason}") };
        Failure::new(FailureKind::Unconfirmed, what).reason(format!("{why}{last}")).help(
            "Look at the log of the listener, at its token and at its list of stages. Before you start the stage again, look whether the run is there: sidestage tekton async-runs",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{by_service_variables, run_name};

    #[test]
    fn the_name_of_a_run_is_a_label() {
        let nonce = "0123456789abcdef";
        assert_eq!(run_name("owasp-zap", nonce), "owasp-zap-0123456789abcdef");
        assert_eq!(run_name(&"a".repeat(63), nonce).len(), 63);
        assert_eq!(run_name(&format!("{}-{}", "a".repeat(45), "b".repeat(17)), nonce), format!("{}-{nonce}", "a".repeat(45)));
    }

    #[test]
    fn a_service_of_the_namespace_is_found_without_dns() {
        let known = |name: &str| match name {
            "EL_WEB_ASYNC_SERVICE_HOST" => "10.0.0.7".to_owned(),
            "EL_WEB_ASYNC_SERVICE_PORT" => "8080".to_owned(),
            _ => String::new(),
        };
        for (url, expected) in [
            ("http://el-web-async:8080", "http://10.0.0.7:8080"),
            ("http://el-other-async:8080", "http://el-other-async:8080"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://el-web-async", "https://el-web-async"),
        ] {
            assert_eq!(by_service_variables(url, known), expected);
        }
    }
}
