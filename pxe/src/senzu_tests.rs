//! The client and the watch, on a Senzu that misbehaves as told.

use super::*;
use pious_protocol::{
    ids::MacAddress,
    message::{Boot, BootTarget, BootTargets as List, LeaseTier},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path, query_param},
};

const MAC: MacAddress = MacAddress([0x52, 0x54, 0, 1, 0x10, 1]);

fn client(url: &str) -> BootTargets {
    let urls = vec![url.parse().unwrap()];
    super::client(&Senzu { urls, ca: None, agents: vec![] }).unwrap()
}

fn body(revision: u64, boot: &str) -> Value {
    let target = json!({"mac": MAC, "boot": boot, "tier": "recognized", "name": "r1-u10", "since": "newer Senzu"});
    json!({"revision": revision, "targets": [target]})
}

fn targets(revision: u64, boot: Boot) -> Targets {
    let target = BootTarget { mac: MAC, boot, tier: LeaseTier::Recognized, name: Some("r1-u10".into()) };
    List { revision, targets: vec![target] }.into()
}

async fn answers(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET")).and(path("/v1/boot-targets")).respond_with(template).mount(&server).await;
    server
}

#[tokio::test]
async fn a_list_and_one_target() {
    let server = answers(ResponseTemplate::new(200).set_body_json(body(7, "local_disk"))).await;
    let one = json!({"mac": MAC, "boot": "pious", "tier": "unrecognized"});
    Mock::given(path(format!("/v1/boot-targets/{MAC}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(one))
        .mount(&server)
        .await;
    let client = client(&server.uri());
    assert_eq!(Targets::from(client.list(0, 0).await.unwrap()), targets(7, Boot::LocalDisk));
    let expected = BootTarget { mac: MAC, boot: Boot::Pious, tier: LeaseTier::Unrecognized, name: None };
    assert_eq!(client.one(MAC).await.unwrap(), expected);
}

#[tokio::test]
async fn what_a_newer_senzu_says_is_taken_for_pious() {
    let server = answers(ResponseTemplate::new(200).set_body_json(body(1, "levitate"))).await;
    assert_eq!(Targets::from(client(&server.uri()).list(0, 0).await.unwrap()), targets(1, Boot::Pious));
}

#[tokio::test]
async fn answers_that_are_none() {
    let half = body(7, "pious").to_string()[..20].to_owned();
    for (case, template, words) in [
        ("500", ResponseTemplate::new(500), "answered 500 Internal Server Error"),
        ("no answer to this", ResponseTemplate::new(204), "answered what is not in the protocol"),
        ("garbage", ResponseTemplate::new(200).set_body_string("<html>"), "answered what is not in the protocol"),
        ("half a body", ResponseTemplate::new(200).set_body_string(half), "answered what is not in the protocol"),
        ("nothing", ResponseTemplate::new(200), "answered what is not in the protocol"),
    ] {
        let server = answers(template).await;
        let error = client(&server.uri()).list(0, 0).await.unwrap_err().to_string();
        assert_eq!(error, format!("{}/v1/boot-targets {words}", server.uri()), "{case}");
    }
}

#[tokio::test]
async fn a_watch_tells_changes_once_and_comes_back_after_a_loss() {
    let server = MockServer::start().await;
    let mock = |after: &str, wait_s: &str, template: ResponseTemplate| {
        Mock::given(path("/v1/boot-targets"))
            .and(query_param("after", after))
            .and(query_param("wait_s", wait_s))
            .respond_with(template)
    };
    let ok = |revision, boot| ResponseTemplate::new(200).set_body_json(body(revision, boot));
    // First the whole list, at once; then only what is newer: nothing once, a change, a failure.
    mock("0", "0", ok(7, "pious")).up_to_n_times(1).mount(&server).await;
    mock("7", "30", ok(7, "pious")).up_to_n_times(1).mount(&server).await;
    mock("7", "30", ok(8, "local_disk")).up_to_n_times(1).mount(&server).await;
    mock("8", "30", ResponseTemplate::new(503)).up_to_n_times(1).mount(&server).await;
    // After the loss: the whole list at once, whatever its number; here of a Senzu that began anew.
    mock("0", "0", ok(8, "pious")).up_to_n_times(1).mount(&server).await;
    mock("8", "30", ok(8, "pious").set_delay(Duration::from_secs(60))).mount(&server).await;

    let (told, mut news) = mpsc::unbounded_channel();
    let watching = tokio::spawn(watch(client(&server.uri()), move |news| drop(told.send(news))));
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(tokio::time::timeout(Duration::from_secs(10), news.recv()).await.unwrap().unwrap());
    }
    watching.abort();
    let lost = format!("{}/v1/boot-targets answered 503 Service Unavailable", server.uri());
    assert_eq!(
        heard,
        [
            News::List(targets(7, Boot::Pious)),
            News::List(targets(8, Boot::LocalDisk)),
            News::Lost(lost),
            News::List(targets(8, Boot::Pious)),
        ]
    );
}

#[tokio::test]
async fn a_senzu_that_is_not_there() {
    let error = client("http://127.0.0.1:1").list(0, 0).await.unwrap_err();
    assert!(chain(&error).starts_with("no connection to http://127.0.0.1:1/v1/boot-targets: "), "{}", chain(&error));
}

#[test]
fn an_authority_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let error = |path: &std::path::Path| {
        let senzu =
            Senzu { urls: vec!["https://10.77.0.1".parse().unwrap()], ca: Some(path.to_owned()), agents: vec![] };
        super::client(&senzu).err().unwrap().to_string()
    };
    assert_eq!(error(&path), format!("read Senzu's CA {}", path.display()));
    std::fs::write(&path, "no certificate").unwrap();
    assert_eq!(
        error(&path),
        format!(
            "{} holds no certificate; it must be the PEM file of the authority that signed Senzu's",
            path.display()
        )
    );
}
