//! What a server does while something around it is broken: it says so, keeps judging, keeps trying, and goes on without
//! a reboot when it is mended.

use anyhow::Result;
use pious_lab::lab::{BOOT_WITHIN, Lab, NEXT_WITHIN, control::ServiceName, faults::Fault};
use pious_tests::bring_up;

const SERVER: &str = "r1-u11";

/// The same boot, all the way to its end: one session in Senzu.
async fn graduated_without_a_reboot(lab: &Lab) -> Result<()> {
    lab.wait_off(SERVER, NEXT_WITHIN).await?;
    let asset = lab.senzu().await?.in_state(SERVER, "SPARE").await?;
    assert_eq!(asset["sessions"].as_array().map(Vec::len), Some(1), "{asset:#}");
    Ok(())
}

#[tokio::test]
async fn without_dhcp_the_console_says_so_per_nic_and_asks_on() -> Result<()> {
    // The kernel's own messages say when it has been loaded; from then on nothing answers DHCP.
    let lab = bring_up("nodhcp", "one-bios", &[], |options| options.cmdline = "loglevel=7".into()).await?;
    lab.boot(SERVER).await?;
    let mut serial = lab.serial(SERVER).await?;
    serial.contains("Linux version", BOOT_WITHIN).await?;
    lab.stop_service(ServiceName::Pxe).await?;
    serial
        .until("eth0 without an answer", NEXT_WITHIN, |line| line.contains("eth0") && line.contains("NO ANSWER"))
        .await?;

    lab.start_service(ServiceName::Pxe).await?;
    serial.all_passed().await?;
    graduated_without_a_reboot(&lab).await
}

#[tokio::test]
async fn senzu_down_at_boot_then_up() -> Result<()> {
    let lab = bring_up("senzudown", "one-bios", &[], |options| options.senzu = false).await?;
    lab.boot(SERVER).await?;
    let mut serial = lab.serial(SERVER).await?;
    serial.contains("NOT REACHED", BOOT_WITHIN).await?;
    lab.start_service(ServiceName::Senzu).await?;
    serial.all_passed().await?;
    graduated_without_a_reboot(&lab).await
}

#[tokio::test]
async fn senzu_answering_nonsense_then_sense() -> Result<()> {
    let lab = bring_up("nonsense", "one-bios", &[], |_| {}).await?;
    // It has its certificate by now, for the fault to answer with.
    lab.stop_service(ServiceName::Senzu).await?;
    lab.fault(Some(Fault::Status500)).await?;
    lab.boot(SERVER).await?;
    let mut serial = lab.serial(SERVER).await?;
    serial.contains("NOT REACHED", BOOT_WITHIN).await?;
    // What each looks like is told apart in the agent's own tests; here it must survive them, one after another.
    for fault in [Fault::Garbage, Fault::HalfBody, Fault::NoHttp, Fault::NoTls] {
        lab.fault(None).await?;
        lab.fault(Some(fault)).await?;
        serial.contains("NOT REACHED", NEXT_WITHIN).await?;
    }
    lab.fault(None).await?;
    lab.start_service(ServiceName::Senzu).await?;
    serial.all_passed().await?;
    graduated_without_a_reboot(&lab).await
}

#[tokio::test]
async fn senzu_restarting_in_the_middle_keeps_what_it_acknowledged() -> Result<()> {
    let held = [("profile = \"lab\"", "profile = \"lab\"\nheld = \"the tests\"")];
    let lab = bring_up("restart", "one-bios", &held, |_| {}).await?;
    lab.boot(SERVER).await?;
    let mut serial = lab.serial(SERVER).await?;
    serial.all_passed().await?;
    let before = lab.senzu().await?.in_state(SERVER, "SPARE").await?;

    lab.stop_service(ServiceName::Senzu).await?;
    serial.contains("NOT REACHED", NEXT_WITHIN).await?;
    lab.start_service(ServiceName::Senzu).await?;
    let senzu = lab.senzu().await?;
    let after = senzu.in_state(SERVER, "SPARE").await?;
    assert_eq!((&after["id"], &after["held"]), (&before["id"], &before["held"]));
    senzu.post(&format!("/v1/assets/{SERVER}/hold"), &serde_json::json!({ "held": false })).await?;
    graduated_without_a_reboot(&lab).await
}
