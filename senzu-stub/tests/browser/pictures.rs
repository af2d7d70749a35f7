//! Pictures of every page, for people to look at: a rack that was set up by tired hands.

use crate::{
    agent::Agent,
    chromium::{Browser, DESK, Looks},
    firmware,
    servers::{Bmc, COUNT, NEW, People, fleet, image, until},
    story::sign_in,
    world::World,
};
use fantoccini::wd::WebDriverCompatibleCommand;
use hyper::Method;
use pious_protocol::{firmware::FlashPhase, message::Report};
use serde_json::{Value, json};

/// A command of the browser's own protocol, which WebDriver has no name for.
#[derive(Debug)]
struct DevTools(Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.to_string()))
    }
}

pub async fn devtools(browser: &Browser, command: Value) {
    browser.client.issue_cmd(DevTools(command)).await.unwrap();
}

const RACK: &str = r#"
[[profiles]]
name = "web"
version = 3
[profiles.memory]
dimms = 1
"#;

/// Twelve servers of one rack, planned.
fn import() -> String {
    let mut text = RACK.to_owned();
    for unit in 10..22 {
        text.push_str(&format!(
            "[[assets]]\nname = \"r1-u{unit}\"\nserial = \"SN-{unit}\"\nprofile = \"web@3\"\nrack = \"r1\"\n\
             region = \"eu-north\"\ntags = [\"web\", \"batch-7\"]\nheld = \"operations\"\n\
             [[assets.links]]\nnic = \"52:54:00:01:{unit}:01\"\nswitch = \"r1-sw1\"\nport = \"Ethernet{unit}\"\n\
             native_vlan = 10\nlabel = \"NIC 1\"\n"
        ));
    }
    text
}

async fn rack() -> World {
    let mut world = World::empty();
    world.import(&import());
    world.serve();
    for (unit, port) in [(10, 10), (11, 12), (12, 11), (13, 13), (14, 4), (15, 15)] {
        let mut agent =
            Agent::new(&world, &format!("SN-{unit}"), &format!("52:54:00:01:{unit}:01"), &format!("Ethernet{port}"));
        agent.boots().await;
        agent.tells_facts(1).await;
    }
    let mut stranger = Agent::new(&world, "NOBODY-1", "52:54:00:09:99:01", "Ethernet40");
    stranger.boots().await;
    let rows = "vendor,order,line,profile,count,serials,delivery,due\n\
                Contoso,PO-2026-114,1,web,8,,first,2026-11-20\nContoso,PO-2026-114,1,web,4,,second,2026-12-18\n";
    let token = world.operator_token();
    let path = "/v1/orders/imports?file=orders.csv";
    let taken = world.request(reqwest::Method::POST, path).bearer_auth(&token).header("content-type", "text/csv");
    assert_eq!(taken.body(rows).send().await.unwrap().status(), 200);
    stranger.tells_facts(1).await;
    let maker = world.token_of("mira", "operator").await;
    let ask = json!({"asset": "r1-u10", "kind": "promote", "why": "rack 1 goes live", "expires_in_s": 3600});
    assert_eq!(world.ask(&maker, reqwest::Method::POST, "/v1/approvals", ask).await.status(), 200);
    world
}

#[tokio::test]
#[ignore = "for people to look at: --ignored pictures; they are in target/tmp/pages"]
async fn pictures_of_every_page() {
    let Some(browser) = Browser::start(DESK).await else { return };
    let world = rack().await;
    let goal = json!({"wanted": [{"component": "bmc", "version": "2.11.0"}, {"component": "bios", "version": "2.2.0"}], "why": "CVE-2026-1234"});
    let asked = world.request(Method::PUT, "/v1/assets/r1-u12/firmware").bearer_auth(world.operator_token());
    assert_eq!(asked.json(&goal).send().await.unwrap().status(), 200);
    browser.open(&world.url("/login")).await;
    browser.picture("login").await;
    signed_in(&browser, &world).await;
    for (name, path) in [
        ("overview", "/"),
        ("assets", "/assets"),
        ("asset-swapped", "/assets/r1-u11"),
        ("asset-spare", "/assets/r1-u10"),
        ("asset-without-bmc", "/assets/r1-u12"),
        ("racks", "/racks"),
        ("rack", "/rack?rack=r1"),
        ("orders", "/orders"),
        ("alerts", "/alerts"),
        ("approvals", "/approvals"),
        ("campaigns", "/campaigns"),
        ("audit", "/audit"),
        ("missing", "/assets/r9"),
    ] {
        pictures(&browser, name, &world.url(path)).await;
    }
    browser.end().await;
}

async fn signed_in(browser: &Browser, world: &World) {
    sign_in(browser, world, &world.operator_token()).await;
}

/// Pictures of one page, whole: by day, by night, on a telephone.
async fn pictures(browser: &Browser, name: &str, url: &str) {
    for (look, Looks { width, dark, .. }) in
        [("desk", DESK), ("night", Looks { dark: true, ..DESK }), ("phone", Looks { width: 390, dark: true, ..DESK })]
    {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let params = json!({"features": features});
        devtools(browser, json!({"cmd": "Emulation.setEmulatedMedia", "params": params})).await;
        let sized = |height: u32| {
            let params = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
            json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": params})
        };
        devtools(browser, sized(900)).await;
        browser.open(url).await;
        let tall = browser.run("return document.documentElement.scrollHeight").await.as_u64().unwrap_or(900);
        devtools(browser, sized(u32::try_from(tall.clamp(600, 3000)).unwrap())).await;
        browser.picture(&format!("{look}-{name}")).await;
    }
}

/// An asset in good order on its way to other firmware, where it went wrong, and where it arrived; and a campaign.
#[tokio::test]
#[ignore = "for people to look at: --ignored pictures; they are in target/tmp/pages"]
async fn pictures_of_firmware() {
    let Some(browser) = Browser::start(DESK).await else { return };
    let (world, mut server) = firmware::spare().await;
    firmware::is_to_have_both(&world).await;
    signed_in(&browser, &world).await;
    let page = world.url("/assets/r1-u12");
    let update = firmware::is_at_its_bmc(&world, &mut server).await;
    pictures(&browser, "firmware-bmc", &page).await;
    firmware::has_its_bmc(&mut server, &update).await;
    let update = server.next_update(&world).await;
    server.hands_over(&update).await;
    pictures(&browser, "firmware-bios", &page).await;
    let reason = "the BMC's task 7 ended as Exception: image is corrupt";
    server.agent.reports(&update, Report::Failed { reason: reason.into() }).await;
    pictures(&browser, "firmware-recovery", &page).await;
    let retried = world.post("/v1/assets/r1-u12/firmware/retry", json!({"why": "the cord was loose"})).await;
    assert_eq!(retried.status(), 200);
    server.obeys(&world).await;
    server.boots().await;
    server.obeys(&world).await;
    pictures(&browser, "firmware-done", &page).await;

    let (world, mut servers) = fleet(COUNT).await;
    image(&world).await;
    signed_in(&browser, &world).await;
    let people = People::of(&world).await;
    let spec = json!({
        "name": "BMC 2.0", "query": {"manufacturer": "pious", "model": "Lab*"}, "caps": {"absolute": 3},
        "wanted": [{"component": "bmc", "version": NEW}], "waves": {"canary": 2, "growth": 2, "soak_s": 0},
    });
    let id = people.starts(&world, spec).await;
    let campaign = world.url(&format!("/campaigns/{id}"));
    for server in &mut servers[..2] {
        let update = server.is_told(&world).await;
        server.updates(&update).await;
    }
    let update = servers[2].is_told(&world).await;
    servers[2].agent.reports(&update, Report::Accepted).await;
    pictures(&browser, "campaign-running", &campaign).await;
    servers[2].progresses(&update, FlashPhase::HandingOver).await;
    servers[2].bmc = Bmc::Bad;
    servers[2].ends(&update).await;
    let path = format!("/v1/campaigns/{id}");
    until(async || Some(world.get(&path).await).filter(|detail| detail["campaign"]["status"] == "halted")).await;
    pictures(&browser, "campaign-halted", &campaign).await;
    browser.end().await;
}
