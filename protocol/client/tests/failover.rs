//! Several addresses of one Senzu, some of which are down, hang, or say no: on real HTTP servers.

use pious_client::{BootTargets, Error, Http, Several, Url};
use pious_protocol::{
    ids::MacAddress,
    message::{Boot, BootTarget, LeaseTier},
};
use serde_json::json;
use std::time::Duration;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, query_param},
};

const MAC: MacAddress = MacAddress([0x52, 0x54, 0, 1, 0x10, 1]);

/// A port that nobody listens on.
const DEAD: &str = "http://127.0.0.1:1";

fn http() -> Http {
    Http::new(None, Duration::from_millis(500), "pious-client test").unwrap()
}

fn several(urls: &[&str]) -> Several {
    Several::new(urls.iter().map(|url| url.parse::<Url>().unwrap()).collect()).unwrap()
}

fn targets(urls: &[&str]) -> BootTargets {
    BootTargets::new(http(), several(urls))
}

/// A Senzu that gives everybody this answer.
async fn senzu(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

fn target() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"mac": MAC, "boot": "pious", "tier": "unrecognized"}))
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn the_next_is_asked_where_one_is_down_hangs_or_is_no_senzu() {
    let good = senzu(target()).await;
    let expected = BootTarget { mac: MAC, boot: Boot::Pious, tier: LeaseTier::Unrecognized, name: None };
    for (case, answer) in [
        ("503", ResponseTemplate::new(503)),
        ("hangs", target().set_delay(Duration::from_secs(60))),
        ("a portal of somebody's", ResponseTemplate::new(200).set_body_string("<html>please pay</html>")),
    ] {
        let bad = senzu(answer).await;
        assert_eq!(targets(&[DEAD, &bad.uri(), &good.uri()]).one(MAC).await.unwrap(), expected, "{case}");
        assert_eq!(asked(&bad).await, 1, "{case}");
    }
}

#[tokio::test]
async fn whoever_answered_is_asked_again() {
    let (bad, good) = (senzu(ResponseTemplate::new(503)).await, senzu(target()).await);
    let client = targets(&[&bad.uri(), &good.uri()]);
    for _ in 0..3 {
        client.clone().one(MAC).await.unwrap();
    }
    assert_eq!((asked(&bad).await, asked(&good).await), (1, 3));
}

#[tokio::test]
async fn a_senzu_that_understood_and_says_no_is_believed() {
    let problem = json!({"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no such server"});
    let (no, yes) = (senzu(ResponseTemplate::new(404).set_body_json(problem)).await, senzu(target()).await);
    let error = targets(&[&no.uri(), &yes.uri()]).one(MAC).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{}/v1/boot-targets/{MAC} answered 404 no such server", no.uri()));
    assert_eq!(asked(&yes).await, 0);
}

#[tokio::test]
async fn when_all_fail_the_last_failure_is_told_and_the_next_try_begins_elsewhere() {
    let (first, second) = (senzu(ResponseTemplate::new(503)).await, senzu(ResponseTemplate::new(502)).await);
    let client = targets(&[&first.uri(), &second.uri()]);
    let error = client.one(MAC).await.unwrap_err();
    assert!(matches!(&error, Error::Status { code: 502, .. }), "{error}");
    let error = client.one(MAC).await.unwrap_err();
    assert!(matches!(&error, Error::Status { code: 503, .. }), "{error}");
}

#[tokio::test]
async fn another_senzu_is_asked_for_its_whole_list_at_once() {
    let good = MockServer::start().await;
    let list = ResponseTemplate::new(200).set_body_json(json!({"revision": 9, "targets": []}));
    Mock::given(query_param("after", "0")).and(query_param("wait_s", "0")).respond_with(list).mount(&good).await;
    let list = targets(&[DEAD, &good.uri()]).list(7, 30).await.unwrap();
    assert_eq!(list.revision, 9);
}

#[tokio::test]
async fn what_must_not_be_done_twice_goes_elsewhere_only_if_nobody_heard() {
    let (bad, good) = (senzu(ResponseTemplate::new(503)).await, senzu(target()).await);
    let get = |url: Url| async move { targets(&[url.as_str()]).one(MAC).await };
    assert!(several(&[DEAD, &good.uri()]).order(|turn| get(turn.url)).await.is_ok());
    let error = several(&[&bad.uri(), &good.uri()]).order(|turn| get(turn.url)).await.unwrap_err();
    assert!(matches!(error, Error::Status { code: 503, .. }), "{error}");
}

#[tokio::test]
async fn a_redirect_is_no_answer() {
    let elsewhere = senzu(target()).await;
    let redirect = senzu(ResponseTemplate::new(307).insert_header("Location", elsewhere.uri().as_str())).await;
    let error = targets(&[&redirect.uri()]).one(MAC).await.unwrap_err();
    assert!(matches!(error, Error::Status { code: 307, .. }), "{error}");
    assert_eq!(asked(&elsewhere).await, 0, "a token would have travelled with it");
}

#[test]
fn nobody_to_ask() {
    assert_eq!(Several::new(vec![]).unwrap_err().to_string(), "no URL of Senzu's was given");
}
