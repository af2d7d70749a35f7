//! Schemathesis makes up requests that the document allows, and some that it does not, and holds the answers against it.

use crate::{
    agent::Agent,
    python::{program, run},
    signer::{Signer, sha256},
    world::{IMPORT, World},
};
use pious_protocol::{
    facts::{HostInterface, Observed},
    instruction::Action,
    message::{AssetState, BootEvent},
};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
    time::Duration,
};

/// Requests made up for each operation, beside those that the document's bounds call for.
const EXAMPLES: &str = "10";

/// What nobody makes up: the ticket of an update that is under way, a signature of a key that Senzu trusts, and a query that
/// assets of this world fit.
const NOT_MADE_UP: [&str; 4] = [
    "GET /v1/artifacts/{sha256}/for/{ticket}/image",
    "POST /v1/artifacts",
    "POST /v1/campaigns",
    "PUT /v1/artifacts/{sha256}/image",
];

/// One that no example of the document names, so that it stays what it is; and others for what can be done but once.
const MORE: &str = r#"
[[assets]]
name = "r1-u11"
serial = "PIOUS-R1-U11"
profile = "demo"
[[assets.links]]
nic = "52:54:00:01:11:01"
switch = "r1-sw1"
port = "Ethernet11"
native_vlan = 10

[[assets]]
name = "r1-u13"
serial = "PIOUS-R1-U13"

[[assets]]
name = "r1-u14"
serial = "PIOUS-R1-U14"

[[assets]]
name = "r1-u15"
serial = "PIOUS-R1-U15"

[[assets]]
name = "r1-u16"
serial = "PIOUS-R1-U16"
"#;

#[tokio::test]
async fn schemathesis_finds_nothing_and_every_operation_succeeds() {
    let Some(program) = program("schemathesis") else { return };
    let world = furnished().await;
    let names = Names::of(&world).await;
    let session = Agent::spare(&world).await;
    let bmc_user = bmc_user(&world, &session).await;
    let runs = Runs { program, folder: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("schemathesis") };
    fs::create_dir_all(&runs.folder).unwrap();
    let admin = config(&world.operator_token(), &names, &session, &bmc_user);
    // What webhooks are told leaves this machine: none that is made up may be there while alerts are raised.
    let mut succeeded = runs.run(&world, "admin", &admin, &["--exclude-operation-id", "make_webhook"]);
    succeeded.extend(runs.run(&world, "webhook", &admin, &["--include-operation-id", "make_webhook"]));
    let missing: Vec<_> = operations(&world).await.difference(&succeeded).cloned().collect();
    assert_eq!(missing, NOT_MADE_UP, "never succeeded");
    for role in ["viewer", "operator", "approver"] {
        // Of what it may not do it is told so, as the document says.
        let operator = world.token_of(&format!("a-{role}"), role).await;
        let options = ["--phases", "examples,coverage"];
        let succeeded = runs.run(&world, role, &config(&operator, &names, &session, &bmc_user), &options);
        assert!(succeeded.contains("GET /v1/assets"), "{role}: {succeeded:?}");
    }
}

/// The document's operations, as Schemathesis calls them.
async fn operations(world: &World) -> BTreeSet<String> {
    let document = world.get("/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, methods): (&String, &Value)| {
        let methods: Vec<_> = methods.as_object().unwrap().keys().cloned().collect();
        methods.into_iter().map({
            let path = path.clone();
            move |method| format!("{} {path}", method.to_uppercase())
        })
    };
    paths.iter().flat_map(of_path).collect()
}

/// Senzu with one of each thing that a path may name.
async fn furnished() -> World {
    let mut world = World::empty();
    world.import(&format!("{IMPORT}{MORE}"));
    world.serve();
    // It passes its checks, and a second session of it speaks: an alert.
    let mut first = Agent::new(&world, "PIOUS-R1-U11", "52:54:00:01:11:01", "Ethernet11");
    first.boots().await;
    let mut second = first.reboot();
    second.boots().await;
    second.tells_facts(1).await;
    first.tells_facts(1).await;
    world
}

/// Of each path parameter, something that is there.
struct Names {
    alert: String,
    campaigns: Campaigns,
    /// An image, and one that may go.
    image: String,
    image_to_go: String,
    instruction: String,
    letter: String,
    to_approve: String,
    to_deny: String,
    token: String,
    webhook: String,
}

impl Names {
    async fn of(world: &World) -> Self {
        let maker = world.token_of("mira", "operator").await;
        let to_approve = asked(world, &maker, "r1-u13").await;
        let to_deny = asked(world, &maker, "r1-u14").await;
        // Whom the document's examples name.
        world.token_of("alice", "operator").await;
        let token = json!({"operator": "alice", "name": "to end", "role": "viewer", "expires_in_s": 60});
        let token = id(made(world.post("/v1/tokens", token).await).await);
        // Nobody listens there: what is told it is a dead letter.
        let webhook = json!({"name": "nobody", "url": "http://127.0.0.1:9/"});
        let webhook = id(made(world.post("/v1/webhooks", webhook).await).await);
        let letter = dead_letter(world).await;
        let signer = Signer::trusted_by(world);
        let image = brought(world, &signer, b"an image").await;
        let image_to_go = brought(world, &signer, b"another").await;
        let alert = world.get("/v1/alerts").await["alerts"][0]["id"].as_str().expect("an alert").to_owned();
        // The document's own example, which may be taken again.
        let document = world.get("/openapi.json").await;
        let bodies = &document["paths"]["/v1/orders/imports"]["post"]["requestBody"]["content"];
        let orders = bodies["application/json"]["example"].clone();
        made(world.post("/v1/orders/imports", orders).await).await;
        // One that no session takes: what is told of it must not be in the way of a promotion.
        let switch = json!({"action": Action::SwitchState { to: AssetState::Spare }, "expires_in_s": 3600});
        let instruction = id(made(world.post("/v1/assets/r1-u12/instructions", switch).await).await);
        for asset in [TO_WITHDRAW, TO_RETRY] {
            wants(world, asset).await;
        }
        let went_wrong = "UPDATE firmware_goals SET status = 'recovery', words = 'a test' WHERE asset_id =
             (SELECT id FROM assets WHERE name = 'r1-u16')";
        world.change(went_wrong).await;
        let campaigns = Campaigns::of(world, &maker).await;
        Self { alert, campaigns, image, image_to_go, instruction, letter, to_approve, to_deny, token, webhook }
    }
}

/// Assets whose firmware goal may be taken back, and tried again.
const TO_WITHDRAW: &str = "r1-u15";
const TO_RETRY: &str = "r1-u16";

/// Other firmware is wanted of an asset.
async fn wants(world: &World, asset: &str) {
    let goal = json!({"wanted": [{"component": "bmc", "version": "9.9"}], "why": "a test"});
    let put = world.request(Method::PUT, &format!("/v1/assets/{asset}/firmware"));
    made(put.bearer_auth(world.operator_token()).json(&goal).send().await.unwrap()).await;
}

/// What a session is told that asks for the way to its BMC.
async fn bmc_user(world: &World, session: &Agent) -> String {
    // There is a BMC.
    let mut report = session.report_of_facts(2);
    let mut smbios = report.facts.smbios.value().unwrap().clone();
    smbios.host_interfaces = vec![HostInterface::default()];
    report.facts.smbios = Observed::seen("test", smbios);
    assert!(session.session(Method::PUT, "/facts").json(&report).send().await.unwrap().status().is_success());
    wants(world, "r1-u12").await;
    let told = session.instructions(world).await;
    let user = told.iter().find(|told| matches!(told.action, Action::BmcUser(_)));
    user.expect("bmc_user").id.to_string()
}

/// Campaigns, by what may be done to each.
struct Campaigns {
    approve: String,
    start: String,
    pause: String,
    resume: String,
    abort: String,
}

impl Campaigns {
    async fn of(world: &World, maker: &str) -> Self {
        // It restarts all the time: its campaigns wait for it.
        Agent::new(world, "PIOUS-R1-U13", "52:54:00:01:13:01", "Ethernet13").boots().await;
        let restarts = "UPDATE sessions SET ended_why = 'rebooted', ended_ms = started_ms WHERE asset_id =
             (SELECT id FROM assets WHERE name = 'r1-u13')";
        world.change(restarts).await;
        Self {
            approve: campaign(world, maker, &[]).await,
            start: campaign(world, maker, &["approve"]).await,
            pause: campaign(world, maker, &["approve", "start"]).await,
            resume: campaign(world, maker, &["approve", "start", "pause"]).await,
            abort: campaign(world, maker, &["approve", "start"]).await,
        }
    }
}

/// A campaign that these were done to, over an asset that restarts.
async fn campaign(world: &World, maker: &str, done: &[&str]) -> String {
    let spec = json!({
        "name": format!("a test of {done:?}"), "query": {"names": ["r1-u13"]},
        "wanted": [{"component": "bmc", "version": "9.9"}],
    });
    let ask = json!({"spec": spec, "why": "a test"});
    let id = id(made(world.ask(maker, Method::POST, "/v1/campaigns", ask).await).await);
    for act in done {
        made(world.post(&format!("/v1/campaigns/{id}/{act}"), json!({"why": "a test"})).await).await;
    }
    id
}

/// An image that Senzu has; its name.
async fn brought(world: &World, signer: &Signer, image: &'static [u8]) -> String {
    made(world.post("/v1/artifacts", signer.ask(image)).await).await;
    let name = sha256(image);
    let put = world.request(Method::PUT, &format!("/v1/artifacts/{name}/image")).bearer_auth(world.operator_token());
    let put = put.header("content-type", "application/octet-stream").body(image);
    assert_eq!(put.send().await.unwrap().status(), 204);
    name
}

/// A wipe that waits for a second operator.
async fn asked(world: &World, maker: &str, asset: &str) -> String {
    let wipe = json!({"asset": asset, "kind": "wipe", "why": "it goes back"});
    id(made(world.ask(maker, Method::POST, "/v1/approvals", wipe).await).await)
}

async fn made(answer: reqwest::Response) -> Value {
    let status = answer.status();
    let body = answer.json().await.unwrap();
    assert!(status.is_success(), "{status}: {body}");
    body
}

fn id(made: Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}

/// An alert is raised, and its last attempt comes.
async fn dead_letter(world: &World) -> String {
    let agent = Agent::new(world, "PIOUS-R9-U9", "52:54:00:01:99:01", "Ethernet9");
    let died = BootEvent { last_words: Some("panicked".into()), ..agent.boot_event() };
    assert!(agent.send_boot_event(&died).await.status().is_success());
    loop {
        if let Some(letter) = world.get("/v1/dead-letters").await["dead_letters"][0]["id"].as_str() {
            return letter.to_owned();
        }
        let last = "UPDATE webhook_deliveries SET attempts = 23, next_ms = 1 WHERE status = 'pending' AND last_error IS NOT NULL";
        world.change(last).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What Schemathesis is told of the world: who asks, and what there is.
fn config(operator: &str, names: &Names, session: &Agent, bmc_user: &str) -> String {
    let Campaigns { approve, start, pause, resume, abort } = &names.campaigns;
    let Names { alert, image, image_to_go, instruction, letter, to_approve, to_deny, token, webhook, .. } = names;
    let (boot, session) = (session.boot, &session.token);
    format!(
        r#"
[auth.openapi.operator]
bearer = "{operator}"
[auth.openapi.session]
bearer = "{session}"

# 400: JSON Schema takes 1.0 for an integer and U+0000 for text. 422: bounds that it has no words for.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "422"]

[parameters]
"path.alert" = "{alert}"
"path.asset" = "r1-u11"
"path.boot_id" = "{boot}"
"path.campaign" = "{approve}"
"path.id" = "{instruction}"
"path.letter" = "{letter}"
"path.mac" = "52:54:00:01:11:01"
"path.operator" = "zoe"
"path.order" = "PO-2026-17"
"path.profile" = "demo"
"path.sha256" = "{image}"
"path.token" = "{token}"
"path.webhook" = "{webhook}"
# A held back answer is no failure, and takes its time.
"query.wait_s" = 0

# What is newer than Senzu is no error of an agent's: unknown fields, kinds and states are taken.
[[operations]]
include-tag = "agents"
checks.negative_data_rejection.enabled = false

[[operations]]
include-operation-id = ["approval", "approve"]
parameters = {{ "path.approval" = "{to_approve}" }}

[[operations]]
include-operation-id = "remove_artifact"
parameters = {{ "path.sha256" = "{image_to_go}" }}

[[operations]]
include-operation-id = "bmc_access"
parameters = {{ "path.id" = "{bmc_user}" }}

[[operations]]
include-operation-id = "withdraw_firmware"
parameters = {{ "path.asset" = "{TO_WITHDRAW}" }}

[[operations]]
include-operation-id = "retry_firmware"
parameters = {{ "path.asset" = "{TO_RETRY}" }}

[[operations]]
include-operation-id = "start_campaign"
parameters = {{ "path.campaign" = "{start}" }}

[[operations]]
include-operation-id = "pause_campaign"
parameters = {{ "path.campaign" = "{pause}" }}

[[operations]]
include-operation-id = "resume_campaign"
parameters = {{ "path.campaign" = "{resume}" }}

[[operations]]
include-operation-id = "abort_campaign"
parameters = {{ "path.campaign" = "{abort}" }}

[[operations]]
include-operation-id = "deny"
parameters = {{ "path.approval" = "{to_deny}" }}
"#
    )
}

/// Where it is run, and what of it is kept.
struct Runs {
    program: PathBuf,
    folder: PathBuf,
}

impl Runs {
    /// Answers the operations that succeeded at least once.
    fn run(&self, world: &World, name: &str, config: &str, options: &[&str]) -> BTreeSet<String> {
        let file = |kind: &str| self.folder.join(format!("{name}.{kind}"));
        fs::write(file("toml"), config).unwrap();
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).arg("--config-file").arg(file("toml"));
        command.arg("run").arg(world.url("/openapi.json")).args(options);
        command.args(["--max-examples", EXAMPLES, "--generation-deterministic"]);
        command.args(["--continue-on-failure", "--no-color", "--tls-verify"]).arg(world.data().join("ca.pem"));
        command.args(["--report", "ndjson", "--report-ndjson-path"]).arg(file("events"));
        run(&mut command, &file("log"));
        let events = fs::read_to_string(file("events")).unwrap();
        let scenarios = events.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok());
        scenarios.filter_map(|event| event.finished.recorder.succeeded()).collect()
    }
}

/// A line of Schemathesis's report, if it tells how requests were answered.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "ScenarioFinished")]
    finished: Scenario,
}

#[derive(Deserialize)]
struct Scenario {
    recorder: Recorder,
}

#[derive(Deserialize)]
struct Recorder {
    /// The operation.
    label: String,
    interactions: BTreeMap<String, Interaction>,
}

#[derive(Deserialize)]
struct Interaction {
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    status_code: u16,
}

impl Recorder {
    fn succeeded(self) -> Option<String> {
        let mut responses = self.interactions.into_values().filter_map(|interaction| interaction.response);
        responses.any(|response| (200..300).contains(&response.status_code)).then_some(self.label)
    }
}
