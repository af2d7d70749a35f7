//! What the agent does at a BMC, a scripted one over TLS: which firmware there is, who is let in, which image is believed.

use crate::{
    agent::Agent,
    senzu::Senzu,
    tls::{Authority, TlsListener},
    work::{agent, agent_of, heard},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use pious_agent::{
    facts::RootHost,
    work::{Marks, Tools, Worker, worker},
};
use pious_protocol::{
    firmware::{
        Activation, Artifact, FirmwareComponent, FlashPhase, FlashRecipe, InstalledFirmware, Transfer, VersionSource,
    },
    instruction::{Action, FirmwareInventory, FirmwareUpdate, Precondition, VersionQuestion},
    message::{AssetState, Report},
};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;

/// What a BMC has seen.
#[derive(Clone, Default)]
struct Seen {
    logins: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    /// Whether its task does not end.
    hangs: Arc<AtomicBool>,
    /// Where its agent keeps what it began; kept for as long.
    run: Arc<OnceLock<tempfile::TempDir>>,
    /// What was uploaded, each as its whole multipart body.
    uploads: Arc<Mutex<Vec<Bytes>>>,
}

fn link(path: &str) -> Value {
    json!({ "@odata.id": path })
}

fn collection(members: &[&str]) -> Json<Value> {
    Json(json!({ "Members": members.iter().map(|path| link(path)).collect::<Vec<_>>() }))
}

async fn root() -> Json<Value> {
    Json(json!({
        "Links": { "Sessions": link("/redfish/v1/SessionService/Sessions") },
        "Systems": link("/redfish/v1/Systems"),
        "Managers": link("/redfish/v1/Managers"),
        "UpdateService": link("/redfish/v1/UpdateService"),
    }))
}

async fn login(State(seen): State<Seen>, Json(who): Json<Value>) -> Response {
    seen.logins.fetch_add(1, Ordering::SeqCst);
    if (who["UserName"].as_str(), who["Password"].as_str()) != (Some("pious"), Some("hunter2")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    seen.open.fetch_add(1, Ordering::SeqCst);
    let headers = [("x-auth-token", "t"), ("location", "/redfish/v1/SessionService/Sessions/1")];
    (StatusCode::CREATED, headers, Json(json!({}))).into_response()
}

async fn logout(State(seen): State<Seen>) -> StatusCode {
    seen.open.fetch_sub(1, Ordering::SeqCst);
    StatusCode::NO_CONTENT
}

async fn system(headers: HeaderMap) -> Response {
    match headers.get("x-auth-token") {
        Some(_) => Json(json!({ "BiosVersion": "1.7" })).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn upload(State(seen): State<Seen>, body: Bytes) -> Response {
    seen.uploads.lock().unwrap().push(body);
    let headers = [("location", "/redfish/v1/Tasks/1"), ("retry-after", "1")];
    (StatusCode::ACCEPTED, headers, Json(json!({}))).into_response()
}

async fn task(State(seen): State<Seen>) -> Json<Value> {
    let state = if seen.hangs.load(Ordering::SeqCst) { "Running" } else { "Completed" };
    Json(json!({ "TaskState": state, "TaskStatus": "OK" }))
}

/// A BMC that listens; where it is.
async fn bmc(seen: &Seen) -> String {
    let app = Router::new()
        .route("/redfish/v1/", get(root))
        .route("/redfish/v1/SessionService/Sessions", post(login))
        .route("/redfish/v1/SessionService/Sessions/1", delete(logout))
        .route("/redfish/v1/Systems", get(async || collection(&["/redfish/v1/Systems/1"])))
        .route("/redfish/v1/Systems/1", get(system))
        .route("/redfish/v1/Managers", get(async || collection(&["/redfish/v1/Managers/1"])))
        .route("/redfish/v1/Managers/1", get(async || Json(json!({ "FirmwareVersion": "2.10" }))))
        .route(
            "/redfish/v1/UpdateService",
            get(async || Json(json!({ "MultipartHttpPushUri": "/redfish/v1/UpdateService/upload" }))),
        )
        .route("/redfish/v1/UpdateService/upload", post(upload))
        .route("/redfish/v1/Tasks/1", get(task))
        .with_state(seen.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // Nobody vouches for a BMC: whichever certificate it shows first is told to Senzu.
    let acceptor = Authority::new().acceptor("bmc");
    tokio::spawn(async move { axum::serve(TlsListener { listener, acceptor }, app).await });
    address
}

/// The agent's own worker, which keeps in `run` what it began.
fn own_worker(run: &Path, firmware_key: Option<String>) -> Worker {
    let root = tempfile::tempdir().unwrap();
    let host = Arc::new(RootHost::new(root.path()).unwrap());
    worker(Tools { firmware_key, marks: Marks::new(run.join("begun")), disks: host.clone(), host })
}

/// An agent with its own worker, and where its BMC is.
async fn at_bmc(password: &str, firmware_key: Option<String>) -> (Senzu, Agent, Seen, String) {
    let (senzu, seen) = (Senzu::new(AssetState::Spare), Seen::default());
    let address = bmc(&seen).await;
    senzu.change(|script| script.bmc = (Some(address.clone()), password.to_owned()));
    let run = tempfile::tempdir().unwrap();
    let agent = agent(&senzu, own_worker(run.path(), firmware_key)).await;
    seen.run.set(run).unwrap();
    (senzu, agent, seen, address)
}

fn inventory() -> Action {
    let of = |component, version| VersionQuestion { component, version };
    let psu = VersionSource::Inventory { id: Some("PSU*".into()), name: None };
    Action::FirmwareInventory(FirmwareInventory {
        components: vec![
            of(FirmwareComponent::Bmc, VersionSource::Manager),
            of(FirmwareComponent::Psu, psu),
            of(FirmwareComponent::Bios, VersionSource::System),
            of(FirmwareComponent::Drive, VersionSource::Inventory { id: None, name: Some("KXG60*".into()) }),
        ],
    })
}

#[tokio::test]
async fn what_the_bmc_tells_is_reported_with_the_certificate_it_showed() {
    let (senzu, _agent, seen, address) = at_bmc("hunter2", None).await;
    let end = heard(&senzu, senzu.instruct(1, inventory())).await.pop().unwrap();
    let Report::Done { evidence, firmware, bmc_certificate_sha256 } = end else { panic!("{end:?}") };
    let installed = |component, version: &str, source: &str| InstalledFirmware {
        component,
        version: version.into(),
        source: source.into(),
    };
    let expected = [
        installed(FirmwareComponent::Bmc, "2.10", "1.FirmwareVersion"),
        installed(FirmwareComponent::Bios, "1.7", "1.BiosVersion"),
    ];
    assert_eq!(firmware, expected);
    assert_eq!(bmc_certificate_sha256.map(|digest| digest.len()), Some(64));
    let said = "the BMC at 127.0.0.1 says: BMC 2.10 (1.FirmwareVersion); BIOS 1.7 (1.BiosVersion); PSU is not known: ";
    let of_disks = "; this server has no NVMe disk of model KXG60*";
    let is_told = |evidence: &String| evidence.starts_with(said) && evidence.ends_with(of_disks);
    assert!(evidence.as_ref().is_some_and(is_told), "{evidence:?}");
    assert_eq!((seen.logins.load(Ordering::SeqCst), seen.open.load(Ordering::SeqCst)), (1, 0), "{address}");
}

#[tokio::test]
async fn a_bmc_that_does_not_let_us_in_is_asked_once() {
    let (senzu, _agent, seen, address) = at_bmc("wrong", None).await;
    let end = heard(&senzu, senzu.instruct(1, inventory())).await.pop().unwrap();
    let Report::Refused { reason } = end else { panic!("{end:?}") };
    assert!(reason.starts_with(&format!("the BMC at {address} (Senzu's record) does not let us in: ")), "{reason}");
    assert_eq!(seen.logins.load(Ordering::SeqCst), 1);
}

/// An image at a server that knows ranges, the instruction's action for it, and the key that it is signed with.
async fn image() -> (Vec<u8>, Action, String) {
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let keys = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let signature = minisign::sign(Some(&keys.pk), &keys.sk, bytes.as_slice(), None, None).unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let served = bytes.clone();
    let app = Router::new().route("/artifacts/1", get(async move || served));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let artifact = Artifact {
        url: format!("http://{}/artifacts/1", listener.local_addr().unwrap()),
        size_bytes: bytes.len() as u64,
        sha256: digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
        signature: signature.to_string(),
    };
    tokio::spawn(async move { axum::serve(listener, app).await });
    let recipe = FlashRecipe {
        name: "test".into(),
        version: VersionSource::System,
        transfer: Transfer::MultipartPush,
        names_targets: false,
        apply_time: None,
        resets_bmc_before: false,
        activation: Activation::HostReset,
        flash_within_s: 60,
        bmc_back_within_s: 60,
    };
    let update = FirmwareUpdate { component: FirmwareComponent::Bios, version: "1.8".into(), artifact, recipe };
    (bytes, Action::FirmwareUpdate(Box::new(update)), keys.pk.to_box().unwrap().to_string())
}

fn from(version: &str) -> Option<Precondition> {
    Some(Precondition::FirmwareIs { component: FirmwareComponent::Bios, version: version.into() })
}

#[tokio::test]
async fn an_image_goes_from_senzu_to_the_bmc_through_the_gate() {
    let (bytes, action, key) = image().await;
    let (senzu, _agent, seen, _) = at_bmc("hunter2", Some(key)).await;
    let reports = heard(&senzu, senzu.instruct_if(1, from("1.7"), action)).await;
    let Some(Report::Done { evidence: Some(evidence), firmware, bmc_certificate_sha256 }) = reports.last() else {
        panic!("{reports:?}")
    };
    assert!(evidence.starts_with("written, and applies at the next restart of the server: "), "{evidence}");
    assert_eq!(firmware.iter().map(|found| found.version.as_str()).collect::<Vec<_>>(), ["1.7"], "until then");
    assert_eq!(bmc_certificate_sha256.as_ref().map(String::len), Some(64));
    let uploads = seen.uploads.lock().unwrap();
    let [upload] = uploads.as_slice() else { panic!("{} uploads", uploads.len()) };
    assert!(upload.windows(bytes.len()).any(|part| part == bytes), "the image, whole and unchanged");
    let phases = reports.iter().filter_map(|report| match report {
        Report::Progress { phase, .. } => *phase,
        _ => None,
    });
    let phases: Vec<_> = phases.collect();
    assert!(phases.is_sorted() && phases.contains(&FlashPhase::HandingOver), "{phases:?}");
    assert_eq!(seen.open.load(Ordering::SeqCst), 0, "no session is left behind");
}

#[tokio::test]
async fn nothing_is_uploaded_that_senzu_takes_back_or_that_starts_from_elsewhere() {
    let (_, action, key) = image().await;
    let (senzu, _agent, seen, _) = at_bmc("hunter2", Some(key)).await;
    senzu.change(|script| script.at_gate = StatusCode::CONFLICT);
    let taken_back = "stopped before the BMC got anything: it may not go on: Senzu answers 409 Conflict";
    let elsewhere = "the BIOS runs 1.7, and not 1.6, from which it would be updated";
    for (sequence, version, expected) in [
        (1, "1.7", Report::Failed { reason: taken_back.into() }),
        (2, "1.6", Report::Refused { reason: elsewhere.into() }),
    ] {
        let id = senzu.instruct_if(sequence, from(version), action.clone());
        let end = heard(&senzu, id).await.pop().unwrap();
        assert_eq!(end, expected);
    }
    assert_eq!((seen.uploads.lock().unwrap().len(), seen.open.load(Ordering::SeqCst)), (0, 0));
}

#[tokio::test]
async fn without_a_firmware_key_or_with_another_no_image_is_believed() {
    let (_, action, _) = image().await;
    let (senzu, _agent, seen, _) = at_bmc("hunter2", None).await;
    let end = heard(&senzu, senzu.instruct_if(1, from("1.7"), action)).await.pop().unwrap();
    assert_eq!(end, Report::Refused { reason: "this image trusts no firmware key".into() });
    assert_eq!(seen.logins.load(Ordering::SeqCst), 0, "the BMC is left alone");
    let ((_, action, _), (_, _, other_key)) = (image().await, image().await);
    let (senzu, _agent, seen, _) = at_bmc("hunter2", Some(other_key)).await;
    let end = heard(&senzu, senzu.instruct_if(1, from("1.7"), action)).await.pop().unwrap();
    assert!(matches!(&end, Report::Refused { reason } if reason.contains("signature")), "{end:?}");
    assert_eq!(seen.uploads.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn an_update_whose_process_died_behind_the_gate_is_not_begun_again() {
    let (_, action, key) = image().await;
    let (senzu, seen, run) = (Senzu::new(AssetState::Spare), Seen::default(), tempfile::tempdir().unwrap());
    let address = bmc(&seen).await;
    senzu.change(|script| script.bmc = (Some(address), "hunter2".to_owned()));
    seen.hangs.store(true, Ordering::SeqCst);
    let first = agent(&senzu, own_worker(run.path(), Some(key.clone()))).await;
    let id = senzu.instruct_if(1, from("1.7"), action);
    let uploads = || seen.uploads.lock().unwrap().len();
    for _ in 0..300 {
        if uploads() > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    first.kill.send(()).unwrap();
    assert!(first.run.await.is_err(), "it says no goodbye");
    let logins = seen.logins.load(Ordering::SeqCst);

    // The precondition still holds: until the server restarts, the BIOS runs what it ran.
    let second = agent_of(&senzu, first.boot, own_worker(run.path(), Some(key))).await;
    let end = heard(&senzu, id).await.pop().unwrap();
    let reason = "the agent's process died while the BMC had the image; what became of it is not known here".into();
    assert_eq!((end, second.boot), (Report::Failed { reason }, first.boot));
    assert_eq!((uploads(), seen.logins.load(Ordering::SeqCst)), (1, logins), "the BMC is left alone");
}

#[tokio::test]
async fn where_it_can_t_be_kept_in_mind_no_update_begins() {
    let (_, action, key) = image().await;
    let (senzu, seen, no_folder) =
        (Senzu::new(AssetState::Spare), Seen::default(), tempfile::NamedTempFile::new().unwrap());
    let address = bmc(&seen).await;
    senzu.change(|script| script.bmc = (Some(address), "hunter2".to_owned()));
    let _agent = agent(&senzu, own_worker(no_folder.path(), Some(key))).await;
    let end = heard(&senzu, senzu.instruct_if(1, from("1.7"), action)).await.pop().unwrap();
    let Report::Refused { reason } = &end else { panic!("{end:?}") };
    assert!(reason.starts_with("this agent can't keep in mind that it began the update: "), "{reason}");
    assert_eq!(seen.logins.load(Ordering::SeqCst), 0, "the BMC is left alone");
}

#[tokio::test]
async fn disks_that_this_server_writes_itself_need_no_bmc() {
    let (_, action, key) = image().await;
    let Action::FirmwareUpdate(mut update) = action else { panic!() };
    update.component = FirmwareComponent::Drive;
    update.recipe.transfer = Transfer::Nvme;
    update.recipe.version = VersionSource::Inventory { id: None, name: Some("KXG60*".into()) };
    let (senzu, _agent, seen, _) = at_bmc("hunter2", Some(key)).await;
    let from = Precondition::FirmwareIs { component: FirmwareComponent::Drive, version: "AGGA4103".into() };
    let id = senzu.instruct_if(1, Some(from), Action::FirmwareUpdate(update));
    let reason = "this server has no NVMe disk of model KXG60*".into();
    assert_eq!(heard(&senzu, id).await.pop(), Some(Report::Failed { reason }));
    assert_eq!(seen.logins.load(Ordering::SeqCst), 0, "the BMC is left alone");
}
