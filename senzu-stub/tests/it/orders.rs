//! What was ordered, and whether what boots is that.

use crate::{
    agent::Agent,
    world::{World, problem},
};
use reqwest::{Method, header};
use serde_json::{Value, json};

async fn import(world: &World, kind: &str, body: String) -> reqwest::Response {
    let request = world.request(Method::POST, "/v1/orders/imports?file=orders.csv").bearer_auth(world.operator_token());
    request.header(header::CONTENT_TYPE, kind).body(body).send().await.unwrap()
}

async fn csv(world: &World, rows: &str) -> Value {
    let body = format!("vendor,order,line,profile,count,serials,delivery,due\n{rows}");
    let answer = import(world, "text/csv", body).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    answer.json().await.unwrap()
}

async fn line(world: &World, order: &str) -> Value {
    world.get(&format!("/v1/orders/{order}")).await["lines"][0].clone()
}

async fn step(world: &World, asset: &str) -> Value {
    let standing = &world.get(&format!("/v1/assets/{asset}")).await["standing"];
    json!([standing["state"], standing["step"]])
}

#[tokio::test]
async fn a_delivery_counts_up_and_its_order_closes() {
    let world = World::new();
    let rows = "Acme,PO-1,1,demo,1,pious-r1-u10,second,2026-12-24\nAcme,PO-1,1,demo,1,,first,2026-12-01\n";
    let imported = csv(&world, rows).await;
    assert_eq!(imported, json!({"vendors": 1, "orders": 1, "lines": 1, "deliveries": 2}));
    // The same again is nothing new.
    assert_eq!(csv(&world, rows).await, json!({"vendors": 0, "orders": 0, "lines": 0, "deliveries": 0}));
    assert_eq!(world.get("/v1/vendors").await, json!({"vendors": ["Acme"]}));

    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let now = line(&world, "PO-1").await;
    assert_eq!(
        (&now["count"], &now["matched"], &now["assets"], &now["closed_ms"]),
        (&json!(2), &json!(1), &json!(["r1-u10"]), &Value::Null)
    );
    // By when they are due.
    assert_eq!(
        now["deliveries"],
        json!([
            {"name": "first", "due": "2026-12-01", "count": 1, "arrived": 1},
            {"name": "second", "due": "2026-12-24", "count": 1, "arrived": 0},
        ])
    );
    assert_eq!(step(&world, "r1-u10").await, json!(["SPARE", "POWER_OFF_SPARE"]));
    // Telling it again takes no second place.
    agent.tells_facts(2).await;
    assert_eq!(line(&world, "PO-1").await["matched"], 1);

    let mut agent = Agent::u12(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let now = line(&world, "PO-1").await;
    assert_eq!((&now["matched"], &now["deliveries"][1]["arrived"]), (&json!(2), &json!(1)));
    assert!(now["closed_ms"].is_u64());
    assert!(world.get("/v1/orders/PO-1").await["closed_ms"].is_u64());
    assert_eq!(world.get("/v1/orders?open=true").await["orders"], json!([]));
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
    let events = world.get("/v1/audit").await["events"].to_string();
    for words in [
        "matched to order PO-1 line 1, delivery first, by its serial",
        "matched to order PO-1 line 1, delivery second, by its profile",
        "closed order PO-1: all of it is here",
    ] {
        assert_eq!(events.matches(words).count(), 1, "{words} in {events}");
    }
}

#[tokio::test]
async fn an_asset_that_fits_no_line_waits_for_a_person() {
    let world = World::new();
    csv(&world, "Acme,PO-1,1,demo@1,1,SOMEBODY-ELSE,,\n").await;
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    assert_eq!(step(&world, "r1-u10").await, json!(["NEW", "MATCH_PURCHASE_ORDER"]));
    let alerts = world.get("/v1/alerts").await;
    let alert = &alerts["alerts"][0];
    assert_eq!((&alert["kind"], &alert["name"]), (&json!("unknown_asset"), &json!("r1-u10")));
    agent.tells_facts(2).await;
    assert_eq!(world.alert_kinds().await.len(), 1);

    let alice = world.token_of("alice", "operator").await;
    let path = format!("/v1/alerts/{}/resolve", alert["id"].as_str().unwrap());
    let ask = |line: u32| json!({"why": "the label says so", "assign": {"order": "PO-1", "line": line}});
    // The one place is somebody else's, and there is no second line.
    let full = world.ask(&alice, Method::POST, &path, ask(1)).await;
    assert_eq!(full.status(), 409);
    assert_eq!(
        problem(full).await["detail"],
        "r1-u10: order PO-1 line 1 has no place left that no serial is listed for (0 of 1 are here)"
    );
    let nothing = world.ask(&alice, Method::POST, &path, ask(2)).await;
    assert_eq!(nothing.status(), 404);
    // The order gets a second line, of another profile version than the plan's newest; a person may still say so.
    csv(&world, "Acme,PO-1,2,demo@1,1,OTHER-9,first,\nAcme,PO-1,2,demo@1,1,,second,\n").await;
    let done = world.ask(&alice, Method::POST, &path, ask(2)).await;
    assert_eq!(done.status(), 200, "{:?}", done.text().await);
    assert_eq!(step(&world, "r1-u10").await, json!(["SPARE", "POWER_OFF_SPARE"]));
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
    let order = world.get("/v1/orders/PO-1").await;
    assert_eq!(order["lines"][1]["assets"], json!(["r1-u10"]));

    // Another one needs none.
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let put = json!({"why": "a gift"});
    let done = world.ask(&alice, Method::PUT, "/v1/assets/r1-u12/order", put).await;
    assert_eq!(done.status(), 204);
    assert_eq!(step(&world, "r1-u12").await[0], "SPARE");
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_order_that_comes_later_lets_the_alert_go() {
    let world = World::new();
    csv(&world, "Acme,PO-1,1,demo,1,SOMEBODY-ELSE,,\n").await;
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    let standing = agent.tells_facts(1).await.standing;
    assert_eq!(standing.step.as_deref(), Some("MATCH_PURCHASE_ORDER"));
    let polling = tokio::spawn({
        let agent = agent.clone();
        async move { agent.polls(0, 30).await }
    });
    csv(&world, "Acme,PO-2,1,demo,5,,,\n").await;
    let standing = polling.await.unwrap().standing;
    assert_eq!(standing.state.name(), "SPARE");
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
    assert_eq!(world.get("/v1/alerts?show=all").await["alerts"][0]["resolved_by"], Value::Null);
}

#[tokio::test]
async fn what_was_ordered_is_what_is_expected_of_a_machine_that_nobody_planned() {
    let world = World::new();
    world.import("[[profiles]]\nname = \"big\"\nversion = 1\n[profiles.memory]\ndimms = 8\n");
    csv(&world, "Acme,PO-1,1,big,3,,,\nAcme,PO-1,2,demo,3,STRANGER-1,,\n").await;
    for serial in ["STRANGER-1", "STRANGER-2"] {
        let mut agent = Agent::new(
            &world,
            serial,
            if serial == "STRANGER-1" { "52:54:00:01:20:01" } else { "52:54:00:01:20:02" },
            "Ethernet9",
        );
        agent.boots().await;
        let answer = agent.tells_facts(1).await;
        // By its serial, and by its hardware: it has one DIMM, not eight. How it is cabled is for a plan to say.
        assert_eq!(answer.standing.step.as_deref(), Some("VERIFY_NETWORK"), "{serial}: {:?}", answer.standing);
        assert_eq!(world.get(&format!("/v1/assets/{serial}")).await["expectation"]["profile"]["name"], "demo");
    }
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_bad_row_names_file_line_and_column_and_changes_nothing() {
    let world = World::new();
    let head = "vendor,order,line,profile,count,serials,delivery\n";
    let good = "Acme,PO-1,1,demo,1,,\n";
    for (rows, words) in [
        (
            "Acme,PO-1,2,nothing,1,,\n",
            "orders.csv line 3, column 4 (profile): there is no profile \"nothing\"; nothing was taken",
        ),
        (
            "Acme,PO-1,2,demo,zero,,\n",
            "orders.csv line 3, column 5 (count): \"zero\" is no number from 1 to 100000; nothing was taken",
        ),
        ("Other,PO-1,2,demo,1,,\n", "orders.csv line 3, column 1 (vendor): order PO-1 is Acme's; nothing was taken"),
        (
            "Acme,PO-1,1,demo@1,1,,x\n",
            "orders.csv line 3, column 4 (profile): line 1 of order PO-1 is \"demo\" above; nothing was taken",
        ),
        (
            "Acme,PO-1,1,demo,1,,\n",
            "orders.csv line 3, column 7 (delivery): line 1 of order PO-1 has this delivery above: name each; nothing was taken",
        ),
        (
            "Acme,PO-1,2,demo,2,A-7 a-7,\n",
            "orders.csv line 3, column 6 (serials): \"a-7\" is listed on an order already; nothing was taken",
        ),
    ] {
        let refused = import(&world, "text/csv", format!("{head}{good}{rows}")).await;
        assert_eq!(refused.status(), 422, "{rows}");
        assert_eq!(problem(refused).await["detail"], words);
    }
    let json = "{\"rows\": [\n  {\"vendor\": \"Acme\", \"order\": \"PO-1\", \"line\": 1, \"profile\": \"demo\",\n   \"count\": 0}]}";
    let refused = import(&world, "application/json; charset=utf-8", json.into()).await;
    assert_eq!(
        problem(refused).await["detail"],
        "orders.csv line 3, column 4 (count): \"0\" is no number from 1 to 100000; nothing was taken"
    );
    for (kind, body, status) in [
        ("text/plain", "x".to_owned(), 415),
        ("text/csv", String::new(), 422),
        ("text/csv", "a".repeat((1 << 20) + 1), 413),
    ] {
        let refused = import(&world, kind, body).await;
        assert_eq!(refused.status(), status, "{kind}");
        problem(refused).await;
    }
    assert_eq!(world.get("/v1/orders").await["orders"], json!([]));
    assert_eq!(world.get("/v1/vendors").await["vendors"], json!([]));

    // What is stored already must say the same.
    csv(&world, "Acme,PO-1,1,demo,1,,,\n").await;
    let refused = import(&world, "text/csv", format!("{head}Acme,PO-1,1,demo,2,,\n")).await;
    assert_eq!(
        problem(refused).await["detail"],
        "orders.csv line 2, column 5 (count): line 1 of order PO-1 is stored with 1 machines; nothing was taken"
    );
}
