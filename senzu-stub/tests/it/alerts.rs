//! What a person should know of.

use crate::{
    agent::Agent,
    world::{World, problem},
};
use pious_protocol::message::{AssetState, Evaluation};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn two_sessions_that_both_speak_raise_an_alert_and_get_nothing_to_do() {
    let world = World::new();
    let mut one = Agent::u10(&world);
    let asset = one.boots().await.asset;
    let mut other = one.reboot();
    assert_eq!(other.boots().await.asset, asset);
    // A machine that was reset leaves a session behind, and nobody should be called for that.
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());

    one.polls(0, 0).await;
    let alerts = world.get("/v1/alerts").await;
    let (id, at) = (&alerts["alerts"][0]["id"], &alerts["alerts"][0]["at_ms"]);
    assert_eq!(
        alerts,
        json!({"alerts": [{
            "id": id, "at_ms": at, "asset": asset, "name": "r1-u10", "kind": "two_sessions",
            "words": format!("boot {} and boot {} both speak as this asset", one.boot.short(), other.boot.short()),
            "resolved_ms": null, "resolved_by": null, "resolved_why": null,
        }]})
    );
    // Once, however often it speaks.
    one.tells_facts(1).await;
    assert_eq!(world.alert_kinds().await, ["two_sessions"]);

    let answer = other.tells_facts(1).await;
    assert_eq!((answer.standing.state, answer.standing.step.as_deref()), (AssetState::New, Some("WHOAMI")));
    assert_eq!(one.instructions(&world).await, []);
    assert_eq!(other.instructions(&world).await, []);
}

#[tokio::test]
async fn the_older_sessions_facts_are_judged_and_not_recorded() {
    let world = World::new();
    let mut one = Agent { port: "Ethernet9".into(), ..Agent::u10(&world) };
    one.boots().await;
    let mut other = Agent { port: "Ethernet1".into(), ..one.reboot() };
    other.boots().await;
    other.tells_facts(1).await;
    let answer = one.tells_facts(1).await;
    assert_eq!(answer.findings[0].seen, "r1-sw1 port Ethernet9");
    assert_eq!(answer.standing.evaluation, Evaluation::Passed);
}

#[tokio::test]
async fn a_fingerprint_that_fits_two_assets_is_a_third_one_in_doubt() {
    let world = World::new();
    for agent in [Agent::u10(&world), Agent::u12(&world)] {
        agent.clone().boots().await;
    }
    // It shows the interface of each, and nothing else that is known.
    let mut agent = Agent::u10(&world);
    let mut event = agent.boot_event();
    event.fingerprint.system_serial = None;
    event.fingerprint.macs = ["52:54:00:01:10:01", "52:54:00:01:12:01"].map(|mac| mac.parse().unwrap()).into();
    let answer = agent.send_boot_event(&event).await;
    let whoami: pious_protocol::message::Whoami = answer.json().await.unwrap();
    assert_eq!(world.alert_kinds().await, ["ambiguous_fingerprint"]);
    assert!(whoami.name.starts_with("asset-"), "{}", whoami.name);
    assert_eq!((whoami.standing.state, whoami.standing.step.as_deref()), (AssetState::New, Some("WHOAMI")));
    assert_eq!(world.get("/v1/assets").await["assets"].as_array().unwrap().len(), 3);

    // At its next boot it is the same third one, and nobody is called again.
    agent = agent.reboot();
    event.boot_id = agent.boot;
    let again: pious_protocol::message::Whoami = agent.send_boot_event(&event).await.json().await.unwrap();
    assert_eq!(again.asset, whoami.asset);
    assert_eq!(world.alert_kinds().await, ["ambiguous_fingerprint"]);
}

#[tokio::test]
async fn an_agent_that_died_is_told_of_once() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    let mut event = agent.boot_event();
    event.last_words = Some("panicked at facts/cpu.rs".into());
    assert_eq!(agent.send_boot_event(&event).await.status(), 200);
    assert_eq!(agent.send_boot_event(&event).await.status(), 200);
    assert_eq!(world.alert_kinds().await, ["agent_died"]);
    let detail = world.get("/v1/assets/r1-u10").await;
    assert_eq!(detail["sessions"][0]["last_words"], "panicked at facts/cpu.rs");
}

#[tokio::test]
async fn an_alert_ends_with_its_cause_and_comes_back_with_it() {
    let world = World::new();
    let mut one = Agent::u10(&world);
    one.boots().await;
    let mut other = one.reboot();
    other.boots().await;
    one.polls(0, 0).await;
    assert_eq!(world.alert_kinds().await, ["two_sessions"]);
    // The first machine is switched off, and was silent for long when the other tells its facts.
    world.change("UPDATE sessions SET last_seen_ms = 1, started_ms = 1 WHERE last_words IS NULL AND boot_id <> (SELECT current_boot FROM assets WHERE name = 'r1-u10')").await;
    other.tells_facts(1).await;
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
    let over = &world.get("/v1/alerts?show=resolved").await["alerts"][0];
    assert_eq!((&over["kind"], &over["resolved_by"]), (&json!("two_sessions"), &serde_json::Value::Null));
    assert_eq!(over["resolved_why"], "its cause is over");
    one.polls(0, 0).await;
    assert_eq!(world.alert_kinds().await, ["two_sessions"]);
    assert_eq!(world.get("/v1/alerts?show=all").await["alerts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_agent_that_died_is_forgiven_by_the_next_boot() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    let mut event = agent.boot_event();
    event.last_words = Some("panicked at facts/cpu.rs".into());
    assert_eq!(agent.send_boot_event(&event).await.status(), 200);
    agent.tells_facts(1).await;
    assert_eq!(world.alert_kinds().await, ["agent_died"], "it died in this very boot");
    let mut agent = agent.reboot();
    agent.boots().await;
    agent.tells_facts(1).await;
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_an_operator_resolved_is_not_raised_about_the_same_again() {
    let world = World::new();
    let alice = world.token_of("alice", "operator").await;
    let agent = {
        let mut agent = Agent::u10(&world);
        agent.boots().await;
        agent
    };
    let mut event = agent.boot_event();
    event.last_words = Some("panicked".into());
    assert_eq!(agent.send_boot_event(&event).await.status(), 200);
    let alert = world.get("/v1/alerts").await["alerts"][0].clone();
    let path = format!("/v1/alerts/{}/resolve", alert["id"].as_str().unwrap());
    let empty = world.ask(&alice, Method::POST, &path, json!({"why": " "})).await;
    assert_eq!(problem(empty).await["detail"], "why is empty: say why, so that it is on record");
    let elsewhere = json!({"why": "x", "assign": {"order": "PO-1", "line": 1}});
    let refused = world.ask(&alice, Method::POST, &path, elsewhere).await;
    assert_eq!(
        problem(refused).await["detail"],
        "assign is of an alert about agent_died: it is for unknown_asset alone"
    );
    for _ in 0..2 {
        let done = world.ask(&alice, Method::POST, &path, json!({"why": "known, fixed in 0.2"})).await;
        let done: serde_json::Value = done.json().await.unwrap();
        assert_eq!((&done["resolved_by"], &done["resolved_why"]), (&json!("alice"), &json!("known, fixed in 0.2")));
    }
    assert_eq!(agent.send_boot_event(&event).await.status(), 200);
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
    event.last_words = Some("panicked elsewhere".into());
    assert_eq!(agent.send_boot_event(&event).await.status(), 200);
    assert_eq!(world.alert_kinds().await, ["agent_died"]);
    let events = world.get("/v1/audit?asset=r1-u10").await["events"].to_string();
    assert_eq!(events.matches("resolved the alert agent_died").count(), 1, "{events}");
}
