//! How long a boot takes in the guest, against the least that any `/init` could take; and what the agent costs.
//!
//! Both sides PXE-boot the same server in the same rack, in turn, with the same kernel and the same initrd but for
//! `/init`; both read the guest's own clock, which starts with the kernel.

use crate::{
    Place,
    report::{Report, Row, median},
};
use anyhow::{Context, Result, ensure};
use pious_lab::lab::{BOOT_WITHIN, Lab, Options, handle::agent_address};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// The rack: one UEFI server, healthy, held, with 256 MiB.
const RACK: &str = "qemu/racks/bench.toml";
const SERVER: &str = "r1-u10";

pub async fn measure(place: &Place, runs: usize, report: &mut Report) -> Result<()> {
    let floor_image = build_floor(place)?;
    let (mut floors, mut boots, mut unpacking, mut costs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..runs {
        floors.push(floor(place, &floor_image, "").await.with_context(|| format!("floor, run {run}"))?);
        let (boot, cost) = boot_event(place).await.with_context(|| format!("agent, run {run}"))?;
        boots.push(boot);
        costs.push(cost);
        unpacking.push(unpack(place, &floor_image).await.with_context(|| format!("unpacking, run {run}"))?);
    }
    let (floor, boot, unpack) = (median(floors), median(boots), median(unpacking));
    report.add(Row {
        figure: "kernel start → BOOT_EVENT accepted, against an /init that powers off at once".into(),
        measured: boot.as_secs_f64() / floor.as_secs_f64(),
        unit: "×",
        budget: Some(1.3),
        detail: format!("{} ms against {} ms, median of {runs}", boot.as_millis(), floor.as_millis()),
    });
    report.add(Row {
        figure: "of which unpacking the initrd".into(),
        measured: unpack.as_secs_f64() / floor.as_secs_f64(),
        unit: "×",
        budget: None,
        detail: format!("{} ms of {} ms", unpack.as_millis(), floor.as_millis()),
    });
    let peak = costs.into_iter().max().unwrap_or_default();
    report.add(Row {
        figure: "agent's peak RSS, power-on to SPARE, UEFI guest with 256 MiB".into(),
        measured: peak as f64 / 1024.0 / 1024.0,
        unit: "MiB",
        budget: Some(24.0),
        detail: format!("most of {runs} boots"),
    });
    Ok(())
}

/// The image that PXE serves, with another `/init`.
fn build_floor(place: &Place) -> Result<PathBuf> {
    let out = place.work.join("floor");
    let status = Command::new(place.tools.join("pious-initrd"))
        .args(["build", "--agent"])
        .arg(place.tools.join("floor"))
        .args(place.kernel_arguments()?)
        .arg("--trust")
        .arg(place.target.join("trust"))
        .arg("--lab")
        .arg("--cache")
        .arg(place.target.join("image/.cache"))
        .arg("--out")
        .arg(&out)
        .stdout(std::process::Stdio::null())
        .status()
        .context("run pious-initrd")?;
    ensure!(status.success(), "pious-initrd build: {status}");
    Ok(out)
}

async fn lab(place: &Place, image: &Path, cmdline: &str) -> Result<Lab> {
    let mut options = Options::of("bench");
    options.image = image.to_owned();
    options.cmdline = cmdline.to_owned();
    options.programs = place.programs.clone();
    options.page = false;
    let rack = place.target.parent().context("the repository")?.join(RACK);
    Ok(Lab::up(&rack, options).await?)
}

/// When the floor's `/init` was reached.
async fn floor(place: &Place, image: &Path, cmdline: &str) -> Result<Duration> {
    let lab = lab(place, image, cmdline).await?;
    lab.boot(SERVER).await?;
    let mut serial = lab.serial(SERVER).await?;
    let line = serial.contains("floor: ", BOOT_WITHIN).await?;
    lab.wait_off(SERVER, BOOT_WITHIN).await?;
    lab.down().await?;
    let words: Vec<_> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "floor:").and_then(|at| words.get(at + 1));
    Ok(Duration::from_millis(at.context("floor's line has no number")?.parse()?))
}

/// How long the kernel unpacked the initrd: its own messages say when it began and when it freed the memory. They are
/// written to the serial port, which takes time of its own, so this is never the run that counts as floor.
async fn unpack(place: &Place, image: &Path) -> Result<Duration> {
    let lab = lab(place, image, "loglevel=7").await?;
    lab.boot(SERVER).await?;
    let mut serial = lab.serial(SERVER).await?;
    let begin = serial.contains("as initramfs...", BOOT_WITHIN).await?;
    let end = serial.contains("Freeing initrd memory", BOOT_WITHIN).await?;
    lab.wait_off(SERVER, BOOT_WITHIN).await?;
    lab.down().await?;
    kernel_stamp(&end)?.checked_sub(kernel_stamp(&begin)?).context("the kernel's clock ran backwards")
}

/// `[    1.234567] text`
fn kernel_stamp(line: &str) -> Result<Duration> {
    let stamp = line.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(stamp, _)| stamp.trim());
    let seconds: f64 = stamp.with_context(|| format!("no time stamp in {line:?}"))?.parse()?;
    Ok(Duration::from_secs_f64(seconds))
}

/// When the agent's BOOT_EVENT was answered, and its peak RSS in bytes once the server is SPARE.
async fn boot_event(place: &Place) -> Result<(Duration, u64)> {
    let lab = lab(place, &place.target.join("image"), "").await?;
    lab.boot(SERVER).await?;
    // The server is held: it graduates, and its agent stays.
    let mut serial = lab.serial(SERVER).await?;
    serial.contains("SPARE", BOOT_WITHIN).await?;
    let asset = lab.senzu().await?.asset(SERVER).await?;
    let timeline = asset["sessions"][0]["timeline"].as_array().context("no timeline")?;
    let whoami = timeline.iter().find(|entry| entry["phase"] == "whoami").context("no whoami in the timeline")?;
    let at = Duration::from_millis(whoami["at_ms"].as_u64().context("at_ms")?);

    let address = agent_address(&asset).context("no NIC has a lease")?;
    let (client, url) = lab.agent_http(address, pious_lab::lab::inner::PROVISIONING_ADDRESS.into()).await?;
    let metrics = client.get(format!("{url}/metrics")).send().await?.error_for_status()?.text().await?;
    let peak = metrics.lines().find_map(|line| line.strip_prefix("pious_peak_resident_memory_bytes "));
    lab.down().await?;
    Ok((at, peak.context("no peak in /metrics")?.trim().parse()?))
}
