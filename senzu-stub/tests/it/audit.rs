//! Who did what, when and why.

use crate::{
    agent::Agent,
    world::{World, problem},
};
use reqwest::Method;
use serde_json::{Value, json};

/// Every event, through pages of a few.
async fn all(world: &World, asset: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.get(&format!("/v1/audit?limit=3{asset}{after}")).await;
        let some = page["events"].as_array().unwrap();
        assert!(some.len() <= 3);
        events.extend(some.iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return events,
        }
    }
}

fn said(events: &[Value]) -> Vec<String> {
    let id = |word: &str| word.len() > 30 && word.trim_matches(['(', ')']).chars().filter(|c| *c == '-').count() == 4;
    let line = |event: &Value| {
        let what = event["what"].as_str().unwrap().split(' ').map(|word| if id(word) { "ID" } else { word });
        let what = what.collect::<Vec<_>>().join(" ");
        format!(
            "{} | {} | {what} | {}",
            event["who"].as_str().unwrap(),
            event["name"].as_str().unwrap_or("-"),
            event["why"].as_str().unwrap()
        )
    };
    events.iter().map(line).collect()
}

#[tokio::test]
async fn every_action_and_every_change_of_state_is_on_record_in_pages() {
    let world = World::new();
    let alice = world.token_of("alice", "operator").await;
    let bob = world.token_of("bob", "approver").await;
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let hold = json!({"held": true, "by": "the night shift"});
    assert_eq!(world.ask(&alice, Method::POST, "/v1/assets/r1-u12/hold", hold).await.status(), 204);
    let dance = json!({"action": {"kind": "dance"}, "expires_in_s": 60});
    assert_eq!(world.ask(&alice, Method::POST, "/v1/assets/r1-u12/instructions", dance).await.status(), 200);
    let ask = json!({"asset": "r1-u12", "kind": "retire", "why": "it is old"});
    let asked: Value = world.ask(&alice, Method::POST, "/v1/approvals", ask).await.json().await.unwrap();
    let approve = format!("/v1/approvals/{}/approve", asked["id"].as_str().unwrap());
    assert_eq!(world.ask(&bob, Method::POST, &approve, json!({"why": "it is"})).await.status(), 200);

    let events = all(&world, "").await;
    let mut lines = said(&events);
    lines.reverse();
    let boot = agent.boot.short();
    let expected = [
        "import | r1-u10 | planned | the file says so".to_owned(),
        "import | r1-u12 | planned | the file says so".into(),
        "import | r1-u12 | held for use by operations | the file says so".into(),
        "senzu | - | took the file operator-token for a token of operator, role admin ID | it lies in the data directory".into(),
        "senzu | - | printed a token of first-start, role admin ID | the store had no token: its first start".into(),
        "operator | - | made the operator alice, role operator | asked by an admin".into(),
        "operator | - | made the token \"a test\" of alice, role operator ID | good for 3600 s".into(),
        "operator | - | made the operator bob, role approver | asked by an admin".into(),
        "operator | - | made the token \"a test\" of bob, role approver ID | good for 3600 s".into(),
        format!("agent | r1-u12 | booted: boot {boot} | PIOUS 0.1.0 by UEFI"),
        "GRADUATE | r1-u12 | NEW → SPARE | every check passed".into(),
        "alice | r1-u12 | held for use by the night shift | asked by an operator".into(),
        "alice | r1-u12 | instructed: dance ID | asked by an operator".into(),
        "alice | r1-u12 | asked for approval: retire ID | it is old".into(),
        "bob | r1-u12 | approved what alice asked for: retire ID | it is".into(),
        "RETIRE | r1-u12 | SPARE → RETIRED | asked for by alice, approved by bob: it is old".into(),
        "RETIRE | r1-u12 | what alice asked for ended: retire, done | it is RETIRED".into(),
    ];
    let mut sorted = [lines.clone(), Vec::new()].concat();
    let mut wanted = expected.to_vec();
    sorted.sort();
    wanted.sort();
    assert_eq!(sorted, wanted);
    // In order, newest first, none twice.
    let ids: Vec<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|newer, older| newer > older));
    assert!(events.iter().all(|event| event["at_ms"].as_u64().is_some_and(|at| at > 1_700_000_000_000)));

    let of_one = all(&world, "&asset=r1-u12").await;
    let expected: Vec<&Value> = events.iter().filter(|event| event["name"] == "r1-u12").collect();
    assert_eq!(of_one.iter().collect::<Vec<_>>(), expected);
    for (query, status) in [("asset=r9-u99", 404), ("limit=0", 422), ("limit=1001", 422), ("after=x", 400)] {
        let answer = world.ask(&alice, Method::GET, &format!("/v1/audit?{query}"), Value::Null).await;
        assert_eq!(answer.status(), status, "{query}");
        problem(answer).await;
    }
}
