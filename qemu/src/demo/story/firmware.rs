//! The chapter on firmware: both components of one server, in the order of the DAG, believed only after reading back.

use super::{Story, all_passed};
use crate::{
    Lab,
    bmc::{image::Label, redfish::Noted},
    lab::{BOOT_WITHIN, NEXT_WITHIN, handle::Senzu},
    switch::journal::DhcpClient,
};
use anyhow::ensure;
use pious_protocol::firmware::FirmwareComponent;
use serde_json::Value;

/// What the server shall run.
const BMC: &str = "2.11.0";
const BIOS: &str = "2.2.0";
/// Large enough to be seen on its way.
const IMAGE_BYTES: u64 = 16 * 1024 * 1024;

impl Story<'_> {
    pub(super) async fn updated(&mut self, server: &str) -> anyhow::Result<()> {
        let mut serial = self.boot(server, DhcpClient::Ipxe).await?;
        let judged = all_passed(&mut serial);
        self.step(server, "its console shows that every check passed", judged).await?;
        let spare = self.graduated(server);
        let detail = self.step(server, "Senzu has it as SPARE", spare).await?;
        let old = smbios_bios(&detail).unwrap_or_default().to_owned();
        let shows = async { Ok(((), format!("SMBIOS type 0 says BIOS {old}"))) };
        self.step(server, "its own SMBIOS shows the old BIOS", shows).await?;

        let (lab, senzu) = (self.lab, self.senzu.clone());
        let bringing = bring(lab, senzu.clone());
        self.step(server, "two images are signed, and brought to Senzu, which proves them", bringing).await?;
        let events = lab.status().await?.events;
        let wanting = async {
            senzu.shall_run(server, &[("bmc", BMC), ("bios", BIOS)], "the demo").await?;
            Ok(((), format!("BMC {BMC}, BIOS {BIOS}")))
        };
        self.step(server, "an operator says what it shall run", wanting).await?;
        if let Some(url) = self.page_of(server) {
            self.teller.say(&format!("            Look at {url}: its beans, drawn, go on with the update."));
        }
        let warns = async {
            let line = serial.contains("DO NOT POWER OFF", NEXT_WITHIN).await?;
            Ok(((), line.trim().to_owned()))
        };
        self.step(server, "its console says not to power it off: the BMC gets its image", warns).await?;
        self.screenshot(server, "flashing").await?;
        self.page_picture(server, "bmc-begun").await;
        let senzu = self.senzu.clone();
        let read_back = async {
            let path = format!("/v1/assets/{server}/firmware");
            let runs = |known: &Value| installed(known, "bmc") == Some(BMC);
            senzu.when(&path, "the BMC's new version, read back", NEXT_WITHIN, runs).await?;
            Ok(((), format!("the BMC restarted itself, and says that it runs {BMC}")))
        };
        self.step(server, "VERIFY_BMC: the version is read from the BMC", read_back).await?;
        self.page_picture(server, "bmc-done").await;
        let restarting = async {
            lab.wait_reset(server, events, BOOT_WITHIN).await?;
            Ok(((), "FLASH_BIOS wrote it, and it runs from the next start on".to_owned()))
        };
        self.step(server, "the server restarts for its BIOS", restarting).await?;
        let done = async { Ok(((), senzu.goal_when(server, "done", BOOT_WITHIN).await?)) };
        self.step(server, "Senzu: every component was read to run what it shall", done).await?;
        let shown = smbios_shows(senzu.clone(), server.to_owned());
        self.step(server, "its own SMBIOS shows the new BIOS", shown).await?;
        let once = each_image_once(lab, server);
        self.step(server, "its BMC's own log: each image came once", once).await?;
        self.screenshot(server, "updated").await?;
        self.page_picture(server, "bios-done").await;
        Ok(())
    }
}

/// Makes, signs and brings both images.
async fn bring(lab: &Lab, senzu: Senzu) -> anyhow::Result<((), String)> {
    for (component, version) in [(FirmwareComponent::Bmc, BMC), (FirmwareComponent::Bios, BIOS)] {
        lab.bring_firmware(&senzu, &Label::new(component, "Lab Server", version), IMAGE_BYTES).await?;
    }
    let images = senzu.get("/v1/artifacts").await?;
    let count = images["artifacts"].as_array().map_or(0, Vec::len);
    ensure!(count == 2, "Senzu has {count} images");
    Ok(((), format!("{count} images of {} MiB, by one key", IMAGE_BYTES / 1024 / 1024)))
}

fn installed<'a>(known: &'a Value, component: &str) -> Option<&'a str> {
    let all = known["installed"].as_array()?;
    all.iter().find(|one| one["component"] == component)?["version"].as_str()
}

fn smbios_bios(asset: &Value) -> Option<&str> {
    asset["facts"]["smbios"]["seen"]["value"]["bios"]["version"].as_str()
}

async fn smbios_shows(senzu: Senzu, server: String) -> anyhow::Result<((), String)> {
    let shows = |asset: &Value| smbios_bios(asset) == Some(BIOS);
    senzu.asset_when(&server, "the new BIOS in SMBIOS", shows).await?;
    Ok(((), format!("SMBIOS type 0 says BIOS {BIOS}")))
}

async fn each_image_once(lab: &Lab, server: &str) -> anyhow::Result<((), String)> {
    let log = lab.bmc_log(server).await?;
    let whole = log.iter().filter(|entry| matches!(entry.what, Noted::PushEnded { complete: true, .. })).count();
    ensure!(whole == 2, "its BMC got {whole} whole images");
    let refused = log.iter().filter(|entry| matches!(entry.what, Noted::Login { admitted: false, .. })).count();
    ensure!(refused == 0, "its BMC refused {refused} logins");
    Ok(((), format!("{whole} images, {} entries", log.len())))
}
