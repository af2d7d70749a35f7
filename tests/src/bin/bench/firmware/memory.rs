//! The memory that an image takes on its way from Senzu to a BMC: in a process of its own (`flash-once`), which does with it
//! what the agent does. A whole agent can't update anything without a machine.

use crate::{
    Place,
    report::{Report, Row},
};
use anyhow::{Context, Result, ensure};
use pious_lab::{
    bmc::image::Label,
    fleet::{
        Machine, Server,
        bmc::{MODEL, Pace},
    },
};
use pious_protocol::firmware::{Artifact, FirmwareComponent, Secret};
use pious_tests::senzu::Process;
use serde_json::json;
use std::{process::Stdio, time::Duration};
use tokio::io::AsyncWriteExt;

const MIB: u64 = 1024 * 1024;
const SMALL: u64 = 8 * MIB;
const LARGE: u64 = 256 * MIB;
const PACE: Pace = Pace { flash: Duration::from_secs(1), restart: Duration::from_secs(1) };
const USER: (&str, &str) = ("bench", "bench");

pub async fn measure(place: &Place, report: &mut Report) -> Result<()> {
    let (program, data, signer) = super::prepare(place, "memory", 2, 600)?;
    let process = Process::serve(&program, &data, &[])?;
    let operator = process.operator()?;
    let mut peaks = Vec::new();
    for (number, size_bytes) in (0..).zip([SMALL, LARGE]) {
        let version = format!("2.11.{number}");
        let label = Label::new(FirmwareComponent::Bmc, MODEL, &version);
        let sha256 = signer.bring(&operator, &label, size_bytes).await?;
        let known = operator.get(&format!("/v1/artifacts/{sha256}")).await?;
        let signature = known["signature"].as_str().context("the image has no signature")?.to_owned();
        let url = format!("/v1/artifacts/{sha256}/image");
        let artifact = Artifact { url, size_bytes, sha256, signature };
        let machine = Machine::with_bmc(Server::new(number), PACE)?;
        let bmc = machine.bmc().context("it has no BMC")?;
        bmc.let_in(USER.0.into(), Secret::new(USER.1));
        let order = json!({
            "senzu": process.url(), "ca": data.join("ca.pem"), "bmc": bmc.address(), "user": USER.0, "password": USER.1,
            "version": version, "artifact": artifact, "key": signer.key,
        });
        let mut flash = tokio::process::Command::new(place.tools.join("flash-once"));
        let mut child = flash.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        child.stdin.take().context("its input")?.write_all(order.to_string().as_bytes()).await?;
        let output = child.wait_with_output().await?;
        ensure!(output.status.success(), "flash-once: {}", output.status);
        let runs = bmc.versions().remove(&FirmwareComponent::Bmc);
        ensure!(runs.as_ref() == Some(&version), "the BMC runs {runs:?}");
        peaks.push(String::from_utf8_lossy(&output.stdout).trim().parse::<f64>().context("its peak")?);
    }
    let mib = MIB as f64;
    report.add(Row {
        figure: "an update's peak RSS: a 256 MiB image against one of 8 MiB".into(),
        measured: (peaks[1] - peaks[0]) / mib,
        unit: "MiB",
        budget: Some(8.0),
        detail: format!(
            "{:.1} against {:.1} MiB, of a process with the agent's client of Senzu and of the BMC",
            peaks[1] / mib,
            peaks[0] / mib
        ),
    });
    Ok(())
}
