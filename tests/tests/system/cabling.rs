//! Cables: what is wrong is on the console at once, and what to do about it; mended, it is judged again.

use anyhow::{Context, Result};
use pious_lab::lab::{BOOT_WITHIN, NEXT_WITHIN};
use pious_lab::rack::NicRef;
use pious_tests::bring_up;

const SERVER: &str = "r1-u11";

fn nic() -> NicRef {
    NicRef { server: SERVER.into(), nic: "nic1".into() }
}

#[tokio::test]
async fn a_cable_in_the_wrong_port_is_named_moved_and_judged_again() -> Result<()> {
    let miswired = [("cable = \"r1-sw1.Ethernet1\"", "cable = \"r1-sw1.Ethernet2\", planned = \"r1-sw1.Ethernet1\"")];
    let lab = bring_up("miswired", "one-bios", &miswired, |_| {}).await?;
    lab.boot(SERVER).await?;
    let mut serial = lab.serial(SERVER).await?;
    serial.contains("FAIL     cabling.port", BOOT_WITHIN).await?;
    assert_eq!(serial.next().await?.trim(), "seen      r1-sw1 port Ethernet2");
    assert_eq!(serial.next().await?.trim(), "expected  r1-sw1 port Ethernet1");
    assert_eq!(
        serial.next().await?.trim(),
        "do        move the cable from r1-sw1 port Ethernet2 to r1-sw1 port Ethernet1"
    );

    lab.move_cable(&nic(), &"r1-sw1.Ethernet1".parse()?).await?;
    serial.all_passed().await?;
    lab.wait_off(SERVER, NEXT_WITHIN).await?;
    let asset = lab.senzu().await?.in_state(SERVER, "SPARE").await?;
    // The port it was in is forgotten.
    assert_eq!(asset["facts"]["nics"][0]["neighbours"]["heard"].as_array().map(Vec::len), Some(1), "{asset:#}");
    Ok(())
}

#[tokio::test]
async fn a_cable_pulled_and_plugged_again_is_noticed_both_times() -> Result<()> {
    let held = [("profile = \"lab\"", "profile = \"lab\"\nheld = \"the tests\"")];
    let lab = bring_up("unplugged", "one-bios", &held, |_| {}).await?;
    lab.boot(SERVER).await?;
    let mut serial = lab.serial(SERVER).await?;
    serial.all_passed().await?;
    lab.senzu().await?.in_state(SERVER, "SPARE").await?;

    lab.unplug(&nic()).await?;
    serial.contains("NO CARRIER", NEXT_WITHIN).await?;
    serial.contains("FAIL     cabling.link", NEXT_WITHIN).await.context("the judgement changes without Senzu")?;
    lab.plug(&nic(), None).await?;
    serial.all_passed().await?;
    Ok(())
}
