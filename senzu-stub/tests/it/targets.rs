//! What PXE asks.

use crate::{
    agent::{Agent, done},
    world::World,
};
use reqwest::Method;
use serde_json::{Value, json};

async fn targets(world: &World, query: &str) -> Value {
    let answer = world.request(Method::GET, &format!("/v1/boot-targets{query}")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

fn target(mac: &str, boot: &str, tier: &str, name: &str) -> Value {
    json!({"mac": mac, "boot": boot, "tier": tier, "name": name})
}

#[tokio::test]
async fn every_known_address_has_a_target() {
    let world = World::new();
    let known = targets(&world, "").await;
    assert_eq!(
        known["targets"],
        json!([
            target("52:54:00:01:10:01", "pious", "unrecognized", "r1-u10"),
            target("52:54:00:01:12:01", "pious", "unrecognized", "r1-u12"),
            target("52:54:00:ff:10:01", "pious", "unrecognized", "r1-u10"),
        ])
    );
    assert_eq!(
        targets(&world, "/52-54-00-FF-10-01").await,
        target("52:54:00:ff:10:01", "pious", "unrecognized", "r1-u10")
    );
    assert_eq!(
        targets(&world, "/52:54:00:99:99:99").await,
        json!({"mac": "52:54:00:99:99:99", "boot": "pious", "tier": "unrecognized", "name": null})
    );
}

#[tokio::test]
async fn a_graduation_changes_the_tier_and_wakes_the_poll() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    let revision = targets(&world, "").await["revision"].as_u64().unwrap();
    let url = format!("/v1/boot-targets?after={revision}&wait_s=30");
    let polling = tokio::spawn(world.request(Method::GET, &url).send());
    agent.tells_facts(1).await;
    let woken: Value = polling.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(
        woken,
        json!({"revision": revision + 1, "targets": [
            target("52:54:00:01:10:01", "pious", "recognized", "r1-u10"),
            target("52:54:00:01:12:01", "pious", "unrecognized", "r1-u12"),
            target("52:54:00:ff:10:01", "pious", "recognized", "r1-u10"),
        ]})
    );
    // What changes no target leaves the revision alone.
    agent.tells_facts(2).await;
    assert_eq!(targets(&world, &format!("?after={}&wait_s=0", revision + 1)).await, woken);
}

#[tokio::test]
async fn a_newcomer_that_claims_an_address_does_not_get_it() {
    let world = World::new();
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    agent.asks_promotion("alice").await;
    let [switch] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&switch, done()).await;

    let mut forger = Agent::new(&world, "FORGED-77", "52:54:00:01:77:01", "Ethernet1");
    let mut event = forger.boot_event();
    event.fingerprint.macs.push("52:54:00:01:12:01".parse().unwrap());
    event.fingerprint.board_serial = Some("BOARD-77".into());
    event.fingerprint.system_uuid = Some(uuid::Uuid::now_v7());
    assert_eq!(forger.send_boot_event(&event).await.status(), 200);
    assert_eq!(
        targets(&world, "/52:54:00:01:12:01").await,
        target("52:54:00:01:12:01", "local_disk", "recognized", "r1-u12")
    );
    forger.token.clear();
}
