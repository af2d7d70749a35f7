//! A clock that is set.

use crate::{agent::Agent, world::World};
use serde_json::json;

/// Sets the clock back by a day while no Senzu runs: to Senzu, what is stored lies a day ahead.
async fn set_back(world: &mut World) {
    world.kill();
    for (table, columns) in [
        ("assets", vec!["last_seen_ms", "next_walk_ms"]),
        ("sessions", vec!["started_ms", "last_seen_ms", "ended_ms"]),
        ("facts", vec!["received_ms"]),
        ("runs", vec!["lease_until_ms", "begun_ms", "ended_ms"]),
        ("audit", vec!["at_ms"]),
    ] {
        let set: Vec<String> = columns.iter().map(|column| format!("{column} = {column} + 86400000")).collect();
        world.change(&format!("UPDATE {table} SET {}", set.join(", "))).await;
    }
    world.serve();
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_no_asset_speak_from_the_future() {
    let mut world = World::new();
    let agent = Agent::spare(&world).await;
    let before = world.get("/v1/assets/r1-u12").await;
    set_back(&mut world).await;
    let after = world.get("/v1/assets/r1-u12").await;
    let hours = |view: &serde_json::Value| view["last_seen_ms"].as_u64().unwrap() / 3_600_000;
    assert!(hours(&after) <= hours(&before) + 1, "{} {}", hours(&before), hours(&after));
    // Its earlier session spoke before this one began, and is no second machine.
    let mut agent = agent.at(&world).reboot();
    agent.boots().await;
    agent.tells_facts(1).await;
    let now = world.get("/v1/assets/r1-u12").await;
    assert_eq!(now["standing"]["state"], json!("SPARE"));
    assert_eq!(now["sessions"][0]["boot_id"], json!(agent.boot));
    assert_eq!(now["standing"]["step"], before["standing"]["step"]);
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
    let audit = world.get("/v1/audit").await;
    let moved = audit["events"].as_array().unwrap().iter().find(|event| event["who"] == "senzu").unwrap();
    assert_eq!(moved["why"], "the clock was set back");
    // Not again at the next start.
    world.kill();
    world.serve();
    let again = world.get("/v1/audit").await;
    let times = again["events"].as_array().unwrap().iter().filter(|event| event["why"] == moved["why"]).count();
    assert_eq!(times, 1);
}

#[tokio::test]
async fn what_happens_after_the_clock_was_set_back_is_listed_as_newer() {
    let mut world = World::new();
    world.kill();
    world
        .change(
            "INSERT INTO audit (id, asset_id, at_ms, who, what, why)
             VALUES ('028f0000-0000-7000-8000-000000000000', NULL, 2814000000000, 'someone', 'something', 'in 2059')",
        )
        .await;
    world.serve();
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    let audit = world.get("/v1/audit").await;
    let whys: Vec<&str> =
        audit["events"].as_array().unwrap().iter().map(|event| event["why"].as_str().unwrap()).collect();
    let future = whys.iter().position(|why| *why == "in 2059").unwrap();
    let boot =
        audit["events"].as_array().unwrap().iter().position(|e| e["what"].as_str().unwrap().starts_with("booted"));
    assert!(boot.unwrap() < future, "newest first: {audit}");
}
