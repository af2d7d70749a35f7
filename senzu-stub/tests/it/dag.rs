//! The DAG of an asset: drawn, replayed, and stopped where it goes in circles.

use crate::{
    agent::{Agent, done},
    server::Server,
    signer::Signer,
    world::{World, problem},
};
use pious_protocol::message::Report;
use serde_json::{Value, json};

#[tokio::test]
async fn the_drawing_says_where_an_asset_stands_and_why() {
    let world = World::new();
    let mut agent = Agent { port: "Ethernet7".into(), ..Agent::u10(&world) };
    agent.boots().await;
    agent.tells_facts(1).await;
    let dag = world.get("/v1/assets/r1-u10/dag").await;
    let vertices: Vec<Value> = dag["graph"]["vertices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vertex| json!([vertex["name"], vertex["outcome"], vertex["stands"]]))
        .collect();
    assert_eq!(
        (dag["graph"]["name"].clone(), Value::from(vertices)),
        (
            json!("discovery"),
            json!([
                ["WHOAMI", "done", false],
                ["VERIFY_HARDWARE", "done", false],
                ["VERIFY_NETWORK", "blocked", true],
                ["MATCH_PURCHASE_ORDER", null, false],
                ["GRADUATE", null, false],
                ["RECONCILE_STATE", null, false],
                ["POWER_OFF_SPARE", null, false],
            ])
        )
    );
    assert!(dag["graph"]["vertices"][2]["reason"].as_str().unwrap().starts_with("cabling.port of eth0"), "{dag}");
    let edges = dag["graph"]["edges"].as_array().unwrap();
    assert!(edges.contains(&json!({"from": "WHOAMI", "to": "VERIFY_HARDWARE", "when": "passed"})), "{edges:?}");
    assert!(edges.contains(&json!({"from": "GRADUATE", "to": "RECONCILE_STATE", "when": "not_needed"})), "{edges:?}");
    let paths: Vec<Value> = dag["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["path"].as_array().unwrap().iter().map(|step| step["bean"].clone()).collect())
        .collect();
    // The newest first: with facts, and without.
    assert_eq!(paths[0], json!(["WHOAMI", "VERIFY_HARDWARE", "VERIFY_NETWORK"]));
    assert_eq!(paths[1], json!(["WHOAMI", "VERIFY_HARDWARE"]));
    let unknown = world
        .request(reqwest::Method::GET, "/v1/assets/nobody/dag")
        .bearer_auth(world.operator_token())
        .send()
        .await
        .unwrap();
    assert_eq!(problem(unknown).await["status"], 404);
}

/// The beans of the graph that applies, those within graphs too: `NAME outcome`, with `> ` where the asset stands.
async fn beans(world: &World, asset: &str) -> Vec<String> {
    fn lines(graph: &Value, all: &mut Vec<String>) {
        for vertex in graph["vertices"].as_array().unwrap() {
            let outcome = vertex["outcome"].as_str().unwrap_or("-");
            if vertex["graph"].is_null() || outcome == "not_needed" {
                let here = if vertex["stands"] == true { "> " } else { "" };
                all.push(format!("{here}{} {outcome}", vertex["name"].as_str().unwrap()));
            } else {
                lines(&vertex["graph"], all);
            }
        }
    }
    let mut all = Vec::new();
    lines(&world.get(&format!("/v1/assets/{asset}/dag")).await["graph"], &mut all);
    all
}

/// The beans of an update that has come to FLASH_BMC.
fn on_the_way(flash_bmc: &'static str) -> [&'static str; 15] {
    [
        "WHOAMI done",
        "WAKE done",
        "ONBOARD_BMC done",
        "CHECK_COMPONENTS_TO_UPGRADE done",
        "VALIDATE_BMC done",
        flash_bmc,
        "RESTART_FOR_BMC -",
        "VERIFY_BMC -",
        "VALIDATE_BIOS -",
        "FLASH_BIOS -",
        "RESTART_FOR_BIOS -",
        "VERIFY_BIOS -",
        "UPGRADE_NIC not_needed",
        "UPGRADE_PSU not_needed",
        "CLOSE_FIRMWARE -",
    ]
}

#[tokio::test]
async fn the_drawing_of_firmware_goes_on_with_the_update_and_stands_still_where_it_went_wrong() {
    let world = World::new();
    let signer = Signer::trusted_by(&world);
    signer.imports(&world, "bmc", "2.11.0").await;
    signer.imports(&world, "bios", "2.2.0").await;
    let mut server = Server::spare(&world).await;
    let wanted = json!([{"component": "bmc", "version": "2.11.0"}, {"component": "bios", "version": "2.2.0"}]);
    let asked = world.request(reqwest::Method::PUT, "/v1/assets/r1-u12/firmware").bearer_auth(world.operator_token());
    let asked = asked.json(&json!({"wanted": wanted, "why": "a test"})).send().await.unwrap();
    assert_eq!(asked.status(), 200);
    let flash = server.next_update(&world).await;
    server.hands_over(&flash).await;
    assert_eq!(beans(&world, "r1-u12").await, on_the_way("> FLASH_BMC wait"));
    let page = world.request(reqwest::Method::GET, "/assets/r1-u12").send().await.unwrap().text().await.unwrap();
    for told in ["at <b>FLASH_BMC</b> <strong class=\"mark pending\">→ working</strong>", "▶ → working", "40 %, writes"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("VALIDATE_NIC"), "nobody asked for it");

    server.agent.reports(&flash, Report::Failed { reason: "the image is corrupt".into() }).await;
    // Later walks leave it there.
    server.tells_facts().await;
    assert_eq!(beans(&world, "r1-u12").await, on_the_way("> FLASH_BMC blocked"));
    let standing = world.get("/v1/assets/r1-u12").await["standing"].clone();
    assert!(standing["reason"].as_str().unwrap().contains("the image is corrupt"), "{standing}");
}

/// Pseudo-random numbers (Numerical Recipes' LCG): the same at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % sides
    }
}

/// Whatever happens to an asset, in whatever order: its recorded history takes the same way on paper.
#[tokio::test]
async fn any_history_is_the_same_on_paper() {
    let world = World::new();
    let mut dice = Dice(2026);
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    let mut generation = 0;
    for _ in 0..120 {
        match dice.below(12) {
            0 => {
                agent = agent.reboot();
                agent.boots().await;
                generation = 0;
                // So that the loop breaker has nothing to say here.
                world
                    .change(
                        "UPDATE sessions SET started_ms = started_ms - 3600000, last_seen_ms = last_seen_ms - 3600000",
                    )
                    .await;
            }
            1..=4 => {
                agent.port = ["Ethernet1", "Ethernet7"][dice.below(2) as usize].into();
                generation += 1;
                agent.send_facts(generation).await;
            }
            5 | 6 => {
                let held = dice.below(2) == 0;
                let hold = json!({"held": held, "by": held.then_some("dice")});
                assert_eq!(world.post("/v1/assets/r1-u10/hold", hold).await.status(), 204);
            }
            7 => drop(agent.asks_promotion("dice").await),
            _ => {
                for instruction in agent.instructions(&world).await {
                    let report = [Report::Accepted, done(), Report::Refused { reason: "dice".into() }]
                        [dice.below(3) as usize]
                        .clone();
                    agent.send_report(&instruction, &report).await;
                }
                // Retries come soon here.
                world.change("UPDATE instructions SET changed_ms = changed_ms - 7200000, issued_ms = 1").await;
            }
        }
    }
    let replay = world.get("/v1/assets/r1-u10/dag/replay").await;
    assert_eq!(replay["differences"], json!([]));
    assert!(replay["runs"].as_u64().unwrap() > 20, "{replay}");

    // A history that no walk could make.
    world.change("UPDATE runs SET path = REPLACE(path, 'VERIFY_HARDWARE', 'GRADUATE')").await;
    let replay = world.get("/v1/assets/r1-u10/dag/replay").await;
    let first = replay["differences"][0].as_str().unwrap();
    assert!(first.ends_with("took GRADUATE as its step 2; on paper comes VERIFY_HARDWARE"), "{first}");
}

#[tokio::test]
async fn an_asset_that_boots_again_and_again_is_stopped_until_a_person_clears_it() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    for _ in 1..8 {
        agent.boots().await;
        agent.tells_facts(1).await;
        agent = agent.reboot();
    }
    assert_eq!(world.standing("r1-u10").await, json!(["SPARE", "passed", "POWER_OFF_SPARE"]));
    assert!(world.alert_kinds().await.is_empty());
    agent.boots().await;
    assert_eq!(world.standing("r1-u10").await, json!(["SPARE", "pending", "LOOP_BREAKER"]));
    assert_eq!(world.alert_kinds().await, ["looping"]);
    let answer = agent.tells_facts(1).await;
    assert_eq!(
        answer.standing.reason.as_deref(),
        Some(
            "it booted 8 times within 30 minutes; find out why (its console, its BMC's event log), then clear it: \
             senzu-stub dag clear r1-u10"
        )
    );
    // Nothing is done to it, and nobody gets it.
    assert_eq!(agent.instructions(&world).await, []);
    let refused = problem(agent.asks_promotion("alice").await).await;
    assert!(refused["reason"].as_str().unwrap().starts_with("r1-u10 it booted 8 times"), "{refused}");
    // Not by itself, and said once.
    world.change("UPDATE sessions SET started_ms = started_ms - 3600000, last_seen_ms = last_seen_ms - 3600000").await;
    agent.tells_facts(2).await;
    assert_eq!(world.standing("r1-u10").await, json!(["SPARE", "passed", "LOOP_BREAKER"]));
    assert_eq!(world.alert_kinds().await, ["looping"]);

    let nameless = world.post("/v1/assets/r1-u10/loop/clear", json!({"by": " "})).await;
    assert_eq!(nameless.status(), 422);
    assert_eq!(world.post("/v1/assets/r1-u10/loop/clear", json!({"by": "alice"})).await.status(), 204);
    assert_eq!(world.standing("r1-u10").await, json!(["SPARE", "passed", "POWER_OFF_SPARE"]));
    assert_eq!(agent.instructions(&world).await.len(), 1);
    let events = world.get("/v1/assets/r1-u10").await["events"].clone();
    assert_eq!(
        (&events[0]["who"], &events[0]["what"]),
        (&json!("operator"), &json!("cleared, looked at by alice: no loop"))
    );
}

#[tokio::test]
async fn an_asset_that_is_told_the_same_in_vain_again_and_again_is_stopped() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    for generation in 2..8 {
        assert_eq!(world.standing("r1-u10").await, json!(["SPARE", "passed", "POWER_OFF_SPARE"]));
        let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
        agent.reports(&shutdown, Report::Refused { reason: "no power over this machine".into() }).await;
        // Two hours pass, as far as the retry is concerned.
        world.change("UPDATE instructions SET changed_ms = changed_ms - 7200000").await;
        agent.tells_facts(generation).await;
    }
    let answer = agent.polls(0, 0).await;
    assert_eq!((answer.instructions.len(), answer.standing.step.as_deref()), (0, Some("LOOP_BREAKER")));
    let words = "what POWER_OFF_SPARE told it came to nothing 6 times within 6 hours; find out why";
    assert!(answer.standing.reason.as_ref().unwrap().starts_with(words), "{answer:?}");
    assert_eq!(world.alert_kinds().await, ["looping"]);
}

#[tokio::test]
async fn a_run_that_died_with_its_replica_is_taken_over_when_its_lease_is_over() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let claim = "INSERT INTO runs (id, asset_id, holder, lease_until_ms, begun_ms)
                 SELECT '01900000-0000-7000-8000-000000000000', id, 'a dead replica', 9000000000000, 1 FROM assets
                 WHERE name = 'r1-u10'";
    world.change(claim).await;
    world.change("UPDATE instructions SET expires_ms = 1").await;
    world.change("UPDATE assets SET next_walk_ms = 1 WHERE name = 'r1-u10'").await;
    // While the lease lasts nobody else runs it: a poll that is held for two looks of Senzu's sees nothing new.
    let answer = agent.polls(1, 3).await;
    assert_eq!(answer.standing.reason.as_deref(), Some("waits for the agent to take shutdown"));
    world.change("UPDATE runs SET lease_until_ms = 2 WHERE ended_ms IS NULL").await;
    let answer = agent.polls(1, 30).await;
    assert_eq!(answer.standing.reason.as_deref(), Some("the agent did not power off: expired"));
    let runs = world.get("/v1/assets/r1-u10/dag").await["runs"].clone();
    let last = runs[0]["path"].as_array().unwrap().last().unwrap();
    assert_eq!(*last, json!({"graph": "discovery", "bean": "POWER_OFF_SPARE", "outcome": "failed"}));
}
