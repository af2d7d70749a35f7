//! Five ways to cable a server wrong, each told apart by the text on its own screen: which check fails, on which socket,
//! and the one thing to do next. A picture of each stays in the lab's directory.

use anyhow::{Context, Result};
use pious_lab::lab::{BOOT_WITHIN, Lab, NEXT_WITHIN};
use pious_lab::rack::NicRef;
use pious_tests::bring_up;
use std::time::Duration;

const SERVER: &str = "r1-u20";
const SLOW_SERVER: &str = "r1-u21";

/// What a screen must show.
struct Mistake {
    /// The picture's name.
    name: &'static str,
    /// The failed check.
    check: &'static str,
    /// The socket.
    nic: &'static str,
    /// The whole text behind `Next`.
    next: &'static str,
}

const SWAP: Mistake =
    Mistake { name: "swap", check: "cabling.swap", nic: "nic1", next: "swap the cables of nic1 and nic2" };
const WRONG_PORT: Mistake = Mistake {
    name: "wrong-port",
    check: "cabling.port",
    nic: "nic2",
    next: "move the cable from r1-sw2 port Ethernet3 to r1-sw2 port Ethernet1",
};
const WRONG_VLAN: Mistake = Mistake {
    name: "wrong-vlan",
    check: "cabling.vlan",
    nic: "nic2",
    next: "set the native VLAN of r1-sw2 port Ethernet1 to 10",
};
const NO_LINK: Mistake = Mistake {
    name: "no-link",
    check: "cabling.link",
    nic: "nic2",
    next: "plug the cable into r1-sw2 port Ethernet1 at both ends; replace it if it stays dark",
};
const SLOW_LINK: Mistake = Mistake {
    name: "slow-link",
    check: "cabling.speed",
    nic: "nic1",
    next: "replace the cable or transceiver, and look at the speed set on r1-sw1 port Ethernet2",
};

#[tokio::test]
async fn each_way_to_cable_a_server_wrong_is_told_apart_on_its_screen() -> Result<()> {
    let lab = bring_up("miscabled", "miscabled", &[], |_| {}).await?;
    lab.boot(SERVER).await?;
    let nic1 = NicRef { server: SERVER.into(), nic: "nic1".into() };
    let nic2 = NicRef { server: SERVER.into(), nic: "nic2".into() };
    let planned = "r1-sw2.Ethernet1".parse()?;
    shows(&lab, SERVER, &SWAP, BOOT_WITHIN).await?;

    lab.unplug(&nic1).await?;
    lab.move_cable(&nic2, &"r1-sw2.Ethernet3".parse()?).await?;
    lab.plug(&nic1, Some("r1-sw1.Ethernet1".parse()?)).await?;
    shows(&lab, SERVER, &WRONG_PORT, NEXT_WITHIN).await?;

    lab.set_native_vlan(&planned, 20).await?;
    lab.move_cable(&nic2, &planned).await?;
    shows(&lab, SERVER, &WRONG_VLAN, NEXT_WITHIN).await?;

    lab.set_native_vlan(&planned, 10).await?;
    lab.screen_when(SERVER, "no failed check", NEXT_WITHIN, |lines| !fails(lines, "cabling.")).await?;
    lab.unplug(&nic2).await?;
    shows(&lab, SERVER, &NO_LINK, NEXT_WITHIN).await
}

#[tokio::test]
async fn a_link_that_is_slower_than_planned_is_told_on_the_screen() -> Result<()> {
    let lab = bring_up("slow", "miscabled", &[], |_| {}).await?;
    lab.boot(SLOW_SERVER).await?;
    shows(&lab, SLOW_SERVER, &SLOW_LINK, BOOT_WITHIN).await
}

/// Waits until a screen shows a mistake, and keeps its picture.
async fn shows(lab: &Lab, server: &str, mistake: &Mistake, within: Duration) -> Result<()> {
    let Mistake { name, check, nic, next } = mistake;
    let what = format!("{name}: {check} of {nic}, next: {next:?}");
    let is_shown = |lines: &[String]| fails(lines, &format!("{check}  {nic} (")) && next_of(lines) == *next;
    lab.screen_when(server, &what, within, is_shown).await?;
    let picture = lab.dir().join(format!("{name}.png"));
    lab.screenshot(server, &picture).await.with_context(|| format!("the picture of {name}"))
}

/// Whether a failed check's own line has these words. A line that just changed is marked with `!`.
fn fails(lines: &[String], words: &str) -> bool {
    lines.iter().any(|line| line.trim_start_matches(['!', ' ']).starts_with("FAIL") && line.contains(words))
}

/// The text behind `Next`, which may go on below, as far in.
fn next_of(lines: &[String]) -> String {
    const LABEL: &str = " Next   ";
    const UNDER_IT: &str = "        ";
    let mut rows = lines.iter().skip_while(|line| !line.starts_with(LABEL));
    let first = rows.next().and_then(|line| line.strip_prefix(LABEL));
    let others = rows.map_while(|line| line.strip_prefix(UNDER_IT));
    first.into_iter().chain(others).collect::<Vec<_>>().join(" ")
}
