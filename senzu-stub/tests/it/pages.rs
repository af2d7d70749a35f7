//! What people look at, and the API's description.

use crate::{
    agent::{Agent, done},
    world::{PROGRAM, World},
};
use reqwest::Method;
use serde_json::Value;
use std::process::Command;

async fn page(world: &World, path: &str) -> String {
    let answer = world.request(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    answer.text().await.unwrap()
}

/// The page's words, without its markup.
fn text(html: &str) -> String {
    let mut words = String::new();
    let mut inside = true;
    for c in html.chars() {
        match c {
            '<' => inside = false,
            '>' => {
                inside = true;
                words.push(' ');
            }
            c if inside => words.push(c),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_overview_begins_with_what_fails_and_what_to_do() {
    let world = World::new();
    let mut good = Agent::u10(&world);
    good.boots().await;
    good.tells_facts(1).await;
    let mut bad = Agent { port: "Ethernet7".into(), ..Agent::u12(&world) };
    bad.boots().await;
    bad.tells_facts(1).await;
    let html = page(&world, "/").await;
    let words = text(&html);
    assert!(words.contains("1 failing, 0 pending, 1 passed"), "{words}");
    assert!(html.contains(">r1-u12<") && !html.contains(">r1-u10<"), "{html}");
    assert!(words.contains("2 boots and 1 graduations in the last 24 hours"), "{words}");
    assert!(words.contains("Checks that fail most cabling.port 1"), "{words}");
    assert!(
        words.contains(
            "r1-u12 NEW ✗ checks failing at VERIFY_NETWORK : cabling.port of eth0 (52:54:00:01:12:01): seen r1-sw1 port \
             Ethernet7, expected r1-sw1 port Ethernet2 (and 1 more); move the cable from r1-sw1 port Ethernet7 to r1-sw1 port \
             Ethernet2 held for use by operations"
        ),
        "{words}"
    );
    assert!(
        words.contains(
            "✗ FAIL cabling.port eth0 (52:54:00:01:12:01) r1-sw1 port Ethernet7 r1-sw1 port Ethernet2 move the cable \
             from r1-sw1 port Ethernet7 to r1-sw1 port Ethernet2"
        ),
        "{words}"
    );
    assert!(html.contains(r#"<noscript><meta http-equiv="refresh" content="5"></noscript>"#));
    let list = text(&page(&world, "/assets").await);
    assert!(
        list.contains("r1-u10 SPARE ✓ checks passed at POWER_OFF_SPARE : waits for the agent to take shutdown"),
        "{list}"
    );
    let filtered = text(&page(&world, "/assets?search=u10&state=SPARE").await);
    assert!(filtered.contains("r1-u10 SPARE") && !filtered.contains("r1-u12"), "{filtered}");
    assert!(text(&page(&world, "/assets?tag=none").await).contains("No asset fits all of this"));
}

#[tokio::test]
async fn one_assets_page_shows_all_of_it() {
    let world = World::new();
    let mut agent = Agent { port: "Ethernet7".into(), ..Agent::u10(&world) };
    agent.boots().await;
    agent.tells_facts(1).await;
    let words = text(&page(&world, "/assets/r1-u10").await);
    for expected in [
        "WHOAMI ✓ done recognized by its fingerprint",
        "VERIFY_NETWORK ▶ ✗ blocked",
        "VERIFY_NETWORK ✗ blocked cabling.port of eth0",
        "✗ seen",
        "GRADUATE not reached Makes a NEW asset SPARE",
        "eth0, 52:54:00:01:10:01 up r1-sw1 port Ethernet1, native VLAN 10 ✗ FAIL r1-sw1 port Ethernet7, native VLAN 10",
        "256 MiB, DIMMs: 1",
        "kernel 0.000 s",
        "agent : booted: boot",
    ] {
        assert!(words.contains(expected), "{expected:?} in {words}");
    }
}

#[tokio::test]
async fn a_machine_that_is_off_is_not_shown_as_if_it_ran() {
    let world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let [shutdown] = agent.instructions(&world).await.try_into().unwrap();
    agent.reports(&shutdown, done()).await;
    let list = text(&page(&world, "/assets").await);
    assert!(
        list.contains("✓ checks passed nothing left to do serial PIOUS-R1-U10 · powered off, last heard 0 s ago"),
        "{list}"
    );
    let words = text(&page(&world, "/assets/r1-u10").await);
    assert!(words.contains("PIOUS 0.1.0 by UEFI"), "{words}");
    assert!(words.contains("Cabling As it was before it powered off: 20"), "{words}");
}

#[tokio::test]
async fn what_anybody_may_read_does_not_let_him_speak_as_a_session() {
    let world = World::new();
    let mut one = Agent::u10(&world);
    one.boots().await;
    let mut other = one.reboot();
    other.boots().await;
    other.tells_facts(1).await;
    let mut event = one.boot_event();
    event.last_words = Some("panicked".into());
    assert_eq!(one.send_boot_event(&event).await.status(), 200);
    let told = serde_json::to_string(&other.polls(0, 0).await).unwrap();
    for open in [page(&world, "/").await, page(&world, "/assets/r1-u10").await, told] {
        assert!(open.contains(&other.boot.short()));
        assert!(!open.contains(&one.boot.to_string()) && !open.contains(&other.boot.to_string()), "{open}");
    }
}

#[tokio::test]
async fn what_an_agent_says_is_text_and_no_markup() {
    let world = World::new();
    let mut agent = Agent::new(&world, "<script>alert(1)</script>", "52:54:00:01:66:01", "<b>9</b>");
    agent.boots().await;
    agent.tells_facts(1).await;
    for path in ["/".to_owned(), format!("/assets/{}", agent.boots().await.asset)] {
        let html = page(&world, &path).await;
        assert!(!html.contains("<script>alert") && !html.contains("<b>9"), "{html}");
        assert!(html.contains("&#60;script&#62;alert(1)") || html.contains("&lt;script&gt;alert(1)"), "{html}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_named_on_a_page_and_what_operators_see_wants_them_to_sign_in() {
    let world = World::new();
    let answer = world.request(Method::GET, "/assets/r9-u99").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let words = text(&answer.text().await.unwrap());
    assert!(words.contains("no asset &#34;r9-u99&#34;") || words.contains("no asset &quot;r9-u99&quot;"), "{words}");
    for path in ["/orders", "/approvals", "/audit"] {
        let answer = world.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.url().path(), "/login", "{path}");
    }
}

#[tokio::test]
async fn an_empty_senzu_says_how_to_begin() {
    let mut world = World::empty();
    world.serve();
    assert!(text(&page(&world, "/").await).contains("No asset yet. Import what you expect"));
    for (path, kind) in [("/style.css", "text/css; charset=utf-8"), ("/live.js", "text/javascript; charset=utf-8")] {
        let answer = world.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], kind);
    }
}

#[tokio::test]
async fn the_checked_in_description_is_what_is_served() {
    let checked_in = include_str!("../../openapi.json");
    let printed = Command::new(PROGRAM).arg("openapi").output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed == checked_in, "senzu-stub/openapi.json is old: senzu-stub openapi > senzu-stub/openapi.json");
    let mut world = World::empty();
    world.serve();
    let served = world.request(Method::GET, "/openapi.json").send().await.unwrap().text().await.unwrap();
    assert!(served == checked_in);
    let document: Value = serde_json::from_str(checked_in).unwrap();
    assert_eq!(document["openapi"].as_str().unwrap().get(..3), Some("3.1"));
    let mut routes: Vec<String> = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        routes.extend(operations.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
    }
    routes.sort();
    assert_eq!(
        routes,
        [
            "delete /v1/artifacts/{sha256}",
            "delete /v1/operators/{operator}",
            "delete /v1/tokens/{token}",
            "delete /v1/webhooks/{webhook}",
            "get /healthz",
            "get /v1/alerts",
            "get /v1/approvals",
            "get /v1/approvals/{approval}",
            "get /v1/artifacts",
            "get /v1/artifacts/{sha256}",
            "get /v1/artifacts/{sha256}/for/{ticket}/image",
            "get /v1/artifacts/{sha256}/image",
            "get /v1/assets",
            "get /v1/assets/{asset}",
            "get /v1/assets/{asset}/dag",
            "get /v1/assets/{asset}/dag/replay",
            "get /v1/assets/{asset}/firmware",
            "get /v1/audit",
            "get /v1/boot-targets",
            "get /v1/boot-targets/{mac}",
            "get /v1/campaigns",
            "get /v1/campaigns/{campaign}",
            "get /v1/dead-letters",
            "get /v1/fleet",
            "get /v1/operators",
            "get /v1/orders",
            "get /v1/orders/{order}",
            "get /v1/profiles",
            "get /v1/profiles/{profile}",
            "get /v1/sessions/{boot_id}/instructions",
            "get /v1/tokens",
            "get /v1/vendors",
            "get /v1/webhooks",
            "post /v1/alerts/{alert}/resolve",
            "post /v1/approvals",
            "post /v1/approvals/{approval}/approve",
            "post /v1/approvals/{approval}/deny",
            "post /v1/artifacts",
            "post /v1/assets/{asset}/firmware/retry",
            "post /v1/assets/{asset}/firmware/withdraw",
            "post /v1/assets/{asset}/hold",
            "post /v1/assets/{asset}/instructions",
            "post /v1/assets/{asset}/loop/clear",
            "post /v1/assets/{asset}/profile",
            "post /v1/boot-events",
            "post /v1/campaigns",
            "post /v1/campaigns/preview",
            "post /v1/campaigns/{campaign}/abort",
            "post /v1/campaigns/{campaign}/approve",
            "post /v1/campaigns/{campaign}/pause",
            "post /v1/campaigns/{campaign}/resume",
            "post /v1/campaigns/{campaign}/start",
            "post /v1/dead-letters/{letter}/retry",
            "post /v1/orders/imports",
            "post /v1/sessions/{boot_id}/instructions/{id}/bmc-access",
            "post /v1/sessions/{boot_id}/instructions/{id}/reports",
            "post /v1/sessions/{boot_id}/promotions",
            "post /v1/tokens",
            "post /v1/webhooks",
            "put /v1/artifacts/{sha256}/image",
            "put /v1/assets/{asset}/firmware",
            "put /v1/assets/{asset}/order",
            "put /v1/assets/{asset}/tags",
            "put /v1/operators/{operator}",
            "put /v1/sessions/{boot_id}/facts",
        ]
    );
}

/// What a generator of clients trips over.
#[test]
fn the_description_is_whole() {
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for name in ["Instruction", "KeySet", "Problem"] {
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let case = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{case}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                let is_in_path = path.contains(&format!("{{{name}}}"));
                let is_field = ["range", "if-range"].contains(&name);
                let place = match (is_in_path, is_field) {
                    (true, _) => "path",
                    (false, true) => "header",
                    (false, false) => "query",
                };
                let found = (parameter["in"].as_str(), parameter["required"] == true);
                assert_eq!(found, (Some(place), is_in_path), "{case}: {name}");
            }
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses {
                assert!(response["description"].as_str().is_some_and(|words| !words.is_empty()), "{case}: {status}");
                let kind = match (status.starts_with('2'), path.ends_with("/image")) {
                    (true, true) => "application/octet-stream",
                    (true, false) => "application/json",
                    (false, _) => "application/problem+json",
                };
                let is_plain = status == "204" || path == "/healthz";
                assert!(is_plain || response["content"].get(kind).is_some(), "{case}: {status}");
            }
            let wants = |status: &str| assert!(responses.contains_key(status), "{case} lacks {status}");
            if operation.get("requestBody").is_some() {
                ["400", "408", "413", "415"].iter().for_each(|status| wants(status));
                let content = &operation["requestBody"]["content"];
                let is_bytes = content.get("application/octet-stream").is_some();
                assert!(is_bytes || content["application/json"]["example"].is_object(), "{case} has no example");
            }
            if let Some(security) = operation["security"].as_array() {
                wants("401");
                wants("403");
                let Some(role) = security[0].get("operator") else { continue };
                let words = format!("Needs the role {} or a higher one.", role[0].as_str().unwrap());
                assert!(operation["description"].as_str().unwrap().ends_with(&words), "{case}");
            }
            wants(if path == "/healthz" { "503" } else { "500" });
        }
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(reference) if name == "$ref" => found.push(reference.clone()),
                    value => collect_references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_api_is_told_on_a_page() {
    let world = World::new();
    let answer = world.request(Method::GET, "/docs").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let page = answer.text().await.unwrap();
    for told in [
        "POST /v1/boot-events",
        "id=\"schema-BootEvent\"",
        "href=\"#schema-Whoami\"",
        "an operator&#39;s token",
        "href=\"/openapi.json\"",
    ] {
        assert!(page.contains(told), "{told}: {page:.3000}");
    }
}
