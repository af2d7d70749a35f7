//! Several Senzus on one database.

use crate::{
    agent::{Agent, done},
    world::World,
};
use reqwest::StatusCode;
use serde_json::json;
use std::time::{Duration, Instant};

/// A long-poll is held for 30 s; what comes within this was woken.
const WOKEN_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_order_at_one_replica_wakes_the_poll_at_another() {
    let mut here = World::new();
    let there = here.replica();
    let mut agent = Agent::u12(&here);
    agent.boots().await;
    agent.tells_facts(1).await;
    // A session that was silent for long is noted when its poll comes in: so we see that it did.
    here.change("UPDATE sessions SET last_seen_ms = 1").await;
    let polling = tokio::spawn({
        let agent = agent.clone();
        async move { agent.polls(0, 30).await }
    });
    while here.get("/v1/assets/r1-u12").await["sessions"][0]["last_seen_ms"] == 1 {}
    let begun = Instant::now();
    let order = json!({"action": {"kind": "dance"}, "expires_in_s": 60});
    assert_eq!(there.post("/v1/assets/r1-u12/instructions", order).await.status(), StatusCode::OK);
    assert_eq!(polling.await.unwrap().instructions.len(), 1);
    assert!(begun.elapsed() < WOKEN_WITHIN, "{:?}", begun.elapsed());
    here.kill();
}

#[tokio::test]
async fn a_graduation_at_one_replica_wakes_pxe_at_another() {
    let here = World::new();
    let there = here.replica();
    let mut agent = Agent::u10(&here);
    agent.boots().await;
    let revision = there.get("/v1/boot-targets").await["revision"].as_u64().unwrap();
    let polling = tokio::spawn({
        let url = there.url(&format!("/v1/boot-targets?after={revision}&wait_s=30"));
        let client = there.client();
        async move { client.get(url).send().await.unwrap().json::<serde_json::Value>().await.unwrap() }
    });
    let begun = Instant::now();
    agent.tells_facts(1).await;
    assert!(polling.await.unwrap()["revision"].as_u64().unwrap() > revision);
    assert!(begun.elapsed() < WOKEN_WITHIN, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_agent_goes_on_at_another_replica_where_one_was_killed() {
    let mut here = World::new();
    let there = here.replica();
    let mut agent = Agent::u10(&here);
    agent.boots().await;
    agent.tells_facts(1).await;
    let [shutdown] = agent.instructions(&here).await.try_into().unwrap();
    here.kill();
    let agent = agent.at(&there);
    assert_eq!(agent.instructions(&there).await, std::slice::from_ref(&shutdown));
    agent.reports(&shutdown, done()).await;
    assert_eq!(there.standing("r1-u10").await, json!(["SPARE", "passed", null]));
}

/// Boot events of one machine at two replicas at once are of one asset; so are those of machines that share an address.
#[tokio::test]
async fn a_machine_that_boots_at_two_replicas_at_once_is_one_asset() {
    let here = World::new();
    let there = here.replica();
    let mut booting = tokio::task::JoinSet::new();
    for number in 0..24 {
        let world = if number % 2 == 0 { &here } else { &there };
        let mut agent = Agent::new(world, "STRANGER-1", "52:54:00:09:00:01", "Ethernet9");
        booting.spawn(async move { agent.boots().await.asset });
    }
    let assets: std::collections::HashSet<_> = booting.join_all().await.into_iter().collect();
    assert_eq!(assets.len(), 1);
    let all = there.get("/v1/assets").await;
    assert_eq!(all["assets"].as_array().unwrap().len(), 3, "{all}");
}

/// What was answered with success is there, wherever the one that answered was killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_killed_in_a_storm_loses_nothing_that_it_acknowledged() {
    const MACHINES: usize = 60;
    let mut here = World::new();
    let there = here.replica();
    let mut storm = tokio::task::JoinSet::new();
    for number in 0..MACHINES {
        let agent = Agent::new(&here, &format!("STORM-{number}"), &format!("52:54:00:0a:00:{number:02x}"), "Ethernet9");
        storm.spawn(async move {
            let answer = agent.request(reqwest::Method::POST, "/v1/boot-events").json(&agent.boot_event()).send().await;
            let acknowledged = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
            (agent, acknowledged)
        });
    }
    // In mid-storm: some are answered, some are not.
    let mut agents = Vec::new();
    while agents.len() < MACHINES / 3 {
        agents.push(storm.join_next().await.unwrap().unwrap());
    }
    here.kill();
    agents.extend(storm.join_all().await);
    let acknowledged = agents.iter().filter(|(_, acknowledged)| *acknowledged).count();
    assert!(acknowledged >= MACHINES / 3, "{acknowledged}");
    let stored = there.get("/v1/assets").await;
    let serials: Vec<&str> = stored["assets"].as_array().unwrap().iter().filter_map(|a| a["serial"].as_str()).collect();
    for (agent, acknowledged) in &agents {
        assert!(!acknowledged || serials.contains(&agent.serial.as_str()), "{} is lost", agent.serial);
    }
    // All of them go on at the other, and each is one asset.
    for (agent, _) in agents {
        agent.at(&there).boots().await;
    }
    assert_eq!(there.get("/v1/assets").await["assets"].as_array().unwrap().len(), 2 + MACHINES);
}

#[tokio::test]
async fn a_backup_of_postgresql_is_pg_dumps() {
    let world = World::new();
    let refused = world.run(&["backup", "never-written"]);
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(words.ends_with("is PostgreSQL's: back it up with pg_dump, from any machine that reaches it\n"), "{words}");
}

#[test]
fn a_server_that_is_not_there_is_named_without_its_password() {
    let world = World::empty();
    let url = "postgres://senzu:secret@127.0.0.1:1/senzu";
    let refused = world.run(&["serve", "--listen", "127.0.0.1:0", "--database", url]);
    let words = String::from_utf8(refused.stderr).unwrap();
    let expected = "senzu-stub: cannot open the store: cannot open postgres://127.0.0.1:1/senzu: it does not answer: is the \
                    server up, and is the URL right?: ";
    assert!(!refused.status.success() && words.starts_with(expected) && !words.contains("secret"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_together_write_to_no_more_than_the_cap() {
    crate::slots::two_senzus_never_exceed_a_cap().await;
}
