//! Connections with bounds: so many at once, so long each, and strangers among themselves.

use crate::trust::AllowList;
use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};

/// Connections of those that are allowed: a few people and a Prometheus or two.
const MOST_CONNECTIONS: usize = 32;

/// Connections of those that are not: each is answered 403 and closed.
const MOST_STRANGERS: usize = 8;

/// A whole connection's time: it spans a promotion that waits for Senzu, and is short enough that one who says nothing
/// is gone soon.
const CONNECTION_TIME: Duration = Duration::from_secs(20);

/// Rest after a failed accept: out of file descriptors is the usual reason, and a tight loop does not mend it.
const ACCEPT_REST: Duration = Duration::from_millis(200);

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, Connections>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A listener that keeps the bounds.
pub(super) struct Connections {
    listener: TcpListener,
    allow: Arc<AllowList>,
    allowed: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

impl Connections {
    pub fn new(listener: TcpListener, allow: Arc<AllowList>) -> Self {
        let allowed = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let strangers = Arc::new(Semaphore::new(MOST_STRANGERS));
        Self { listener, allow, allowed, strangers }
    }
}

impl Listener for Connections {
    type Io = Bounded;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(_) => {
                    sleep(ACCEPT_REST).await;
                    continue;
                }
            };
            let room = if self.allow.may_look(peer.ip()) { &self.allowed } else { &self.strangers };
            // Beyond the bound a connection is closed rather than queued: who comes again finds room.
            let Ok(permit) = Arc::clone(room).try_acquire_owned() else { continue };
            return (Bounded { stream, end: Box::pin(sleep(CONNECTION_TIME)), _permit: permit }, peer);
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when its time is up.
pub(super) struct Bounded {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Bounded {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
