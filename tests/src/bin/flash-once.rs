//! One update, as the agent does it: the image from Senzu, by its client, to a BMC, by its client. Reads its order as JSON
//! from standard input, and prints the most memory that it had, in bytes. `scripts/bench` measures it.

use anyhow::{Context, Result};
use pious_client::{Agent, Http, Patience};
use pious_protocol::{
    firmware::{Artifact, FirmwareComponent, FlashPhase, Secret},
    ids::BootId,
};
use pious_redfish::{FlashOrder, Image, Opening, Place, Stopped, Watch, flash};
use pious_tests::recipe;
use serde::Deserialize;
use std::{io, path::PathBuf, pin::Pin};

/// What to do.
#[derive(Deserialize)]
struct Order {
    senzu: String,
    ca: PathBuf,
    bmc: String,
    user: String,
    password: String,
    version: String,
    artifact: Artifact,
    key: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    pious_client::install_crypto();
    let order: Order = serde_json::from_reader(io::stdin()).context("read the order")?;
    let patience = Patience::default();
    let http = Http::new(Some(&std::fs::read(&order.ca)?), patience.connect, "flash-once")?;
    let senzu = vec![pious_client::read_url(&order.senzu, false)?];
    let image = FromSenzu {
        senzu: Agent::new(http, senzu, BootId(uuid::Uuid::now_v7()), patience),
        url: order.artifact.url.clone(),
    };
    let place = Place {
        url: format!("https://{}/", order.bmc).parse()?,
        user: order.user,
        password: Secret::new(&order.password),
        certificate_sha256: None,
    };
    let flashing = FlashOrder {
        component: FirmwareComponent::Bmc,
        expected: pious_lab::fleet::bmc::FIRST[0].1.into(),
        version: order.version,
        artifact: order.artifact,
        recipe: recipe::of(FirmwareComponent::Bmc, 600),
        key: order.key.parse()?,
    };
    flash(&place, &flashing, &image, &mut Nobody).await?;
    println!("{}", peak_bytes()?);
    Ok(())
}

fn peak_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

struct FromSenzu {
    senzu: Agent,
    url: String,
}

impl Image for FromSenzu {
    fn open<'a>(&'a self, from: u64) -> Opening<'a> {
        Box::pin(async move {
            let download = self.senzu.artifact(0, &self.url, from).await.map_err(io::Error::other)?;
            Ok(Box::pin(download) as Pin<Box<_>>)
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
