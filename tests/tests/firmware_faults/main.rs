//! What goes wrong with firmware, all of it, side by side: each fault of a BMC for its own firmware and for the BIOS's, bad
//! images, agents and Senzu killed in the middle. One Senzu, a simulated server for each case; the agent's machine, its
//! worker and the Redfish client are the real ones. No root, no QEMU.
//!
//! Whatever happens, an update ends with the right version, as the BMC itself has it, or waits for a person and says why;
//! and no image is handed over twice.

mod another;
mod cases;
mod scene;

use anyhow::{Context, Result, ensure};
use cases::{Case, Ends};
use pious_lab::lab::options::target_dir;
use scene::{Ended, Scene};
use std::{fmt::Write as _, fs};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_ends_with_the_right_version_or_with_its_reason() -> Result<()> {
    pious_client::install_crypto();
    let cases = cases::all();
    let mut scene = Scene::set(&cases).await?;
    let ended = scene.play(&cases).await?;
    let mut table = String::from("| fault | component | ended as | why | images |\n| --- | --- | --- | --- | ---: |\n");
    let mut wrong = Vec::new();
    for (case, ended) in cases.iter().zip(&ended) {
        let Ended { status, words, images, .. } = ended;
        let words = words.replace('|', "\\|");
        writeln!(table, "| {} | {} | {status} | {words} | {images} |", case.name(), case.component)?;
        if let Err(why) = judge(case, ended) {
            wrong.push(format!("{} of the {}: {why:#}", case.name(), case.component));
        }
    }
    print!("{table}");
    let file = target_dir().join("lab/firmware-faults.md");
    fs::create_dir_all(file.parent().context("its folder")?)?;
    fs::write(&file, &table).with_context(|| format!("write {}", file.display()))?;
    ensure!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    Ok(())
}

fn judge(case: &Case, ended: &Ended) -> Result<()> {
    let Ended { status, words, images, runs, refused } = ended;
    match &case.ends {
        Ends::Done => {
            ensure!(status == "done", "{status}: {words}");
            ensure!(runs == case.wanted(), "it runs {runs}");
        }
        Ends::Recovery(causes) => {
            ensure!(status == "recovery", "{status}: {words}");
            for cause in *causes {
                ensure!(words.contains(cause), "{words:?} does not say {cause:?}");
            }
        }
    }
    ensure!(*images == case.images, "{images} whole images and not {}", case.images);
    ensure!(*refused == case.refused, "{refused} logins were refused, and not {}", case.refused);
    Ok(())
}
