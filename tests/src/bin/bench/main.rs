//! `scripts/bench`: every figure that PIOUS promises, measured side by side with what it is compared to.
//!
//! Budgets live here and nowhere else. A figure is a ratio wherever it can be, taken in one run with both sides in turn,
//! so that a busy machine slows both.

mod boot;
mod builder;
mod facts;
mod firmware;
mod fuzz;
mod images;
mod report;
mod senzu;
mod watch;

use anyhow::{Context, Result};
use clap::Parser;
use report::Report;
use std::{path::PathBuf, process::ExitCode};

/// Measure PIOUS's figures; print a table; write target/bench/report.json.
#[derive(Parser)]
struct Options {
    /// Only these groups: images, builder, boot, facts, watch, senzu, firmware; or a part of one: watch.idle,
    /// watch.cables, senzu.ironic, senzu.stored, senzu.watching, senzu.storm, firmware.campaign, firmware.plan,
    /// firmware.memory. And fuzz, which is measured only where it is named.
    groups: Vec<String>,
    /// How often each side of a ratio runs; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// Where things are, below the repository.
struct Place {
    target: PathBuf,
    /// The programs of this profile: what takes time is measured optimised.
    tools: PathBuf,
    /// The programs that `scripts/build` made: the lab's.
    programs: PathBuf,
    agent: PathBuf,
    work: PathBuf,
}

impl Place {
    fn find() -> Result<Self> {
        let program = std::env::current_exe().context("own path")?;
        let tools = program.parent().context("own folder")?.to_owned();
        let triple = tools.parent().context("the target triple's folder")?;
        let target = triple.parent().context("target")?.to_owned();
        let work = target.join("bench");
        pious_lab::lab::ownership::create_dir_all(&work).with_context(|| format!("make {}", work.display()))?;
        Ok(Self { agent: triple.join("agent/pious-agent"), programs: triple.join("debug"), target, tools, work })
    }

    /// The fetched kernel packages, as `pious-initrd` takes them.
    fn kernel_arguments(&self) -> Result<Vec<String>> {
        let folder = self.target.join("kernel");
        let mut packages: Vec<_> = std::fs::read_dir(&folder)
            .with_context(|| format!("read {}; scripts/setup fetches it", folder.display()))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .collect();
        packages.sort();
        Ok(packages.into_iter().flat_map(|path| ["--kernel".into(), path.display().to_string()]).collect())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let place = Place::find()?;
    let wanted = |group: &str| options.groups.is_empty() || options.groups.iter().any(|g| g == group);
    let mut report = Report::default();
    if wanted("images") {
        images::measure(&place, &mut report)?;
    }
    if wanted("builder") {
        builder::measure(&place, options.runs, &mut report)?;
    }
    if wanted("boot") {
        boot::measure(&place, options.runs, &mut report).await?;
    }
    if wanted("facts") {
        facts::measure(&place, options.runs, &mut report).await?;
    }
    watch::measure(&place, wanted, &mut report).await?;
    senzu::measure(&place, wanted, &mut report).await?;
    firmware::measure(&place, wanted, &mut report).await?;
    if options.groups.iter().any(|group| group == "fuzz") {
        fuzz::measure(&place, &mut report)?;
    }
    report.write(&place.work.join("report.json"))?;
    print!("{report}");
    Ok(if report.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
