//! Who may do what.

use crate::{
    agent::Agent,
    world::{World, problem},
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::fs;

const ROLES: [&str; 4] = ["viewer", "operator", "approver", "admin"];

/// A route of the document with its parts filled in, and a body as the document shows one.
fn filled(path: &str, operation: &Value) -> (String, Value) {
    let nobody = "00000000-0000-7000-8000-000000000000";
    let parts = [("asset", "r1-u10"), ("profile", "demo"), ("operator", "nobody"), ("vendor", "nobody")];
    let path = parts.iter().fold(path.to_owned(), |path, (name, part)| path.replace(&format!("{{{name}}}"), part));
    let path = path.split('/').map(|part| if part.starts_with('{') { nobody } else { part });
    let body = &operation["requestBody"]["content"]["application/json"]["example"];
    (path.collect::<Vec<_>>().join("/"), body.clone())
}

#[tokio::test]
async fn every_operators_route_asks_for_the_role_that_its_description_names() {
    let world = World::new();
    let mut tokens = Vec::new();
    for role in ROLES {
        tokens.push(world.token_of(&format!("a-{role}"), role).await);
    }
    let document: Value = world.request(Method::GET, "/openapi.json").send().await.unwrap().json().await.unwrap();
    let mut seen = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(role) = operation["security"][0]["operator"][0].as_str() else { continue };
            let needs = ROLES.iter().position(|known| *known == role).unwrap();
            let (path, body) = filled(path, operation);
            let method: Method = method.to_uppercase().parse().unwrap();
            let case = format!("{method} {path}");
            for (has, token) in tokens.iter().enumerate() {
                let answer = world.ask(token, method.clone(), &path, body.clone()).await;
                if has >= needs {
                    assert!(![401, 403].contains(&answer.status().as_u16()), "{case} as {}: {answer:?}", ROLES[has]);
                    continue;
                }
                assert_eq!(answer.status(), 403, "{case} as {}", ROLES[has]);
                let has = ROLES[has];
                let words = format!(
                    "a-{has} is {has} here, and this needs {role}: ask somebody who is, or an admin for another role"
                );
                assert_eq!(problem(answer).await["detail"], words, "{case}");
            }
            assert_eq!(world.ask("nonsense", method, &path, body).await.status(), 401, "{case}");
            seen.push(role.to_owned());
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["admin", "approver", "operator", "viewer"]);
}

#[tokio::test]
async fn a_token_ends_by_time_by_hand_and_with_its_operator() {
    let world = World::new();
    let admin = world.operator_token();
    let alice = world.token_of("alice", "operator").await;
    let status = |token: String| {
        let world = &world;
        async move { world.ask(&token, Method::GET, "/v1/assets", Value::Null).await.status().as_u16() }
    };
    let detail = |token: String| {
        let world = &world;
        async move { problem(world.ask(&token, Method::GET, "/v1/assets", Value::Null).await).await["detail"].clone() }
    };
    assert_eq!(status(alice.clone()).await, 200);

    // The smaller role counts.
    let changed = world.ask(&admin, Method::PUT, "/v1/operators/alice", json!({"role": "viewer"})).await;
    assert_eq!(changed.status(), 204);
    let hold = json!({"held": true, "by": "a"});
    assert_eq!(world.ask(&alice, Method::POST, "/v1/assets/r1-u10/hold", hold).await.status(), 403);
    let greedy = json!({"operator": "alice", "name": "more", "role": "admin", "expires_in_s": 60});
    let refused = world.ask(&admin, Method::POST, "/v1/tokens", greedy).await;
    assert_eq!(refused.status(), 422);
    assert_eq!(problem(refused).await["detail"], "role is admin, and alice is viewer: at most the operator's own role");

    assert_eq!(world.ask(&admin, Method::DELETE, "/v1/operators/alice", Value::Null).await.status(), 204);
    assert_eq!(status(alice.clone()).await, 401);
    assert_eq!(
        detail(alice.clone()).await,
        "the token \"a test\" of alice is of an operator who was shut out: an admin makes another (POST /v1/tokens)"
    );
    let back = world.ask(&admin, Method::PUT, "/v1/operators/alice", json!({"role": "operator"})).await;
    assert_eq!((back.status().as_u16(), status(alice.clone()).await), (204, 200));

    let tokens = world.get("/v1/tokens").await;
    let of_alice = tokens["tokens"].as_array().unwrap().iter().find(|token| token["operator"] == "alice").unwrap();
    assert_eq!(
        (&of_alice["made_by"], &of_alice["role"], &of_alice["ended_ms"]),
        (&json!("operator"), &json!("operator"), &Value::Null)
    );
    assert!(!tokens.to_string().contains(&alice));
    let path = format!("/v1/tokens/{}", of_alice["id"].as_str().unwrap());
    assert_eq!(world.ask(&admin, Method::DELETE, &path, Value::Null).await.status(), 204);
    assert_eq!(world.ask(&admin, Method::DELETE, &path, Value::Null).await.status(), 204);
    assert!(detail(alice).await.as_str().unwrap().contains("of alice was revoked"));

    let bob = world.token_of("bob", "viewer").await;
    world.change("UPDATE tokens SET expires_ms = 1 WHERE operator = 'bob'").await;
    assert!(detail(bob).await.as_str().unwrap().contains("of bob expired"));
}

#[tokio::test]
async fn the_first_start_prints_a_token_that_ends_with_the_first_admins() {
    let mut world = World::empty();
    world.serve();
    let line = world.line();
    let first = line.rsplit(' ').next().unwrap().to_owned();
    assert!(line.starts_with("first start: this admin's token is shown once"), "{line}");
    let made = world.ask(&first, Method::PUT, "/v1/operators/root", json!({"role": "admin"})).await;
    assert_eq!(made.status(), 204);
    let ask = |role: &str| json!({"operator": "root", "name": "desk", "role": role, "expires_in_s": 60});
    assert_eq!(world.ask(&first, Method::POST, "/v1/tokens", ask("viewer")).await.status(), 200);
    let made = world.ask(&first, Method::POST, "/v1/tokens", ask("admin")).await;
    let root = made.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    assert_eq!(world.ask(&first, Method::GET, "/v1/assets", Value::Null).await.status(), 401);
    assert_eq!(world.ask(&root, Method::GET, "/v1/tokens", Value::Null).await.status(), 200);

    // A second start prints none: what it prints next is the end of its output.
    world.terminate();
    world.serve();
    world.get("/v1/assets").await;
    assert_eq!(world.ask(&root, Method::GET, "/v1/tokens", Value::Null).await.status(), 200);
    let ended = world.terminate_reading();
    assert_eq!(ended, "");
}

#[tokio::test]
async fn a_new_operator_token_file_ends_the_one_before() {
    let mut world = World::new();
    let old = world.operator_token();
    world.terminate();
    fs::remove_file(world.data().join("operator-token")).unwrap();
    assert!(world.run(&["init"]).status.success());
    world.serve();
    assert_ne!(world.operator_token(), old);
    world.get("/v1/assets").await;
    assert_eq!(world.ask(&old, Method::GET, "/v1/assets", Value::Null).await.status(), 401);
}

#[tokio::test]
async fn a_name_is_nobody_elses() {
    let world = World::new();
    for name in ["agent", "senzu", "GRADUATE", "a%20b"] {
        let path = format!("/v1/operators/{name}");
        let answer = world.ask(&world.operator_token(), Method::PUT, &path, json!({"role": "viewer"})).await;
        assert_eq!(answer.status(), 422, "{name}");
    }
}

fn cookie(answer: &reqwest::Response) -> String {
    answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_session_needs_a_token_and_its_forms_need_its_own() {
    let world = World::new();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&fs::read(world.data().join("ca.pem")).unwrap()).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let form = |path: &str, body: String| {
        let request = client.post(world.url(path)).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(body)
    };
    let wrong = form("/login", "token=nonsense".into()).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    assert!(!wrong.headers().contains_key(header::SET_COOKIE));
    assert!(wrong.text().await.unwrap().contains("That is no operator&#39;s token."));

    let token = world.token_of("alice", "viewer").await;
    let foreign = form("/login", format!("token={token}")).header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    let signed_in = form("/login", format!("token={token}")).send().await.unwrap();
    assert_eq!(signed_in.status(), StatusCode::SEE_OTHER);
    let set = cookie(&signed_in);
    assert!(set.starts_with("__Host-senzu=") && set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{set}");
    let session = set.split(';').next().unwrap().to_owned();

    let page = || client.get(world.url("/login")).header(header::COOKIE, &session).send();
    let html = page().await.unwrap().text().await.unwrap();
    assert!(html.contains("Signed in as <b>alice</b>, role viewer."), "{html}");
    let csrf = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();

    let forged = form("/logout", "csrf=0".into()).header(header::COOKIE, &session).send().await.unwrap();
    assert_eq!(forged.status(), 403);
    assert_eq!(problem(forged).await["detail"], "the form is not of this session: load the page again");
    // A cookie is no bearer token: the API does not know it.
    let api = client.get(world.url("/v1/assets")).header(header::COOKIE, &session).send().await.unwrap();
    assert_eq!(api.status(), 401);
    let out = form("/logout", format!("csrf={csrf}")).header(header::COOKIE, &session).send().await.unwrap();
    assert_eq!(out.status(), StatusCode::SEE_OTHER);
    assert!(cookie(&out).contains("Max-Age=0"));
    assert!(!page().await.unwrap().text().await.unwrap().contains("alice"));

    // A session ends with its token.
    let again = form("/login", format!("token={token}")).send().await.unwrap();
    let session = cookie(&again).split(';').next().unwrap().to_owned();
    world.change("UPDATE tokens SET ended_ms = 1 WHERE operator = 'alice'").await;
    let html = client.get(world.url("/login")).header(header::COOKIE, &session).send().await.unwrap().text().await;
    assert!(!html.unwrap().contains("alice"));
}

#[tokio::test]
async fn in_the_lab_the_cookie_travels_without_tls() {
    let mut world = World::empty();
    world.serve_with(&["--plain-http-lab"]);
    let client = reqwest::Client::builder()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let request = client.post(world.url("/login")).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let signed_in = request.body(format!("token={}", world.operator_token())).send().await.unwrap();
    let set = cookie(&signed_in);
    assert!(set.starts_with("senzu=") && set.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{set}");
}

#[tokio::test]
async fn agents_are_no_operators_and_operators_no_agents() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    assert_eq!(world.ask(&agent.token, Method::GET, "/v1/assets", Value::Null).await.status(), 401);
    let path = format!("/v1/sessions/{}/instructions", agent.boot);
    let admin = world.token_of("root", "admin").await;
    assert_eq!(world.ask(&admin, Method::GET, &path, Value::Null).await.status(), 401);
}
