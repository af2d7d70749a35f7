//! What a person should know of.

use crate::{agent::Agent, world::World};
use pious_protocol::message::{AssetState, Evaluation};
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
    let at = &alerts["alerts"][0]["at_ms"];
    assert_eq!(
        alerts,
        json!({"alerts": [{
            "at_ms": at, "asset": asset, "name": "r1-u10", "kind": "two_sessions",
            "words": format!("boot {} and boot {} both speak as this asset", one.boot.short(), other.boot.short()),
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
