//! A BMC that can be connected to: HTTPS around [`Simulated`], on a listener that is given to it. When the BMC restarts,
//! it lets go of the listener and of every connection, and listens there again once it is back.

use super::{
    Entry, Fault, router,
    state::{BootTarget, Description, Order, ResetType, Simulated},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use jiff::Timestamp;
use rustls::pki_types::PrivateKeyDer;
use std::{
    fs::File,
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// A handshake is two round trips and a signature.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// For a request's head, and for an idle connection to be used again.
const HEAD_WITHIN: Duration = Duration::from_secs(60);

/// Between two tries to listen again, or to accept: somebody must let go first.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// Knows who may log in.
pub trait Authenticate: Send + Sync {
    /// Whether that is somebody's password.
    fn authenticate<'a>(&'a self, user: &'a str, password: &'a str) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
}

/// One user.
pub struct FixedPair {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl Authenticate for FixedPair {
    fn authenticate<'a>(&'a self, user: &'a str, password: &'a str) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move { user == self.user && password == self.password })
    }
}

/// Has its hands on the server. Comes back at once; what became of it is told by [`Service::host_starts`] and
/// [`Service::host_is_off`].
pub trait Host: Send + Sync {
    /// Switches or resets the server.
    fn reset(&self, reset: ResetType);
}

/// What a [`Service`] is made of.
pub struct Parts {
    /// What it is.
    pub is: Description,
    /// Who may log in.
    pub users: Arc<dyn Authenticate>,
    /// Its server; none: nobody's, which does as it is told at once.
    pub host: Option<Arc<dyn Host>>,
    /// Where its log is written too.
    pub log: Option<File>,
}

/// A BMC.
pub struct Service {
    bmc: Mutex<Simulated>,
    pub(super) users: Arc<dyn Authenticate>,
    host: Option<Arc<dyn Host>>,
    log: Mutex<Option<File>>,
    tls: Mutex<Arc<rustls::ServerConfig>>,
    is_here: watch::Sender<bool>,
    changed: Notify,
}

/// Opens a log's file, empty.
pub fn log_file(path: &Path) -> io::Result<File> {
    File::create(path)
}

impl Service {
    /// A BMC with a certificate of its own that nobody signed.
    pub fn new(parts: Parts) -> io::Result<Arc<Self>> {
        let tls = certificate(&parts.is.name)?;
        Ok(Arc::new(Self {
            bmc: Mutex::new(Simulated::new(parts.is)),
            users: parts.users,
            host: parts.host,
            log: Mutex::new(parts.log),
            tls: Mutex::new(tls),
            is_here: watch::Sender::new(true),
            changed: Notify::new(),
        }))
    }

    /// Does something to the BMC, now, and what follows from it.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut Simulated, Timestamp) -> T) -> T {
        let done = self.act_quietly(act);
        self.changed.notify_one();
        done
    }

    fn act_quietly<T>(&self, act: impl FnOnce(&mut Simulated, Timestamp) -> T) -> T {
        let now = Timestamp::now();
        let mut bmc = lock(&self.bmc);
        let noted = bmc.log().len();
        bmc.advance(now);
        let done = act(&mut bmc, now);
        let orders = bmc.take_orders();
        if self.host.is_none() {
            orders.iter().for_each(|order| obey(&mut bmc, now, *order));
        }
        self.write(&bmc.log()[noted..]);
        let is_here = bmc.is_here();
        drop(bmc);
        self.is_here.send_if_modified(|was| std::mem::replace(was, is_here) != is_here);
        for order in orders {
            match order {
                Order::NewCertificate => self.renew_certificate(),
                Order::Host(reset) => {
                    if let Some(host) = &self.host {
                        host.reset(reset);
                    }
                }
            }
        }
        done
    }

    fn write(&self, entries: &[Entry]) {
        if let Some(file) = lock(&self.log).as_mut() {
            for line in entries.iter().filter_map(|entry| serde_json::to_string(entry).ok()) {
                // The list is what counts; the file is for people.
                let _ = writeln!(file, "{line}");
            }
        }
    }

    fn renew_certificate(&self) {
        let name = lock(&self.bmc).is.name.clone();
        match certificate(&name) {
            Ok(tls) => *lock(&self.tls) = tls,
            Err(error) => tracing::warn!(%error, name, "no new certificate"),
        }
    }

    /// Orders a fault; `None` takes all of them away.
    pub fn fault(&self, fault: Option<Fault>, sticky: bool) {
        self.act(|bmc, now| bmc.tell_fault(now, fault, sticky));
    }

    /// What happened so far.
    pub fn log(&self) -> Vec<Entry> {
        self.act(|bmc, _| bmc.log().to_vec())
    }

    /// The server starts: answers the version of the BIOS that runs from now on, and where it shall boot from.
    pub fn host_starts(&self) -> (Option<String>, BootTarget) {
        self.act(|bmc, now| {
            let target = bmc.host_starts(now);
            (bmc.versions().get(&pious_protocol::firmware::FirmwareComponent::Bios).cloned(), target)
        })
    }

    /// The server is off.
    pub fn host_is_off(&self) {
        self.act(|bmc, _| bmc.host_is_off());
    }

    /// Its HTTP, without TLS and listener.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        router::router(Arc::clone(self))
    }

    /// Serves HTTPS at a listener, for as long as it is polled. Whoever restarts meanwhile listens at the same address
    /// again, made on the thread that polls.
    pub async fn serve(self: Arc<Self>, listener: std::net::TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let mut listener = Some(TcpListener::from_std(listener)?);
        tokio::select! {
            never = self.keep_time() => match never {},
            result = async {
                loop {
                    let listening = match listener.take() {
                        Some(listening) => listening,
                        None => listen_again(address).await,
                    };
                    self.serve_until_away(listening).await;
                    let _ = self.is_here.subscribe().wait_for(|is_here| *is_here).await;
                }
            } => result,
        }
    }

    /// Lets time pass for the BMC.
    async fn keep_time(&self) -> std::convert::Infallible {
        loop {
            let due = self.act_quietly(|bmc, now| {
                let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
                bmc.next_due().map(until)
            });
            match due {
                Some(due) => tokio::select! {
                    () = tokio::time::sleep(due) => {}
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }

    async fn serve_until_away(self: &Arc<Self>, listener: TcpListener) {
        // Dropped, it ends every connection.
        let mut connections = JoinSet::new();
        let mut is_here = self.is_here.subscribe();
        let away = async { drop(is_here.wait_for(|is_here| !is_here).await) };
        tokio::pin!(away);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(converse(Arc::clone(self), stream))),
                    Err(error) => {
                        tracing::warn!(%error, "a BMC can't accept a connection");
                        tokio::time::sleep(TRY_EVERY).await;
                    }
                },
                () = &mut away => return,
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// What a server of nobody's does.
fn obey(bmc: &mut Simulated, now: Timestamp, order: Order) {
    match order {
        Order::Host(ResetType::ForceOff | ResetType::GracefulShutdown) => bmc.host_is_off(),
        Order::Host(ResetType::On | ResetType::GracefulRestart | ResetType::ForceRestart | ResetType::PowerCycle) => {
            bmc.host_starts(now);
        }
        Order::NewCertificate => {}
    }
}

async fn listen_again(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => tracing::debug!(%error, %address, "a BMC can't listen again yet"),
        }
        tokio::time::sleep(TRY_EVERY).await;
    }
}

async fn converse(service: Arc<Service>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let acceptor = TlsAcceptor::from(Arc::clone(&lock(&service.tls)));
    let stream = match tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "handshake failed"),
        Err(_) => return tracing::debug!("handshake took too long"),
    };
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    let service = TowerToHyperService::new(service.router());
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection ended");
    }
}

/// A certificate that nobody signed, with its key: what a BMC comes with.
fn certificate(name: &str) -> io::Result<Arc<rustls::ServerConfig>> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).map_err(io::Error::other)?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(io::Error::other)?;
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .map_err(io::Error::other)?;
    Ok(Arc::new(config))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
