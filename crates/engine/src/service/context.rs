//! What every request can reach: the store, the API keys, and the addresses of things.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::auth::ApiKeys;
use super::dispatch::Waiting;
use super::error::{ApiError, StartError};
use super::executor::Executor;
use super::hosts::AllowedHosts;
use super::pages::Pages;
use super::store::Store;
use super::{random, validation};

/// How the service is started.
#[derive(Debug, Default)]
pub struct ServerOptions {
    /// Where it listens; any free port of 127.0.0.1 by default.
    pub listen: Option<SocketAddr>,
    /// The folder of its store; without one nothing outlives the process.
    pub state: Option<PathBuf>,
    /// The id of its pipeline, 36 digits, lower-case letters and `-`; the store's, else a new one.
    pub pipeline: Option<String>,
    /// The API keys that it takes; without them every caller is an editor.
    pub keys: Option<ApiKeys>,
    /// Names by which it may be called, next to `localhost` and the address at which a request comes in.
    pub allowed_hosts: Vec<String>,
}

/// What the service works with, beside its store.
#[derive(Default)]
pub(crate) struct Companions {
    /// What executes runs.
    pub(crate) executor: Option<Arc<dyn Executor>>,
    /// What is shown to people.
    pub(crate) pages: Option<Arc<dyn Pages>>,
}

/// What every request can reach.
#[derive(Clone)]
pub(crate) struct Service {
    inner: Arc<Inner>,
    /// The address by which the service was reached, without a path: what it shows leads back the same way.
    pub(crate) origin: Arc<str>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) keys: Option<ApiKeys>,
    pub(super) hosts: AllowedHosts,
    pub(crate) signing_key: Vec<u8>,
    pub(crate) pipeline: String,
    /// What executes runs; without it they stay queued.
    pub(crate) executor: Option<Arc<dyn Executor>>,
    pub(crate) waiting: Waiting,
    /// What is shown to people; without it there are no pages.
    pub(crate) pages: Option<Arc<dyn Pages>>,
}

impl Deref for Service {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl FromRequestParts<Service> for Service {
    type Rejection = Infallible;

    async fn from_request_parts(request: &mut Parts, service: &Service) -> Result<Self, Infallible> {
        let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_authority(host));
        Ok(match host {
            Some(host) => Self { origin: format!("http://{host}").into(), ..service.clone() },
            None => service.clone(),
        })
    }
}

/// A name or address, and a port.
fn is_authority(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]_".contains(&byte))
}

/// Where the API begins.
pub(crate) const API: &str = "/pipeline/v2/tekton_pipelines/";

impl Service {
    /// Opens the store. `origin` is the address of the service, without a path, for who does not say how it was reached.
    pub(crate) fn open(options: ServerOptions, companions: Companions, origin: &str) -> Result<Self, StartError> {
        let hosts = AllowedHosts::new(options.allowed_hosts)?;
        let store = Store::open(options.state.as_deref())?;
        let failed = |_| StartError("the store cannot be written".to_owned());
        let asked = options.pipeline;
        if let Some(id) = asked.as_ref().filter(|id| !validation::is_pipeline_id(id)) {
            return Err(StartError(format!("`{id}` is not a valid id of a pipeline: 36 digits, lower-case letters and `-`")));
        }
        let made = asked.clone();
        let pipeline = store.fact("pipeline", || made.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()).into_bytes()).map_err(failed)?;
        let pipeline = String::from_utf8_lossy(&pipeline).into_owned();
        if let Some(other) = asked.filter(|asked| *asked != pipeline) {
            return Err(StartError(format!(
                "the store belongs to the pipeline {pipeline}, not to {other}; name another folder with --state"
            )));
        }
        let random = random::bytes()?;
        let signing_key = store.fact("signing-key", || random.to_vec()).map_err(failed)?;
        let Companions { executor, pages } = companions;
        let waiting = Waiting::default();
        let inner = Inner { store, keys: options.keys, hosts, signing_key, pipeline, executor, waiting, pages };
        Ok(Self { inner: Arc::new(inner), origin: origin.into() })
    }

    /// The address of a path of the pipeline.
    pub(crate) fn href(&self, path: &str) -> String {
        format!("{}{API}{}{path}", self.origin, self.pipeline)
    }

    pub(crate) fn webhook_url(&self, trigger: &str) -> String {
        format!("{}/v1/tekton-webhook/{}/run/{trigger}", self.origin, self.pipeline)
    }

    /// The page of a run.
    pub(crate) fn run_url(&self, run: &str) -> String {
        format!("{}/devops/pipelines/tekton/{}/runs/{run}", self.origin, self.pipeline)
    }

    /// Works with the store where waiting for the disk delays no other request.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let service = self.clone();
        tokio::task::spawn_blocking(move || work(&service))
            .await
            .unwrap_or_else(|_| Err(ApiError::internal("a bug in sidestage; please report it")))
    }
}
