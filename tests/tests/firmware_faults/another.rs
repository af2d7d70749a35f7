//! Somebody else who updates a BMC: with the same client, past Senzu.

use crate::scene::WITHIN_S;
use anyhow::{Context, Result};
use pious_lab::{
    bmc::image::Label,
    fleet::{Machine, bmc::MODEL},
};
use pious_protocol::firmware::{FirmwareComponent, FlashPhase};
use pious_redfish::{FlashOrder, Image, Opening, Patience, Place, Stopped, Watch, flash_patiently};
use pious_tests::{images::Signer, recipe};
use std::{path::PathBuf, pin::Pin};

/// The version that they leave behind.
pub fn version(component: FirmwareComponent) -> &'static str {
    if component == FirmwareComponent::Bmc { "2.10.7" } else { "2.1.7" }
}

/// Brings the component to [`version`]; a BIOS runs from then on.
pub async fn updates(
    machine: &Machine,
    component: FirmwareComponent,
    signer: &Signer,
    patience: &Patience,
) -> Result<()> {
    let bmc = machine.bmc().context("it has no BMC")?;
    let (user, password) = bmc.user().context("its BMC has no user")?;
    let url = format!("https://{}/", bmc.address()).parse()?;
    let place = Place { url, user, password, certificate_sha256: None };
    let label = Label::new(component, MODEL, version(component));
    // Its length tells it from what Senzu has.
    let (file, artifact) = signer.make(&label, 4096)?;
    let recipe = recipe::of(component, WITHIN_S);
    let expected = bmc.versions().remove(&component).context("it runs nothing")?;
    let order =
        FlashOrder { component, expected, version: label.version.clone(), artifact, recipe, key: signer.key.parse()? };
    flash_patiently(&place, &order, &Local(file), &mut Nobody, patience).await?;
    if component == FirmwareComponent::Bios {
        bmc.host_starts();
    }
    Ok(())
}

struct Local(PathBuf);

impl Image for Local {
    fn open<'a>(&'a self, from: u64) -> Opening<'a> {
        Box::pin(async move {
            use tokio::io::AsyncSeekExt;
            let mut file = tokio::fs::File::open(&self.0).await?;
            file.seek(std::io::SeekFrom::Start(from)).await?;
            Ok(Box::pin(file) as Pin<Box<_>>)
        })
    }
}

struct Nobody;

impl Watch for Nobody {
    fn phase<'a>(
        &'a mut self,
        _: FlashPhase,
        _: u8,
        _: String,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
