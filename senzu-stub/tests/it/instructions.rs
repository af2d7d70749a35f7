//! Instructions: how long they hold, what is reported of them, and how polls wait.

use crate::{
    agent::{Agent, done},
    world::{World, problem},
};
use pious_protocol::{
    instruction::{Action, UnknownAction},
    message::Report,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn order(world: &World, asset: &str, body: Value) -> Value {
    let answer = world.post(&format!("/v1/assets/{asset}/instructions"), body).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    answer.json().await.unwrap()
}

async fn booted(world: &World) -> Agent {
    let mut agent = Agent::u10(world);
    agent.boots().await;
    agent
}

fn refused(reason: &str) -> Report {
    Report::Refused { reason: reason.into() }
}

#[tokio::test]
async fn an_operators_order_wakes_the_poll_and_travels_as_given() {
    let world = World::new();
    let agent = booted(&world).await;
    let polling = tokio::spawn({
        let agent = agent.clone();
        async move { agent.polls(0, 30).await }
    });
    let ordered = order(
        &world,
        "r1-u10",
        json!({
            "action": {"kind": "reboot", "reason": "to see it again"},
            "expires_in_s": 60, "boot": agent.boot,
            "precondition": {"kind": "firmware_is", "component": "bmc", "version": "1"},
        }),
    )
    .await;
    let answer = polling.await.unwrap();
    let [sealed] = answer.instructions.as_slice() else { panic!("{answer:?}") };
    let instruction = serde_json::to_value(world.keys().open(&sealed.jws).unwrap()).unwrap();
    assert_eq!(
        instruction,
        json!({
            "jti": ordered["id"], "sub": world.get("/v1/assets/r1-u10").await["id"], "boot": agent.boot, "sequence": 1,
            "issued_ms": instruction["issued_ms"], "expires_ms": instruction["issued_ms"].as_u64().unwrap() + 60_000,
            "precondition": {"kind": "firmware_is", "component": "bmc", "version": "1"},
            "action": {"kind": "reboot", "reason": "to see it again"},
        })
    );
}

#[tokio::test]
async fn a_kind_that_senzu_does_not_know_travels_by_its_name() {
    let world = World::new();
    let agent = booted(&world).await;
    order(&world, "r1-u10", json!({"action": {"kind": "dance"}, "expires_in_s": 60})).await;
    let [dance] = agent.instructions(&world).await.try_into().unwrap();
    assert_eq!(dance.action, Action::Unknown(UnknownAction { kind: "dance".into(), problem: None }));
    agent.reports(&dance, refused("unknown kind dance")).await;
    assert_eq!(agent.instructions(&world).await, []);
}

#[tokio::test]
async fn the_first_final_report_counts() {
    let world = World::new();
    let agent = booted(&world).await;
    order(&world, "r1-u10", json!({"action": {"kind": "dance"}, "expires_in_s": 60})).await;
    let [dance] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&dance, Report::Accepted).await;
    agent.reports(&dance, Report::progress(10, "left foot")).await;
    agent.reports(&dance, Report::progress(50, "right foot")).await;
    agent.reports(&dance, done()).await;
    // Sent again, late, and contradicting.
    agent.reports(&dance, done()).await;
    agent.reports(&dance, Report::Accepted).await;
    let other = agent.send_report(&dance, &Report::Failed { reason: "fell".into() }).await;
    assert_eq!(other.status(), 409);
    assert_eq!(
        problem(other).await["detail"],
        format!("instruction {} has another final report already, and the first one counts", dance.id)
    );
    let view = &world.get("/v1/assets/r1-u10").await["instructions"][0];
    let said: Vec<Value> = view["reports"].as_array().unwrap().iter().map(|report| report["report"].clone()).collect();
    assert_eq!(
        (view["state"].clone(), said),
        (
            json!("done"),
            vec![
                json!({"status": "accepted"}),
                json!({"status": "progress", "percent": 50, "words": "right foot"}),
                json!({"status": "done", "evidence": null}),
            ]
        )
    );
}

#[tokio::test]
async fn an_expired_instruction_is_not_handed_out_and_is_marked() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    assert_eq!(agent.instructions(&world).await.len(), 1);
    world.change("UPDATE instructions SET expires_ms = 1").await;
    assert_eq!(agent.instructions(&world).await, []);
    // Senzu looks by itself, when the time comes; the poll tells that it did.
    world.change("UPDATE assets SET next_walk_ms = 1").await;
    let answer = agent.polls(1, 30).await;
    assert_eq!(answer.standing.reason.as_deref(), Some("the agent did not power off: expired"));
    assert_eq!(world.get("/v1/assets/r1-u10").await["instructions"][0]["state"], "expired");
}

#[tokio::test]
async fn a_queue_has_a_bound_and_beans_find_their_own_behind_it() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
    // The bean's and 31 others.
    for _ in 1..32 {
        order(&world, "r1-u10", json!({"action": {"kind": "dance"}, "expires_in_s": 60})).await;
    }
    let path = "/v1/assets/r1-u10/instructions";
    let full = world.post(path, json!({"action": {"kind": "dance"}, "expires_in_s": 60})).await;
    assert_eq!(full.status(), 409);
    assert_eq!(
        problem(full).await["detail"],
        "r1-u10 has 32 instructions that have not ended: let some end, or expire"
    );
    let all = agent.instructions(&world).await;
    assert_eq!(all.len(), 32);
    for dance in &all[1..] {
        agent.reports(dance, refused("can't dance")).await;
    }
    order(&world, "r1-u10", json!({"action": {"kind": "dance"}, "expires_in_s": 60})).await;
    agent.tells_facts(2).await;
    assert_eq!(agent.instructions(&world).await.first(), Some(&shutdown));
    agent.reports(&shutdown, done()).await;
    assert_eq!(world.standing("r1-u10").await, json!(["SPARE", "passed", null]));
}

#[tokio::test]
async fn progress_is_a_percentage() {
    let world = World::new();
    let agent = booted(&world).await;
    order(&world, "r1-u10", json!({"action": {"kind": "dance"}, "expires_in_s": 60})).await;
    let [dance] = agent.instructions(&world).await.try_into().unwrap();
    let answer = agent.send_report(&dance, &Report::progress(101, "on")).await;
    assert_eq!(answer.status(), 422);
    assert_eq!(problem(answer).await["detail"], "percent is 101: from 0 to 100");
}

#[tokio::test]
async fn an_instruction_is_for_one_boot_and_one_asset() {
    let world = World::new();
    let agent = booted(&world).await;
    let mut other = Agent::u12(&world);
    other.boots().await;
    order(&world, "r1-u10", json!({"action": {"kind": "dance"}, "expires_in_s": 60, "boot": agent.boot})).await;
    let [dance] = agent.instructions(&world).await.try_into().unwrap();
    assert_eq!(other.instructions(&world).await, []);
    let forged = other.send_report(&dance, &done()).await;
    assert_eq!(forged.status(), 404);
    assert_eq!(problem(forged).await["detail"], format!("no instruction {} for boot {}", dance.id, other.boot));

    let mut again = agent.reboot();
    again.boots().await;
    assert_eq!(again.instructions(&world).await, []);
    assert_eq!(again.send_report(&dance, &done()).await.status(), 404);
    assert_eq!(world.get("/v1/assets/r1-u10").await["instructions"][0]["state"], "expired");
}

#[tokio::test]
async fn a_poll_waits_as_long_as_it_is_asked_to() {
    let world = World::new();
    let agent = booted(&world).await;
    let begun = Instant::now();
    let answer = agent.polls(0, 1).await;
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!(answer.instructions, []);
}

#[tokio::test]
async fn a_standing_that_changed_between_polls_is_told_at_once() {
    let world = World::new();
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    assert_eq!(world.post("/v1/assets/r1-u12/hold", json!({"held": true, "by": "night shift"})).await.status(), 204);
    let begun = Instant::now();
    let answer = agent.polls(0, 30).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(answer.standing.reason.as_deref(), Some("waits for its release: held for use by night shift"));
}

#[tokio::test]
async fn a_shutdown_that_the_agent_refuses_is_tried_again_later() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&shutdown, refused("no power over this machine")).await;
    assert_eq!(agent.instructions(&world).await, []);
    let answer = agent.polls(0, 0).await;
    assert_eq!(answer.standing.reason.as_deref(), Some("the agent did not power off: refused"));
    assert_eq!(answer.standing.step.as_deref(), Some("POWER_OFF_SPARE"));
}

#[tokio::test]
async fn orders_have_bounds() {
    let world = World::new();
    let path = "/v1/assets/r1-u10/instructions";
    for (case, body, status, detail) in [
        (
            "no time",
            json!({"action": {"kind": "dance"}, "expires_in_s": 0}),
            422,
            "expires_in_s is 0: from 1 second to 10 days",
        ),
        (
            "a year",
            json!({"action": {"kind": "dance"}, "expires_in_s": 31_536_000}),
            422,
            "expires_in_s is 31536000: from 1 second to 10 days",
        ),
        (
            "a known kind that no agent can read",
            json!({"action": {"kind": "reboot"}, "expires_in_s": 60}),
            422,
            "action is reboot, but missing field `reason`: GET /openapi.json lists what each kind takes",
        ),
        (
            "no state",
            json!({"action": {"kind": "switch_state", "to": "BARMETAL"}, "expires_in_s": 60}),
            422,
            "action.to is no state: NEW, SPARE, BAREMETAL or RETIRED",
        ),
        (
            "no precondition",
            json!({"action": {"kind": "dance"}, "expires_in_s": 60, "precondition": {"kind": "moon_is"}}),
            422,
            "precondition.kind is of no known kind: state_is or firmware_is",
        ),
        (
            "longer than agents read",
            json!({
                "action": {"kind": "reboot", "reason": "x".repeat(12_000)}, "expires_in_s": 60,
            }),
            422,
            "the signed instruction holds ",
        ),
        (
            "no kind",
            json!({"action": {}, "expires_in_s": 60}),
            400,
            "the body is no OrderRequest in JSON: missing field `kind` at line 1 column 29",
        ),
    ] {
        let answer = world.post(path, body).await;
        assert_eq!(answer.status(), status, "{case}");
        let found = problem(answer).await["detail"].as_str().unwrap().to_owned();
        assert!(found.starts_with(detail.split(" at line").next().unwrap()), "{case}: {found}");
    }
}

#[tokio::test]
async fn a_machine_that_speaks_after_its_power_off_is_not_off() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&shutdown, done()).await;
    // It speaks on for a moment, as any machine may while it stops.
    agent.tells_facts(2).await;
    assert_eq!(world.standing("r1-u10").await, json!(["SPARE", "passed", null]));

    world.change("UPDATE sessions SET ended_ms = ended_ms - 61000").await;
    agent.tells_facts(3).await;
    assert_eq!(world.standing("r1-u10").await, json!(["SPARE", "passed", "POWER_OFF_SPARE"]));
    let detail = world.get("/v1/assets/r1-u10").await;
    assert_eq!(detail["instructions"][0]["state"], "failed");
    assert_eq!(detail["events"][0]["what"], "still speaks though it powered off");

    // A minute later it is told again.
    world.change("UPDATE instructions SET changed_ms = changed_ms - 61000").await;
    agent.tells_facts(4).await;
    let [again] = agent.instructions(&world).await.try_into().unwrap();
    assert_eq!((again.action.kind(), again.id == shutdown.id), ("shutdown", false));
}
