//! Connections: TCP, TLS, HTTP/1.1, each with its bound, and their end.

use crate::api::Peer;
use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
use std::{net::SocketAddr, pin::Pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Ten thousand agents hold one connection each in a long-poll; PXE, operators and pages come on top. Behind that, new
/// ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 12_000;
/// A handshake is two round trips and a signature.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// For a request's head, and for an idle connection to be used again. Longer than clients keep idle connections (reqwest:
/// 90 s), so that it is the client that closes, and no request meets a closing connection.
const HEAD_WITHIN: Duration = Duration::from_secs(100);
/// For a client to take what is sent to it: an image may be long, but one that takes nothing is not there any more. A BMC
/// that fetches one may have to write a flash block between two reads.
const TAKEN_WITHIN: Duration = Duration::from_secs(120);
/// Our heads have a token and little else.
const MAX_HEADERS: usize = 64;
/// For a request's head (a token, a path, and what a proxy adds), which is also what a connection keeps for the next one:
/// hyper's least. Its own bound is 400 KiB, times all connections.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// File descriptors that are not connections: the database, its readers, the log.
const OTHER_FILES: u64 = 64;
/// For running requests to end once we stop; long-polls are answered at once.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// When accepting fails (no more file descriptors), something must close first.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Serves until `stopping`; then lets what runs end.
pub async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, stopping: CancellationToken) {
    let connections = TaskTracker::new();
    let room = Arc::new(Semaphore::new(max_connections()));
    while let Some((stream, peer, permit)) = next(&listener, &room, &stopping).await {
        let (tls, router, stopping) = (tls.clone(), router.clone(), stopping.clone());
        connections.spawn(async move {
            // An answer goes out when it is written, not when more is: our messages are small.
            let _ = stream.set_nodelay(true);
            // By the kernel: a connection that waits to write has nobody else to look at the clock.
            let _ = setsockopt(&stream, TcpUserTimeout, &u32::try_from(TAKEN_WITHIN.as_millis()).unwrap_or(u32::MAX));
            let service = FromPeer { peer, router: TowerToHyperService::new(router) };
            let conversation = match tls {
                None => converse(stream, service, stopping),
                // Boxed, and over before the conversation: its room is free again.
                Some(tls) => match timeout(HANDSHAKE_WITHIN, Box::pin(tls.accept(stream))).await {
                    Ok(Ok(stream)) => converse(stream, service, stopping),
                    Ok(Err(error)) => return tracing::debug!(%error, "handshake failed"),
                    Err(_) => return tracing::debug!("handshake took too long"),
                },
            };
            conversation.await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    if timeout(STOP_WITHIN, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "stopping though connections are open");
    }
}

/// How many connections there is room for. The usual soft limit on open files (1024) would let a thousand silent clients
/// keep the database from opening its own, so it is raised to the hard one, and a rest is kept back.
fn max_connections() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let wanted = u64::try_from(MAX_CONNECTIONS).unwrap_or(u64::MAX) + OTHER_FILES;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return MAX_CONNECTIONS };
    let files = match setrlimit(Resource::RLIMIT_NOFILE, wanted.clamp(soft.min(hard), hard), hard) {
        Ok(()) => wanted.clamp(soft.min(hard), hard),
        Err(_) => soft,
    };
    let room = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(MAX_CONNECTIONS).clamp(1, MAX_CONNECTIONS);
    if room < MAX_CONNECTIONS {
        tracing::warn!(room, "fewer connections than {MAX_CONNECTIONS}: the hard limit on open files is {hard}");
    }
    room
}

/// The next connection; `None` when it is time to stop.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    stopping: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    loop {
        let accepted = async {
            let permit = room.clone().acquire_owned().await.ok()?;
            Some((listener.accept().await, permit))
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted?,
            () = stopping.cancelled() => return None,
        };
        match accepted {
            (Ok((stream, peer)), permit) => return Some((stream, peer, permit)),
            (Err(error), _) => {
                tracing::warn!(%error, "can't accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
}

/// The router, which is told whose request it is.
struct FromPeer {
    peer: SocketAddr,
    router: TowerToHyperService<Router>,
}

impl Service<Request<Incoming>> for FromPeer {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(Peer(self.peer));
        self.router.call(request)
    }
}

/// Ten thousand of these wait at once: what they keep is the connection, once.
fn converse<S>(stream: S, service: FromPeer, stopping: CancellationToken) -> Pin<Box<dyn Future<Output = ()> + Send>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    let mut connection = Box::pin(http.serve_connection(TokioIo::new(stream), service));
    Box::pin(async move {
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        }
    })
}
