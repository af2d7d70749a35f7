//! `scripts/test --fuzz`: a few minutes of every fuzz target. Prints a line for each, and fails when one finds something.

use anyhow::{Result, ensure};
use clap::Parser;
use pious_tests::fuzzing::{TARGETS, Until};
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// Runs the fuzz targets that scripts/build --fuzz made, one after the other.
#[derive(Parser)]
struct Options {
    /// Only these targets.
    targets: Vec<String>,
    /// How long each runs.
    #[arg(long, default_value_t = 180)]
    seconds: u64,
    /// How often each is executed, instead.
    #[arg(long, conflicts_with = "seconds")]
    executions: Option<u64>,
    /// Where the targets were built.
    #[arg(long, default_value = "target/fuzz")]
    folder: PathBuf,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    for name in &options.targets {
        ensure!(TARGETS.iter().any(|target| target.name == name), "there is no fuzz target {name}");
    }
    let until = match options.executions {
        Some(executions) => Until::Executions(executions),
        None => Until::Time(Duration::from_secs(options.seconds)),
    };
    let wanted = |name: &str| options.targets.is_empty() || options.targets.iter().any(|wanted| wanted == name);
    let mut found = false;
    for target in TARGETS.iter().filter(|target| wanted(target.name)) {
        let run = target.run(&options.folder, until)?;
        let verdict = match &run.finding {
            None => "no finding".into(),
            Some(log) => format!("FOUND something: {}", log.display()),
        };
        println!("{:20} {:>11} executions in {:>5} s: {verdict}", target.name, run.executions, run.took.as_secs());
        found |= run.finding.is_some();
    }
    Ok(if found { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
