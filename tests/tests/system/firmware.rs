//! Firmware, from what a server shall run to what its own SMBIOS says after the restart. What BMCs do wrong at it is in
//! `firmware_faults`, with simulated servers by the dozen.

use anyhow::{Result, ensure};
use pious_lab::{
    bmc::{
        image::Label,
        redfish::{Entry, Noted},
    },
    lab::{Lab, handle::Senzu},
};
use pious_protocol::firmware::FirmwareComponent;
use pious_tests::bring_up;
use serde_json::Value;
use std::time::Duration;

const SERVER: &str = "r1-u14";
const MIB: u64 = 1024 * 1024;
/// An update of both, with a boot between: under emulation on a busy desk.
const UPDATED_WITHIN: Duration = Duration::from_secs(400);

fn label(component: FirmwareComponent, version: &str) -> Label {
    Label::new(component, "Lab Server", version)
}

/// A held server that is SPARE, and Senzu, which has the newer images.
async fn spare(test: &str) -> Result<(Lab, Senzu)> {
    let held = [("profile = \"lab\"", "profile = \"lab\"\nheld = \"the tests\"")];
    let lab = bring_up(test, "firmware", &held, |_| {}).await?;
    let senzu = lab.senzu().await?;
    lab.bring_firmware(&senzu, &label(FirmwareComponent::Bmc, "2.11.0"), 8 * MIB).await?;
    lab.bring_firmware(&senzu, &label(FirmwareComponent::Bios, "2.2.0"), 8 * MIB).await?;
    lab.boot(SERVER).await?;
    lab.serial(SERVER).await?.all_passed().await?;
    senzu.in_state(SERVER, "SPARE").await?;
    Ok((lab, senzu))
}

/// The images that the BMC got, whole.
fn pushes(log: &[Entry]) -> usize {
    log.iter().filter(|entry| matches!(entry.what, Noted::PushEnded { complete: true, .. })).count()
}

fn bios(asset: &Value) -> Option<&str> {
    asset["facts"]["smbios"]["seen"]["value"]["bios"]["version"].as_str()
}

#[tokio::test]
async fn both_are_updated_and_smbios_shows_the_new_bios_after_the_restart() -> Result<()> {
    let (lab, senzu) = spare("firmware").await?;
    let before = senzu.asset(SERVER).await?;
    ensure!(bios(&before) == Some("2.1.0"), "SMBIOS before: {}", before["facts"]["smbios"]);
    let events = lab.status().await?.events;
    senzu.shall_run(SERVER, &[("bmc", "2.11.0"), ("bios", "2.2.0")], "the tests").await?;
    lab.wait_reset(SERVER, events, UPDATED_WITHIN).await?;
    let words = senzu.goal_when(SERVER, "done", UPDATED_WITHIN).await?;
    assert_eq!(words, "runs BMC 2.11.0, BIOS 2.2.0, each read back");
    let after = senzu.asset_when(SERVER, "the new BIOS in SMBIOS", |asset| bios(asset) == Some("2.2.0")).await?;
    assert_eq!(after["standing"]["state"], "SPARE");
    let log = lab.bmc_log(SERVER).await?;
    assert_eq!(pushes(&log), 2, "{log:#?}");
    let refused: Vec<_> =
        log.iter().filter(|entry| matches!(entry.what, Noted::Login { admitted: false, .. })).collect();
    assert!(refused.is_empty(), "{refused:?}");
    Ok(())
}
