//! Profiles from golden machines, as an operator's shell shows them.

use crate::{
    agent::Agent,
    world::{PROGRAM, World, problem},
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::process::{Command, Output};

/// Runs `senzu-stub profile …` as an operator.
fn run(world: &World, words: &[&str]) -> Output {
    Command::new(PROGRAM)
        .arg("profile")
        .args(words)
        .args(["--url", &world.url("")])
        .arg("--token-file")
        .arg(world.data().join("operator-token"))
        .arg("--ca")
        .arg(world.data().join("ca.pem"))
        .output()
        .unwrap()
}

#[track_caller]
fn says(world: &World, words: &[&str]) -> String {
    let output = run(world, words);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_golden_machine_becomes_a_profile_that_is_listed_shown_and_compared() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;

    let made = says(&world, &["from-asset", "r1-u10", "--name", "golden"]);
    assert_eq!(made, "golden@1 is new\n");
    // The same again is no new edition.
    assert!(
        says(&world, &["from-asset", "r1-u10", "--name", "golden"]).starts_with("golden@1 says the same already\n")
    );
    assert_eq!(says(&world, &["list"]), "demo@1    r1-u10 r1-u12\ngolden@1  -\n");
    assert_eq!(
        says(&world, &["show", "golden"]),
        "boot mode           UEFI\n\
         memory              1 DIMM of 256 MiB\n\
         memory in all       256 MiB\n\
         memory slots        DIMM 0\n\
         network interfaces  1\n\
         network             1 × any\n\
         edition             golden@1\n"
    );
    assert_eq!(says(&world, &["diff", "golden", "golden@1"]), "no difference\n");
    assert_eq!(
        says(&world, &["diff", "demo", "golden"]),
        "boot mode: not judged → UEFI\n\
         memory: 1 DIMM → 1 DIMM of 256 MiB\n\
         memory in all: not judged → 256 MiB\n\
         memory slots: not judged → DIMM 0\n\
         network interfaces: not judged → 1\n\
         network: not judged → 1 × any\n"
    );
}

#[tokio::test]
async fn a_changed_golden_machine_makes_a_new_edition_and_those_who_follow_it_are_judged_anew() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    // By default the name is that of the planned profile, which both assets follow.
    let made = says(&world, &["from-asset", "r1-u10"]);
    assert!(made.starts_with("demo@2 is new\n"), "{made}");
    let detail = world.get("/v1/assets/r1-u10").await;
    assert_eq!(detail["expectation"]["profile"]["version"], 2);
    assert_eq!(
        world.get("/v1/assets/r1-u12").await["expectation"]["profile"]["version"],
        1,
        "it is planned with demo@1"
    );
    assert_eq!(says(&world, &["list"]), "demo@2  r1-u10\ndemo@1  r1-u12\n");
    let answer = agent.tells_facts(2).await;
    assert!(answer.findings.iter().all(|finding| finding.remedy.is_empty()), "{:#?}", answer.findings);
}

#[tokio::test]
async fn what_can_not_be_made_or_found_says_why() {
    let world = World::new();
    let ask = async |name: serde_json::Value| world.post("/v1/assets/r1-u10/profile", json!({"name": name})).await;
    let unseen = problem(ask(json!("golden")).await).await;
    assert_eq!(
        (unseen["status"].as_u64(), unseen["detail"].as_str()),
        (Some(409), Some("r1-u10 has no facts of its newest boot: boot it, and ask again"))
    );
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    assert_eq!(ask(json!("a@b")).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.post("/v1/assets/nobody/profile", json!({})).await.status(), StatusCode::NOT_FOUND);
    let answer = world.request(Method::GET, "/v1/profiles/nothing").bearer_auth(world.operator_token()).send().await;
    let unknown = problem(answer.unwrap()).await;
    assert_eq!(unknown["detail"], "no profile \"nothing\": GET /v1/profiles lists them");
    assert!(!run(&world, &["show", "demo@x"]).status.success());
}

#[tokio::test]
async fn an_import_says_where_a_bmc_is_reached_and_what_is_not_judged() {
    let mut world = World::empty();
    let import = |skip: &str, vlan: u16| {
        format!(
            "[[profiles]]\nname = \"demo\"\nversion = 1\nskip = [\"{skip}\"]\n\n[[assets]]\nname = \"r1-u10\"\n\
             serial = \"PIOUS-R1-U10\"\nprofile = \"demo\"\nmanagement = {{ subnet = \"10.77.20.0/24\", vlan = {vlan} }}\n"
        )
    };
    for (text, problem) in [
        (import("health.memroy", 20), "profile demo@1: it skips \"health.memroy\", which is no check"),
        (
            import("health.memory", 4095),
            "4095 is no VLAN: write one from 1 to 4094, or 0 where the BMC's port is untagged",
        ),
    ] {
        let refused = world.try_import("import.toml", &text);
        assert!(!refused.status.success());
        let words = String::from_utf8(refused.stderr).unwrap();
        assert!(words.contains(problem), "{words}");
    }
    world.import(&import("health.memory", 20));
    world.serve();
    let expectation = &world.get("/v1/assets/r1-u10").await["expectation"];
    assert_eq!(expectation["management"], json!({"subnet": "10.77.20.0/24", "vlan": 20}));
    assert_eq!(expectation["profile"]["skip"], json!(["health.memory"]));
}
