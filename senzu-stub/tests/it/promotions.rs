//! SPARE → BAREMETAL.

use crate::{
    agent::{Agent, done},
    world::{World, problem},
};
use pious_protocol::{
    instruction::{Action, Precondition},
    message::{AssetState, PromotionAnswer, Report},
};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_spare_is_promoted_and_leaves_for_its_disk() {
    let world = World::new();
    let agent = Agent::spare(&world).await;
    let granted = agent.asks_promotion("alice").await;
    assert_eq!(granted.status(), 200);
    assert_eq!(granted.json::<PromotionAnswer>().await.unwrap(), PromotionAnswer::Granted);

    let [switch] = agent.instructions(&world).await.try_into().unwrap();
    assert_eq!(switch.action, Action::SwitchState { to: AssetState::Baremetal });
    assert_eq!(switch.precondition, Some(Precondition::StateIs { state: AssetState::Spare }));
    assert_eq!(world.standing("r1-u12").await, json!(["SPARE", "passed", "PROMOTE"]));
    agent.reports(&switch, done()).await;
    assert_eq!(world.standing("r1-u12").await, json!(["BAREMETAL", "passed", "REBOOT"]));
    let target = world.get("/v1/boot-targets/52:54:00:01:12:01").await;
    assert_eq!(
        target,
        json!({"mac": "52:54:00:01:12:01", "boot": "local_disk", "tier": "recognized", "name": "r1-u12"})
    );

    let [reboot] = agent.instructions(&world).await.try_into().unwrap();
    assert!(matches!(reboot.action, Action::Reboot { .. }), "{reboot:?}");
    assert_eq!(reboot.precondition, Some(Precondition::StateIs { state: AssetState::Baremetal }));
    agent.reports(&reboot, done()).await;
    assert_eq!(agent.instructions(&world).await, []);
    assert_eq!(world.standing("r1-u12").await, json!(["BAREMETAL", "passed", null]));
    let detail = world.get("/v1/assets/r1-u12").await;
    assert_eq!(detail["sessions"][0]["ended_why"], "rebooted");

    // It is BAREMETAL for good: another boot of PIOUS does nothing to it, and no promotion is for it.
    let mut again = agent.reboot();
    again.boots().await;
    again.tells_facts(1).await;
    assert_eq!(again.instructions(&world).await, []);
    let refused = problem(again.asks_promotion("alice").await).await;
    assert_eq!(refused["reason"], "r1-u12 is BAREMETAL, and only a SPARE asset is promoted");
}

#[tokio::test]
async fn a_refusal_is_a_problem_and_an_answer() {
    let world = World::new();
    let mut agent = Agent { port: "Ethernet9".into(), ..Agent::u12(&world) };
    agent.boots().await;
    let reason = "r1-u12 is NEW, and only a SPARE asset is promoted";
    let refused = agent.asks_promotion("alice").await;
    assert_eq!(refused.status(), 409);
    assert_eq!(
        problem(refused).await,
        json!({
            "status": 409, "title": "Promotion refused", "detail": reason,
            "answer": "refused", "reason": reason,
        })
    );
}

#[tokio::test]
async fn a_spare_whose_checks_fail_or_are_not_made_is_not_promoted() {
    let world = World::new();
    let mut agent = Agent::spare(&world).await.reboot();
    agent.boots().await;
    let pending = problem(agent.asks_promotion("alice").await).await;
    assert_eq!(pending["reason"], "r1-u12 is not judged yet in this boot: ask again in a moment");
    agent.port = "Ethernet9".into();
    agent.tells_facts(1).await;
    let failing = problem(agent.asks_promotion("alice").await).await;
    let reason = failing["reason"].as_str().unwrap();
    assert!(reason.starts_with("r1-u12 fails its checks: cabling.port of "), "{reason}");
    assert_eq!(agent.instructions(&world).await, []);
}

#[tokio::test]
async fn of_two_promotions_at_once_one_wins() {
    let world = World::new();
    let agent = Agent::spare(&world).await;
    let (one, other) = tokio::join!(agent.asks_promotion("alice"), agent.asks_promotion("bob"));
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let refused = if one.status() == 409 { one } else { other };
    let reason = problem(refused).await["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("a promotion of r1-u12 that "), "{reason}");
    assert_eq!(agent.instructions(&world).await.len(), 1);
}

#[tokio::test]
async fn a_spare_that_is_told_to_power_off_is_not_promoted() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let refused = problem(agent.asks_promotion("alice").await).await;
    assert_eq!(
        refused["reason"],
        "r1-u10 was told to shutdown (instruction 1): hold it for use (POST /v1/assets/r1-u10/hold), start it, ask again"
    );
    // Held before the agent took it, it is not told any more.
    assert_eq!(world.post("/v1/assets/r1-u10/hold", json!({"held": true, "by": "alice"})).await.status(), 204);
    assert_eq!(agent.asks_promotion("alice").await.status(), 200);
    let [switch] = agent.instructions(&world).await.try_into().unwrap();
    assert_eq!(switch.action, Action::SwitchState { to: AssetState::Baremetal });
}

#[tokio::test]
async fn a_switch_that_the_agent_refuses_ends_the_promotion() {
    let world = World::new();
    let agent = Agent::spare(&world).await;
    agent.asks_promotion("alice").await;
    let [switch] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&switch, Report::Refused { reason: "I am NEW".into() }).await;
    assert_eq!(world.standing("r1-u12").await, json!(["SPARE", "passed", "POWER_OFF_SPARE"]));
    assert_eq!(agent.instructions(&world).await, []);
    // It may be asked for again.
    assert_eq!(agent.asks_promotion("alice").await.status(), 200);
    let [switch] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&switch, done()).await;
    assert_eq!(world.standing("r1-u12").await, json!(["BAREMETAL", "passed", "REBOOT"]));
}

#[tokio::test]
async fn a_reboot_in_the_middle_ends_the_promotion() {
    let world = World::new();
    let agent = Agent::spare(&world).await;
    agent.asks_promotion("alice").await;
    let mut again = agent.reboot();
    again.boots().await;
    again.tells_facts(1).await;
    assert_eq!(again.instructions(&world).await, []);
    assert_eq!(world.standing("r1-u12").await, json!(["SPARE", "passed", "POWER_OFF_SPARE"]));
    let detail = world.get("/v1/assets/r1-u12").await;
    assert_eq!(detail["instructions"][0]["state"], "expired");
}

#[tokio::test]
async fn a_promotion_names_its_requester() {
    let world = World::new();
    let agent = Agent::spare(&world).await;
    let nobody = agent.asks_promotion("  ").await;
    assert_eq!(nobody.status(), 422);
    assert_eq!(problem(nobody).await["detail"], "request.requester is empty: say who asks, so that it is on record");
    let long = agent.asks_promotion(&"a".repeat(1001)).await;
    assert_eq!(problem(long).await["detail"], "request.requester holds 1001, more than 1000");
    let no_token = agent.request(Method::POST, &format!("/v1/sessions/{}/promotions", agent.boot));
    let ask = json!({"request": {"requester": "alice"}, "source": "10.77.0.1"});
    assert_eq!(no_token.json(&ask).send().await.unwrap().status(), 401);
}
