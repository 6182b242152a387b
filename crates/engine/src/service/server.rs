//! The server: where it listens, who is authorized, and which path leads where.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::api::{pipeline, properties, runs, trigger_properties, triggers};
use super::auth::Role;
use super::body::Authorized;
use super::context::{API, Companions, ServerOptions, Service};
use super::error::{ApiError, StartError};
use super::{connections, iam, pages, webhook};

/// From the signal to the end at the latest.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(900);

/// Where an API key is exchanged for a token.
const TOKEN_PATH: &str = "/identity/token";

/// Serves until SIGTERM, SIGINT or SIGHUP, and executes nothing. When it is ready, one line of JSON on `out` says where.
///
/// # Errors
/// Why it could not be started, or failed.
pub fn serve(options: ServerOptions, out: &mut dyn Write) -> Result<(), StartError> {
    let server = Server::bind(options, Companions::default())?;
    // Before the ready line: whoever has read it may ask for the end.
    let signals = server.signals()?;
    server.announce(out)?;
    server.run_until(signals.first());
    Ok(())
}

/// A service that can be reached.
pub(crate) struct Server {
    runtime: Runtime,
    listener: TcpListener,
    pub(crate) service: Service,
}

impl Server {
    /// Opens the store, and takes the address.
    pub(crate) fn bind(options: ServerOptions, companions: Companions) -> Result<Self, StartError> {
        let listen = options.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        if !listen.ip().is_loopback() && options.keys.is_none() {
            return Err(StartError(format!(
                "{listen} can be reached from other machines, so callers must be known; add --api-key-file FILE"
            )));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StartError(format!("cannot start threads: {error}")))?;
        let listener =
            runtime.block_on(TcpListener::bind(listen)).map_err(|error| StartError(format!("cannot listen on {listen}: {error}")))?;
        let address = listener.local_addr().map_err(|error| StartError(error.to_string()))?;
        let service = Service::open(options, companions, &format!("http://{}", reachable(address)))?;
        Ok(Self { runtime, listener, service })
    }

    /// One line of JSON that says where it is.
    pub(crate) fn announce(&self, out: &mut dyn Write) -> Result<(), StartError> {
        let service = &self.service;
        let ready = json!({ "api": format!("{}/pipeline/v2", service.origin), "iam": &*service.origin, "pipeline": service.pipeline });
        writeln!(out, "{ready}")
            .and_then(|()| out.flush())
            .map_err(|error| StartError(format!("standard output cannot be written: {error}")))
    }

    /// What asks for the end, from now on.
    pub(crate) fn signals(&self) -> Result<Signals, StartError> {
        let _context = self.runtime.enter();
        Signals::take().map_err(|error| StartError(format!("signals cannot be received: {error}")))
    }

    /// Answers until then; requests that have come in whole are answered, and one that never ends holds nothing up.
    pub(crate) fn run_until(self, stop: impl Future<Output = ()> + Send) {
        self.runtime.block_on(async {
            let (ask, asked) = oneshot::channel::<()>();
            let serving = connections::serve(self.listener, router(self.service), async {
                // Where the other end is gone, the end is meant too.
                let _ = asked.await;
            });
            let grace = async {
                stop.await;
                drop(ask);
                tokio::time::sleep(SHUTDOWN_GRACE).await;
            };
            tokio::select! {
                () = serving => {}
                () = grace => {}
            }
        });
        self.runtime.shutdown_background();
    }
}

/// A service in a thread of its own; it ends when this is dropped.
pub(crate) struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers in the background; each wish to end is told.
    pub(crate) fn in_background(self, mut on_signal: impl FnMut() + Send + 'static) -> Result<Background, StartError> {
        let mut signals = self.signals()?;
        self.runtime.spawn(async move {
            loop {
                signals.next().await;
                on_signal();
            }
        });
        let (stop, asked) = oneshot::channel();
        let serve = move || {
            self.run_until(async {
                let _ = asked.await;
            });
        };
        let thread = std::thread::Builder::new().name("service".to_owned()).spawn(serve);
        let thread = thread.map_err(|error| StartError(format!("cannot start threads: {error}")))?;
        Ok(Background { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The address that means all addresses cannot be called.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// SIGTERM, SIGINT or SIGHUP, taken from the moment it was made: until then they end the process at once.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    #[cfg(unix)]
    fn take() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    #[cfg(windows)]
    fn take() -> std::io::Result<Self> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    /// The first of them.
    async fn first(mut self) {
        self.next().await;
    }

    /// The next of them.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
        #[cfg(windows)]
        let _ = self.interrupt.recv().await;
    }
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
        .route(TOKEN_PATH, post(iam::token))
        .route("/v1/tekton-webhook/{pipeline}/run/{trigger}", post(webhook::call))
        .fallback(pages::answer)
        .method_not_allowed_fallback(|| async { ApiError::wrong_method() })
        .layer(middleware::from_fn(check_type))
        .layer(middleware::from_fn_with_state(service.clone(), authorize))
        .layer(middleware::from_fn_with_state(service.clone(), check_hosts))
        .with_state(service)
}

/// Before anything else: a request that a page of another site may have sent is not looked at.
async fn check_hosts(State(service): State<Service>, request: Request, next: Next) -> Response {
    match service.hosts.check(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// A body must say that it is what the path takes: a page can send other types to other sites without asking.
async fn check_type(request: Request, next: Next) -> Response {
    let expected = match *request.method() {
        Method::PATCH => "application/merge-patch+json",
        Method::POST | Method::PUT if request.body().is_end_stream() => return next.run(request).await,
        Method::POST if request.uri().path() == TOKEN_PATH => "application/x-www-form-urlencoded",
        Method::POST | Method::PUT => "application/json",
        _ => return next.run(request).await,
    };
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok()).unwrap_or_default();
    // What follows is the character set.
    if given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected) {
        next.run(request).await
    } else {
        ApiError::wrong_type(expected).into_response()
    }
}

/// Every caller of the API must be known, must have the role, and must name this pipeline.
async fn authorize(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    if percent_decode_str(request.uri().path()).decode_utf8().is_err() {
        return ApiError::bad_request("the path is not UTF-8").into_response();
    }
    let Some(path) = request.uri().path().strip_prefix(API) else { return next.run(request).await };
    let bearer = request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let role = match &service.keys {
        None => Some(Role::Editor),
        Some(keys) => {
            bearer.and_then(|value| value.strip_prefix("Bearer ")).and_then(|token| iam::role_of(token.trim(), keys, &service.signing_key))
        }
    };
    let Some(role) = role else {
        return ApiError::unauthorized("the bearer token is missing, is not known, or has run out").into_response();
    };
    let (pipeline, rest) = path.split_once('/').unwrap_or((path, ""));
    let needed = match *request.method() {
        Method::GET | Method::HEAD => Role::Viewer,
        _ if rest.starts_with("pipeline_runs") => Role::Operator,
        _ => Role::Editor,
    };
    if role < needed {
        return ApiError::forbidden(format!("the role {} does not allow this; it takes the role {}", role.name(), needed.name()))
            .into_response();
    }
    if pipeline != service.pipeline {
        return ApiError::not_found("pipeline", pipeline).into_response();
    }
    request.extensions_mut().insert(Authorized);
    next.run(request).await
}
