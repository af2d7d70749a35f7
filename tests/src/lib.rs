//! What whole-system tests and measurements share: bringing a rack up, and waiting for what its servers say.
//!
//! It knows the parts by their public faces only: the lab, Senzu's API, an agent's console and server.

use anyhow::{Context, Result, ensure};
use pious_lab::lab::{
    Lab, Options,
    handle::{Senzu, SerialLines},
};
use serde_json::Value;
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// From power-on to the agent's first words: 10 to 20 s under emulation on two quiet cores, and other tests run beside.
pub const BOOT_WITHIN: Duration = Duration::from_secs(240);

/// From one word of the agent's to the next: seconds; 30 for a retry of its longest back-off.
pub const NEXT_WITHIN: Duration = Duration::from_secs(120);

/// How often Senzu is asked whether it has written down what a console said already.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Brings a rack of `qemu/racks` up for one test, with its text changed: each pair's first part, which must be in it,
/// becomes the second. Everything is in a directory of the test's own, so that tests can run side by side.
pub async fn bring_up(test: &str, rack: &str, edits: &[(&str, &str)], tweak: impl FnOnce(&mut Options)) -> Result<Lab> {
    let original = repository().join("qemu/racks").join(format!("{rack}.toml"));
    let mut text = std::fs::read_to_string(&original).with_context(|| format!("read {}", original.display()))?;
    for (from, to) in edits {
        ensure!(text.contains(from), "{} has no {from:?} to change", original.display());
        text = text.replace(from, to);
    }
    let mut options = Options::of(&format!("t-{test}"));
    options.page = false;
    tweak(&mut options);
    std::fs::create_dir_all(&options.dir)?;
    let file = options.dir.join("rack.toml");
    std::fs::write(&file, text)?;
    Ok(Lab::up(&file, options).await?)
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Waits for a console that shows checks, none of them failed or unknown; answers its tally.
pub async fn all_passed(serial: &mut SerialLines) -> Result<String> {
    let passed =
        |line: &str| line.contains("  checks ") && line.contains("0 failed, 0 unknown") && !line.contains(" 0 passed");
    Ok(serial.until("a console without failed or unknown checks", BOOT_WITHIN, passed).await?)
}

/// Waits until Senzu has an asset in a state; answers all that Senzu knows of it.
pub async fn in_state(senzu: &Senzu, server: &str, state: &str) -> Result<Value> {
    asset_when(senzu, server, &format!("{server} as {state}"), |asset| asset["standing"]["state"] == state).await
}

/// Waits until Senzu knows something of an asset; answers all that Senzu knows of it.
pub async fn asset_when(senzu: &Senzu, server: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
    let deadline = Instant::now() + NEXT_WITHIN;
    let mut ticks = tokio::time::interval(ASK_EVERY);
    loop {
        ticks.tick().await;
        let asset = senzu.get(&format!("/v1/assets/{server}")).await?;
        if is_so(&asset) {
            return Ok(asset);
        }
        ensure!(Instant::now() < deadline, "Senzu does not have {what} within {NEXT_WITHIN:?}, but: {asset:#}");
    }
}

/// The address that an asset's agent answers on: that of its first NIC with a lease.
pub fn agent_address(asset: &Value) -> Result<IpAddr> {
    let nics = asset["facts"]["nics"].as_array().context("Senzu has no facts of its NICs")?;
    let address = nics.iter().find_map(|nic| nic["dhcp"]["address"].as_str()).context("no NIC has a lease")?;
    address.parse().with_context(|| format!("{address:?} as an address"))
}
