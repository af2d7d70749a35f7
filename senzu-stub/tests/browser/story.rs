//! What people do on the pages, from signing in to an approval by two.

use crate::{
    agent::Agent,
    chromium::{Browser, DESK, Looks},
    world::{IMPORT, World},
};
use fantoccini::key::Key;
use serde_json::json;

pub async fn sign_in(browser: &Browser, world: &World, token: &str) {
    browser.open(&world.url("/login")).await;
    browser.fill("input[name=token]", token).await;
    browser.press(Key::Enter).await;
    browser.says("Overview").await;
}

/// What the page's script complained of.
async fn complaints(browser: &Browser) -> Vec<String> {
    let lines = browser.run("return (window.complaints || []).map(String)").await;
    lines.as_array().into_iter().flatten().filter_map(|line| line.as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_finding_appears_and_goes_while_somebody_looks() {
    let Some(browser) = Browser::start(DESK).await else { return };
    let world = World::new();
    let mut agent = Agent { port: "Ethernet7".into(), ..Agent::u10(&world) };
    agent.boots().await;
    browser.open(&world.url("/assets")).await;
    browser.fill("main input[name=search]", "u10").await;
    browser.click_words("Show").await;
    browser.click_words("r1-u10").await;
    browser.says("Nothing judged in this boot yet").await;
    browser.run("window.complaints = []; addEventListener('error', (e) => complaints.push(e.message));").await;
    agent.tells_facts(1).await;
    // Nobody reloads the page.
    browser.says("✗ FAIL cabling.port").await;
    browser.says("move the cable from r1-sw1 port Ethernet7 to r1-sw1 port Ethernet1").await;
    assert!(browser.shows(".cabling .wrong").await);
    assert!(browser.shows(".dag .here.fail").await);
    agent.port = "Ethernet1".into();
    agent.tells_facts(2).await;
    browser.says("GRADUATE ✓ done").await;
    assert!(browser.client.find(fantoccini::Locator::Css(".cabling .wrong")).await.is_err());
    assert_eq!(complaints(&browser).await, Vec::<String>::new());
    browser.end().await;
}

#[tokio::test]
async fn a_promotion_takes_two_people() {
    let Some(browser) = Browser::start(DESK).await else { return };
    let world = World::new();
    let _agent = Agent::spare(&world).await;
    let (maker, checker) = (world.token_of("mira", "operator").await, world.token_of("chen", "approver").await);
    sign_in(&browser, &world, &maker).await;
    browser.open(&world.url("/assets/r1-u12")).await;
    browser.fill(".acts input[name=why]", "rack 1 goes live").await;
    browser.click_words("Ask: another must approve").await;
    browser.says("mira asked to promote it").await;
    browser.open(&world.url("/approvals")).await;
    browser.says("You asked for this: somebody else must approve it").await;
    assert!(browser.client.find(fantoccini::Locator::Css("button[value=approve]")).await.is_err());

    sign_in_as_another(&browser, &world, &checker).await;
    browser.open(&world.url("/approvals")).await;
    browser.click_words("Approve: promote r1-u12").await;
    browser.says("approved by chen").await;
    browser.open(&world.url("/audit?asset=r1-u12")).await;
    browser.says("rack 1 goes live").await;
    browser.end().await;
}

async fn sign_in_as_another(browser: &Browser, world: &World, token: &str) {
    browser.open(&world.url("/login")).await;
    browser.click_words("Sign out").await;
    browser.says("An operator's token").await;
    sign_in(browser, world, token).await;
}

#[tokio::test]
async fn an_unknown_asset_is_resolved_by_a_person() {
    let Some(browser) = Browser::start(DESK).await else { return };
    let mut world = World::empty();
    world.import(&format!("{IMPORT}[[profiles]]\nname = \"other\"\nversion = 1\n"));
    world.serve();
    sign_in(&browser, &world, &world.operator_token()).await;
    browser.open(&world.url("/orders")).await;
    browser.fill("textarea", "vendor,order,line,profile,count\nLab,PO-1,1,other,2\n").await;
    browser.click_words("Take all rows, or none").await;
    browser.says("0 of 2 here 2 missing").await;
    let mut agent = Agent::u12(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    browser.open(&world.url("/alerts")).await;
    browser.says("unknown asset: r1-u12").await;
    browser.fill("article input[name=assign]", "PO-1").await;
    browser.fill("article input[name=why]", "the label says so").await;
    browser.click_words("Resolve").await;
    browser.says("an order's number, a slash, and a line's number").await;
    browser.client.back().await.unwrap();
    browser.find("article input[name=assign]").await.clear().await.unwrap();
    browser.fill("article input[name=assign]", "PO-1/1").await;
    browser.click_words("Resolve").await;
    browser.says("No open alert").await;
    browser.open(&world.url("/orders")).await;
    browser.says("1 of 2 here 1 missing").await;
    browser.end().await;
}

#[tokio::test]
async fn hands_on_the_keyboard_alone_find_an_asset_and_hold_it() {
    let Some(browser) = Browser::start(DESK).await else { return };
    let world = World::new();
    sign_in(&browser, &world, &world.operator_token()).await;
    browser.keys("/").await;
    browser.keys("525400011001").await;
    browser.press(Key::Enter).await;
    browser.says("r1-u10").await;
    browser.run("document.querySelector('main article a').focus()").await;
    browser.press(Key::Enter).await;
    browser.says("Where it stands").await;
    // What is typed stays, though the page looks for news every two seconds.
    browser.run("document.querySelector('.acts input[name=by]').focus()").await;
    browser.keys("the night shift").await;
    browser.says("standing still while you fill in a form").await;
    browser.press(Key::Enter).await;
    browser.says("Held for use by the night shift").await;
    browser.end().await;
}

#[tokio::test]
async fn nothing_is_wider_than_a_telephone() {
    let Some(browser) = Browser::start(Looks { width: 390, height: 844, dark: true }).await else { return };
    let world = World::new();
    let mut agent = Agent { port: "Ethernet7".into(), ..Agent::u10(&world) };
    agent.boots().await;
    agent.tells_facts(1).await;
    // The other one's drawing has rows of boxes.
    crate::firmware::is_to_have_both(&world).await;
    sign_in(&browser, &world, &world.operator_token()).await;
    // Headless windows are not narrower than 500 pixels; the device's own width is told by the driver.
    let metrics = json!({"cmd": "Emulation.setDeviceMetricsOverride",
        "params": {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": false}});
    crate::pictures::devtools(&browser, metrics).await;
    let assets = ["/assets", "/assets/r1-u10", "/assets/r1-u12", "/racks"];
    let others = ["/", "/orders", "/alerts", "/approvals", "/campaigns", "/audit", "/login"];
    for path in assets.into_iter().chain(others) {
        browser.open(&world.url(path)).await;
        let widths = browser.run("return [document.documentElement.scrollWidth, innerWidth]").await;
        assert_eq!(widths[0], widths[1], "{path}");
        assert_eq!(widths[1], 390, "{path}");
    }
    browser.end().await;
}
