//! A lab that is killed leaves nothing running.

use anyhow::{Context, Result, ensure};
use pious_lab::lab::{NEXT_WITHIN, Options};
use pious_tests::repository;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// A process: its command line, and the network namespace that it is in.
struct Running {
    line: String,
    network: Option<PathBuf>,
}

fn everything_that_runs() -> Result<Vec<Running>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let process = entry?.path();
        let Ok(line) = std::fs::read(process.join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        all.push(Running { line, network: std::fs::read_link(process.join("ns/net")).ok() });
    }
    Ok(all)
}

/// The network namespace that the lab made: that of programs whose command lines name its directory, and not this one.
fn network_of(dir: &Path) -> Result<Option<PathBuf>> {
    let here = std::fs::read_link("/proc/self/ns/net").ok();
    let of_lab = |one: &Running| one.line.contains(&*dir.to_string_lossy()) && one.network != here;
    Ok(everything_that_runs()?.into_iter().find(of_lab).and_then(|one| one.network))
}

/// What runs for the lab: what names its directory, or is in its network.
fn processes_of(dir: &Path, network: &Option<PathBuf>) -> Result<Vec<String>> {
    let is_its =
        |one: &Running| one.line.contains(&*dir.to_string_lossy()) || (network.is_some() && one.network == *network);
    Ok(everything_that_runs()?.into_iter().filter(is_its).map(|one| one.line).collect())
}

#[tokio::test]
async fn killing_the_lab_leaves_nothing_behind() -> Result<()> {
    let options = Options::of("t-killed");
    let mut lab = Command::new(options.programs.join("pious-lab"))
        .arg("up")
        .arg(repository().join("qemu/racks/one-bmc.toml"))
        .arg("--dir")
        .arg(&options.dir)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(lab.stdout.take().context("its output")?).lines();
    let up = tokio::time::timeout(NEXT_WITHIN, lines.next_line()).await??;
    up.context("pious-lab up ended without a word")?;
    let request = pious_lab::lab::control::Request::Boot { server: "r1-u13".into() };
    pious_lab::lab::handle::ask::<()>(&options.dir, &request).await?;
    let network = network_of(&options.dir)?;
    let running = processes_of(&options.dir, &network)?;
    for program in ["qemu-system", "ipmi_sim", "lldpd"] {
        ensure!(running.iter().any(|line| line.contains(program)), "no {program} runs: {running:#?}");
    }

    lab.start_kill()?;
    lab.wait().await?;
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        let left = processes_of(&options.dir, &network)?;
        if left.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "still running: {left:#?}");
    }
}
