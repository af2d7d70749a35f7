//! What firmware costs: a campaign over hundreds of BMCs at its cap, a plan for a hundred thousand assets, and the memory
//! that an image takes on its way.

mod campaign;
mod memory;
mod plan;

use crate::{Place, report::Report};
use anyhow::{Context, Result};
use pious_tests::{images::Signer, recipe, senzu};
use std::path::{Path, PathBuf};

pub async fn measure(place: &Place, wanted: impl Fn(&str) -> bool, report: &mut Report) -> Result<()> {
    pious_client::install_crypto();
    let wanted = |part: &str| wanted("firmware") || wanted(&format!("firmware.{part}"));
    if wanted("campaign") {
        campaign::measure(place, report).await.context("a campaign")?;
    }
    if wanted("plan") {
        plan::measure(place, report).await.context("plans")?;
    }
    if wanted("memory") {
        memory::measure(place, report).await.context("an image's memory")?;
    }
    Ok(())
}

/// A Senzu's data directory that is planned and knows a key, and whoever signs with it.
fn prepare(place: &Place, name: &str, servers: u32, within_s: u32) -> Result<(PathBuf, PathBuf, Signer)> {
    let folder = place.work.join(format!("firmware-{name}"));
    fresh(&folder)?;
    let (program, data) = (place.tools.join("senzu-stub"), folder.join("data"));
    senzu::init(&program, &data)?;
    recipe::write(&data, within_s)?;
    let signer = Signer::new(&folder.join("key"))?;
    std::fs::write(data.join("firmware.pub"), &signer.key)?;
    senzu::import(&program, &data, &pious_lab::fleet::plan(servers, true))?;
    Ok((program, data, signer))
}

fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))
}
