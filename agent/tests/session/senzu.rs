//! A scripted Senzu: answers each call as the protocol says, and keeps what it was told.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use pious_protocol::{
    envelope::SigningKey,
    expectation::Expectation,
    firmware::{BmcAccess, FlashPhase, Secret},
    ids::{AssetId, BootId, InstructionId, Sequence, UnixMs},
    instruction::{Action, Instruction, Precondition},
    message::{
        AssetState, BootEvent, Evaluation, FactsAnswer, FactsReport, InstructionsAnswer, PromotionAnswer, PromotionAsk,
        Report, SealedInstruction, Standing, Whoami,
    },
};
use serde::Deserialize;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};
use tokio::sync::watch;
use uuid::Uuid;

/// What Senzu was told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub boots: Vec<BootEvent>,
    pub facts: Vec<FactsReport>,
    pub reports: Vec<(InstructionId, Report)>,
    pub promotions: Vec<PromotionAsk>,
    pub polls: usize,
}

/// What Senzu says.
#[derive(Clone, Debug)]
pub struct Script {
    pub state: AssetState,
    pub token: String,
    pub instructions: Vec<SealedInstruction>,
    /// Which promotion is granted: the first.
    pub promoted: bool,
    /// How reports are answered that a BMC is about to get an image.
    pub at_gate: StatusCode,
    /// Where Senzu thinks the BMC is, and its password there.
    pub bmc: (Option<String>, String),
}

/// A Senzu.
#[derive(Clone)]
pub struct Senzu {
    pub key: Arc<SigningKey>,
    told: watch::Sender<Told>,
    script: watch::Sender<Script>,
    url: Arc<Mutex<String>>,
}

#[derive(Deserialize)]
struct PollQuery {
    after: u64,
    wait_s: u64,
}

pub fn asset() -> AssetId {
    AssetId(Uuid::from_u128(0xa55e7))
}

impl Senzu {
    /// One that is not listening yet.
    pub fn new(state: AssetState) -> Self {
        let key = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
        let script = Script {
            state,
            token: "token-1".into(),
            instructions: vec![],
            promoted: false,
            bmc: (None, "hunter2".into()),
            at_gate: StatusCode::NO_CONTENT,
        };
        Self {
            key: Arc::new(key),
            told: watch::Sender::new(Told::default()),
            script: watch::Sender::new(script),
            url: Arc::default(),
        }
    }

    /// Starts listening.
    pub async fn listen(&self) -> &Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        *self.url.lock().unwrap() = format!("http://{}", listener.local_addr().unwrap());
        let app = self.app();
        tokio::spawn(async move { axum::serve(listener, app).await });
        self
    }

    pub fn url(&self) -> String {
        self.url.lock().unwrap().clone()
    }

    pub fn app(&self) -> Router {
        Router::new()
            .route("/v1/boot-events", post(boot_event))
            .route("/v1/sessions/{boot}/facts", put(facts))
            .route("/v1/sessions/{boot}/instructions", get(instructions))
            .route("/v1/sessions/{boot}/instructions/{id}/reports", post(report))
            .route("/v1/sessions/{boot}/instructions/{id}/bmc-access", post(bmc_access))
            .route("/v1/sessions/{boot}/promotions", post(promotion))
            .with_state(self.clone())
    }

    pub fn instruct(&self, sequence: u64, action: Action) -> InstructionId {
        self.instruct_if(sequence, None, action)
    }

    pub fn instruct_if(&self, sequence: u64, precondition: Option<Precondition>, action: Action) -> InstructionId {
        let id = InstructionId(Uuid::from_u128(0x1000 + u128::from(sequence)));
        let instruction = Instruction {
            id,
            asset: asset(),
            boot: None,
            sequence: Sequence(sequence),
            issued_ms: now(),
            expires_ms: UnixMs(now().0 + 60_000),
            precondition,
            action,
        };
        let sealed = SealedInstruction { sequence: Sequence(sequence), jws: self.key.seal(&instruction).unwrap() };
        self.script.send_modify(|script| script.instructions.push(sealed));
        id
    }

    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        self.script.send_modify(change);
    }

    pub fn told(&self) -> Told {
        self.told.borrow().clone()
    }

    /// Waits until Senzu was told this.
    pub async fn heard(&self, what: &str, is: impl Fn(&Told) -> bool) -> Told {
        let mut told = self.told.subscribe();
        let waiting = tokio::time::timeout(Duration::from_secs(15), told.wait_for(|told| is(told)));
        match waiting.await {
            Ok(told) => told.unwrap().clone(),
            Err(_) => panic!("Senzu never heard {what}: {:?}", self.told()),
        }
    }

    fn standing(&self) -> Standing {
        let state = self.script.borrow().state;
        Standing { state, evaluation: Evaluation::Pending, step: None, reason: None }
    }

    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let expected = format!("Bearer {}", self.script.borrow().token);
        headers.get("authorization").is_some_and(|given| given.as_bytes() == expected.as_bytes())
    }
}

fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    UnixMs(since.as_millis().try_into().unwrap())
}

async fn boot_event(State(senzu): State<Senzu>, Json(event): Json<BootEvent>) -> Json<Whoami> {
    senzu.told.send_modify(|told| told.boots.push(event));
    Json(Whoami {
        asset: asset(),
        name: "r1-u10".into(),
        standing: senzu.standing(),
        expectation: Expectation::default(),
        session_token: senzu.script.borrow().token.clone(),
        senzu_time_ms: now(),
        facts_period_s: 60,
    })
}

async fn facts(
    State(senzu): State<Senzu>,
    Path(_boot): Path<BootId>,
    headers: HeaderMap,
    Json(report): Json<FactsReport>,
) -> Response {
    if !senzu.is_authorized(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let generation = report.generation;
    senzu.told.send_modify(|told| told.facts.push(report));
    let answer = FactsAnswer {
        generation,
        findings: vec![],
        standing: senzu.standing(),
        expectation: None,
        senzu_time_ms: None,
    };
    Json(answer).into_response()
}

async fn instructions(
    State(senzu): State<Senzu>,
    Path(_boot): Path<BootId>,
    Query(query): Query<PollQuery>,
    headers: HeaderMap,
) -> Response {
    if !senzu.is_authorized(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    senzu.told.send_modify(|told| told.polls += 1);
    let token = senzu.script.borrow().token.clone();
    let is_news = |script: &Script| {
        script.token != token || script.instructions.iter().any(|sealed| sealed.sequence.0 > query.after)
    };
    let mut script = senzu.script.subscribe();
    drop(tokio::time::timeout(Duration::from_secs(query.wait_s), script.wait_for(is_news)).await);
    if !senzu.is_authorized(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let all = script.borrow().instructions.clone();
    let instructions = all.into_iter().filter(|sealed| sealed.sequence.0 > query.after).collect();
    Json(InstructionsAnswer { instructions, standing: senzu.standing() }).into_response()
}

async fn report(
    State(senzu): State<Senzu>,
    Path((_boot, id)): Path<(BootId, InstructionId)>,
    headers: HeaderMap,
    Json(report): Json<Report>,
) -> StatusCode {
    if !senzu.is_authorized(&headers) {
        return StatusCode::UNAUTHORIZED;
    }
    let is_gate = matches!(report, Report::Progress { phase: Some(FlashPhase::HandingOver), .. });
    senzu.told.send_modify(|told| told.reports.push((id, report)));
    if is_gate { senzu.script.borrow().at_gate } else { StatusCode::NO_CONTENT }
}

async fn bmc_access(
    State(senzu): State<Senzu>,
    Path((_boot, _id)): Path<(BootId, InstructionId)>,
    headers: HeaderMap,
) -> Response {
    if !senzu.is_authorized(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let (address, password) = senzu.script.borrow().bmc.clone();
    let (user, password) = ("pious".into(), Secret::new(password));
    Json(BmcAccess { address, user, password, certificate_sha256: None }).into_response()
}

async fn promotion(
    State(senzu): State<Senzu>,
    Path(_boot): Path<BootId>,
    headers: HeaderMap,
    Json(ask): Json<PromotionAsk>,
) -> Response {
    if !senzu.is_authorized(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    senzu.told.send_modify(|told| told.promotions.push(ask));
    if senzu.script.borrow().promoted {
        let refused = PromotionAnswer::Refused { reason: "a promotion is pending".into() };
        return (StatusCode::CONFLICT, Json(refused)).into_response();
    }
    senzu.change(|script| script.promoted = true);
    Json(PromotionAnswer::Granted).into_response()
}
