//! A bare server PXE-boots into PIOUS, is discovered, judged, graduates and is switched off.

use anyhow::{Context, Result, ensure};
use pious_lab::lab::{BOOT_WITHIN, NEXT_WITHIN, events::What};
use pious_lab::switch::journal::Moment;
use pious_tests::bring_up;
use serde_json::Value;

#[tokio::test]
async fn uefi_server_graduates_and_is_switched_off() -> Result<()> {
    let lab = bring_up("uefi", "one-uefi", &[], |_| {}).await?;
    lab.boot("r1-u10").await?;
    lab.serial("r1-u10").await?.all_passed().await?;
    lab.wait_off("r1-u10", NEXT_WITHIN).await?;
    let asset = lab.senzu().await?.in_state("r1-u10", "SPARE").await?;
    assert_eq!(asset["facts"]["firmware_mode"], "uefi");
    phases_in_order(&asset)
}

#[tokio::test]
async fn bios_server_with_256_mib_graduates_beside_a_real_lldpd() -> Result<()> {
    let lab = bring_up("bios", "one-bios", &[], |_| {}).await?;
    lab.boot("r1-u11").await?;
    lab.serial("r1-u11").await?.all_passed().await?;
    lab.wait_off("r1-u11", NEXT_WITHIN).await?;
    let asset = lab.senzu().await?.in_state("r1-u11", "SPARE").await?;
    assert_eq!(asset["facts"]["firmware_mode"], "bios");
    let neighbour = &asset["facts"]["nics"][0]["neighbours"]["heard"][0];
    assert_eq!(neighbour["system_name"], "r1-sw1");
    assert_eq!(neighbour["native_vlan"], 10);
    phases_in_order(&asset)
}

#[tokio::test]
async fn bios_server_whose_firmware_is_no_ipxe_chain_loads_undionly() -> Result<()> {
    let lab = bring_up("chain", "one-chainload", &[], |_| {}).await?;
    let from = lab.status().await?.events;
    lab.boot("r1-u11").await?;
    let mut watch = lab.watch(from).await?;
    let loads = |event: &pious_lab::lab::events::Event| matches!(&event.what, What::Wire(Moment::Tftp { file }) if file.ends_with("undionly.kpxe"));
    watch.until("undionly.kpxe by TFTP", BOOT_WITHIN, loads).await?;
    lab.serial("r1-u11").await?.all_passed().await?;
    lab.wait_off("r1-u11", NEXT_WITHIN).await?;
    lab.senzu().await?.in_state("r1-u11", "SPARE").await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_nobody_ordered_stays_new_and_says_so() -> Result<()> {
    let unknown = [("firmware = \"bios\"\nserial", "firmware = \"bios\"\nunknown_to_senzu = true\nserial")];
    let lab = bring_up("unordered", "one-bios", &unknown, |_| {}).await?;
    lab.boot("r1-u11").await?;
    let mut serial = lab.serial("r1-u11").await?;
    // Senzu names it when it meets it, and the console says so; then what is known of it, which is nothing.
    serial.until("its name", BOOT_WITHIN, |line| line.starts_with("== PIOUS") && line.ends_with("NEW ==")).await?;
    serial.contains("hardware.profile", NEXT_WITHIN).await?;
    let senzu = lab.senzu().await?;
    let assets = senzu.get("/v1/assets").await?;
    let name = assets["assets"][0]["name"].as_str().context("Senzu has no asset")?.to_owned();
    let judged = |asset: &Value| asset["standing"]["evaluation"] == "failing";
    let asset = senzu.asset_when(&name, "its evaluation as failing", judged).await?;
    assert_eq!(asset["standing"]["state"], "NEW");
    assert_eq!(asset["serial"], "PIOUS-R1-U11");
    Ok(())
}

/// Senzu has the boot's timeline, in order, from the kernel's start on.
fn phases_in_order(asset: &Value) -> Result<()> {
    let timeline = asset["sessions"][0]["timeline"].as_array().context("no timeline")?;
    let at = |phase: &str| {
        let entry = timeline.iter().find(|entry| entry["phase"] == phase);
        entry.and_then(|entry| entry["at_ms"].as_u64()).with_context(|| format!("no {phase} in {timeline:?}"))
    };
    let phases = ["init", "agent", "link", "dhcp", "boot_event", "whoami", "findings"];
    let times = phases.iter().map(|phase| at(phase)).collect::<Result<Vec<_>>>()?;
    ensure!(times.is_sorted(), "{phases:?} happened at {times:?}");
    Ok(())
}
