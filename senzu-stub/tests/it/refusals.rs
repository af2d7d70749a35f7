//! What Senzu refuses, and how it says so.

use crate::{
    agent::Agent,
    world::{World, problem},
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

async fn booted(world: &World) -> Agent {
    let mut agent = Agent::u10(world);
    agent.boots().await;
    agent
}

#[tokio::test]
async fn a_session_speaks_for_itself_only() {
    let world = World::new();
    let agent = booted(&world).await;
    let mut other = Agent::u12(&world);
    other.boots().await;
    let unknown =
        "no Authorization: Bearer, or not a token of Senzu's: send BOOT_EVENT again for a fresh session token";
    let foreign =
        format!("the token is of boot {}, not of boot {}: a session speaks for itself only", other.boot, agent.boot);
    let id = uuid::Uuid::now_v7();
    let report = json!({"status": "accepted"});
    let ask = json!({"request": {"requester": "a"}, "source": "10.0.0.1"});
    let facts = serde_json::to_value(agent.report_of_facts(1)).unwrap();
    let routes: [(Method, String, Value); 4] = [
        (Method::PUT, "/facts".into(), facts),
        (Method::GET, "/instructions".into(), Value::Null),
        (Method::POST, format!("/instructions/{id}/reports"), report),
        (Method::POST, "/promotions".into(), ask),
    ];
    for (method, rest, body) in routes {
        let path = format!("/v1/sessions/{}{rest}", agent.boot);
        let operator = world.operator_token();
        for (case, token, status, detail) in [
            ("no token", None, 401, unknown),
            ("no token of ours", Some("nonsense"), 401, unknown),
            ("the operator's", Some(operator.as_str()), 401, unknown),
            ("another boot's", Some(other.token.as_str()), 403, foreign.as_str()),
        ] {
            let mut request = agent.request(method.clone(), &path).json(&body);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{method} {rest}: {case}");
            assert_eq!(answer.headers().contains_key(header::WWW_AUTHENTICATE), status == 401, "{case}");
            assert_eq!(problem(answer).await["detail"], detail, "{method} {rest}: {case}");
        }
    }
}

#[tokio::test]
async fn nobody_without_a_token_is_listened_to() {
    let world = World::new();
    let agent = booted(&world).await;
    let facts = format!("/v1/sessions/{}/facts", agent.boot);
    for (method, path) in [(Method::PUT, facts.as_str()), (Method::POST, "/v1/assets/r1-u10/hold")] {
        // What is wrong with the body is not even looked at.
        let answer = agent.request(method, path).body("{").send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
    }
}

#[tokio::test]
async fn operator_routes_need_the_operators_token() {
    let world = World::new();
    let agent = booted(&world).await;
    let routes = [
        (Method::GET, "/v1/assets", Value::Null),
        (Method::GET, "/v1/assets/r1-u10", Value::Null),
        (Method::GET, "/v1/alerts", Value::Null),
        (Method::POST, "/v1/assets/r1-u10/hold", json!({"held": true, "by": "a"})),
        (Method::POST, "/v1/assets/r1-u10/instructions", json!({"action": {"kind": "dance"}, "expires_in_s": 1})),
    ];
    for (method, path, body) in routes {
        for token in [None, Some("nonsense"), Some(agent.token.as_str())] {
            let mut request = agent.request(method.clone(), path).json(&body);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 401, "{method} {path} with {token:?}");
            let detail = "no Authorization: Bearer with an operator's token: an admin makes one (POST /v1/tokens); the \
                          first is in the file operator-token in Senzu's data directory";
            assert_eq!(problem(answer).await["detail"], detail);
        }
    }
    assert_eq!(agent.instructions(&world).await, []);
}

#[tokio::test]
async fn a_repeated_boot_event_is_the_same_session_with_a_fresh_token() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    let first = agent.boots().await;
    let second = agent.boots().await;
    assert_ne!(first.session_token, second.session_token);
    let same = |mut whoami: pious_protocol::message::Whoami| {
        whoami.session_token.clear();
        whoami.senzu_time_ms = first.senzu_time_ms;
        whoami
    };
    assert_eq!(same(first.clone()), same(second.clone()));
    assert_eq!(world.get("/v1/assets/r1-u10").await["sessions"].as_array().unwrap().len(), 1);
    // The earlier token stays good, until four came behind it.
    let status = |token: String| {
        let agent = Agent { token, ..agent.clone() };
        async move { agent.session(Method::GET, "/instructions").send().await.unwrap().status() }
    };
    assert_eq!(status(first.session_token.clone()).await, StatusCode::OK);
    let third = agent.clone().boots().await;
    let _fourth = agent.clone().boots().await;
    assert_eq!(status(first.session_token.clone()).await, StatusCode::OK);
    let _fifth = agent.clone().boots().await;
    assert_eq!(status(first.session_token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(third.session_token).await, StatusCode::OK);
}

#[tokio::test]
async fn a_boot_id_names_one_boot_of_one_machine() {
    let world = World::new();
    let agent = booted(&world).await;
    let thief = Agent { boot: agent.boot, ..Agent::u12(&world) };
    let refused = thief.send_boot_event(&thief.boot_event()).await;
    assert_eq!(refused.status(), 409);
    assert_eq!(
        problem(refused).await,
        json!({
            "status": 409, "title": "Conflict",
            "detail": format!(
                "boot {} was begun by a machine with another fingerprint: a boot id names one boot of one machine",
                agent.boot
            ),
        })
    );
}

#[tokio::test]
async fn older_facts_are_refused_and_the_same_are_taken_again() {
    let world = World::new();
    let mut agent = booted(&world).await;
    agent.tells_facts(5).await;
    agent.tells_facts(5).await;
    let stale = agent.send_facts(4).await;
    assert_eq!(stale.status(), 409);
    assert_eq!(
        problem(stale).await["detail"],
        format!(
            "facts of boot {} are at generation 5 already, 4 is older: send the newest facts with a higher generation",
            agent.boot
        )
    );
    // An agent process that died begins anew, and says BOOT_EVENT again first.
    agent.boots().await;
    agent.tells_facts(1).await;
}

#[tokio::test]
async fn bodies_have_bounds_and_shapes() {
    let world = World::new();
    let agent = booted(&world).await;
    let facts = format!("/v1/sessions/{}/facts", agent.boot);
    let put = |kind: &str, body: Vec<u8>| {
        agent.request(Method::PUT, &facts).bearer_auth(&agent.token).header("content-type", kind).body(body).send()
    };
    let cases: [(&str, &str, Vec<u8>, u16, &str); 5] = [
        (
            "large",
            "application/json",
            vec![b' '; (1 << 20) + 1],
            413,
            "the body has more than 1048576 bytes: send less",
        ),
        (
            "no JSON",
            "application/json",
            b"{".to_vec(),
            400,
            "the body is no FactsReport in JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "nothing",
            "application/json",
            Vec::new(),
            400,
            "the body is no FactsReport in JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            "another JSON",
            "application/json",
            b"[]".to_vec(),
            400,
            "the body is no FactsReport in JSON: invalid length 0, expected struct FactsReport with 3 elements at line 1 column 2",
        ),
        (
            "no JSON by its name",
            "text/plain",
            b"{}".to_vec(),
            415,
            "the body is \"text/plain\": send Content-Type: application/json",
        ),
    ];
    for (case, kind, body, status, detail) in cases {
        let answer = put(kind, body).await.unwrap();
        assert_eq!(answer.status(), status, "{case}");
        assert_eq!(problem(answer).await["detail"], detail, "{case}");
    }
    // Chunked, so that nobody announces the length.
    let chunks = std::iter::repeat_n(vec![b' '; 1 << 16], 17).collect::<Vec<_>>().concat();
    let stream = reqwest::Body::wrap_stream(Once(Some(chunks)));
    let answer = agent
        .request(Method::PUT, &facts)
        .bearer_auth(&agent.token)
        .header("content-type", "application/json")
        .body(stream)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 413);

    let mut event = agent.reboot().boot_event();
    event.fingerprint.macs = (0..161u8).map(|n| pious_protocol::ids::MacAddress([2, 0, 0, 0, 0, n])).collect();
    let answer = agent.send_boot_event(&event).await;
    assert_eq!(answer.status(), 422);
    assert_eq!(problem(answer).await["detail"], "fingerprint.macs holds 161, more than 160");
}

/// A stream of one piece.
struct Once(Option<Vec<u8>>);

impl futures_core::Stream for Once {
    type Item = Result<Vec<u8>, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.take().map(Ok))
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_words() {
    let world = World::new();
    let agent = booted(&world).await;
    let operator = world.operator_token();
    let cases = [
        (Method::GET, "/v1/nothing", 404, "there is no /v1/nothing: GET /openapi.json lists what there is"),
        (Method::DELETE, "/v1/alerts", 405, "DELETE is not for /v1/alerts: GET /openapi.json lists what there is"),
        (Method::GET, "/v1/assets/r9-u99", 404, "no asset \"r9-u99\": GET /v1/assets lists them by id and name"),
    ];
    for (method, path, status, detail) in cases {
        let answer = agent.request(method, path).bearer_auth(&operator).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(problem(answer).await["detail"], detail, "{path}");
    }
    for path in ["/v1/boot-targets/zz", "/v1/boot-targets?after=x", "/v1/sessions/x/instructions"] {
        let answer = agent.request(Method::GET, path).bearer_auth(&agent.token).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{path}");
        problem(answer).await;
    }
}

#[tokio::test]
async fn holding_says_for_whom() {
    let world = World::new();
    let answer = world.post("/v1/assets/r1-u10/hold", json!({"held": true})).await;
    assert_eq!(answer.status(), 422);
    assert_eq!(problem(answer).await["detail"], "by is empty: say for whom the asset is held");
    let answer = world.post("/v1/assets/r1-u10/hold", json!({"held": true, "by": "a".repeat(201)})).await;
    assert_eq!(answer.status(), 422);
    assert_eq!(problem(answer).await["detail"], "by holds 201, more than 200");
}

#[tokio::test]
async fn plain_http_is_for_the_lab() {
    let mut world = World::empty();
    world.serve();
    // On the TLS port, plain HTTP is no conversation.
    let address = world.url("").replace("https://", "");
    let mut plain = TcpStream::connect(address).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP/"), "{said:?}");
    world.terminate();

    world.serve_with(&["--plain-http-lab", "--facts-period-s", "7"]);
    assert!(world.url("").starts_with("http://"));
    assert_eq!(Agent::u10(&world).boots().await.facts_period_s, 7);
}

#[tokio::test]
async fn a_client_that_does_not_know_the_authority_hangs_up() {
    let world = World::new();
    let other = World::empty();
    let error = other.client().get(world.url("/healthz")).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    let text = world.request(Method::GET, "/healthz").send().await.unwrap().text().await.unwrap();
    assert_eq!(text, "ok\n");
}

#[tokio::test]
async fn half_a_body_changes_nothing() {
    let mut world = World::empty();
    world.serve_with(&["--plain-http-lab"]);
    let address = world.url("").replace("http://", "");
    let mut half = TcpStream::connect(address).unwrap();
    let head =
        "POST /v1/boot-events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n";
    half.write_all(format!("{head}{{\"pro").as_bytes()).unwrap();
    half.shutdown(std::net::Shutdown::Write).unwrap();
    let mut said = String::new();
    let _ = half.read_to_string(&mut said);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400 "), "{said}");
    assert_eq!(world.get("/v1/assets").await, json!({"assets": [], "next": null}));
}

/// Reads one answer, whose end its `content-length` tells.
fn one_answer(stream: &mut BufReader<TcpStream>) -> (String, String) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).unwrap() > 0, "the connection is closed after {head:?}");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn a_refusal_leaves_the_connection_good_for_the_next_request() {
    let mut world = World::empty();
    world.serve_with(&["--plain-http-lab"]);
    let mut stream = BufReader::new(TcpStream::connect(world.url("").replace("http://", "")).unwrap());
    let post = "POST /v1/approvals HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n";
    // Refused for want of a token, before the body is there.
    stream.get_ref().write_all(format!("{post}\r\n").as_bytes()).unwrap();
    stream.get_ref().write_all(b"{}").unwrap();
    let (head, _) = one_answer(&mut stream);
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    stream.get_ref().write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert_eq!(one_answer(&mut stream).1, "ok\n");
    // Who waits for leave to send a body is refused at once.
    stream.get_ref().write_all(format!("{post}expect: 100-continue\r\n\r\n").as_bytes()).unwrap();
    let (head, _) = one_answer(&mut stream);
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
}

#[tokio::test]
async fn a_text_that_no_database_keeps_is_refused() {
    let world = World::new();
    let hold = |by: &str| format!(r#"{{"held": true, "by": "{by}"}}"#);
    let send = |by: String| {
        let request = world.request(Method::POST, "/v1/assets/r1-u10/hold").bearer_auth(world.operator_token());
        request.header("content-type", "application/json").body(by).send()
    };
    let refused = send(hold(r"a\u0000b")).await.unwrap();
    assert_eq!(refused.status(), 400);
    let expected = "the body is no HoldRequest in JSON: a text holds U+0000: leave it out";
    assert_eq!(problem(refused).await["detail"], expected);
    // A backslash, and then letters and digits.
    assert_eq!(send(hold(r"a\\u0000b")).await.unwrap().status(), 204);
    assert_eq!(world.get("/v1/assets/r1-u10").await["held"]["by"], r"a\u0000b");
    for (path, status) in [("/v1/assets/a%00b", 400), ("/assets/a%00b", 404)] {
        let answer = world.request(Method::GET, path).bearer_auth(world.operator_token()).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}
