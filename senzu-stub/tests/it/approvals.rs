//! What takes two operators.

use crate::{
    agent::{Agent, done},
    world::{World, problem},
};
use pious_protocol::{
    instruction::{Action, Precondition},
    message::{AssetState, Report},
};
use reqwest::Method;
use serde_json::{Value, json};

/// Who asks, and who approves.
struct Two {
    alice: String,
    bob: String,
}

impl Two {
    async fn of(world: &World) -> Self {
        Self { alice: world.token_of("alice", "operator").await, bob: world.token_of("bob", "approver").await }
    }

    async fn asks(&self, world: &World, asset: &str, kind: &str) -> Value {
        let ask = json!({"asset": asset, "kind": kind, "why": "customer 42"});
        let asked = world.ask(&self.alice, Method::POST, "/v1/approvals", ask).await;
        assert_eq!(asked.status(), 200, "{:?}", asked.text().await);
        asked.json().await.unwrap()
    }

    async fn decides(&self, world: &World, id: &Value, decision: &str) -> Value {
        let path = format!("/v1/approvals/{}/{decision}", id.as_str().unwrap());
        let decided = world.ask(&self.bob, Method::POST, &path, json!({"why": "as agreed"})).await;
        assert_eq!(decided.status(), 200, "{:?}", decided.text().await);
        decided.json().await.unwrap()
    }
}

async fn approval(world: &World, id: &Value) -> Value {
    world.get(&format!("/v1/approvals/{}", id.as_str().unwrap())).await
}

#[tokio::test]
async fn a_promotion_that_another_approves_is_carried_out_by_beans() {
    let world = World::new();
    let two = Two::of(&world).await;
    let agent = Agent::spare(&world).await;
    let asked = two.asks(&world, "r1-u12", "promote").await;
    assert_eq!(
        (&asked["status"], &asked["asked_by"], &asked["name"], &asked["outcome"]),
        (&json!("pending"), &json!("alice"), &json!("r1-u12"), &Value::Null)
    );
    // Nothing happens yet.
    assert_eq!(agent.instructions(&world).await, []);
    let approved = two.decides(&world, &asked["id"], "approve").await;
    assert_eq!((&approved["status"], &approved["decided_by"]), (&json!("approved"), &json!("bob")));

    let [switch] = agent.instructions(&world).await.try_into().unwrap();
    assert_eq!(switch.action, Action::SwitchState { to: AssetState::Baremetal });
    assert_eq!(switch.precondition, Some(Precondition::StateIs { state: AssetState::Spare }));
    agent.reports(&switch, done()).await;
    let [reboot] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&reboot, done()).await;
    assert_eq!(world.standing("r1-u12").await, json!(["BAREMETAL", "passed", null]));
    let over = approval(&world, &asked["id"]).await;
    assert_eq!((&over["outcome"], &over["words"]), (&json!("done"), &json!("the agent rebooted it")));
    let events = world.get("/v1/assets/r1-u12").await["events"].to_string();
    for words in
        ["\"who\":\"alice\"", "\"who\":\"bob\"", "asked for approval: promote", "approved what alice asked for"]
    {
        assert!(events.contains(words), "{words} in {events}");
    }
}

#[tokio::test]
async fn an_approved_promotion_waits_for_the_next_boot_and_its_checks() {
    let world = World::new();
    let two = Two::of(&world).await;
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&shutdown, done()).await;
    let asked = two.asks(&world, "r1-u10", "promote").await;
    two.decides(&world, &asked["id"], "approve").await;
    let detail = world.get("/v1/assets/r1-u10").await;
    assert_eq!(
        (&detail["standing"]["step"], &detail["standing"]["reason"]),
        (&json!("RECONCILE_STATE"), &json!("waits for its next boot, to be promoted as approved"))
    );

    let mut agent = Agent { port: "Ethernet7".into(), ..agent.reboot() };
    agent.boots().await;
    agent.tells_facts(1).await;
    assert_eq!(agent.instructions(&world).await, [], "a cable is in the wrong port");
    agent.port = "Ethernet1".into();
    agent.tells_facts(2).await;
    let [switch] = agent.instructions(&world).await.try_into().unwrap();
    assert_eq!(switch.action, Action::SwitchState { to: AssetState::Baremetal });

    // The agent can't: the request has failed, and the asset is what it was.
    agent.reports(&switch, Report::Failed { reason: "no boot entry".into() }).await;
    let over = approval(&world, &asked["id"]).await;
    assert_eq!((&over["outcome"], &over["words"]), (&json!("failed"), &json!("the agent did not switch: failed")));
    assert_eq!(world.standing("r1-u10").await[0], "SPARE");
}

#[tokio::test]
async fn an_approved_promotion_takes_a_power_off_back_that_nobody_took() {
    let world = World::new();
    let two = Two::of(&world).await;
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
    let asked = two.asks(&world, "r1-u10", "promote").await;
    two.decides(&world, &asked["id"], "approve").await;
    let [switch] = agent.instructions(&world).await.try_into().unwrap();
    assert_ne!(switch.id, shutdown.id);
    assert_eq!(switch.action.kind(), "switch_state");
}

#[tokio::test]
async fn whoever_asks_cant_approve() {
    let world = World::new();
    let two = Two::of(&world).await;
    Agent::spare(&world).await;
    let path = |id: &Value, decision: &str| format!("/v1/approvals/{}/{decision}", id.as_str().unwrap());
    // An admin asks: the role is not what is missing. Another token of the same operator does not help.
    let admin = world.token_of("root", "admin").await;
    let other = world.token_of("root", "admin").await;
    let ask = json!({"asset": "r1-u12", "kind": "retire", "why": "it is old"});
    let asked: Value = world.ask(&admin, Method::POST, "/v1/approvals", ask.clone()).await.json().await.unwrap();
    for token in [&admin, &other] {
        let own = world.ask(token, Method::POST, &path(&asked["id"], "approve"), json!({})).await;
        assert_eq!(own.status(), 403);
        let words = format!("root asked for {}: another operator approves it", asked["id"].as_str().unwrap());
        assert_eq!(problem(own).await["detail"], words);
    }
    assert_eq!(world.standing("r1-u12").await[0], "SPARE");
    // One at a time.
    let second = world.ask(&two.alice, Method::POST, "/v1/approvals", ask).await;
    assert_eq!(second.status(), 409);
    // It may be taken back, and then it is over.
    let denied = world.ask(&admin, Method::POST, &path(&asked["id"], "deny"), json!({"why": "a mistake"})).await;
    assert_eq!(denied.status(), 200);
    let late = world.ask(&two.bob, Method::POST, &path(&asked["id"], "approve"), json!({})).await;
    assert_eq!(late.status(), 409);
    assert_eq!(world.standing("r1-u12").await[0], "SPARE");
}

#[tokio::test]
async fn a_request_that_nobody_decides_expires() {
    let world = World::new();
    let two = Two::of(&world).await;
    Agent::spare(&world).await;
    let asked = two.asks(&world, "r1-u12", "promote").await;
    world.change("UPDATE approvals SET expires_ms = 1").await;
    let path = format!("/v1/approvals/{}/approve", asked["id"].as_str().unwrap());
    let late = world.ask(&two.bob, Method::POST, &path, json!({})).await;
    assert_eq!(late.status(), 409);
    let words = format!("request {} is expired already: ask anew", asked["id"].as_str().unwrap());
    assert_eq!(problem(late).await["detail"], words);
    // The asset is free for another.
    two.asks(&world, "r1-u12", "promote").await;
    let expired = world.get("/v1/approvals?status=expired&asset=r1-u12").await;
    assert_eq!(expired["approvals"].as_array().unwrap().len(), 1);
    let page = world.get("/v1/approvals?limit=1").await;
    assert_eq!(page["approvals"][0]["status"], "pending");
    let rest = world.get(&format!("/v1/approvals?limit=1&after={}", page["next"].as_str().unwrap())).await;
    assert_eq!(rest["approvals"][0]["id"], asked["id"]);
}

#[tokio::test]
async fn a_retirement_needs_no_machine_that_answers() {
    let world = World::new();
    let two = Two::of(&world).await;
    let asked = two.asks(&world, "r1-u10", "retire").await;
    let approved = two.decides(&world, &asked["id"], "approve").await;
    assert_eq!(approved["outcome"], "done");
    assert_eq!(world.standing("r1-u10").await[0], "RETIRED");
    let events = world.get("/v1/assets/r1-u10").await["events"].to_string();
    assert!(
        events.contains("\"who\":\"RETIRE\",\"why\":\"asked for by alice, approved by bob: customer 42\""),
        "{events}"
    );
    // Nothing is asked of it any more, and it does not graduate.
    let ask = json!({"asset": "r1-u10", "kind": "retire", "why": "again"});
    let again = world.ask(&two.alice, Method::POST, "/v1/approvals", ask).await;
    assert_eq!(problem(again).await["detail"], "r1-u10: it is RETIRED already");
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    assert_eq!(world.standing("r1-u10").await[0], "RETIRED");
    assert_eq!(agent.instructions(&world).await, []);
}

#[tokio::test]
async fn a_wipe_that_the_agent_refuses_has_failed() {
    let world = World::new();
    let two = Two::of(&world).await;
    let agent = Agent::spare(&world).await;
    let asked = two.asks(&world, "r1-u12", "wipe").await;
    two.decides(&world, &asked["id"], "approve").await;
    let [wipe] = agent.instructions(&world).await.try_into().unwrap();
    assert_eq!(wipe.action.kind(), "wipe");
    assert_eq!(wipe.precondition, Some(Precondition::StateIs { state: AssetState::Spare }));
    agent.reports(&wipe, Report::Refused { reason: "unknown kind wipe".into() }).await;
    let over = approval(&world, &asked["id"]).await;
    assert_eq!((&over["outcome"], &over["words"]), (&json!("failed"), &json!("the agent did not wipe it: refused")));

    // A later request is one of its own, and an agent that can does it.
    let asked = two.asks(&world, "r1-u12", "wipe").await;
    two.decides(&world, &asked["id"], "approve").await;
    let [wipe] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&wipe, done()).await;
    assert_eq!(approval(&world, &asked["id"]).await["outcome"], "done");
}

#[tokio::test]
async fn an_order_does_not_get_around_the_second_operator() {
    let world = World::new();
    let two = Two::of(&world).await;
    let admin = world.operator_token();
    let order = async |token: &str, action: Value| {
        let body = json!({"action": action, "expires_in_s": 60});
        problem(world.ask(token, Method::POST, "/v1/assets/r1-u10/instructions", body).await).await
    };
    for (action, kind) in [
        (json!({"kind": "switch_state", "to": "BAREMETAL"}), "promote"),
        (json!({"kind": "switch_state", "to": "RETIRED"}), "retire"),
        (json!({"kind": "wipe"}), "wipe"),
        (json!({"kind": "Wipe"}), "wipe"),
    ] {
        let refused = order(&admin, action.clone()).await;
        assert_eq!(refused["status"], 403, "{action}");
        let words = format!("(POST /v1/approvals, kind {kind}), and let another approve");
        assert!(refused["detail"].as_str().unwrap().ends_with(&words), "{refused}");
    }
    let refused = order(&two.alice, json!({"kind": "switch_state", "to": "SPARE"})).await;
    assert_eq!(
        refused["detail"].as_str().unwrap().split(':').next(),
        Some("alice is operator here, and this needs admin")
    );
}
