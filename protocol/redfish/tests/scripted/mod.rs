//! A small BMC that does what its script says: tells versions, takes an image, works on it, restarts, or fails at that.
//! Its resources have names that nobody could guess.

mod place;
mod trial;

pub use place::{Place, Tls};
pub use trial::{SIZE, Trial, sha256};

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::sync::mpsc::UnboundedSender;

/// How an image is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Push {
    /// 202, with the task in its body and the monitor in its `Location`.
    Task,
    /// 202, with the monitor alone.
    Monitor,
    /// 200, and nothing.
    Nothing,
    /// The same, and it is written.
    Written,
    /// The same, and the task is in the list alone.
    Listed,
    /// 503, to be tried again.
    NotReady,
    /// The same, before any of it is read.
    NotReadyAtOnce,
    /// This status, with this message.
    Refused(u16, &'static str),
    /// The connection is cut midway.
    Cut,
}

/// How the task is, a look at a time; the last one stays.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Running(u8),
    /// It waits for a restart.
    Pending,
    Ended(&'static str, &'static str),
    /// It ends well, and the BMC restarts behind that.
    EndedAndRestarts,
    /// The BMC restarts, and has forgotten its sessions.
    Restarts,
    /// The session has ended.
    Expired,
    /// There is no such task.
    Gone,
}

/// When the new version is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Takes {
    WithTheTask,
    WithARestart,
    Never,
}

/// What it does.
#[derive(Clone, Debug)]
pub struct Script {
    pub version: &'static str,
    pub next: &'static str,
    pub push: VecDeque<Push>,
    pub task: VecDeque<Step>,
    pub takes: Takes,
    /// A task of somebody else's.
    pub other_task: Option<&'static str>,
    pub password: &'static str,
    pub has_sessions: bool,
    pub away: Duration,
    pub reset_kinds: &'static [&'static str],
    /// Whether a boot override is taken, or only answered well.
    pub takes_override: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            version: "2.10",
            next: "2.11",
            push: [Push::Task].into(),
            task: [Step::Running(10), Step::Running(60), Step::Ended("Completed", "OK")].into(),
            takes: Takes::WithTheTask,
            other_task: None,
            password: "right",
            has_sessions: true,
            away: Duration::from_millis(100),
            reset_kinds: &["ForceRestart", "GracefulRestart"],
            takes_override: true,
        }
    }
}

/// What it has seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub requests: Vec<String>,
    pub logins: u32,
    pub ended_sessions: u32,
    pub pushes: Vec<(String, u64, Vec<u8>)>,
    pub simple_updates: Vec<Value>,
    pub patches: Vec<(String, Value)>,
    pub resets: Vec<Value>,
    pub restarts: u32,
}

pub struct Bmc {
    pub script: Script,
    pub seen: Seen,
    tokens: Vec<String>,
    has_task: bool,
    has_new: bool,
    boot: Value,
    restart: UnboundedSender<Duration>,
}

pub type Shared = Arc<Mutex<Bmc>>;

fn lock(bmc: &Shared) -> MutexGuard<'_, Bmc> {
    bmc.lock().expect("no test panics while it looks at it")
}

impl Bmc {
    fn new(script: Script, restart: UnboundedSender<Duration>) -> Self {
        Self {
            script,
            seen: Seen::default(),
            tokens: Vec::new(),
            has_task: false,
            has_new: false,
            boot: json!({ "BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None" }),
            restart,
        }
    }

    /// Its connections are cut and nobody listens for a while.
    fn restarts(&mut self) {
        self.tokens.clear();
        self.seen.restarts += 1;
        if self.script.takes == Takes::WithARestart && self.has_new {
            self.script.version = self.script.next;
        }
        self.restart.send(self.script.away).expect("somebody restarts it");
    }

    fn is_let_in(&self, headers: &HeaderMap) -> bool {
        let says = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        match self.script.has_sessions {
            true => says("x-auth-token").is_some_and(|token| self.tokens.iter().any(|known| known == token)),
            // user:right
            false => says("authorization") == Some("Basic dXNlcjpyaWdodA=="),
        }
    }

    fn login(&mut self, body: &[u8]) -> Response {
        self.seen.logins += 1;
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        if body != json!({ "UserName": "user", "Password": self.script.password }) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let token = format!("token{}", self.seen.logins);
        self.tokens.push(token.clone());
        (StatusCode::CREATED, [("x-auth-token", token), ("location", "/redfish/v1/in/now/1".into())]).into_response()
    }

    fn pushed(&mut self) -> Response {
        let push = self.script.push.pop_front().unwrap_or(Push::Task);
        self.has_task = matches!(push, Push::Task | Push::Monitor | Push::Listed);
        let task = json!({ "@odata.type": "#Task.v1_4_3.Task", "@odata.id": TASK, "TaskState": "New" });
        match push {
            Push::Task => (StatusCode::ACCEPTED, [("location", LOCATION)], task.to_string()).into_response(),
            Push::Monitor => (StatusCode::ACCEPTED, [("location", LOCATION), ("retry-after", "1")]).into_response(),
            Push::Nothing | Push::Listed => StatusCode::OK.into_response(),
            Push::Written => {
                self.written();
                StatusCode::OK.into_response()
            }
            Push::NotReady | Push::NotReadyAtOnce => {
                (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")], "").into_response()
            }
            Push::Refused(code, words) => {
                let code = StatusCode::from_u16(code).expect("a status");
                let error = json!({ "error": { "code": "Base.1.8.GeneralError", "message": "general",
                    "@Message.ExtendedInfo": [{ "MessageId": "Base.1.8.X", "Message": words }] } });
                (code, error.to_string()).into_response()
            }
            Push::Cut => unreachable!("it is cut before its end"),
        }
    }

    fn task(&mut self, is_monitor: bool) -> Response {
        let step = match self.script.task.len() {
            0 | 1 => self.script.task.front().cloned().unwrap_or(Step::Gone),
            _ => self.script.task.pop_front().unwrap_or(Step::Gone),
        };
        let task = |state: &str, health: &str, percent: u8, words: &str| {
            json!({ "@odata.type": "#Task.v1_4_3.Task", "@odata.id": TASK, "TaskState": state, "TaskStatus": health,
                "PercentComplete": percent, "Messages": [{ "MessageId": "U.1.0.X", "Message": words }] })
            .to_string()
        };
        match step {
            Step::Running(percent) if is_monitor => {
                (StatusCode::ACCEPTED, [("retry-after", "1")], task("Running", "OK", percent, "Writing."))
                    .into_response()
            }
            Step::Running(percent) => task("Running", "OK", percent, "Writing.").into_response(),
            Step::Pending => task("Pending", "OK", 0, "Scheduled.").into_response(),
            Step::Ended(state, health) => {
                self.written();
                task(state, health, 100, "The end.").into_response()
            }
            Step::EndedAndRestarts => {
                self.written();
                self.script.task = [Step::Gone].into();
                let answer = task("Completed", "OK", 100, "The end.").into_response();
                let restart = self.restart.clone();
                let away = self.script.away;
                self.restarts_later(restart, away);
                answer
            }
            Step::Restarts => {
                self.written();
                self.restarts();
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
            Step::Expired => {
                self.tokens.clear();
                StatusCode::UNAUTHORIZED.into_response()
            }
            Step::Gone => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn written(&mut self) {
        self.has_new = self.script.takes != Takes::Never;
        if self.script.takes == Takes::WithTheTask {
            self.script.version = self.script.next;
        }
    }

    /// The answer gets through first.
    fn restarts_later(&mut self, restart: UnboundedSender<Duration>, away: Duration) {
        if self.script.takes == Takes::WithARestart {
            self.script.version = self.script.next;
        }
        self.tokens.clear();
        self.seen.restarts += 1;
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(60));
            restart.send(away)
        });
    }

    fn document(&self, path: &str) -> Option<Value> {
        let link = |at: &str| json!({ "@odata.id": at });
        let one = |at: &str| json!({ "Members": [{ "@odata.id": at }] });
        Some(match path {
            "/redfish/v1" => {
                let mut root = json!({ "RedfishVersion": "1.9.0", "Vendor": "Scripted",
                    "Systems": link("/redfish/v1/s"), "Managers": link("/redfish/v1/m"),
                    "Tasks": link("/redfish/v1/t"), "UpdateService": link("/redfish/v1/u") });
                if self.script.has_sessions {
                    root["Links"] = json!({ "Sessions": link("/redfish/v1/in/now") });
                }
                root
            }
            "/redfish/v1/s" => one("/redfish/v1/s/box"),
            "/redfish/v1/s/box" => json!({ "@odata.id": path, "SerialNumber": "S1",
                "BiosVersion": self.script.version, "Boot": self.boot,
                "Actions": { "#ComputerSystem.Reset": { "target": "/redfish/v1/s/box/reset",
                    "ResetType@Redfish.AllowableValues": ["On", "ForceRestart"] } } }),
            "/redfish/v1/m" => one("/redfish/v1/m/me"),
            "/redfish/v1/m/me" => json!({ "@odata.id": path, "FirmwareVersion": self.script.version,
                "Actions": { "#Manager.Reset": { "target": "/redfish/v1/m/me/reset",
                    "@Redfish.ActionInfo": "/redfish/v1/m/me/kinds" } } }),
            "/redfish/v1/m/me/kinds" => json!({ "Parameters": [
                { "Name": "ResetType", "AllowableValues": self.script.reset_kinds }] }),
            "/redfish/v1/t" => json!({ "Tasks": link("/redfish/v1/t/all") }),
            "/redfish/v1/t/all" => match self.script.other_task {
                Some(_) => one("/redfish/v1/t/other"),
                None if self.has_task => one(TASK),
                None => json!({ "Members": [] }),
            },
            "/redfish/v1/t/other" => {
                json!({ "Name": "Another update", "TaskState": self.script.other_task?, "PercentComplete": 7 })
            }
            "/redfish/v1/u" => json!({ "@odata.id": path, "FirmwareInventory": link("/redfish/v1/u/f"),
                "MultipartHttpPushUri": "/redfish/v1/u/multipart", "HttpPushUri": "/redfish/v1/u/push",
                "Actions": { "#UpdateService.SimpleUpdate": { "target": "/redfish/v1/u/simple" } } }),
            "/redfish/v1/u/f" => one("/redfish/v1/u/f/7"),
            "/redfish/v1/u/f/7" => json!({ "Id": "7", "Name": "The firmware", "Version": self.script.version }),
            _ => return None,
        })
    }
}

const TASK: &str = "/redfish/v1/t/mine";
const MONITOR: &str = "/redfish/v1/monitor/1";

/// It knows itself by another name than the one it is reached by.
const LOCATION: &str = "https://bmc.example/redfish/v1/monitor/1";

/// An image is at most this long here.
const MOST: usize = 8 << 20;

async fn answer(State(bmc): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().trim_end_matches('/').to_owned();
    let is_push = matches!(path.as_str(), "/redfish/v1/u/multipart" | "/redfish/v1/u/push");
    let says =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let is_in = {
        let mut bmc = lock(&bmc);
        bmc.seen.requests.push(format!("{} {path}", parts.method));
        bmc.is_let_in(&parts.headers)
    };
    if is_push && is_in && lock(&bmc).script.push.front() == Some(&Push::Cut) {
        lock(&bmc).script.push.clear();
        lock(&bmc).restarts();
        return std::future::pending().await;
    }
    if is_push && is_in && lock(&bmc).script.push.front() == Some(&Push::NotReadyAtOnce) {
        return lock(&bmc).pushed();
    }
    // What is cut midway by the other end is not what it was given.
    let Ok(body) = axum::body::to_bytes(body, MOST).await else { return StatusCode::BAD_REQUEST.into_response() };
    let mut bmc = lock(&bmc);
    match (&parts.method, path.as_str()) {
        (&Method::POST, "/redfish/v1/in/now") if bmc.script.has_sessions => bmc.login(&body),
        (&Method::GET, "/redfish/v1") => document(bmc.document(&path)),
        _ if !is_in => StatusCode::UNAUTHORIZED.into_response(),
        (&Method::DELETE, "/redfish/v1/in/now/1") => {
            bmc.seen.ended_sessions += 1;
            StatusCode::NO_CONTENT.into_response()
        }
        (&Method::POST, _) if is_push => {
            let long = says("content-length").parse().unwrap_or(0);
            bmc.seen.pushes.push((says("content-type"), long, body.to_vec()));
            bmc.pushed()
        }
        (&Method::POST, "/redfish/v1/u/simple") => {
            bmc.seen.simple_updates.push(read(&body));
            bmc.pushed()
        }
        (&Method::POST, "/redfish/v1/m/me/reset") => {
            bmc.seen.resets.push(read(&body));
            bmc.restarts();
            StatusCode::NO_CONTENT.into_response()
        }
        (&Method::POST, "/redfish/v1/s/box/reset") => {
            bmc.seen.resets.push(read(&body));
            StatusCode::NO_CONTENT.into_response()
        }
        (&Method::PATCH, _) => {
            let change = read(&body);
            if path == "/redfish/v1/s/box" && says("if-match") != "W/\"7\"" {
                return StatusCode::PRECONDITION_FAILED.into_response();
            }
            if let Some(boot) = change.get("Boot").filter(|_| bmc.script.takes_override) {
                bmc.boot = boot.clone();
            }
            bmc.seen.patches.push((path, change));
            StatusCode::OK.into_response()
        }
        (&Method::GET, TASK) if bmc.has_task => bmc.task(false),
        (&Method::GET, MONITOR) if bmc.has_task => bmc.task(true),
        (&Method::GET, "/redfish/v1/s/box") => {
            ([("etag", "W/\"7\"")], bmc.document(&path).unwrap_or_default().to_string()).into_response()
        }
        (&Method::GET, _) => document(bmc.document(&path)),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn read(body: &Bytes) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

fn document(document: Option<Value>) -> Response {
    match document {
        Some(document) => document.to_string().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
