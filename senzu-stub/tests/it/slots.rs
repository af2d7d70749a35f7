//! Slots: how many assets are written to at once, and who has one.

use crate::{
    agent::done,
    servers::{COUNT, NEW, People, Server, becomes, fleet, image, image_of, member, spec, until},
    world::{World, problem},
};
use pious_protocol::{
    firmware::{FirmwareComponent, FlashPhase},
    instruction::Action,
    message::Report,
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_the_cap_are_written_to_at_once() {
    let (world, servers) = fleet(COUNT).await;
    let world = Arc::new(world);
    never_more_than_two(&world, std::slice::from_ref(&world), servers).await;
}

/// Updates every server, each through one of these Senzus; at no time more than two may.
async fn never_more_than_two(world: &Arc<World>, at: &[Arc<World>], servers: Vec<Server>) {
    image(world).await;
    let people = People::of(world).await;
    let caps = json!({"per_network": {"concurrent": 2}});
    let id = people.starts(world, spec(json!({"canary": COUNT, "soak_s": 0}), caps)).await;
    let (writing, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut updating = tokio::task::JoinSet::new();
    for (number, server) in servers.into_iter().enumerate() {
        let (writing, most) = (writing.clone(), most.clone());
        let there = at[number % at.len()].clone();
        let mut server = Server { agent: server.agent.at(&there), ..server };
        updating.spawn(async move {
            let update = server.is_told(&there).await;
            let now = writing.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            // Long enough that others would come.
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.agent.reports(&update, Report::Accepted).await;
            assert_eq!(server.progresses(&update, FlashPhase::HandingOver).await, StatusCode::NO_CONTENT);
            writing.fetch_sub(1, Ordering::SeqCst);
            server.ends(&update).await;
        });
    }
    let updated = updating.join_all().await.len();
    assert_eq!((updated, most.load(Ordering::SeqCst)), (COUNT, 2));
    becomes(world, &id, "finished").await;
}

/// As [`no_more_than_the_cap_are_written_to_at_once`], at two Senzus on one database.
#[allow(dead_code, reason = "SQLite has one Senzu")]
pub async fn two_senzus_never_exceed_a_cap() {
    let (here, servers) = fleet(COUNT).await;
    let (there, here) = (Arc::new(here.replica()), Arc::new(here));
    never_more_than_two(&here, &[here.clone(), there], servers).await;
}

#[tokio::test]
async fn a_slot_whose_agent_fell_silent_is_given_to_another() {
    let (world, mut servers) = fleet(2).await;
    image(&world).await;
    let people = People::of(&world).await;
    let caps = json!({"per_network": {"concurrent": 1}});
    people.starts(&world, spec(json!({"canary": 2, "soak_s": 0}), caps)).await;
    let (first, second) = servers.split_at_mut(1);
    let silent = first[0].is_told(&world).await;
    first[0].agent.reports(&silent, Report::Accepted).await;
    assert_eq!(first[0].progresses(&silent, FlashPhase::Fetching).await, StatusCode::NO_CONTENT);
    let waits = async || world.get("/v1/assets/c-u02").await["standing"]["step"] == "FLASH_BMC";
    until(async || {
        assert_eq!(second[0].reads(&world).await, None);
        waits().await.then_some(())
    })
    .await;
    // Half an hour later.
    world.change("UPDATE firmware_slots SET expires_ms = 1 WHERE expires_ms > 0").await;
    world.change("UPDATE assets SET next_walk_ms = 1 WHERE name = 'c-u02'").await;
    let update = second[0].is_told(&world).await;
    // The first is heard again: another has its slot, and its BMC gets nothing.
    let report = Report::Progress { percent: 50, words: "now".into(), phase: Some(FlashPhase::HandingOver) };
    let refused = problem(first[0].agent.send_report(&silent, &report).await).await;
    assert!(refused["detail"].as_str().unwrap().contains("its firmware slot is over"), "{refused}");
    second[0].updates(&update).await;
    // It waits its turn, and is told again.
    first[0].agent.reports(&silent, Report::Failed { reason: "Senzu did not let it".into() }).await;
    world.change("UPDATE assets SET next_walk_ms = 1 WHERE name = 'c-u01'").await;
    let step = world.get("/v1/assets/c-u01").await["standing"]["step"].take();
    assert_eq!(step, "FLASH_BMC");
}

/// A new BIOS runs once the server has restarted: until it was read then, nobody else gets the slot.
#[tokio::test]
async fn a_slot_is_kept_over_the_servers_restart() {
    let (world, mut servers) = fleet(2).await;
    image_of(&world, FirmwareComponent::Bios, &"cd".repeat(32)).await;
    servers.iter_mut().for_each(|server| server.component = FirmwareComponent::Bios);
    let people = People::of(&world).await;
    let mut spec = spec(json!({"canary": 2, "soak_s": 0}), json!({"per_network": {"concurrent": 1}}));
    spec["wanted"][0]["component"] = "bios".into();
    let id = people.starts(&world, spec).await;
    let (first, second) = servers.split_at_mut(1);
    let (first, second) = (&mut first[0], &second[0]);
    let update = first.is_told(&world).await;
    first.agent.reports(&update, Report::Accepted).await;
    assert_eq!(first.progresses(&update, FlashPhase::HandingOver).await, StatusCode::NO_CONTENT);
    // It is written, and the old one runs still.
    first.agent.reports(&update, done()).await;
    let waits = async || assert_eq!(second.reads(&world).await, None, "the first has the slot");
    waits().await;
    let [restart] = first.agent.instructions(&world).await.try_into().unwrap();
    assert!(matches!(restart.action, Action::Reboot { .. }), "{restart:?}");
    first.agent.reports(&restart, done()).await;
    waits().await;
    first.agent = first.agent.reboot();
    first.version = NEW.into();
    first.boots().await;
    waits().await;
    assert_eq!(first.reads(&world).await, None);
    assert_eq!(member(&world, &id, "c-u01").await, json!([1, "done"]));
    second.is_told(&world).await;
}

/// What was not begun is tried again later; until then nobody waits for it.
#[tokio::test]
async fn a_slot_is_anothers_while_an_update_rests_before_another_try() {
    let (world, mut servers) = fleet(2).await;
    image(&world).await;
    let people = People::of(&world).await;
    let caps = json!({"per_network": {"concurrent": 1}});
    let id = people.starts(&world, spec(json!({"canary": 2, "soak_s": 0}), caps)).await;
    let (first, second) = servers.split_at_mut(1);
    let (first, second) = (&mut first[0], &mut second[0]);
    let vain = first.is_told(&world).await;
    first.agent.reports(&vain, Report::Accepted).await;
    assert_eq!(first.progresses(&vain, FlashPhase::Fetching).await, StatusCode::NO_CONTENT);
    assert_eq!(second.reads(&world).await, None);
    first.agent.reports(&vain, Report::Failed { reason: "the image breaks off".into() }).await;
    let update = second.is_told(&world).await;
    // Its rest is over, and another has the slot: it waits as anybody does.
    world.change("UPDATE instructions SET changed_ms = 1 WHERE status = 'failed'").await;
    world.change("UPDATE assets SET next_walk_ms = 1 WHERE name = 'c-u01'").await;
    let stands = async || world.get("/v1/assets/c-u01").await["standing"]["reason"].take();
    until(async || (stands().await == "waits for a slot: 1 of 1 in network unknown are taken").then_some(())).await;
    assert_eq!(first.reads(&world).await, None);
    second.updates(&update).await;
    let again = first.is_told(&world).await;
    first.updates(&again).await;
    becomes(&world, &id, "finished").await;
}

/// What an operator asks of one asset takes a slot too.
#[tokio::test]
async fn single_goals_take_slots_as_many_as_senzu_serves_with() {
    let (mut world, mut servers) = fleet(2).await;
    image(&world).await;
    world.kill();
    world.serve_with(&["--firmware-per-network", "1"]);
    for server in &mut servers {
        server.agent = server.agent.at(&world);
        let path = format!("/v1/assets/{}/firmware", server.name);
        let wanted = json!({"wanted": [{"component": "bmc", "version": NEW}], "why": "a test"});
        let put = world.ask(&world.operator_token(), Method::PUT, &path, wanted).await;
        assert_eq!(put.status(), StatusCode::OK);
    }
    let update = servers[0].is_told(&world).await;
    assert_eq!(servers[1].reads(&world).await, None);
    let standing = world.get("/v1/assets/c-u02").await["standing"].take();
    assert_eq!(standing["reason"], "waits for a slot: 1 of 1 in network unknown are taken");
    servers[0].updates(&update).await;
    servers[1].is_told(&world).await;
}
