//! Firmware for many assets: waves, caps, and what stops them.

use crate::{
    agent::done,
    servers::{Bmc, COUNT, People, becomes, campaign, fleet, image, member, spec, until},
    world::problem,
};
use pious_protocol::{firmware::FlashPhase, message::Report};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn whoever_makes_a_campaign_does_not_approve_it_and_nobody_starts_what_nobody_approved() {
    let (world, _servers) = fleet(2).await;
    let people = People::of(&world).await;
    let viewer = world.token_of("vera", "viewer").await;
    let ask = json!({"spec": spec(json!({}), json!({})), "why": "CVE"});
    let refused = world.ask(&viewer, Method::POST, "/v1/campaigns", ask.clone()).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let mut nameless = ask.clone();
    nameless["spec"]["waves"] = json!({"canary": 0});
    let refused = problem(world.ask(&people.maker, Method::POST, "/v1/campaigns", nameless).await).await;
    assert_eq!(refused["detail"], "waves.canary is 0: from 1 to 10000");
    let id = people.makes(&world, spec(json!({}), json!({}))).await;
    let act = async |token: &str, act: &str, why: &str| {
        let path = format!("/v1/campaigns/{id}/{act}");
        let answer = world.ask(token, Method::POST, &path, json!({"why": why})).await;
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["detail"].as_str().map(str::to_owned))
    };
    let (status, words) = act(&people.maker, "start", "now").await;
    assert_eq!(
        (status, words.as_deref()),
        (409, Some("BMC 2.0: the campaign is draft, and only one that is approved is started"))
    );
    let (status, words) = act(&people.maker, "approve", "").await;
    assert_eq!((status, words), (403, Some(format!("mia asked for {id}: another operator approves it"))));
    assert_eq!(act(&viewer, "approve", "").await.0, 403);
    assert_eq!(act(&people.maker, "pause", "").await.0, 422);
    assert_eq!(act(&people.checker, "approve", "").await.0, 200);
    // What is so already stays so.
    assert_eq!(act(&people.checker, "approve", "").await.0, 200);
    assert_eq!(act(&people.maker, "resume", "why not").await.0, 409);
    assert_eq!(act(&people.maker, "abort", "it is not needed").await.0, 200);
    assert_eq!(act(&people.maker, "start", "").await.0, 409);
    let detail = campaign(&world, &id).await;
    assert_eq!(
        (&detail["campaign"]["status"], &detail["campaign"]["counts"]["skipped"]),
        (&json!("aborted"), &json!(2))
    );
    let audit = world.get("/v1/audit").await.to_string();
    for words in [" made: BMC 2.0 for 2 assets", ") approved", ") aborted"] {
        assert!(audit.contains(words), "{words} in {audit}");
    }
    let none = world.ask(&viewer, Method::GET, &format!("/v1/campaigns/{}", uuid::Uuid::nil()), Value::Null).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_preview_says_who_qualifies_and_who_does_not_and_why() {
    let (world, _servers) = fleet(4).await;
    world.change("UPDATE assets SET state = 'BAREMETAL' WHERE name = 'c-u01'").await;
    let wanted = json!({"wanted": [{"component": "bmc", "version": "1.5"}], "why": "a test"});
    let put = world.request(Method::PUT, "/v1/assets/c-u02/firmware").bearer_auth(world.operator_token());
    assert_eq!(put.json(&wanted).send().await.unwrap().status(), StatusCode::OK);
    let read = "INSERT INTO firmware_installed (asset_id, component, version, source, boot_id, read_ms)
         SELECT id, 'bmc', '2.0', 'a test', NULL, 1 FROM assets WHERE name = 'c-u03'";
    world.change(read).await;
    let preview = world.post("/v1/campaigns/preview", spec(json!({}), json!({}))).await;
    assert_eq!(preview.status(), StatusCode::OK);
    let preview: Value = preview.json().await.unwrap();
    assert_eq!((&preview["qualify"], &preview["others"], &preview["waves"]), (&json!(1), &json!(3), &json!([1])));
    let members = preview["members"].as_array().unwrap().iter();
    let members: Vec<Value> = members.map(|one| json!([one["name"], one["wave"], one["status"], one["why"]])).collect();
    assert_eq!(
        members,
        [
            json!(["c-u04", 1, "waiting", "not read yet: which versions it runs is not known"]),
            json!(["c-u01", null, "skipped", "serves: drained and approved first"]),
            json!(["c-u02", null, "skipped", "it is being brought to BMC 1.5 already"]),
            json!(["c-u03", null, "skipped", "it runs what it shall"]),
        ]
    );
    let mut nobody = spec(json!({}), json!({}));
    nobody["query"] = json!({"names": ["c-u01"]});
    let refused = problem(world.post("/v1/campaigns", json!({"spec": nobody.clone(), "why": "a test"})).await).await;
    assert_eq!(
        refused["detail"],
        "query is what 1 assets fit, none of which qualifies: POST /v1/campaigns/preview says why not"
    );
    // A name that is misspelt is not simply left out.
    nobody["query"] = json!({"names": ["c-u04", "c-uO3"]});
    let refused = problem(world.post("/v1/campaigns/preview", nobody).await).await;
    assert_eq!(refused["detail"], "no asset \"c-uO3\": GET /v1/assets lists them by id and name");
}

#[tokio::test]
async fn a_failed_canary_halts_the_campaign_and_nobody_else_is_touched() {
    let (world, mut servers) = fleet(COUNT).await;
    image(&world).await;
    let people = People::of(&world).await;
    let id = people.starts(&world, spec(json!({"soak_s": 0}), json!({}))).await;
    servers[0].bmc = Bmc::Bad;
    let canary = &mut servers[0];
    let update = canary.is_told(&world).await;
    canary.updates(&update).await;
    let halted = becomes(&world, &id, "halted").await;
    assert_eq!(halted["campaign"]["words"], "1 went to recovery, and 1 are too many");
    assert_eq!(halted["campaign"]["counts"]["waiting"], COUNT - 1);
    assert_eq!(member(&world, &id, "c-u01").await, json!([1, "recovery"]));
    for server in &servers[1..] {
        assert_eq!(server.agent.instructions(&world).await, [], "{}", server.name);
    }
    assert!(world.alert_kinds().await.contains(&"campaign_halted".to_owned()));

    // A person looks, tries it again, and only then goes on.
    let token = world.operator_token();
    let path = "/v1/assets/c-u01/firmware/retry";
    let retried = world.ask(&token, Method::POST, path, json!({"why": "its cord was loose"})).await;
    assert_eq!(retried.status(), StatusCode::OK);
    servers[0].bmc = Bmc::Good;
    let canary = &mut servers[0];
    let update = canary.is_told(&world).await;
    canary.updates(&update).await;
    assert_eq!(member(&world, &id, "c-u01").await, json!([1, "done"]));
    assert_eq!(servers[1].agent.instructions(&world).await, [], "it is halted still");
    people.acts(&world, &id, "resume").await;
    let open = async || world.get("/v1/alerts?show=open").await.to_string();
    assert!(!open().await.contains("\"resolved\":null,\"kind\":\"campaign_halted\""));
    for server in &mut servers[1..3] {
        let update = server.is_told(&world).await;
        server.updates(&update).await;
    }
    assert_eq!(member(&world, &id, "c-u03").await, json!([2, "done"]));
}

/// There is no image: that shows once the versions were read.
#[tokio::test]
async fn a_member_that_no_way_leads_to_is_impossible_and_a_wave_of_such_halts() {
    let (world, servers) = fleet(2).await;
    let people = People::of(&world).await;
    let id = people.starts(&world, spec(json!({"soak_s": 0}), json!({}))).await;
    until(async || {
        assert_eq!(servers[0].reads(&world).await, None);
        (member(&world, &id, "c-u01").await[1] == "impossible").then_some(())
    })
    .await;
    let halted = becomes(&world, &id, "halted").await;
    assert_eq!(halted["campaign"]["words"], "nobody of wave 1 reached its versions");
    let why = halted["members"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("there is no artifact with BMC 2.0"), "{why}");
    assert_eq!(servers[1].agent.instructions(&world).await, []);
    let goals = world.get("/v1/assets/c-u01/firmware").await["goals"].take();
    assert_eq!(goals[0]["status"], "withdrawn");
}

#[tokio::test]
async fn waves_follow_each_other_and_then_the_campaign_is_finished() {
    let (world, mut servers) = fleet(COUNT).await;
    image(&world).await;
    let people = People::of(&world).await;
    let id = people.starts(&world, spec(json!({"growth": 3, "soak_s": 1}), json!({}))).await;
    for (wave, members) in [(1, 0..1), (2, 1..4), (3, 4..12)] {
        for server in &servers[members.end..] {
            assert_eq!(server.agent.instructions(&world).await, [], "{} before wave {wave} is over", server.name);
        }
        for server in &mut servers[members] {
            let update = server.is_told(&world).await;
            server.updates(&update).await;
            assert_eq!(member(&world, &id, &server.name).await, json!([wave, "done"]));
        }
    }
    let finished = becomes(&world, &id, "finished").await;
    assert_eq!(finished["campaign"]["words"], "12 of 12 run what they shall");
    for server in &servers {
        let goals = world.get(&format!("/v1/assets/{}/firmware", server.name)).await["goals"].take();
        assert_eq!(goals.as_array().map(Vec::len), Some(1), "{goals}");
    }
}

#[tokio::test]
async fn a_paused_campaign_begins_nothing_and_an_aborted_one_ends_what_a_bmc_writes_and_no_more() {
    let (world, mut servers) = fleet(4).await;
    image(&world).await;
    let people = People::of(&world).await;
    let caps = json!({"per_network": {"concurrent": 2}});
    let id = people.starts(&world, spec(json!({"canary": 3, "soak_s": 0}), caps)).await;
    let writes = servers[0].is_told(&world).await;
    let fetches = servers[1].is_told(&world).await;
    servers[0].agent.reports(&writes, Report::Accepted).await;
    assert_eq!(servers[0].progresses(&writes, FlashPhase::HandingOver).await, StatusCode::NO_CONTENT);
    servers[1].agent.reports(&fetches, Report::Accepted).await;
    assert_eq!(servers[1].progresses(&fetches, FlashPhase::Fetching).await, StatusCode::NO_CONTENT);
    until(async || servers[2].reads(&world).await.is_none().then_some(())).await;
    let stands = async |name: &str| world.get(&format!("/v1/assets/{name}")).await["standing"]["reason"].take();
    until(async || (stands("c-u03").await == "waits for a slot: 2 of 2 in network unknown are taken").then_some(()))
        .await;

    people.acts(&world, &id, "pause").await;
    // What is handed over goes on; what is fetched is not handed over.
    assert_eq!(servers[0].progresses(&writes, FlashPhase::Flashing).await, StatusCode::NO_CONTENT);
    let report = Report::Progress { percent: 50, words: "now".into(), phase: Some(FlashPhase::HandingOver) };
    let refused = problem(servers[1].agent.send_report(&fetches, &report).await).await;
    assert!(refused["detail"].as_str().unwrap().contains("to go on: it is paused"), "{refused}");
    assert_eq!(servers[2].reads(&world).await, None);
    people.acts(&world, &id, "resume").await;
    let report = Report::Progress { percent: 50, words: "now".into(), phase: Some(FlashPhase::Fetching) };
    servers[1].agent.reports(&fetches, report).await;

    people.acts(&world, &id, "abort").await;
    assert_eq!(servers[1].progresses(&fetches, FlashPhase::HandingOver).await, StatusCode::CONFLICT);
    for (name, status) in [("c-u01", "admitted"), ("c-u02", "skipped"), ("c-u03", "skipped"), ("c-u04", "skipped")] {
        assert_eq!(member(&world, &id, name).await[1], status, "{name}");
    }
    servers[0].ends(&writes).await;
    assert_eq!(member(&world, &id, "c-u01").await, json!([1, "done"]));
    assert_eq!(servers[3].agent.instructions(&world).await, []);
}

#[tokio::test]
async fn a_member_that_is_off_says_so_and_goes_on_at_its_next_boot() {
    let (world, mut servers) = fleet(1).await;
    image(&world).await;
    let people = People::of(&world).await;
    let id = people.makes(&world, spec(json!({"soak_s": 0}), json!({}))).await;
    let order = json!({"action": {"kind": "shutdown", "reason": "a test"}, "expires_in_s": 60});
    assert_eq!(world.post("/v1/assets/c-u01/instructions", order).await.status(), StatusCode::OK);
    let [shutdown] = servers[0].agent.instructions(&world).await.try_into().unwrap();
    servers[0].agent.reports(&shutdown, done()).await;
    people.acts(&world, &id, "approve").await;
    people.acts(&world, &id, "start").await;
    let why = async || campaign(&world, &id).await["members"][0]["why"].take();
    until(async || (why().await == "off: it continues at its next boot").then_some(())).await;
    servers[0].agent = servers[0].agent.reboot();
    servers[0].boots().await;
    assert_eq!(member(&world, &id, "c-u01").await, json!([1, "admitted"]));
    let server = &mut servers[0];
    let update = server.is_told(&world).await;
    server.updates(&update).await;
    becomes(&world, &id, "finished").await;
}

/// One that a Senzu has claimed is nobody else's; one whose Senzu died with it is, once the lease is over.
#[tokio::test]
async fn a_campaign_that_another_has_is_left_alone_until_its_lease_is_over() {
    let (world, servers) = fleet(1).await;
    let people = People::of(&world).await;
    let id = people.makes(&world, spec(json!({"soak_s": 0}), json!({}))).await;
    let claimed =
        "UPDATE campaigns SET status = 'running', look_ms = 1, holder = 'dead', lease_until_ms = 9000000000000";
    world.change(claimed).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(member(&world, &id, "c-u01").await, json!([1, "waiting"]));
    assert_eq!(servers[0].agent.instructions(&world).await, []);
    world.change("UPDATE campaigns SET lease_until_ms = 1").await;
    until(async || (member(&world, &id, "c-u01").await[1] == "admitted").then_some(())).await;
}

#[tokio::test]
async fn a_campaign_is_approved_started_and_paused_on_its_page() {
    let (world, _servers) = fleet(2).await;
    let people = People::of(&world).await;
    let id = people.makes(&world, spec(json!({}), json!({}))).await;
    let answer = world.request(Method::GET, "/campaigns").send().await.unwrap();
    assert_eq!(answer.url().path(), "/login", "only to whoever signed in");
    let ca = std::fs::read(world.data().join("ca.pem")).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let form = async |path: &str, session: &str, body: String| {
        let request = client.post(world.url(path)).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.header(header::COOKIE, session).body(body).send().await.unwrap()
    };
    let sign_in = async |token: &str| {
        let signed_in = form("/login", "", format!("token={token}")).await;
        let set = signed_in.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        set.split(';').next().unwrap().to_owned()
    };
    let page = async |path: &str, session: &str| {
        let answer = client.get(world.url(path)).header(header::COOKIE, session).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    };
    let (maker, checker) = (sign_in(&people.maker).await, sign_in(&people.checker).await);
    let list = page("/campaigns", &maker).await;
    assert!(list.contains("BMC 2.0") && list.contains("2 waiting") && list.contains(&id), "{list}");
    let path = format!("/campaigns/{id}");
    let html = page(&path, &maker).await;
    assert!(html.contains("somebody else must approve it") && !html.contains(">Approve<"), "{html}");
    assert!(html.contains("c-u01") && html.contains("not read yet"), "{html}");
    for (act, status) in [("approve", "approved, not started"), ("start", "running"), ("pause", "paused")] {
        let html = page(&path, &checker).await;
        let csrf = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let done = form(&format!("{path}/act"), &checker, format!("csrf={csrf}&act={act}&why=a+test")).await;
        assert_eq!(done.status(), StatusCode::SEE_OTHER);
        let html = page(&path, &checker).await;
        assert!(html.contains(status), "{act}: {html}");
    }
}

#[tokio::test]
async fn the_shell_shows_a_campaign() {
    let (world, _servers) = fleet(2).await;
    let people = People::of(&world).await;
    let id = people.makes(&world, spec(json!({}), json!({}))).await;
    let shell = |words: &[&str]| {
        let mut command = world.command();
        command.arg("campaign").args(words).args(["--url", &world.url("")]);
        command.arg("--token-file").arg(world.data().join("operator-token"));
        command.arg("--ca").arg(world.data().join("ca.pem"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = shell(&["list"]);
    assert!(listed.contains(&id) && listed.contains("BMC 2.0") && listed.contains("draft"), "{listed}");
    let shown = shell(&["show", &id]);
    assert!(shown.contains("asked by mia") && shown.contains("c-u02"), "{shown}");
    let file = world.data().join("campaign.toml");
    let text =
        "name = \"again\"\nquery = { names = [\"c-u01\"] }\nwanted = [{ component = \"bmc\", version = \"3.0\" }]\n";
    std::fs::write(&file, text).unwrap();
    let previewed = shell(&["preview", file.to_str().unwrap()]);
    assert!(previewed.starts_with("1 qualify, in waves of 1; 0 do not\n"), "{previewed}");
    let made = shell(&["make", file.to_str().unwrap(), "--why", "a test"]);
    assert!(made.starts_with("made for 1 assets: another operator approves "), "{made}");
}
