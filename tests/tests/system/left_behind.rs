//! A lab that is killed leaves nothing running.

use anyhow::{Context, Result, ensure};
use pious_lab::lab::{NEXT_WITHIN, Options};
use pious_tests::repository;
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// Processes that name the lab's directory on their command lines: all that it starts do.
fn processes_of(dir: &Path) -> Result<Vec<String>> {
    let dir = dir.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(line) = std::fs::read(entry?.path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&dir) {
            found.push(line);
        }
    }
    Ok(found)
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
    let running = processes_of(&options.dir)?;
    for program in ["qemu-system", "ipmi_sim", "lldpd"] {
        ensure!(running.iter().any(|line| line.contains(program)), "no {program} runs: {running:#?}");
    }

    lab.start_kill()?;
    lab.wait().await?;
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        let left = processes_of(&options.dir)?;
        if left.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "still running: {left:#?}");
    }
}
