//! Where a scripted BMC listens, and how it stops doing so.

use super::{Bmc, Script, Seen, Shared, answer, lock};
use axum::{Router, serve::Listener};
use ring::digest;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A certificate of its own, as BMCs have.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    pub sha256: String,
}

impl Tls {
    pub fn new() -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(vec!["bmc".into()]).expect("a certificate");
        let leaf = made.cert.der().clone();
        let sha256 = digest::digest(&digest::SHA256, &leaf).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let key = made.signing_key.serialize_der().try_into().expect("a key");
        let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![leaf], key);
        Self { acceptor: Arc::new(config.expect("a TLS")).into(), sha256 }
    }
}

/// A scripted BMC that runs, in a thread of its own: when it restarts, all that it had open is gone at once.
pub struct Place {
    pub url: reqwest::Url,
    bmc: Shared,
}

impl Place {
    pub fn new(script: Script) -> Self {
        Self::with(script, None)
    }

    pub fn with(script: Script, tls: Option<Tls>) -> Self {
        let (restart, restarts) = unbounded_channel();
        let bmc = Arc::new(Mutex::new(Bmc::new(script, restart)));
        let (tell, told) = mpsc::channel();
        let (served, is_tls) = (bmc.clone(), tls.is_some());
        std::thread::spawn(move || run(&served, tls, &tell, restarts));
        let address = told.recv().expect("it listens");
        let scheme = if is_tls { "https" } else { "http" };
        Self { url: format!("{scheme}://{address}").parse().expect("a URL"), bmc }
    }

    pub fn seen(&self) -> Seen {
        lock(&self.bmc).seen.clone()
    }

    /// Changes what it does.
    pub fn rewrite(&self, change: impl FnOnce(&mut Script)) {
        change(&mut lock(&self.bmc).script);
    }

    pub fn at(&self) -> pious_redfish::Place {
        pious_redfish::Place {
            url: self.url.clone(),
            user: "user".into(),
            password: pious_protocol::firmware::Secret::new("right"),
            certificate_sha256: None,
        }
    }
}

fn run(bmc: &Shared, tls: Option<Tls>, tell: &mpsc::Sender<SocketAddr>, mut restarts: UnboundedReceiver<Duration>) {
    let mut address: SocketAddr = ([127, 0, 0, 1], 0).into();
    loop {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let away = runtime.block_on(async {
            let listener = TcpListener::bind(address).await.expect("its port");
            address = listener.local_addr().expect("an address");
            let app = Router::new().fallback(answer).with_state(bmc.clone());
            match tls.clone() {
                None => tokio::spawn(async move { axum::serve(listener, app).await }),
                Some(Tls { acceptor, .. }) => {
                    tokio::spawn(async move { axum::serve(OverTls { listener, acceptor }, app).await })
                }
            };
            let _nobody_asks_twice = tell.send(address);
            restarts.recv().await
        });
        // With it all goes that it had open.
        drop(runtime);
        // It ends with the test.
        let Some(away) = away else { return };
        std::thread::sleep(away);
    }
}

struct OverTls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for OverTls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            // One that does not like the certificate goes away.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
