//! The server: where it listens, who is let in, and which path leads where.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::{Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, body};
use serde_json::{Value, json};

use super::access::{Keys, Role};
use super::api::{pipeline, properties, runs, trigger_properties, triggers};
use super::error::{Refusal, Unusable};
use super::store::{Document, Store};
use super::validation::{self, BODY_LIMIT};
use super::{identity, webhook};

/// How the service is started.
#[derive(Debug, Default)]
pub struct Options {
    /// Where it listens; any free port of 127.0.0.1 by default.
    pub listen: Option<SocketAddr>,
    /// The folder of its store; without one it forgets everything at its end.
    pub state: Option<PathBuf>,
    /// The id of its pipeline, 36 digits, lower-case letters and `-`; the store's, else a new one.
    pub pipeline: Option<String>,
    /// The API keys that it takes; without them every caller is an editor.
    pub keys: Option<Keys>,
}

/// What every request can reach.
#[derive(Clone)]
pub(super) struct Service(Arc<Inner>);

pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) keys: Option<Keys>,
    pub(super) signing_key: Vec<u8>,
    pub(super) pipeline: String,
    origin: String,
}

impl Deref for Service {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

const API: &str = "/pipeline/v2/tekton_pipelines/";

impl Service {
    /// The address of a path below the pipeline.
    pub(super) fn href(&self, path: &str) -> String {
        format!("{}{API}{}{path}", self.origin, self.pipeline)
    }

    pub(super) fn webhook_url(&self, trigger: &str) -> String {
        format!("{}/v1/tekton-webhook/{}/run/{trigger}", self.origin, self.pipeline)
    }

    /// The page of a run.
    pub(super) fn run_url(&self, run: &str) -> String {
        format!("{}/devops/pipelines/tekton/{}/runs/{run}", self.origin, self.pipeline)
    }

    /// Works with the store where waiting for the disk holds nobody else up.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let service = self.clone();
        tokio::task::spawn_blocking(move || work(&service))
            .await
            .unwrap_or_else(|_| Err(Refusal::broken("a fault of sidestage; please report it")))
    }
}

/// Bytes of a request's body that are read at all.
const READ_LIMIT: usize = 32 * BODY_LIMIT;

/// A request's body, of at most 512 KB.
pub(super) struct Content(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Content {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        // More is read than is taken: who is still sending would not see the refusal.
        let read = body::to_bytes(request.into_body(), READ_LIMIT).await;
        read.ok().filter(|body| body.len() <= BODY_LIMIT).map(Self).ok_or_else(Refusal::too_large)
    }
}

impl Content {
    pub(super) fn object(&self) -> Result<Document, Refusal> {
        match serde_json::from_slice(&self.0) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Refusal::bad_request("the body must be a JSON object")),
            Err(error) => Err(Refusal::bad_request(format!("the body is no JSON: {error}"))),
        }
    }

    /// The same, where a body may be left out.
    pub(super) fn object_if_any(&self) -> Result<Document, Refusal> {
        if self.0.is_empty() { Ok(Document::new()) } else { self.object() }
    }
}

/// Serves until it is told to end, by SIGTERM or SIGINT. When it is ready, one line of JSON on `out` says where.
///
/// # Errors
/// Why it could not be started, or failed.
pub fn serve(options: Options, out: &mut dyn Write) -> Result<(), Unusable> {
    let listen = options.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
    if !listen.ip().is_loopback() && options.keys.is_none() {
        return Err(Unusable(format!("{listen} can be reached from other machines, so callers must be known; add --api-key-file FILE")));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Unusable(format!("no threads could be started: {error}")))?;
    runtime.block_on(async {
        let listener =
            tokio::net::TcpListener::bind(listen).await.map_err(|error| Unusable(format!("{listen} cannot be listened on: {error}")))?;
        let address = listener.local_addr().map_err(|error| Unusable(error.to_string()))?;
        let service = open(options, format!("http://{address}"))?;
        let ready = json!({ "api": format!("{}/pipeline/v2", service.origin), "iam": service.origin, "pipeline": service.pipeline });
        writeln!(out, "{ready}")
            .and_then(|()| out.flush())
            .map_err(|error| Unusable(format!("standard output cannot be written: {error}")))?;
        let served = axum::serve(listener, router(service)).with_graceful_shutdown(told_to_end()).await;
        served.map_err(|error| Unusable(error.to_string()))
    })
}

fn open(options: Options, origin: String) -> Result<Service, Unusable> {
    let store = Store::open(options.state.as_deref())?;
    let failed = |_| Unusable("the store cannot be written".to_owned());
    let asked = options.pipeline;
    if let Some(id) = asked.as_ref().filter(|id| !validation::is_pipeline_id(id)) {
        return Err(Unusable(format!("`{id}` is no id of a pipeline: 36 digits, lower-case letters and `-`")));
    }
    let made = asked.clone();
    let pipeline = store.fact("pipeline", || made.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()).into_bytes()).map_err(failed)?;
    let pipeline = String::from_utf8_lossy(&pipeline).into_owned();
    if let Some(other) = asked.filter(|asked| *asked != pipeline) {
        return Err(Unusable(format!("the store belongs to the pipeline {pipeline}, not to {other}; name another folder with --state")));
    }
    let mut random = vec![0; 32];
    getrandom::fill(&mut random).map_err(|error| Unusable(format!("this machine gives no random bytes: {error}")))?;
    let signing_key = store.fact("signing-key", || random).map_err(failed)?;
    Ok(Service(Arc::new(Inner { store, keys: options.keys, signing_key, pipeline, origin })))
}

async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn router(service: Service) -> Router {
    let pipeline = Router::new()
        .route("/", get(pipeline::get))
        .route("/triggers", get(triggers::list).post(triggers::create))
        .route("/triggers/{trigger}", get(triggers::get).patch(triggers::update).delete(triggers::delete))
        .route("/triggers/{trigger}/duplicate", post(triggers::duplicate))
        .route("/triggers/{trigger}/properties", get(trigger_properties::list).post(trigger_properties::create))
        .route(
            "/triggers/{trigger}/properties/{name}",
            get(trigger_properties::get).put(trigger_properties::replace).delete(trigger_properties::delete),
        )
        .route("/properties", get(properties::list).post(properties::create))
        .route("/properties/{name}", get(properties::get).put(properties::replace).delete(properties::delete))
        .route("/pipeline_runs", get(runs::list).post(runs::create))
        .route("/pipeline_runs/{run}", get(runs::get).delete(runs::delete))
        .route("/pipeline_runs/{run}/cancel", post(runs::cancel))
        .route("/pipeline_runs/{run}/rerun", post(runs::rerun))
        .route("/pipeline_runs/{run}/logs", get(runs::logs))
        .route("/pipeline_runs/{run}/logs/{log}", get(runs::log));
    Router::new()
        .nest(&format!("{API}{{pipeline}}"), pipeline)
        .route("/identity/token", post(identity::token))
        .route("/v1/tekton-webhook/{pipeline}/run/{trigger}", post(webhook::call))
        .fallback(|| async { Refusal::no_such_path() })
        .method_not_allowed_fallback(|| async { Refusal::wrong_method() })
        .layer(middleware::from_fn_with_state(service.clone(), let_in))
        .with_state(service)
}

/// Everybody below the API must be known, must have the right, and must mean this pipeline.
async fn let_in(State(service): State<Service>, request: Request, next: Next) -> Response {
    let Some(below) = request.uri().path().strip_prefix(API) else { return next.run(request).await };
    let bearer = request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let role = match (bearer, &service.keys) {
        (None, None) => Some(Role::Editor),
        (None, Some(_)) => None,
        (Some(value), _) => value.strip_prefix("Bearer ").and_then(|token| identity::role_of(token.trim(), &service.signing_key)),
    };
    let Some(role) = role else {
        return Refusal::unauthorized("the bearer token is missing, is not known, or has run out").into_response();
    };
    let (pipeline, rest) = below.split_once('/').unwrap_or((below, ""));
    let needed = match *request.method() {
        Method::GET | Method::HEAD => Role::Viewer,
        _ if rest.starts_with("pipeline_runs") => Role::Operator,
        _ => Role::Editor,
    };
    if role < needed {
        return Refusal::forbidden(format!("the role {} does not allow this; it takes the role {}", role.name(), needed.name()))
            .into_response();
    }
    if pipeline != service.pipeline {
        return Refusal::not_found("pipeline", pipeline).into_response();
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if request.method() == Method::PATCH && !kind.starts_with("application/merge-patch+json") {
        return Refusal::wrong_type("application/merge-patch+json").into_response();
    }
    next.run(request).await
}
