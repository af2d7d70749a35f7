//! Alerts as receivers get them: by real HTTP, from a receiver that fails first.

use crate::{
    agent::Agent,
    world::{World, problem},
};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

/// What a receiver got: the signature and the body.
type Got = (String, String);

/// Answers each request with the next of `statuses`, then the last for ever.
async fn receiver(statuses: &[u16]) -> (String, mpsc::UnboundedReceiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/alerts", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    let statuses = statuses.to_vec();
    tokio::spawn(async move {
        for count in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let got = loop {
                let mut some = [0; 4096];
                let length = stream.read(&mut some).await.unwrap();
                bytes.extend_from_slice(&some[..length]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let value = |name: &str| {
                    let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
                    line.map(|line| line.split_once(": ").unwrap().1.to_owned()).unwrap_or_default()
                };
                if body.len() == value("content-length").parse::<usize>().unwrap() {
                    assert!(head.starts_with("POST /alerts HTTP/1.1\r\n"), "{head}");
                    assert_eq!(value("content-type"), "application/json");
                    break (value("x-senzu-signature"), body.to_owned());
                }
            };
            let status = statuses[count.min(statuses.len() - 1)];
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            if tell.send(got).is_err() {
                return;
            }
        }
    });
    (url, told)
}

async fn webhook(world: &World, url: &str) -> Value {
    let made = world.post("/v1/webhooks", json!({"name": "pager", "url": url})).await;
    assert_eq!(made.status(), 200, "{:?}", made.text().await);
    made.json().await.unwrap()
}

async fn next(told: &mut mpsc::UnboundedReceiver<Got>) -> Got {
    tokio::time::timeout(Duration::from_secs(20), told.recv()).await.expect("a message in time").unwrap()
}

/// An agent process that died.
async fn alert(world: &World, words: &str) -> Agent {
    let mut agent = Agent::u10(world);
    agent.boots().await;
    let mut event = agent.boot_event();
    event.last_words = Some(words.into());
    assert_eq!(agent.send_boot_event(&event).await.status(), 200);
    agent
}

#[tokio::test]
async fn a_message_is_signed_and_comes_again_until_it_is_taken() {
    let world = World::new();
    let (url, mut told) = receiver(&[503, 500, 204]).await;
    let made = webhook(&world, &url).await;
    let agent = alert(&world, "panicked").await;
    let first = next(&mut told).await;
    let second = next(&mut told).await;
    let third = next(&mut told).await;
    assert_eq!((&first.1, &first.1), (&second.1, &third.1));
    let body: Value = serde_json::from_str(&third.1).unwrap();
    assert_eq!(
        (&body["event"], &body["alert"]["kind"], &body["alert"]["name"], &body["alert"]["resolved_ms"]),
        (&json!("alert_raised"), &json!("agent_died"), &json!("r1-u10"), &Value::Null)
    );
    for (signature, body) in [first, second, third] {
        let (at, tag) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, made["secret"].as_str().unwrap().as_bytes());
        let octets: Vec<u8> =
            (0..tag.len()).step_by(2).map(|at| u8::from_str_radix(&tag[at..at + 2], 16).unwrap()).collect();
        hmac::verify(&key, format!("{at}.{body}").as_bytes(), &octets).unwrap();
        assert!(hmac::verify(&key, format!("{at}.{body} ").as_bytes(), &octets).is_err());
    }
    // Its end is told too, and what was taken does not come again before it.
    let mut agent = agent.reboot();
    agent.boots().await;
    agent.tells_facts(1).await;
    let over: Value = serde_json::from_str(&next(&mut told).await.1).unwrap();
    assert_eq!((&over["event"], &over["alert"]["id"]), (&json!("alert_resolved"), &body["alert"]["id"]));
    assert_ne!(over["id"], body["id"]);
    assert!(over["alert"]["resolved_ms"].is_u64());
    assert_eq!(world.get("/v1/dead-letters").await["dead_letters"], json!([]));
    let events = world.get("/v1/audit").await["events"].to_string();
    assert!(events.contains("made the webhook \\\"pager\\\" to 127.0.0.1") && !events.contains("/alerts"), "{events}");
    // No list shows the secret.
    let list = world.get("/v1/webhooks").await.to_string();
    assert!(list.contains(&url) && !list.contains(made["secret"].as_str().unwrap()), "{list}");
}

#[tokio::test]
async fn what_nobody_takes_is_a_dead_letter_that_may_be_sent_again() {
    let mut world = World::new();
    let (url, mut told) = receiver(&[500, 500, 200]).await;
    webhook(&world, &url).await;
    alert(&world, "panicked").await;
    next(&mut told).await;
    // Its last attempt comes.
    loop {
        let pending = world.get("/v1/dead-letters").await["dead_letters"].as_array().unwrap().len();
        if pending == 1 {
            break;
        }
        world.change("UPDATE webhook_deliveries SET attempts = 23, next_ms = 1 WHERE status = 'pending' AND last_error IS NOT NULL AND attempts < 23").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let dead = world.get("/v1/dead-letters?limit=1").await;
    let letter = &dead["dead_letters"][0];
    assert_eq!(
        (&letter["attempts"], &letter["last_error"]),
        (&json!(24), &json!("it answered 500 Internal Server Error"))
    );
    assert_eq!(letter["body"]["event"], "alert_raised");
    let rest = world.get(&format!("/v1/dead-letters?after={}", dead["next"].as_str().unwrap())).await;
    assert_eq!(rest["dead_letters"], json!([]));

    next(&mut told).await;
    let path = format!("/v1/dead-letters/{}/retry", letter["id"].as_str().unwrap());
    // It survives a power cut.
    world.kill();
    world.serve();
    assert_eq!(world.post(&path, Value::Null).await.status(), 204);
    let body: Value = serde_json::from_str(&next(&mut told).await.1).unwrap();
    assert_eq!(body["id"], letter["id"]);
    assert_eq!(world.get("/v1/dead-letters").await["dead_letters"], json!([]));
}

#[tokio::test]
async fn a_receiver_has_bounds_and_an_end() {
    let world = World::new();
    for (body, detail) in [
        (json!({"name": "x", "url": "ftp://x/"}), "url is \"ftp://x/\": an http:// or https:// URL"),
        (json!({"name": "x", "url": "nothing"}), "url is \"nothing\": an http:// or https:// URL"),
        (json!({"name": "", "url": "http://x/"}), "name is \"\": 1 to 63 letters"),
        (json!({"name": "x", "url": "https://x/", "ca": "no"}), "ca is \"what was sent\": certificates in PEM"),
    ] {
        let refused = world.post("/v1/webhooks", body).await;
        assert_eq!(refused.status(), 422);
        assert_eq!(problem(refused).await["detail"], detail);
    }
    let (url, mut told) = receiver(&[200]).await;
    let made = webhook(&world, &url).await;
    let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
    assert_eq!(world.ask(&world.operator_token(), Method::DELETE, &path, Value::Null).await.status(), 204);
    let (other, mut others) = receiver(&[200]).await;
    webhook(&world, &other).await;
    alert(&world, "panicked").await;
    next(&mut others).await;
    assert!(told.try_recv().is_err(), "a receiver that was removed got something");
}
