//! Firmware images of a test's or a measurement's own, signed by a key of its own.

use anyhow::{Context, Result};
use pious_lab::{
    bmc::{
        image::{self, Incoming, Label},
        key,
    },
    fleet::bmc::{MANUFACTURER, MODEL},
    lab::handle::Senzu,
};
use pious_protocol::firmware::Artifact;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Whoever signs them.
pub struct Signer {
    folder: PathBuf,
    /// The public half, as `firmware.pub` says it.
    pub key: String,
}

impl Signer {
    /// With a new key, in this folder.
    pub fn new(folder: &Path) -> Result<Self> {
        key::write_pair(folder)?;
        let public = folder.join(key::PUBLIC);
        let key = fs::read_to_string(&public).with_context(|| format!("read {}", public.display()))?;
        Ok(Self { folder: folder.to_owned(), key })
    }

    /// Makes an image and signs it; answers its file, and what is known of it. It has no address.
    pub fn make(&self, label: &Label, size_bytes: u64) -> Result<(PathBuf, Artifact)> {
        let file = self.folder.join(format!("{}-{}-{size_bytes}.bin", label.component.name(), label.version));
        image::write(label, size_bytes, &mut fs::File::create(&file)?)?;
        let signature = key::sign(&self.folder.join(key::SECRET), &file)?;
        let signature = fs::read_to_string(signature)?;
        let mut incoming = Incoming::default();
        incoming.take(&fs::read(&file)?);
        let sha256 = incoming.finish().sha256;
        Ok((file, Artifact { url: String::new(), size_bytes, sha256, signature }))
    }

    /// Makes an image and brings it to Senzu as one for the simulated servers; answers its SHA-256.
    pub async fn bring(&self, senzu: &Senzu, label: &Label, size_bytes: u64) -> Result<String> {
        let (file, artifact) = self.make(label, size_bytes)?;
        let told = json!({
            "sha256": artifact.sha256, "size_bytes": size_bytes, "vendor": MANUFACTURER, "model": MODEL,
            "component": label.component.name(), "version": label.version, "signature": artifact.signature,
        });
        senzu.post("/v1/artifacts", &told).await.context("announce an image")?;
        let path = format!("/v1/artifacts/{}/image", artifact.sha256);
        senzu.put_bytes(&path, fs::read(&file)?).await.context("bring an image")?;
        Ok(artifact.sha256)
    }
}
