//! A cluster with Tekton Triggers, as far as a stage meets it: an `EventListener` and the Kubernetes API, in this process.

mod api;
mod authority;
mod http;
mod listener;
mod server;
mod state;

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};
use tempfile::TempDir;

use authority::AUTHORITY;
use server::Server;
use state::{Shared, State};

/// Where the runs are. The bearer token opens no other namespace.
pub(crate) const NAMESPACE: &str = "stages";

/// What happens to a `POST`. Each takes the first fault of the queue; none is left when all goes well again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// All goes well.
    None,
    /// Accepted, and nothing is created.
    Drop,
    /// Accepted, and created that much later.
    Late(Duration),
    /// The connection ends without an answer, and nothing is created.
    Refuse,
    /// Created, and the connection ends without an answer.
    CutAfter,
}

/// What happens to a `GET`, in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GetFault {
    /// All goes well.
    None,
    /// 403
    Forbidden,
    /// 401
    Unauthorized,
    /// 503
    Unavailable,
    /// The connection ends in the middle of the answer.
    Cut,
}

/// What a `POST` has asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// Of the `PipelineRun`.
    pub(crate) name: String,
    /// The label `sidestage.dev/stage`.
    pub(crate) stage: String,
    /// The label `sidestage.dev/parent`.
    pub(crate) parent: String,
    /// The parameter, in base64.
    pub(crate) payload: String,
}

/// How far a run has come. Times are RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status {
    /// Of the condition `Succeeded`: `True`, `False` or `Unknown`.
    pub(crate) succeeded: &'static str,
    /// Why the condition is as it is, in one word.
    pub(crate) reason: &'static str,
    /// `startTime`
    pub(crate) started: Option<&'static str>,
    /// `completionTime`
    pub(crate) completed: Option<&'static str>,
}

impl Status {
    /// What a new run has.
    pub(crate) const RUNNING: Self = Self { succeeded: "Unknown", reason: "Running", started: None, completed: None };
}

/// The two services. They end with it.
pub(crate) struct Cluster {
    listener: Server,
    api: Server,
    shared: Arc<Shared>,
    folder: TempDir,
}

impl Cluster {
    /// `stages` are pairs of a stage and its pipeline; `token` is the one that a `POST` needs.
    pub(crate) fn start(stages: &[(&str, &str)], token: &str) -> Self {
        let shared = Arc::new(Shared::new(State::new(stages, token)));
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("ca.crt"), &AUTHORITY.certificate).expect("a certificate");
        fs::write(folder.path().join("namespace"), NAMESPACE).expect("a namespace");
        let cluster = Self { listener: start_listener(&shared), api: start_api(&shared), shared, folder };
        cluster.rotate_api_token("the first token of the pod");
        cluster
    }

    /// The address of the listener.
    pub(crate) fn listener(&self) -> String {
        format!("http://{}", self.listener.address)
    }

    /// For `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
    pub(crate) fn api_address(&self) -> SocketAddr {
        self.api.address
    }

    /// Holds `ca.crt`, `namespace` and `token`, as the volume of a service account does.
    pub(crate) fn kube_folder(&self) -> &Path {
        self.folder.path()
    }

    /// The next requests to the listener fail in these ways.
    pub(crate) fn post_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.now().post_faults.extend(faults);
    }

    /// The next requests to the API fail in these ways.
    pub(crate) fn get_faults(&self, faults: impl IntoIterator<Item = GetFault>) {
        self.shared.now().get_faults.extend(faults);
    }

    /// What is left of both queues is gone.
    pub(crate) fn forget_faults(&self) {
        let mut state = self.shared.now();
        state.post_faults.clear();
        state.get_faults.clear();
    }

    /// While the listener is away, its connections end at once: such a `POST` is not counted and takes no fault.
    pub(crate) fn keep_listener_away(&self, is_away: bool) {
        self.shared.now().listener_is_away = is_away;
    }

    /// Lists have pages of at most this many runs, even where the client would take more.
    pub(crate) fn list_in_pages_of(&self, size: usize) {
        self.shared.now().page_size = Some(size);
    }

    /// From now on a `POST` needs this token.
    pub(crate) fn rotate_stage_token(&self, token: &str) {
        token.clone_into(&mut self.shared.now().stage_token);
    }

    /// From now on a `GET` needs this token; the file holds it. The file changes in one step, as a volume does.
    pub(crate) fn rotate_api_token(&self, token: &str) {
        let mut state = self.shared.now();
        let new = self.folder.path().join("..token");
        fs::write(&new, token).expect("a token");
        fs::rename(new, self.folder.path().join("token")).expect("a token");
        token.clone_into(&mut state.api_token);
    }

    /// The runs that there are, by name.
    pub(crate) fn runs(&self) -> Vec<Run> {
        self.shared.now().runs.values().map(|record| record.run.clone()).collect()
    }

    /// How often a run of this name has been created. More than once, only if it was removed in between.
    pub(crate) fn creations(&self, name: &str) -> usize {
        self.shared.now().creations.get(name).copied().unwrap_or_default()
    }

    /// How many `POST`s the listener has seen, good and bad.
    pub(crate) fn posts(&self) -> usize {
        self.shared.now().posts
    }

    /// Path and query of each `GET` that the API has seen.
    pub(crate) fn gets(&self) -> Vec<String> {
        self.shared.now().gets.clone()
    }

    /// Changes how far a run has come. Without a status, Tekton has not seen it yet.
    pub(crate) fn set_status(&self, name: &str, status: impl Into<Option<Status>>) {
        self.shared.now().runs.get_mut(name).expect("a run of this name").status = status.into();
    }

    /// The run is gone; its name is free.
    pub(crate) fn remove(&self, name: &str) {
        self.shared.now().runs.remove(name).expect("a run of this name");
    }

    /// A run that no `POST` has asked for, and that is not counted as a creation. Its pipeline is the one of its stage, if there is one.
    pub(crate) fn insert_foreign(&self, run: Run) {
        self.shared.now().insert(run);
    }
}

fn start_listener(shared: &Arc<Shared>) -> Server {
    let shared = Arc::clone(shared);
    Server::start(move |stream| {
        if !shared.now().listener_is_away {
            http::exchange(stream, |request| listener::answer(&mut shared.now(), request));
        }
    })
}

fn start_api(shared: &Arc<Shared>) -> Server {
    let shared = Arc::clone(shared);
    Server::start(move |stream| {
        let session = ServerConnection::new(Arc::clone(&AUTHORITY.server)).expect("a TLS session");
        let mut stream = StreamOwned::new(session, stream);
        http::exchange(&mut stream, |request| api::answer(&mut shared.now(), request));
        stream.conn.send_close_notify();
        let _ = stream.flush();
    })
}
