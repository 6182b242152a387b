//! The server: where it listens, who is authorized, and which path leads where.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::api::{pipeline, properties, runs, trigger_properties, triggers};
use super::auth::Role;
use super::error::{ApiError, StartError};
use super::service::{API, ServerOptions, Service};
use super::{iam, webhook};

/// Serves until SIGTERM or SIGINT. When it is ready, one line of JSON on `out` says where.
///
/// # Errors
/// Why it could not be started, or failed.
pub fn serve(options: ServerOptions, out: &mut dyn Write) -> Result<(), StartError> {
    let listen = options.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
    if !listen.ip().is_loopback() && options.keys.is_none() {
        return Err(StartError(format!("{listen} can be reached from other machines, so callers must be known; add --api-key-file FILE")));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StartError(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let listener =
            tokio::net::TcpListener::bind(listen).await.map_err(|error| StartError(format!("cannot listen on {listen}: {error}")))?;
        let address = listener.local_addr().map_err(|error| StartError(error.to_string()))?;
        let service = Service::open(options, &format!("http://{}", reachable(address)))?;
        let ready = json!({ "api": format!("{}/pipeline/v2", service.origin), "iam": &*service.origin, "pipeline": service.pipeline });
        writeln!(out, "{ready}")
            .and_then(|()| out.flush())
            .map_err(|error| StartError(format!("standard output cannot be written: {error}")))?;
        let served = axum::serve(listener, router(service)).with_graceful_shutdown(shutdown_signal());
        tokio::select! {
            served = served => served.map_err(|error| StartError(error.to_string())),
            () = shutdown_grace() => Ok(()),
        }
    })
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

/// Requests that have come in whole are answered; one that never ends holds nothing up.
async fn shutdown_grace() {
    shutdown_signal().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
}

async fn shutdown_signal() {
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
        .route("/identity/token", post(iam::token))
        .route("/v1/tekton-webhook/{pipeline}/run/{trigger}", post(webhook::call))
        .fallback(|| async { ApiError::no_such_path() })
        .method_not_allowed_fallback(|| async { ApiError::wrong_method() })
        .layer(middleware::from_fn_with_state(service.clone(), authorize))
        .with_state(service)
}

/// Every caller of the API must be known, must have the role, and must name this pipeline.
async fn authorize(State(service): State<Service>, request: Request, next: Next) -> Response {
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
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if request.method() == Method::PATCH && !kind.starts_with("application/merge-patch+json") {
        return ApiError::wrong_type("application/merge-patch+json").into_response();
    }
    next.run(request).await
}
