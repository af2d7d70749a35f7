//! Signals of the fleet as a whole.

use crate::{
    agent::Agent,
    world::{HASTE, World},
};
use serde_json::json;
use std::time::Duration;

/// Waits until the open alerts are of these kinds.
async fn until(world: &World, kinds: &[&str]) {
    let becoming = async {
        while world.alert_kinds().await != kinds {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(20), becoming).await;
    assert!(found.is_ok(), "{kinds:?}, not {:?}", world.alert_kinds().await);
}

#[tokio::test]
async fn an_asset_that_should_speak_and_does_not_is_an_alert_until_it_does() {
    let world = World::of_haste();
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    until(&world, &["silent"]).await;
    let fleet = world.get("/v1/fleet").await;
    assert_eq!(fleet["silent"][0]["name"], "r1-u12");
    agent.tells_facts(2).await;
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
    assert_eq!(world.get("/v1/fleet").await["silent"], json!([]));
}

#[tokio::test]
async fn nobody_is_missed_for_not_speaking_to_a_senzu_that_did_not_run() {
    let mut world = World::of_haste();
    let (mut quiet, mut lively) = (Agent::u10(&world), Agent::u12(&world));
    quiet.boots().await;
    lively.boots().await;
    world.kill();
    world.change("UPDATE assets SET last_seen_ms = last_seen_ms - 3600000").await;
    world.serve_with(&HASTE);
    // One that fell silent meanwhile is found, once it had the time to speak.
    let lively = lively.at(&world);
    let speaking = async {
        loop {
            lively.tells_facts(1).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = until(&world, &["silent"]) => {}
        () = speaking => {}
    }
    let alerts = world.get("/v1/alerts?show=all").await;
    let missed: Vec<&str> =
        alerts["alerts"].as_array().unwrap().iter().map(|alert| alert["name"].as_str().unwrap()).collect();
    assert_eq!(missed, ["r1-u10"]);
}

#[tokio::test]
async fn an_asset_that_was_told_to_be_silent_may_be() {
    let world = World::of_haste();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&shutdown, crate::agent::done()).await;
    let mut other = Agent::u12(&world);
    other.boots().await;
    // The one that should speak is found; by then the other was looked at too.
    until(&world, &["silent"]).await;
    assert_eq!(world.get("/v1/alerts").await["alerts"][0]["name"], "r1-u12");
}

#[tokio::test]
async fn a_check_that_changes_its_mind_again_and_again_is_an_alert_until_it_is_quiet() {
    let world = World::new();
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    for generation in 1..=6 {
        agent.port = if generation % 2 == 0 { "Ethernet2" } else { "Ethernet7" }.into();
        agent.tells_facts(generation).await;
    }
    assert_eq!(world.alert_kinds().await, Vec::<String>::new(), "five changes");
    agent.port = "Ethernet7".into();
    agent.tells_facts(7).await;
    // One cable, and both checks of it.
    assert_eq!(world.alert_kinds().await, ["flapping", "flapping"]);
    let fleet = world.get("/v1/fleet").await;
    let mut checks: Vec<&str> =
        fleet["flapping"].as_array().unwrap().iter().map(|one| one["check"].as_str().unwrap()).collect();
    checks.sort_unstable();
    assert_eq!(checks, ["cabling.port of eth0 (52:54:00:01:12:01)", "cabling.vlan of eth0 (52:54:00:01:12:01)"]);
    agent.tells_facts(8).await;
    world.change("UPDATE verdict_changes SET at_ms = 1").await;
    until(&world, &[]).await;
}

#[tokio::test]
async fn versions_and_states_are_counted() {
    let world = World::new();
    let mut one = Agent::u10(&world);
    one.boots().await;
    one.tells_facts(1).await;
    let two = Agent::u12(&world);
    let mut event = two.boot_event();
    event.agent_version = "0.2.0".into();
    let whoami: pious_protocol::message::Whoami = two.send_boot_event(&event).await.json().await.unwrap();
    let two = Agent { token: whoami.session_token, ..two };
    let mut report = two.report_of_facts(1);
    report.facts.smbios = pious_protocol::facts::Observed::seen(
        "test",
        pious_protocol::facts::Smbios {
            system: Some(pious_protocol::facts::System { product: Some("R650".into()), ..Default::default() }),
            bios: Some(pious_protocol::facts::Bios { version: Some("2.1".into()), ..Default::default() }),
            ..Default::default()
        },
    );
    let told = two.session(reqwest::Method::PUT, "/facts").json(&report).send().await.unwrap();
    assert_eq!(told.status(), 200);
    let fleet = world.get("/v1/fleet").await;
    assert_eq!(
        fleet["agent_versions"],
        json!([
            {"component": "agent", "product": null, "version": "0.1.0", "assets": 1},
            {"component": "agent", "product": null, "version": "0.2.0", "assets": 1},
        ])
    );
    assert_eq!(
        fleet["firmware_versions"],
        json!([{"component": "bios", "product": "R650", "version": "2.1", "assets": 1}])
    );
    assert_eq!(fleet["states"], json!([{"name": "NEW", "assets": 1}, {"name": "SPARE", "assets": 1}]));
}
