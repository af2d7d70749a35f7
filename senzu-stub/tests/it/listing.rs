//! Lists of assets.

use crate::{
    agent::Agent,
    world::{World, problem},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const RACKS: &str = r#"
[[assets]]
name = "a1"
serial = "ALPHA-0001"
region = "eu"
rack = "r1"
tags = ["new", "team:storage", "new"]
[[assets]]
name = "a2"
serial = "ALPHA-0002"
region = "eu"
rack = "r2"
[[assets]]
name = "b1"
serial = "BETA-0001"
region = "us"
rack = "r1"
tags = ["new"]
"#;

async fn names(world: &World, query: &str) -> Vec<String> {
    let list = world.get(&format!("/v1/assets{query}")).await;
    list["assets"].as_array().unwrap().iter().map(|asset| asset["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn filters_narrow_and_pages_go_on() {
    let world = World::new();
    world.import(RACKS);
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    for (query, expected) in [
        ("", vec!["a1", "a2", "b1", "r1-u10", "r1-u12"]),
        ("?state=SPARE", vec!["r1-u12"]),
        ("?state=NEW&region=eu", vec!["a1", "a2"]),
        ("?evaluation=passed", vec!["r1-u12"]),
        ("?rack=r1", vec!["a1", "b1"]),
        ("?rack=r1&region=us", vec!["b1"]),
        ("?profile=demo", vec!["r1-u10", "r1-u12"]),
        ("?tag=new", vec!["a1", "b1"]),
        ("?tag=new&region=us", vec!["b1"]),
        ("?tag=team:storage", vec!["a1"]),
        ("?tag=none", vec![]),
        ("?search=alpha", vec!["a1", "a2"]),
        ("?search=U12", vec!["r1-u12"]),
        ("?search=r1-u", vec!["r1-u10", "r1-u12"]),
        ("?search=52:54:00:01:12:01", vec!["r1-u12"]),
        ("?search=12:01", vec!["r1-u12"]),
        ("?search=0001", vec!["a1", "b1"]),
        ("?search=0001&tag=team:storage", vec!["a1"]),
        ("?search=lpha", vec![]),
    ] {
        assert_eq!(names(&world, query).await, expected, "{query}");
        // The same, one at a time.
        let mut one_by_one: Vec<String> = Vec::new();
        let mut after = String::new();
        let start = if query.is_empty() { "?limit=1".to_owned() } else { format!("{query}&limit=1") };
        loop {
            let page = world.get(&format!("/v1/assets{start}{after}")).await;
            one_by_one.extend(page["assets"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap().into()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(one_by_one, expected, "{query}, one by one");
    }
    let one = world.get("/v1/assets/a1").await;
    assert_eq!(
        (&one["tags"], &one["region"], &one["rack"]),
        (&json!(["new", "team:storage"]), &json!("eu"), &json!("r1"))
    );
    for (query, detail) in [
        ("limit=0", "limit is 0: from 1 to 1000"),
        ("limit=1001", "limit is 1001: from 1 to 1000"),
        ("search=--", "search is \"--\": a letter or a digit at least"),
        ("after=a/b", "after is \"a/b\": what the page before named as next, with the same filters"),
        ("search=a&after=b", "after is \"b\": what the page before named as next, with the same filters"),
    ] {
        let path = format!("/v1/assets?{query}");
        let answer = world.ask(&world.operator_token(), Method::GET, &path, Value::Null).await;
        assert_eq!(answer.status(), 422, "{query}");
        assert_eq!(problem(answer).await["detail"], detail);
    }
}

#[tokio::test]
async fn tags_are_replaced_and_found_under_a_new_name() {
    let world = World::new();
    let mut agent = Agent::new(&world, "STRANGER-1", "52:54:00:01:20:01", "Ethernet9");
    agent.boots().await;
    let put = async |tags: Value| {
        let path = "/v1/assets/STRANGER-1/tags";
        world.ask(&world.operator_token(), Method::PUT, path, json!({"tags": tags})).await
    };
    let answer = put(json!(["z", "a", "z"])).await;
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"tags": ["a", "z"]}));
    for (tags, detail) in [
        (json!(["a b"]), "tags is \"a b\": 1 to 63 letters, digits and -_.:= each".to_owned()),
        (json!((0..33).map(|n| n.to_string()).collect::<Vec<_>>()), "tags holds 33, more than 32".into()),
    ] {
        let refused = put(tags).await;
        assert_eq!(refused.status(), 422);
        assert_eq!(problem(refused).await["detail"], detail);
    }
    // A plan gives it another name: it is found by that, and by its tags.
    world.import("[[assets]]\nname = \"r9-u1\"\nserial = \"STRANGER-1\"\n");
    for query in ["?tag=a", "?search=r9", "?search=stranger"] {
        assert_eq!(names(&world, query).await, ["r9-u1"], "{query}");
    }
    assert_eq!(put(json!([])).await.status(), 404, "its old name is nobody's");
    let events = world.get("/v1/assets/r9-u1").await["events"].to_string();
    assert!(events.contains("tagged: a z"), "{events}");
}

/// The shortest of some times: what else runs on the machine only makes them longer.
async fn shortest(world: &World, query: &str) -> Duration {
    let (client, token) = (world.client(), world.operator_token());
    let mut shortest = Duration::MAX;
    for _ in 0..25 {
        let begun = Instant::now();
        let request = client.get(world.url(&format!("/v1/assets{query}"))).bearer_auth(&token);
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        shortest = shortest.min(begun.elapsed());
        assert!(!page["assets"].as_array().unwrap().is_empty(), "{query}");
    }
    shortest
}

#[tokio::test]
async fn a_page_costs_the_same_of_a_thousand_and_of_a_hundred_thousand() {
    let mut world = World::empty();
    world.serve();
    let queries = [
        "?limit=50",
        "?limit=50&state=SPARE",
        "?limit=50&evaluation=failing&state=NEW",
        "?limit=50&rack=r7",
        "?limit=50&region=eu",
        "?limit=50&tag=t7",
        "?limit=50&search=serial-0000",
        "?limit=50&search=n00",
        "?limit=50&after=n000400",
    ];
    let fill = |from: u32, to: u32| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {to})
             INSERT INTO assets (id, name, state, evaluation, standing_revision, fingerprint, serial, next_sequence,
                 created_ms, region, rack)
             SELECT '0197b0a0-0000-7000-8000-' || substr(CAST(1000000000000 + i AS TEXT), 2),
                 'n' || substr(CAST(1000000 + i AS TEXT), 2),
                 CASE i % 10 WHEN 0 THEN 'SPARE' ELSE 'NEW' END, CASE i % 7 WHEN 0 THEN 'failing' ELSE 'passed' END, 1,
                 '{{}}', 'SERIAL-' || substr(CAST(1000000 + i AS TEXT), 2), 1, 1, CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END, 'r' || (i % 10)
             FROM n;
             INSERT INTO asset_words SELECT id, name FROM assets WHERE created_ms = 1;
             INSERT INTO asset_words SELECT id, 'serial' || substr(serial, 8) FROM assets WHERE created_ms = 1;
             INSERT INTO asset_tags SELECT id, 't' || (CAST(substr(name, 2) AS INTEGER) % 10), name FROM assets
                 WHERE created_ms = 1;
             UPDATE assets SET created_ms = 2;
             ANALYZE"
        )
    };
    world.change(&fill(0, 1000)).await;
    let mut few = Vec::new();
    for query in queries {
        few.push(shortest(&world, query).await);
    }
    world.change(&fill(1000, 100_000)).await;
    for (query, few) in queries.into_iter().zip(few) {
        let many = shortest(&world, query).await;
        eprintln!("{query}: {few:?} of 1,000, {many:?} of 100,000");
        // A machine that does something else at times; reading all of them takes a hundred times as long.
        assert!(many < few * 3 + Duration::from_millis(2), "{query}: {few:?} of 1,000, {many:?} of 100,000");
    }
}
