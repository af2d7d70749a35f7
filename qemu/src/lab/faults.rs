//! Something else in Senzu's place: it has Senzu's certificate, and misbehaves.

use serde::{Deserialize, Serialize};
use std::{io, net::SocketAddr, path::Path, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, rustls};

/// How it misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Answers 500 to everything.
    Status500,
    /// Answers 200 with a body that is no JSON.
    Garbage,
    /// Promises a body and hangs up in its middle.
    HalfBody,
    /// Takes the request and never answers.
    Silence,
    /// Answers bytes that are no HTTP.
    NoHttp,
    /// Hangs up on TLS.
    NoTls,
}

/// A fault at work; it ends with its value.
pub struct Faulty(JoinHandle<()>);

impl Faulty {
    /// Ends it, and waits until it has let go of its address.
    pub async fn stop(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Fault {
    /// Takes Senzu's place. `data` is Senzu's directory.
    pub async fn start(self, listen: SocketAddr, data: &Path) -> io::Result<Faulty> {
        let acceptor = acceptor(data)?;
        let listener = TcpListener::bind(listen).await?;
        Ok(Faulty(tokio::spawn(async move {
            // The connections end with the listener.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(self.answer(stream, acceptor.clone()));
            }
        })))
    }

    async fn answer(self, stream: TcpStream, acceptor: TlsAcceptor) {
        if self == Self::NoTls {
            return;
        }
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        let mut request = [0; 16 * 1024];
        if !matches!(stream.read(&mut request).await, Ok(1..)) {
            return;
        }
        let answer = match self {
            Self::Status500 => "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            Self::Garbage => {
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\nconnection: close\r\n\r\n}{ no :("
            }
            Self::HalfBody => {
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"asset\": \"0193"
            }
            Self::NoHttp => "SSH-2.0-OpenSSH_9.2\r\n",
            Self::Silence | Self::NoTls => return std::future::pending().await,
        };
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

fn acceptor(data: &Path) -> io::Result<TlsAcceptor> {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let broken = |error: rustls::pki_types::pem::Error| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(data.join("server.pem")).map_err(broken)?.collect();
    let key = PrivateKeyDer::from_pem_file(data.join("server.key")).map_err(broken)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(chain.map_err(|_| rustls::Error::DecryptError)?, key)
        })
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
