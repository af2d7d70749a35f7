//! A BMC that Senzu reaches from outside: it lets one user in, takes images, restarts, and turns its server off and on.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    serve::Listener,
};
use futures_core::Stream;
use reqwest::Client;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, mpsc},
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// What it is, does, and has seen.
pub struct Inside {
    pub bmc: String,
    pub bios: String,
    /// What runs once the server has restarted.
    pub staged: Option<String>,
    /// `None`: it lets nobody in.
    pub password: Option<String>,
    /// Whether it never comes to the end of an image.
    pub hangs: bool,
    /// Whether it does not tell of its tasks just now, and whether somebody waits for that.
    pub holds_back: bool,
    pub is_waited_for: bool,
    /// Whether its server does not come on again.
    pub stays_off: bool,
    pub logins: u32,
    /// The images that it got, as `bmc 2.11.0`.
    pub images: Vec<String>,
    /// By what it fetches images itself, and from where it did.
    pub fetcher: Option<Client>,
    pub fetched: Vec<String>,
    pub resets: Vec<Value>,
    /// Whether its server is off.
    pub is_off: bool,
    /// What its server boots from next, as `Once Pxe`.
    pub boot_once: Option<String>,
    /// When it was last asked for anything before the newest image began to come, and when that was there.
    pub push: Option<(Instant, Instant)>,
    /// How much of an image that is on its way is there.
    pub coming: usize,
    asked: Instant,
    tokens: Vec<String>,
    has_task: bool,
    /// How often the server is still seen off.
    off: u32,
    restart: UnboundedSender<()>,
}

/// A BMC that runs, in a thread of its own.
#[derive(Clone)]
pub struct Redfish {
    pub address: SocketAddr,
    /// SHA-256 of its certificate.
    pub certificate: String,
    state: Arc<Mutex<Inside>>,
}

/// How long it is away when it restarts.
const AWAY: Duration = Duration::from_millis(300);
/// An image is at most this long here.
const MOST: usize = 1 << 20;

impl Redfish {
    pub fn new() -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(vec!["bmc".into()]).unwrap();
        let leaf = made.cert.der().clone();
        let certificate = crate::signer::sha256(&leaf);
        let key = made.signing_key.serialize_der().try_into().unwrap();
        let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![leaf], key).unwrap();
        let (restart, restarts) = unbounded_channel();
        let state = Arc::new(Mutex::new(Inside {
            bmc: "2.10.0".into(),
            bios: "2.1.0".into(),
            staged: None,
            password: None,
            hangs: false,
            holds_back: false,
            is_waited_for: false,
            stays_off: false,
            logins: 0,
            images: Vec::new(),
            fetcher: None,
            fetched: Vec::new(),
            resets: Vec::new(),
            is_off: false,
            boot_once: None,
            push: None,
            coming: 0,
            asked: Instant::now(),
            tokens: Vec::new(),
            has_task: false,
            off: 0,
            restart,
        }));
        let (tell, told) = mpsc::channel();
        let served = state.clone();
        std::thread::spawn(move || run(&served, &Arc::new(config).into(), &tell, restarts));
        Self { address: told.recv().unwrap(), certificate, state }
    }

    pub fn state(&self) -> MutexGuard<'_, Inside> {
        self.state.lock().unwrap()
    }
}

fn run(
    state: &Arc<Mutex<Inside>>,
    acceptor: &TlsAcceptor,
    tell: &mpsc::Sender<SocketAddr>,
    mut restarts: UnboundedReceiver<()>,
) {
    let mut address: SocketAddr = ([127, 0, 0, 1], 0).into();
    loop {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let restarted = runtime.block_on(async {
            let listener = TcpListener::bind(address).await.unwrap();
            address = listener.local_addr().unwrap();
            let app = Router::new().fallback(answer).with_state(state.clone());
            let over_tls = OverTls { listener, acceptor: acceptor.clone() };
            tokio::spawn(async move { axum::serve(over_tls, app).await });
            let _nobody_asks_twice = tell.send(address);
            restarts.recv().await
        });
        // With it all goes that it had open.
        drop(runtime);
        if restarted.is_none() {
            return;
        }
        std::thread::sleep(AWAY);
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
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

const TASK: &str = "/redfish/v1/t/1";

impl Inside {
    fn is_let_in(&self, headers: &HeaderMap) -> bool {
        let token = headers.get("x-auth-token").and_then(|token| token.to_str().ok());
        token.is_some_and(|token| self.tokens.iter().any(|known| known == token))
    }

    fn login(&mut self, body: &[u8]) -> Response {
        self.logins += 1;
        let body: Value = serde_json::from_slice(body).unwrap();
        match &self.password {
            Some(password) if body == json!({"UserName": "pious", "Password": password}) => {}
            Some(_) | None => return StatusCode::UNAUTHORIZED.into_response(),
        }
        let token = format!("token{}", self.logins);
        self.tokens.push(token.clone());
        (StatusCode::CREATED, [("x-auth-token", token), ("location", "/redfish/v1/in/1".into())]).into_response()
    }

    /// The tests' images say what they are.
    fn pushed(&mut self, body: &[u8]) -> Response {
        let body = String::from_utf8_lossy(body);
        let image = body.lines().find(|line| line.starts_with("bmc ") || line.starts_with("bios "));
        self.images.push(image.unwrap().trim().to_owned());
        self.has_task = true;
        (StatusCode::ACCEPTED, [("location", TASK), ("retry-after", "1")]).into_response()
    }

    fn task(&mut self) -> Response {
        let task = |state: &str, percent| {
            json!({"@odata.type": "#Task.v1_4_3.Task", "@odata.id": TASK, "TaskState": state, "TaskStatus": "OK",
                "PercentComplete": percent})
            .to_string()
        };
        if self.hangs {
            return (StatusCode::ACCEPTED, [("retry-after", "1")], task("Running", 40)).into_response();
        }
        self.has_task = false;
        match self.images.last().unwrap().split_once(' ').unwrap() {
            ("bmc", version) => {
                self.bmc = version.to_owned();
                self.restarts();
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
            (_, version) => {
                self.staged = Some(version.to_owned());
                task("Completed", 100).into_response()
            }
        }
    }

    /// All that it had open is cut, and it has no task any more.
    pub fn restarts(&mut self) {
        self.tokens.clear();
        self.has_task = false;
        self.restart.send(()).unwrap();
    }

    fn document(&mut self, path: &str) -> Option<Value> {
        let link = |at: &str| json!({ "@odata.id": at });
        let all = |at: &[&str]| json!({ "Members": at.iter().map(|at| link(at)).collect::<Vec<_>>() });
        Some(match path {
            "/redfish/v1" => json!({ "RedfishVersion": "1.9.0", "Systems": link("/redfish/v1/s"),
                "Managers": link("/redfish/v1/m"), "Tasks": link("/redfish/v1/t"), "UpdateService": link("/redfish/v1/u"),
                "Links": { "Sessions": link("/redfish/v1/in") } }),
            "/redfish/v1/s" => all(&["/redfish/v1/s/1"]),
            "/redfish/v1/s/1" => {
                let power = if self.off > 0 || self.is_off { "Off" } else { "On" };
                self.off = if self.stays_off { self.off } else { self.off.saturating_sub(1) };
                if self.off == 0
                    && power == "Off"
                    && let Some(staged) = self.staged.take()
                {
                    self.bios = staged;
                }
                let (enabled, target) =
                    self.boot_once.as_deref().and_then(|once| once.split_once(' ')).unwrap_or_default();
                json!({ "@odata.id": path, "BiosVersion": self.bios, "PowerState": power,
                    "Boot": { "BootSourceOverrideEnabled": enabled, "BootSourceOverrideTarget": target,
                        "BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Pxe", "Hdd"] },
                    "Actions": { "#ComputerSystem.Reset": { "target": "/redfish/v1/s/1/reset",
                        "ResetType@Redfish.AllowableValues": ["On", "GracefulRestart", "ForceRestart"] } } })
            }
            "/redfish/v1/m" => all(&["/redfish/v1/m/1"]),
            "/redfish/v1/m/1" => json!({ "@odata.id": path, "FirmwareVersion": self.bmc }),
            "/redfish/v1/t" => json!({ "Tasks": link("/redfish/v1/t/all") }),
            "/redfish/v1/t/all" if self.has_task => all(&[TASK]),
            "/redfish/v1/t/all" => all(&[]),
            "/redfish/v1/u" => json!({ "@odata.id": path, "FirmwareInventory": link("/redfish/v1/u/f"),
                "MultipartHttpPushUri": "/redfish/v1/u/multipart",
                "Actions": { "#UpdateService.SimpleUpdate": { "target": "/redfish/v1/u/simple" } } }),
            "/redfish/v1/u/f" => all(&["/redfish/v1/u/f/BMC", "/redfish/v1/u/f/BIOS"]),
            "/redfish/v1/u/f/BMC" => json!({ "Id": "BMC", "Name": "BMC", "Version": self.bmc }),
            "/redfish/v1/u/f/BIOS" => json!({ "Id": "BIOS", "Name": "BIOS", "Version": self.bios }),
            _ => return None,
        })
    }
}

async fn answer(State(state): State<Arc<Mutex<Inside>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().trim_end_matches('/').to_owned();
    let since = state.lock().unwrap().asked;
    let Some(body) = whole(body, &state).await else { return StatusCode::BAD_REQUEST.into_response() };
    while path == "/redfish/v1/t/all" && is_held_back(&state) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let body = if path == "/redfish/v1/u/simple" { fetched(&body, &state).await } else { body };
    let mut state = state.lock().unwrap();
    state.asked = Instant::now();
    if path == "/redfish/v1/u/multipart" {
        state.push = Some((since, state.asked));
    }
    match (&parts.method, path.as_str()) {
        (&Method::POST, "/redfish/v1/in") => state.login(&body),
        (&Method::GET, "/redfish/v1") => document(state.document(&path)),
        _ if !state.is_let_in(&parts.headers) => StatusCode::UNAUTHORIZED.into_response(),
        (&Method::DELETE, "/redfish/v1/in/1") => StatusCode::NO_CONTENT.into_response(),
        (&Method::POST, "/redfish/v1/u/multipart" | "/redfish/v1/u/simple") => state.pushed(&body),
        (&Method::POST, "/redfish/v1/s/1/reset") => {
            let body: Value = serde_json::from_slice(&body).unwrap();
            state.resets.push(body["ResetType"].clone());
            match state.is_off {
                true => state.is_off = false,
                false => state.off = 2,
            }
            StatusCode::NO_CONTENT.into_response()
        }
        (&Method::PATCH, "/redfish/v1/s/1") => {
            let body: Value = serde_json::from_slice(&body).unwrap();
            let says = |name: &str| body["Boot"][name].as_str().unwrap().to_owned();
            let once = format!("{} {}", says("BootSourceOverrideEnabled"), says("BootSourceOverrideTarget"));
            state.boot_once = Some(once);
            StatusCode::NO_CONTENT.into_response()
        }
        (&Method::GET, TASK) if state.has_task => state.task(),
        (&Method::GET, _) => document(state.document(&path)),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn is_held_back(state: &Mutex<Inside>) -> bool {
    let mut state = state.lock().unwrap();
    state.is_waited_for |= state.holds_back;
    state.holds_back
}

/// The image that it is told to fetch.
async fn fetched(told: &[u8], state: &Mutex<Inside>) -> Vec<u8> {
    let told: Value = serde_json::from_slice(told).unwrap();
    let url = told["ImageURI"].as_str().unwrap().to_owned();
    let fetcher = state.lock().unwrap().fetcher.clone().unwrap();
    let image = fetcher.get(&url).send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap();
    state.lock().unwrap().fetched.push(url);
    image.to_vec()
}

/// A body; meanwhile it is told how much of it is there.
async fn whole(body: Body, state: &Mutex<Inside>) -> Option<Vec<u8>> {
    let (mut stream, mut whole) = (body.into_data_stream(), Vec::new());
    while let Some(piece) = std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        whole.extend(piece.ok()?);
        state.lock().unwrap().coming = whole.len();
    }
    (whole.len() <= MOST).then_some(whole)
}

fn document(document: Option<Value>) -> Response {
    match document {
        Some(document) => document.to_string().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
