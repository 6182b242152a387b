//! Connections: how many there are at once, and how long one may take to say what it wants.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::hosts::ReachedAddress;

/// From the start of a connection, or the end of its last exchange, to the end of the headers.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// Connections at once. Further ones wait until one ends, and one that is idle ends by the time above.
const OPEN_LIMIT: usize = 256;

/// Before the next try where the system takes no more connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests until it is stopped, then those that have come in.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
    let places = Arc::new(Semaphore::new(OPEN_LIMIT));
    let open = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (place, stream) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        let Ok(address) = stream.local_addr() else { continue };
        let reached = ReachedAddress(address.ip());
        let answers = TowerToHyperService::new(router.clone());
        let answer = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(reached);
            answers.call(request)
        });
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), answer));
        tokio::spawn(async move {
            // Fails where the caller goes away or is too slow, which concerns nobody else.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// The next connection, and its place among those that are open.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (Option<OwnedSemaphorePermit>, TcpStream) {
    // It is never closed, so there is always a place in the end.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (place, stream),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}
