//! An update of an asset's firmware, as somebody sees it who looks at its page meanwhile.

use crate::{
    chromium::{Browser, DESK},
    server::Server,
    signer::Signer,
    world::World,
};
use pious_protocol::firmware::FirmwareComponent;
use reqwest::Method;
use serde_json::json;

/// `r1-u12`, SPARE, and the images that it shall have.
pub async fn spare() -> (World, Server) {
    let world = World::new();
    let signer = Signer::trusted_by(&world);
    signer.imports(&world, "bmc", "2.11.0").await;
    signer.imports(&world, "bios", "2.2.0").await;
    let server = Server::spare(&world).await;
    (world, server)
}

/// Somebody wants both.
pub async fn is_to_have_both(world: &World) {
    let wanted = json!([{"component": "bmc", "version": "2.11.0"}, {"component": "bios", "version": "2.2.0"}]);
    let asked = world.request(Method::PUT, "/v1/assets/r1-u12/firmware").bearer_auth(world.operator_token());
    let answer = asked.json(&json!({"wanted": wanted, "why": "CVE-2026-1234"})).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
}

/// The BMC gets its version, up to where it says how far it is; then to its end.
pub async fn is_at_its_bmc(world: &World, server: &mut Server) -> pious_protocol::instruction::Instruction {
    let update = server.next_update(world).await;
    server.hands_over(&update).await;
    update
}

pub async fn has_its_bmc(server: &mut Server, update: &pious_protocol::instruction::Instruction) {
    server.runs.insert(FirmwareComponent::Bmc, "2.11.0".into());
    server.agent.reports(update, server.read([FirmwareComponent::Bmc], "written")).await;
}

#[tokio::test]
async fn the_dag_of_an_update_moves_while_somebody_looks_and_reaches_its_end() {
    let Some(browser) = Browser::start(DESK).await else { return };
    let (world, mut server) = spare().await;
    browser.open(&world.url("/assets/r1-u12")).await;
    browser.draws("POWER_OFF_SPARE", "waiting").await;
    assert_eq!(browser.cramped().await, json!([]));
    // Nobody reloads the page: this would be forgotten.
    browser.run("window.since = 'the beginning'").await;

    is_to_have_both(&world).await;
    browser.draws("ONBOARD_BMC", "▶ … waiting").await;
    browser.says("SPARE ✓ checks passed at ONBOARD_BMC … waiting").await;
    let update = is_at_its_bmc(&world, &mut server).await;
    browser.draws("FLASH_BMC", "▶ → working").await;
    browser.draws("CHECK_COMPONENTS_TO_UPGRADE", "✓ done").await;
    browser.draws("VERIFY_BIOS", "not reached").await;
    browser.says("at FLASH_BMC → working: waits for the agent: 40 %, writes").await;
    assert_eq!(browser.cramped().await, json!([]));

    has_its_bmc(&mut server, &update).await;
    browser.draws("VERIFY_BMC", "✓ done").await;
    browser.draws("FLASH_BIOS", "▶ … waiting").await;
    server.obeys(&world).await;
    browser.draws("RESTART_FOR_BIOS", "▶ … waiting").await;
    server.boots().await;
    server.obeys(&world).await;
    // Another graph applies now; this boot's way to the goal stays on the page.
    browser.draws("POWER_OFF_SPARE", "waiting").await;
    for bean in ["VERIFY_BMC", "VERIFY_BIOS", "CLOSE_FIRMWARE"] {
        browser.draws(bean, "✓ done").await;
    }
    browser.says("2.2.0, read from FirmwareInventory; SMBIOS says 2.2.0").await;
    assert_eq!(browser.run("return window.since").await, "the beginning");
    browser.end().await;
}
