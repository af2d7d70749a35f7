//! The main path: from BOOT_EVENT to power-off, and a cable that is in the wrong port first.

use crate::{
    agent::{Agent, done},
    world::{World, expectation},
};
use pious_protocol::{
    finding::{Finding, Verdict},
    ids::{Generation, Sequence},
    instruction::{Action, Instruction, Precondition},
    message::{AssetState, Evaluation, FactsAnswer, Report, Standing, Whoami},
};
use serde_json::{Value, json};

fn standing(state: AssetState, evaluation: Evaluation, step: Option<(&str, &str)>) -> Standing {
    Standing {
        state,
        evaluation,
        step: step.map(|(step, _)| step.into()),
        reason: step.map(|(_, reason)| reason.into()),
    }
}

#[tokio::test]
async fn a_healthy_server_graduates_and_is_powered_off() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    let whoami = agent.boots().await;
    let expected = Whoami {
        asset: whoami.asset,
        name: "r1-u10".into(),
        standing: standing(
            AssetState::New,
            Evaluation::Pending,
            Some(("VERIFY_HARDWARE", "waits for facts of this boot")),
        ),
        expectation: expectation("52:54:00:01:10:01", "Ethernet1"),
        session_token: whoami.session_token.clone(),
        senzu_time_ms: whoami.senzu_time_ms,
        facts_period_s: 60,
    };
    assert_eq!(whoami, expected);

    let answer = agent.tells_facts(1).await;
    let spare = standing(
        AssetState::Spare,
        Evaluation::Passed,
        Some(("POWER_OFF_SPARE", "waits for the agent to take shutdown")),
    );
    assert_eq!(answer.standing, spare);
    assert_eq!(answer.generation, Generation(1));
    assert!(answer.findings.iter().all(|finding| finding.verdict == Verdict::Pass), "{:?}", answer.findings);
    assert_eq!(answer.findings, pious_protocol::verify(&expected.expectation, &agent.facts()));
    assert_eq!(answer.expectation, None);

    let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
    let expected = Instruction {
        id: shutdown.id,
        asset: whoami.asset,
        boot: Some(agent.boot),
        sequence: Sequence(1),
        issued_ms: shutdown.issued_ms,
        expires_ms: shutdown.expires_ms,
        precondition: Some(Precondition::StateIs { state: AssetState::Spare }),
        action: Action::Shutdown { reason: "SPARE and idle: powered off until it is needed".into() },
    };
    assert_eq!(shutdown, expected);
    assert_eq!(shutdown.expires_ms.0 - shutdown.issued_ms.0, 300_000);
    // Behind its sequence there is nothing; until it ended it comes again.
    assert_eq!(agent.polls(1, 0).await.instructions, []);
    agent.reports(&shutdown, Report::Accepted).await;
    assert_eq!(agent.instructions(&world).await, std::slice::from_ref(&shutdown));
    agent.reports(&shutdown, done()).await;
    assert_eq!(agent.instructions(&world).await, []);
    let off = standing(AssetState::Spare, Evaluation::Passed, None);
    assert_eq!(agent.polls(1, 0).await.standing, off);

    assert_eq!(outcomes(&world, "r1-u10").await, ["done", "done", "done", "not_needed", "done", "not_needed", "done"]);
    let detail = world.get("/v1/assets/r1-u10").await;
    assert_eq!(detail["sessions"][0]["ended_why"], "powered off");
    let reports: Vec<&Value> = detail["instructions"][0]["reports"].as_array().unwrap().iter().collect();
    let said: Vec<Value> = reports.iter().map(|report| report["report"].clone()).collect();
    assert_eq!(said, [json!({"status": "accepted"}), json!({"status": "done", "evidence": null})]);
}

async fn outcomes(world: &World, asset: &str) -> Vec<String> {
    let detail = world.get(&format!("/v1/assets/{asset}")).await;
    let beans = detail["beans"].as_array().unwrap().clone();
    beans.iter().map(|bean| bean["outcome"].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test]
async fn a_cable_in_the_wrong_port_holds_it_back_until_it_is_moved() {
    let world = World::new();
    let mut agent = Agent { port: "Ethernet7".into(), ..Agent::u10(&world) };
    agent.boots().await;
    let FactsAnswer { findings, standing: seen, .. } = agent.tells_facts(1).await;
    let Finding { check, verdict, seen: port, expected, remedy, .. } = findings[0].clone();
    assert_eq!(
        (check.as_str(), verdict, port.as_str(), expected.as_str(), remedy.as_str()),
        (
            "cabling.port",
            Verdict::Fail,
            "r1-sw1 port Ethernet7",
            "r1-sw1 port Ethernet1",
            "move the cable from r1-sw1 port Ethernet7 to r1-sw1 port Ethernet1",
        )
    );
    assert_eq!((seen.state, seen.evaluation), (AssetState::New, Evaluation::Failing));
    assert_eq!(seen.step.as_deref(), Some("VERIFY_NETWORK"));
    assert_eq!(outcomes(&world, "r1-u10").await, ["done", "done", "blocked", "-", "-", "-", "-"]);
    assert_eq!(agent.instructions(&world).await, []);

    agent.port = "Ethernet1".into();
    let seen = agent.tells_facts(2).await.standing;
    assert_eq!((seen.state, seen.evaluation), (AssetState::Spare, Evaluation::Passed));
    assert_eq!(agent.instructions(&world).await.len(), 1);
}

#[tokio::test]
async fn a_held_spare_stays_on_until_it_is_released() {
    let world = World::new();
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    let seen = agent.tells_facts(1).await.standing;
    let waits = Some(("POWER_OFF_SPARE", "waits for its release: held for use by operations"));
    assert_eq!(seen, standing(AssetState::Spare, Evaluation::Passed, waits));
    assert_eq!(agent.instructions(&world).await, []);

    // The poll is held back, and answered when the release gives it something.
    let polling = tokio::spawn({
        let agent = agent.clone();
        async move { agent.polls(0, 30).await }
    });
    let released = world.post("/v1/assets/r1-u12/hold", json!({"held": false})).await;
    assert_eq!(released.status(), 204);
    let answer = polling.await.unwrap();
    assert_eq!(answer.instructions.len(), 1);

    // Held again before the agent took it: it is taken back.
    let held = world.post("/v1/assets/r1-u12/hold", json!({"held": true, "by": "operations"})).await;
    assert_eq!(held.status(), 204);
    assert_eq!(agent.instructions(&world).await, []);
    assert_eq!(agent.polls(0, 0).await.standing, standing(AssetState::Spare, Evaluation::Passed, waits));
    let detail = world.get("/v1/assets/r1-u12").await;
    assert_eq!(detail["instructions"][0]["state"], "withdrawn");
}

#[tokio::test]
async fn a_machine_that_nobody_planned_is_unknown_and_a_plan_adopts_it() {
    let world = World::new();
    let mut agent = Agent::new(&world, "STRANGER-1", "52:54:00:01:20:01", "Ethernet9");
    let whoami = agent.boots().await;
    assert_eq!(whoami.name, "STRANGER-1");
    let answer = agent.tells_facts(1).await;
    assert!(answer.findings.iter().all(|finding| finding.verdict == Verdict::Unknown), "{:?}", answer.findings);
    assert_eq!((answer.standing.state, answer.standing.evaluation), (AssetState::New, Evaluation::Failing));

    assert_eq!(
        answer.standing.reason.as_deref(),
        Some(
            "hardware.profile: unknown: nobody said what was ordered; import the asset with a hardware \
             profile: what its purchase order says"
        )
    );

    let polling = tokio::spawn({
        let agent = agent.clone();
        async move { agent.polls(0, 30).await }
    });
    // Another process imports it while this one serves.
    world.import(
        r#"
        [[assets]]
        name = "r1-u20"
        serial = "STRANGER-1"
        profile = "demo"
        [[assets.links]]
        nic = "52:54:00:01:20:01"
        switch = "r1-sw1"
        port = "Ethernet9"
        "#,
    );
    let answer = polling.await.unwrap();
    assert_eq!((answer.standing.state, answer.standing.evaluation), (AssetState::Spare, Evaluation::Passed));
    assert_eq!(world.get("/v1/assets/r1-u20").await["id"], json!(whoami.asset));
    // What is expected changed since whoami, so the next facts are answered with it; then no more.
    assert!(agent.tells_facts(2).await.expectation.is_some());
    assert!(agent.tells_facts(3).await.expectation.is_none());
}

#[tokio::test]
async fn a_spare_that_fails_when_it_wakes_stays_on_and_is_spare() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&shutdown, done()).await;

    let mut agent = Agent { port: "Ethernet3".into(), ..agent.reboot() };
    let seen = agent.boots().await.standing;
    assert_eq!((seen.state, seen.evaluation), (AssetState::Spare, Evaluation::Pending));
    let seen = agent.tells_facts(1).await.standing;
    assert_eq!((seen.state, seen.evaluation), (AssetState::Spare, Evaluation::Failing));
    assert_eq!(agent.instructions(&world).await, []);
    agent.port = "Ethernet1".into();
    agent.tells_facts(2).await;
    assert_eq!(agent.instructions(&world).await.len(), 1);
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
}
