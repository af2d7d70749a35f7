//! Firmware images of the lab's own, brought to its Senzu as a platform engineer brings a vendor's.

use super::{
    handle::{Lab, LabError, Senzu},
    options::target_dir,
};
use crate::bmc::{
    image::{self, Incoming, Label},
    key,
};
use serde_json::{Value, json};
use std::io;

/// The key that images are signed with, whose public half Senzu and the agents have: `scripts/build` makes it.
const KEY: &str = "firmware-key";

impl Lab {
    /// Makes an image for the rack's servers, signs it, and brings it to Senzu.
    pub async fn bring_firmware(&self, senzu: &Senzu, label: &Label, size_bytes: u64) -> Result<(), LabError> {
        let folder = self.dir().join("firmware");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{}-{}.bin", label.component.name(), label.version));
        let mut written = std::fs::File::create(&file)?;
        image::write(label, size_bytes, &mut written)?;
        let signature = key::sign(&target_dir().join(KEY).join(key::SECRET), &file).map_err(io::Error::other)?;
        let signature = std::fs::read_to_string(signature)?;
        let bytes = std::fs::read(&file)?;
        let mut incoming = Incoming::default();
        incoming.take(&bytes);
        let sha256 = incoming.finish().sha256;
        let spec = &self.rack.servers.iter().find(|server| server.product == label.model);
        let vendor = spec.map_or("PIOUS", |server| server.manufacturer.as_str());
        let told = json!({
            "sha256": sha256, "size_bytes": size_bytes, "vendor": vendor, "model": label.model,
            "component": label.component.name(), "version": label.version, "signature": signature,
            "release_note": "made by the lab", "severity": "recommended",
        });
        senzu.post("/v1/artifacts", &told).await?;
        senzu.put_bytes(&format!("/v1/artifacts/{sha256}/image"), bytes).await?;
        Ok(())
    }
}

impl Senzu {
    /// Says what an asset's components shall run.
    pub async fn shall_run(&self, asset: &str, wanted: &[(&str, &str)], why: &str) -> Result<Value, reqwest::Error> {
        let wanted: Vec<Value> =
            wanted.iter().map(|(component, version)| json!({ "component": component, "version": version })).collect();
        self.put(&format!("/v1/assets/{asset}/firmware"), &json!({ "wanted": wanted, "why": why })).await
    }

    /// An asset's firmware: what it runs, shall run, and the way there.
    pub async fn firmware(&self, asset: &str) -> Result<Value, reqwest::Error> {
        self.get(&format!("/v1/assets/{asset}/firmware")).await
    }

    /// Waits until an asset's newest goal has a status; answers its words.
    pub async fn goal_when(&self, asset: &str, status: &str, within: std::time::Duration) -> Result<String, LabError> {
        let what = format!("{asset}'s firmware goal as {status}");
        let of = |known: &Value| known["goals"][0]["status"].as_str().map(str::to_owned);
        let path = format!("/v1/assets/{asset}/firmware");
        // A goal that ended otherwise waits for a person, and for nothing else.
        let known = self
            .when(&path, &what, within, |known| matches!(of(known).as_deref(), Some("done" | "recovery" | "withdrawn")))
            .await?;
        let words = known["goals"][0]["words"].as_str().unwrap_or_default().to_owned();
        match of(&known) {
            Some(is) if is == status => Ok(words),
            is => Err(LabError::Otherwise { what, is: format!("{}: {words}", is.unwrap_or_default()) }),
        }
    }
}
