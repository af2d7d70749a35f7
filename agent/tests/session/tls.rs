//! HTTPS: the CA that the image carries is believed, and nobody else.

use crate::{
    agent::{Agent, PATIENCE},
    senzu::Senzu as Scripted,
};
use pious_agent::console::SenzuReach;
use pious_client::read_url;
use pious_protocol::{ids::BootId, message::AssetState};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
    server::TlsStream,
};

/// An authority: its certificate, and what it signs with.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub fn acceptor(&self, name: &str) -> TlsAcceptor {
        pious_client::install_crypto();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth();
        TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap()))
    }
}

/// Accepts those who speak TLS.
pub struct TlsListener {
    pub listener: TcpListener,
    pub acceptor: TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

async fn serve(senzu: &Scripted, acceptor: TlsAcceptor) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let app = senzu.app();
    tokio::spawn(async move { axum::serve(TlsListener { listener, acceptor }, app).await });
    url
}

async fn agent(senzu: &Scripted, url: &str, ca_pem: &str) -> Agent {
    let boot = BootId(uuid::Uuid::now_v7());
    let urls = vec![read_url(url, false).unwrap()];
    let client = pious_agent::senzu::client(urls, ca_pem.as_bytes(), boot, PATIENCE).unwrap();
    Agent::start_with(senzu, client, boot, 1).await
}

#[tokio::test]
async fn the_images_ca_is_believed() {
    let (authority, senzu) = (Authority::new(), Scripted::new(AssetState::New));
    let url = serve(&senzu, authority.acceptor("127.0.0.1")).await;
    let _agent = agent(&senzu, &url, &authority.pem).await;
    senzu.heard("facts", |told| !told.facts.is_empty()).await;
}

#[tokio::test]
async fn another_ca_another_name_and_no_ca_are_not() {
    let (authority, other, senzu) = (Authority::new(), Authority::new(), Scripted::new(AssetState::New));
    for (acceptor, pem, case) in [
        (authority.acceptor("127.0.0.1"), other.pem.as_str(), "another CA"),
        (authority.acceptor("127.0.0.9"), authority.pem.as_str(), "another name"),
        (authority.acceptor("127.0.0.1"), "", "no CA"),
    ] {
        let url = serve(&senzu, acceptor).await;
        let mut agent = agent(&senzu, &url, pem).await;
        let view = agent.shows(case, |view| matches!(view.senzu, SenzuReach::Fails { .. })).await;
        let SenzuReach::Fails { why, .. } = &view.senzu else { unreachable!() };
        assert!(why.contains("certificate"), "{case}: {why}");
        assert!(senzu.told().boots.is_empty(), "{case}");
    }
}
