//! The recipe of the simulated servers, with times of one's own: in Senzu's data directory it takes the place of ours.

use anyhow::{Context, Result};
use pious_protocol::firmware::{Activation, FirmwareComponent, FlashRecipe, Transfer, VersionSource};
use std::{fs, path::Path};

/// Its name, which is the built-in one's.
const NAME: &str = "PIOUS Lab Server";

/// Writes it, before Senzu starts.
pub fn write(data: &Path, within_s: u32) -> Result<()> {
    let component = |name: &str, id: &str, activation: &str| {
        format!(
            "[{name}]\nversion = {{ from = \"inventory\", id = \"{id}\" }}\ntransfer = \"multipart_push\"\n\
             names_targets = true\nactivation = \"{activation}\"\nflash_within_s = {within_s}\n\
             bmc_back_within_s = {within_s}\nversions = \"as_written\"\n"
        )
    };
    let text = format!(
        "name = \"{NAME}\"\norder = [\"bmc\", \"bios\", \"nic\", \"psu\"]\n[match]\nmanufacturer = [\"PIOUS\"]\nmodel = [\"Lab Server\"]\n{}{}{}{}",
        component("bmc", "BMC", "itself"),
        component("bios", "BIOS", "host_reset"),
        component("nic", "NIC*", "itself"),
        component("psu", "PSU*", "itself"),
    );
    let folder = data.join("recipes");
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    fs::write(folder.join("lab.toml"), text).context("write the recipe")
}

/// What an agent is told by it.
pub fn of(component: FirmwareComponent, within_s: u32) -> FlashRecipe {
    let (id, activation) = match component {
        FirmwareComponent::Bmc => ("BMC", Activation::Itself),
        _ => ("BIOS", Activation::HostReset),
    };
    FlashRecipe {
        name: NAME.into(),
        version: VersionSource::Inventory { id: Some(id.into()), name: None },
        transfer: Transfer::MultipartPush,
        names_targets: true,
        apply_time: None,
        resets_bmc_before: false,
        activation,
        flash_within_s: within_s,
        bmc_back_within_s: within_s,
    }
}
