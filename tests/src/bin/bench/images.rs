//! How big what PXE serves is.

use crate::{
    Place,
    report::{Report, Row},
};
use anyhow::{Context, Result, ensure};
use std::{path::Path, process::Command};

const MIB: f64 = 1024.0 * 1024.0;

pub fn measure(place: &Place, report: &mut Report) -> Result<()> {
    let full = place.work.join("release");
    build(place, "server", &full)?;
    let (kernel, initrd) = (size_mib(&full.join("vmlinuz"))?, size_mib(&full.join("initrd.img"))?);
    report.add(Row {
        figure: "kernel + initrd, full server profile, --release".into(),
        measured: kernel + initrd,
        unit: "MiB",
        budget: Some(20.0),
        detail: format!("vmlinuz {kernel:.2}, initrd {initrd:.2}"),
    });

    let bare = place.work.join("agent-only");
    build(place, "none", &bare)?;
    report.add(Row {
        figure: "initrd with only the agent".into(),
        measured: size_mib(&bare.join("initrd.img"))?,
        unit: "MiB",
        budget: Some(4.0),
        detail: format!("pious-agent unpacked {:.2} MiB", size_mib(&place.agent)?),
    });
    Ok(())
}

fn build(place: &Place, profile: &str, out: &Path) -> Result<()> {
    let status = Command::new(place.tools.join("pious-initrd"))
        .args(["build", "--release", "--profile", profile, "--agent"])
        .arg(&place.agent)
        .args(place.kernel_arguments()?)
        .arg("--out")
        .arg(out)
        .env("SOURCE_DATE_EPOCH", "0")
        .stdout(std::process::Stdio::null())
        .status()
        .context("run pious-initrd")?;
    ensure!(status.success(), "pious-initrd build --profile {profile}: {status}");
    Ok(())
}

fn size_mib(path: &Path) -> Result<f64> {
    Ok(std::fs::metadata(path).with_context(|| format!("look at {}", path.display()))?.len() as f64 / MIB)
}
