//! What an agent fetches for one instruction: an artifact, whole or from a byte on, and the way to the BMC.

use pious_client::{Agent, Error, Http, Patience, Via};
use pious_protocol::ids::{BootId, InstructionId};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::TcpListener,
    time::Duration,
};
use tokio::io::AsyncReadExt;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{any, header, method, path},
};

const IMAGE: &[u8] = b"0123456789";

const PATIENCE: Patience =
    Patience { connect: Duration::from_millis(500), answer: Duration::from_millis(500), hold_s: 1 };

fn agent(url: &str) -> Agent {
    let http = Http::new(None, PATIENCE.connect, "pious-client test").unwrap();
    Agent::new(
        http,
        vec![url.parse().unwrap()],
        BootId("01987654-3210-7000-8000-000000000001".parse().unwrap()),
        PATIENCE,
    )
}

async fn fetched(agent: &Agent, url: &str, from: u64) -> Result<Vec<u8>, Error> {
    let mut download = agent.artifact(0, url, from).await?;
    let mut bytes = Vec::new();
    download.read_to_end(&mut bytes).await.unwrap();
    Ok(bytes)
}

/// Answers as a server that knows ranges.
fn ranged(request: &Request) -> ResponseTemplate {
    let from =
        request.headers.get("range").map(|range| range.to_str().unwrap()["bytes=".len()..].trim_end_matches('-'));
    match from.map(|from| from.parse::<usize>().unwrap()) {
        None => ResponseTemplate::new(200).set_body_bytes(IMAGE),
        Some(from) => ResponseTemplate::new(206)
            .insert_header("content-range", format!("bytes {from}-9/10"))
            .set_body_bytes(&IMAGE[from..]),
    }
}

#[tokio::test]
async fn an_artifact_comes_whole_or_from_a_byte_on() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).and(path("/artifacts/1")).respond_with(ranged).mount(&server).await;
    let (agent, url) = (agent(&server.uri()), format!("{}/artifacts/1", server.uri()));
    assert_eq!(fetched(&agent, &url, 0).await.unwrap(), IMAGE);
    assert_eq!(fetched(&agent, &url, 7).await.unwrap(), b"789");
    assert_eq!(fetched(&agent, "/artifacts/1", 7).await.unwrap(), b"789", "on Senzu itself");
}

#[tokio::test]
async fn one_that_begins_elsewhere_is_no_answer() {
    let part = |range: Option<&str>| {
        let answer = ResponseTemplate::new(206).set_body_bytes(IMAGE);
        range.map_or(answer.clone(), |range| answer.insert_header("content-range", range))
    };
    for (answer, words) in [
        (ResponseTemplate::new(200).set_body_bytes(IMAGE), "it answers 200"),
        (part(None), "it does not say which part it sends"),
        (part(Some("bytes 0-9/10")), "it sends \"bytes 0-9/10\""),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let error = fetched(&agent(&server.uri()), &server.uri(), 7).await.unwrap_err();
        assert!(error.to_string().ends_with(&format!("does not go on at byte 7: {words}")), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_only_senzus_kind_of_url_is_asked() {
    let server = MockServer::start().await;
    let problem = json!({"status": 404, "title": "no such artifact", "detail": "artifact 1 was removed"});
    Mock::given(any()).respond_with(ResponseTemplate::new(404).set_body_json(problem)).mount(&server).await;
    let error = fetched(&agent(&server.uri()), &server.uri(), 0).await.unwrap_err();
    assert!(matches!(&error, Error::Status { code: 404, words, .. } if words == "artifact 1 was removed"), "{error}");
    let error = fetched(&agent("https://senzu:8443"), &server.uri(), 0).await.unwrap_err();
    assert!(matches!(error, Error::Url { .. }), "plain HTTP from a Senzu that speaks https: {error}");
}

#[tokio::test]
async fn one_that_does_not_begin_is_not_waited_for() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).mount(&server).await;
    let error = fetched(&agent(&server.uri()), &server.uri(), 0).await.unwrap_err();
    assert!(matches!(error, Error::Stalled { .. }), "{error}");
}

#[tokio::test]
async fn one_that_breaks_off_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _head = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123").unwrap();
    });
    let mut download = agent(&url).artifact(0, &url, 0).await.unwrap();
    let mut bytes = Vec::new();
    let error = download.read_to_end(&mut bytes).await.unwrap_err();
    assert_eq!(bytes, b"0123");
    assert!(error.to_string().ends_with("broke off"), "{error}");
}

#[tokio::test]
async fn the_way_to_the_bmc_is_asked_for_by_instruction() {
    let server = MockServer::start().await;
    let route = "/v1/sessions/01987654-3210-7000-8000-000000000001/instructions/01987654-3210-7000-8000-000000000002/bmc-access";
    Mock::given(method("POST"))
        .and(path(route))
        .and(header("authorization", "Bearer token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"user": "pious", "password": "hunter2"})))
        .mount(&server)
        .await;
    let id = InstructionId("01987654-3210-7000-8000-000000000002".parse().unwrap());
    let access = agent(&server.uri()).bmc_access(Via { senzu: 0, token: "token" }, id).await.unwrap();
    assert_eq!((access.user.as_str(), access.password.reveal()), ("pious", "hunter2"));
    assert_eq!(access.address, None);
}
