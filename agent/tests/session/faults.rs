//! Senzu at its worst: away at first, away later, slow, broken, forgetful.

use crate::{
    agent::{Agent, settled},
    front::{Front, Mode},
    senzu::Senzu,
};
use pious_agent::{console::SenzuReach, machine::Ending};
use pious_protocol::{
    instruction::Action,
    message::{AssetState, Report},
};
use std::sync::atomic::Ordering;

async fn senzu(state: AssetState) -> Senzu {
    let senzu = Senzu::new(state);
    senzu.listen().await;
    senzu
}

fn why(reach: &SenzuReach) -> String {
    match reach {
        SenzuReach::Fails { why, .. } => why.clone(),
        SenzuReach::Untried { .. } | SenzuReach::Answers => String::new(),
    }
}

#[tokio::test]
async fn a_whole_session_from_boot_event_to_power_off() {
    let senzu = senzu(AssetState::Spare).await;
    let agent = Agent::start(&senzu, &[senzu.url()]).await;
    let told = senzu.heard("facts", |told| !told.facts.is_empty() && told.polls > 0).await;
    assert_eq!(told.boots.len(), 1);
    assert_eq!(told.boots[0].boot_id, agent.boot);
    let phases: Vec<_> = told.facts[0].timeline.iter().map(|entry| entry.phase.as_str()).collect();
    for phase in ["agent", "link", "dhcp", "boot_event", "whoami", "findings"] {
        assert!(phases.contains(&phase), "{phase} is not in {phases:?}");
    }

    let switched = senzu.instruct(1, Action::SwitchState { to: AssetState::Baremetal });
    let done = Report::done("state is BAREMETAL, was SPARE");
    senzu.heard("the switch", |told| told.reports.contains(&(switched, done.clone()))).await;
    let off = senzu.instruct(2, Action::Shutdown { reason: "story told".into() });
    assert_eq!(agent.run.await.unwrap(), Ending::PowerOff);
    let told = senzu.told();
    assert_eq!(told.reports.last(), Some(&(off, Report::done("powering off now"))));
    assert_eq!(told.reports.len(), 2, "each once: {:?}", told.reports);
}

/// Each way of failing that is there from the start: it is shown, and the session goes on by itself once it is mended.
async fn fails_at_first(mode: Mode, expected: &str) {
    let senzu = senzu(AssetState::New).await;
    let front = Front::of(&senzu.url(), mode).await;
    let mut agent = Agent::start(&senzu, &[front.url()]).await;
    let view = agent.shows("that Senzu fails", |view| !why(&view.senzu).is_empty()).await;
    assert!(why(&view.senzu).contains(expected), "{:?}", view.senzu);
    assert!(view.next.contains("tell whoever runs Senzu"), "{}", view.next);
    front.set(Mode::Pass);
    agent.shows("that Senzu answers", |view| view.senzu == SenzuReach::Answers).await;
    senzu.heard("facts", |told| !told.facts.is_empty()).await;
    assert_eq!(senzu.told().boots.iter().filter(|event| event.boot_id != agent.boot).count(), 0);
}

#[tokio::test]
async fn down_at_boot_then_up() {
    let senzu = Senzu::new(AssetState::New);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut agent = Agent::start(&senzu, &[format!("http://{address}")]).await;
    let view = agent.shows("that Senzu fails", |view| !why(&view.senzu).is_empty()).await;
    assert!(why(&view.senzu).contains("refused"), "{:?}", view.senzu);
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let app = senzu.app();
    tokio::spawn(async move { axum::serve(listener, app).await });
    senzu.heard("facts", |told| !told.facts.is_empty()).await;
}

#[tokio::test]
async fn answering_500() {
    let bytes = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    fails_at_first(Mode::Say(bytes), "answers 500 Internal Server Error").await;
}

#[tokio::test]
async fn answering_a_problem_is_shown_in_its_words() {
    let bytes = concat!(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-type: application/problem+json\r\n\r\n",
        r#"{"status": 503, "title": "busy", "detail": "the database is being moved"}"#
    );
    fails_at_first(Mode::Say(bytes), "answers 503 the database is being moved").await;
}

#[tokio::test]
async fn answering_garbage() {
    let bytes = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<html>please log in</html>";
    fails_at_first(Mode::Say(bytes), "answers garbage").await;
}

#[tokio::test]
async fn answering_no_http_at_all() {
    fails_at_first(Mode::Say("SSH-2.0-OpenSSH_9.2\r\n"), "answers garbage: it broke off").await;
}

#[tokio::test]
async fn answering_half_a_body() {
    let bytes = "HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n{\"asset\": \"0198";
    fails_at_first(Mode::Say(bytes), "answers garbage: it broke off").await;
}

#[tokio::test]
async fn answering_nothing() {
    fails_at_first(Mode::Silence, "no answer in time").await;
}

#[tokio::test]
async fn closing_every_connection() {
    fails_at_first(Mode::Close, "").await;
}

#[tokio::test]
async fn away_in_the_middle_of_a_session() {
    let senzu = senzu(AssetState::New).await;
    let front = Front::of(&senzu.url(), Mode::Pass).await;
    let mut agent = Agent::start(&senzu, &[front.url()]).await;
    senzu.heard("facts", |told| !told.facts.is_empty() && told.polls > 0).await;
    front.set(Mode::Close);
    agent.shows("that Senzu fails", |view| !why(&view.senzu).is_empty()).await;
    // What changes meanwhile is seen at once, and told once Senzu is back: in the same session.
    agent.memory.store(2 << 30, Ordering::SeqCst);
    agent.inputs.send(settled()).await.unwrap();
    front.set(Mode::Pass);
    let told = senzu.heard("the change", |told| told.facts.iter().any(|report| report.generation.0 >= 2)).await;
    assert_eq!(told.boots.len(), 1, "no second BOOT_EVENT");
}

#[tokio::test]
async fn forgetting_the_session_is_answered_with_the_same_boot_id() {
    let senzu = senzu(AssetState::New).await;
    let agent = Agent::start(&senzu, &[senzu.url()]).await;
    senzu.heard("facts", |told| !told.facts.is_empty() && told.polls > 0).await;
    senzu.change(|script| script.token = "token-2".into());
    let told = senzu.heard("facts again", |told| told.facts.len() >= 2).await;
    let boots: Vec<_> = told.boots.iter().map(|event| event.boot_id).collect();
    assert_eq!(boots, [agent.boot, agent.boot]);
}

#[tokio::test]
async fn the_second_url_serves_when_the_first_is_dead() {
    let senzu = senzu(AssetState::New).await;
    let dead = Front::of(&senzu.url(), Mode::Silence).await;
    let _agent = Agent::start(&senzu, &[dead.url(), senzu.url()]).await;
    senzu.heard("facts", |told| !told.facts.is_empty()).await;
}

#[tokio::test]
async fn a_senzu_that_goes_away_does_not_keep_a_server_on() {
    let senzu = senzu(AssetState::Spare).await;
    let front = Front::of(&senzu.url(), Mode::Pass).await;
    let agent = Agent::start(&senzu, &[front.url()]).await;
    senzu.heard("a poll", |told| told.polls > 0).await;
    senzu.instruct(1, Action::Reboot { reason: "test".into() });
    // Whether the report still arrived or not: the server reboots, within its farewell's time.
    front.set(Mode::Close);
    front.set(Mode::Pass);
    assert_eq!(agent.run.await.unwrap(), Ending::Reboot);
}
