//! Leases: a server that Senzu has recognized gets another address for longer, and is reached there.

use anyhow::{Context, Result};
use pious_lab::lab::{APPROVED, handle::agent_address};
use pious_tests::bring_up;

const SERVER: &str = "r1-u11";

#[tokio::test]
async fn a_recognized_server_is_reached_at_the_address_of_its_long_lease() -> Result<()> {
    let held = [("profile = \"lab\"", "profile = \"lab\"\nheld = \"the tests\"")];
    let lab = bring_up("leases", "one-bios", &held, |_| {}).await?;
    lab.boot(SERVER).await?;
    lab.serial(SERVER).await?.all_passed().await?;
    let senzu = lab.senzu().await?;
    let asset = senzu.in_state(SERVER, "SPARE").await?;
    let first = agent_address(&asset).context("no NIC has a lease")?;

    // The short lease is renewed at half its time, and refused: the other tier's address is asked for beside it.
    let moved = |asset: &serde_json::Value| agent_address(asset).is_some_and(|address| address != first);
    let asset = senzu.asset_when(SERVER, "its long lease", moved).await?;
    let second = agent_address(&asset).context("no NIC has a lease any more")?;
    let (client, url) = lab.agent_http(second, APPROVED).await?;
    client.get(format!("{url}/v1/status")).send().await?.error_for_status()?;
    Ok(())
}
