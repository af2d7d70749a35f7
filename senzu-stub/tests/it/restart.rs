//! What was acknowledged survives.

use crate::{
    agent::{Agent, done},
    world::World,
};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let mut world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
    let before = world.get("/v1/assets/r1-u10").await;
    let mut held = Agent::u12(&world);
    held.boots().await;
    assert_eq!(world.post("/v1/assets/r1-u12/hold", json!({"held": true, "by": "night shift"})).await.status(), 204);
    world.kill();

    world.serve();
    // The token, the session, the findings, the instruction: all of it is as it was.
    let agent = agent.at(&world);
    assert_eq!(world.get("/v1/assets/r1-u10").await, before);
    assert_eq!(agent.instructions(&world).await, std::slice::from_ref(&shutdown));
    agent.reports(&shutdown, done()).await;
    assert_eq!(world.standing("r1-u10").await, json!(["SPARE", "passed", null]));
    assert_eq!(world.get("/v1/assets/r1-u12").await["held"]["by"], "night shift");
}

#[tokio::test]
async fn a_power_cut_in_a_promotion_resumes_where_it_was() {
    let mut world = World::new();
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    assert_eq!(agent.asks_promotion("alice").await.status(), 200);
    world.kill();
    world.serve();
    let agent = agent.at(&world);
    let [switch] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&switch, done()).await;
    world.kill();
    world.serve();
    let agent = agent.at(&world);
    assert_eq!(world.standing("r1-u12").await, json!(["BAREMETAL", "passed", "REBOOT"]));
    let [reboot] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&reboot, done()).await;
    assert_eq!(world.standing("r1-u12").await, json!(["BAREMETAL", "passed", null]));
}

#[tokio::test]
async fn a_stop_answers_the_polls_and_ends() {
    let mut world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    // A session that was silent for long is noted when its poll comes in: so we see that it did.
    world.change("UPDATE sessions SET last_seen_ms = 1").await;
    let polling = tokio::spawn({
        let agent = agent.clone();
        async move { agent.polls(0, 60).await }
    });
    while world.get("/v1/assets/r1-u10").await["sessions"][0]["last_seen_ms"] == 1 {}
    let begun = Instant::now();
    let status = tokio::task::spawn_blocking(move || world.terminate()).await.unwrap();
    assert!(status.success(), "{status:?}");
    assert_eq!(polling.await.unwrap().instructions, []);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
