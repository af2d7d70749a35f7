//! Ways in from outside: a unix socket (or the host's listener) here, a TCP connection inside.

use std::{io, net::IpAddr, net::SocketAddr, path::Path};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream, UnixListener},
};

/// Listens at a unix socket; what connects comes out at `to`, from the address `from` if given.
pub fn unix(path: &Path, to: SocketAddr, from: Option<IpAddr>) -> io::Result<()> {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    tokio::spawn(async move {
        while let Ok((outside, _)) = listener.accept().await {
            tokio::spawn(connect(outside, to, from));
        }
    });
    Ok(())
}

/// The same for a listener that the host's network sees.
pub fn host(listener: std::net::TcpListener, to: SocketAddr) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    tokio::spawn(async move {
        while let Ok((outside, _)) = listener.accept().await {
            tokio::spawn(connect(outside, to, None));
        }
    });
    Ok(())
}

async fn connect(mut outside: impl AsyncRead + AsyncWrite + Unpin, to: SocketAddr, from: Option<IpAddr>) {
    // Where nobody answers, the connection ends, as a refused one would.
    if let Ok(mut inside) = dial(to, from).await {
        let _ = copy_bidirectional(&mut outside, &mut inside).await;
    }
}

async fn dial(to: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(to).await
}
