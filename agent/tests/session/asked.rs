//! The agent's own server: who may ask, what is answered, and what hostile clients get.

use crate::{
    agent::Agent,
    front::{Front, Mode},
    senzu::Senzu,
};
use pious_agent::{server::Face, trust::AllowList};
use pious_protocol::message::{AssetState, Problem, PromotionAnswer};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// An agent whose server listens, with its Senzu.
async fn served(state: AssetState) -> (Senzu, Front, Agent, SocketAddr) {
    let senzu = Senzu::new(state);
    senzu.listen().await;
    let front = Front::of(&senzu.url(), Mode::Pass).await;
    let mut agent = Agent::start(&senzu, &[front.url()]).await;
    agent.shows("the asset's state", |view| view.state == Some(state)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let allow = AllowList { promotions: vec![], status: vec!["127.0.0.3/32".parse().unwrap()] };
    let face = Face { allow: Arc::new(allow), view: agent.view.clone(), asks: agent.asks.clone() };
    tokio::spawn(pious_agent::server::serve_on(face, listener));
    (senzu, front, agent, address)
}

/// A client whose packets come from `source`.
fn from(source: [u8; 4]) -> reqwest::Client {
    pious_client::install_crypto();
    // Without certificates the client would look for the system's, and plain HTTP needs none.
    let builder = reqwest::Client::builder().tls_certs_only([]).local_address(Some(source.into()));
    builder.timeout(Duration::from_secs(15)).build().unwrap()
}

const HOST: [u8; 4] = [127, 0, 0, 1];
const STRANGER: [u8; 4] = [127, 0, 0, 2];
const LOOKER: [u8; 4] = [127, 0, 0, 3];

async fn promote(source: [u8; 4], address: SocketAddr, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let response = from(source).post(format!("http://{address}/v1/promotions")).body(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn look(source: [u8; 4], address: SocketAddr, path: &str) -> (u16, String) {
    let response = from(source).get(format!("http://{address}{path}")).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

fn request() -> String {
    json!({"requester": "deploy", "reason": "web42"}).to_string()
}

fn problem(status: u16, title: &str, detail: &str) -> (u16, Value) {
    let problem = Problem { status, title: title.into(), detail: Some(detail.into()) };
    (status, serde_json::to_value(problem).unwrap())
}

#[tokio::test]
async fn granted_is_202_and_senzu_knows_who_asked() {
    let (senzu, _front, _agent, address) = served(AssetState::Spare).await;
    let granted = (202, serde_json::to_value(PromotionAnswer::Granted).unwrap());
    assert_eq!(promote(HOST, address, request()).await, granted);
    let asked = senzu.told().promotions;
    assert_eq!(
        (asked.len(), asked[0].source.to_string(), asked[0].request.requester.as_str()),
        (1, "127.0.0.1".into(), "deploy")
    );
    let refused = problem(409, "promotion refused", "a promotion is pending");
    assert_eq!(promote(HOST, address, request()).await, refused, "Senzu's own refusal");
}

#[tokio::test]
async fn of_two_at_once_one_wins() {
    let (_senzu, _front, _agent, address) = served(AssetState::Spare).await;
    let (one, other) = tokio::join!(promote(HOST, address, request()), promote(HOST, address, request()));
    let mut codes = [one.0, other.0];
    codes.sort_unstable();
    assert_eq!(codes, [202, 409], "{one:?} {other:?}");
}

#[tokio::test]
async fn one_that_is_not_spare_is_409_with_the_reason() {
    let (senzu, _front, _agent, address) = served(AssetState::New).await;
    let reason = "r1-u10 is NEW; only a SPARE asset can be promoted";
    assert_eq!(promote(HOST, address, request()).await, problem(409, "promotion refused", reason));
    assert!(senzu.told().promotions.is_empty());
}

#[tokio::test]
async fn without_senzu_it_is_503() {
    let (_senzu, front, mut agent, address) = served(AssetState::Spare).await;
    front.set(Mode::Close);
    agent.shows("that Senzu fails", |view| view.next.contains("whoever runs Senzu")).await;
    let (code, body) = promote(HOST, address, request()).await;
    assert_eq!((code, body["title"].as_str()), (503, Some("Senzu not available")), "{body}");
}

#[tokio::test]
async fn a_source_that_is_not_on_the_list_is_403_whatever_it_sends() {
    let (senzu, _front, _agent, address) = served(AssetState::Spare).await;
    for (source, name) in [(STRANGER, "127.0.0.2"), (LOOKER, "127.0.0.3")] {
        let expected = problem(403, "not on the list", &format!("{name} is not on this server's list"));
        assert_eq!(promote(source, address, request()).await, expected);
        assert_eq!(promote(source, address, "garbage").await, expected);
    }
    assert!(senzu.told().promotions.is_empty());
    for (source, path, code) in [
        (STRANGER, "/v1/status", 403),
        (STRANGER, "/metrics", 403),
        (LOOKER, "/v1/status", 200),
        (LOOKER, "/metrics", 200),
        (HOST, "/v1/status", 200),
        (HOST, "/nothing", 404),
    ] {
        let (answered, text) = look(source, address, path).await;
        assert_eq!(answered, code, "{source:?} {path}: {text}");
    }
}

#[tokio::test]
async fn a_body_too_large_is_413_with_and_without_its_length() {
    let (_senzu, _front, _agent, address) = served(AssetState::Spare).await;
    let expected = problem(413, "body too large", "a promotion has at most 16384 bytes");
    assert_eq!(promote(HOST, address, "x".repeat(16 * 1024 + 1)).await, expected);
    let chunk = format!("{:x}\r\n{}\r\n", 20_000, "y".repeat(20_000));
    let head = "POST /v1/promotions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}{chunk}0\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _reset_after_the_answer = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn garbage_is_400() {
    let (_senzu, _front, _agent, address) = served(AssetState::Spare).await;
    for body in ["", "garbage", "[]", "{}", r#"{"requester": 7}"#, r#"{"requester": "  "}"#] {
        let (code, answer) = promote(HOST, address, body).await;
        assert_eq!((code, answer["title"].as_str()), (400, Some("not a promotion")), "{body:?}: {answer}");
    }
}

#[tokio::test]
async fn status_is_what_the_console_shows() {
    let (_senzu, _front, mut agent, address) = served(AssetState::New).await;
    let view = agent.shows("the asset", |view| view.asset.as_deref() == Some("r1-u10")).await;
    let (_, text) = look(HOST, address, "/v1/status").await;
    let status: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["asset"], "r1-u10");
    assert_eq!(status["state"], "NEW");
    assert_eq!(status["boot_id"], view.boot_id);
    assert_eq!(status["nics"][0]["addresses"][0], "10.77.0.10");
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let (_senzu, _front, _agent, address) = served(AssetState::Spare).await;
    let (_, text) = look(HOST, address, "/metrics").await;
    for line in ["pious_senzu_reachable 1", "pious_link_up{nic=\"eth0\"} 1", "pious_dhcp_bound{nic=\"eth0\"} 1"] {
        assert!(text.lines().any(|other| other == line), "{line} is not in {text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
    }
}

#[tokio::test]
async fn those_who_connect_and_say_nothing_keep_nobody_out() {
    let (_senzu, _front, _agent, address) = served(AssetState::Spare).await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        silent.push(socket.connect(address).await.unwrap());
    }
    assert_eq!(look(LOOKER, address, "/v1/status").await.0, 200);
}
