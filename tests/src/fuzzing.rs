//! The fuzz targets of `tests/fuzz`: which there are, how much each has to hold, and one run of one of them.
//!
//! They are programs of their own that `scripts/build --fuzz` makes with libFuzzer's instrumentation. What a run learns
//! stays in `target/fuzz/corpus` for the next one; what it finds is in `target/fuzz/artifacts`.

use anyhow::{Context, Result, ensure};
use pious_lab::lab::ownership;
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// Where the instrumented programs are, below the build's folder: cargo fuzz builds for the host.
const PROGRAMS: &str = "x86_64-unknown-linux-gnu/release";

/// One input that takes longer hangs, as far as a person in front of a console is concerned. In seconds.
const SLOWEST_S: u32 = 10;

/// A guest has 256 MiB: an input that makes a parser take this much would end the agent. libFuzzer's own share is in it.
const MOST_RSS_MIB: u32 = 1024;

/// Longer inputs say the same more often, and take as much longer; what the seeds hold beyond it is cut off.
const LONGEST_BYTES: u32 = 4096;

/// libFuzzer's last words.
const EXECUTED: &str = "stat::number_of_executed_units:";

/// What a target takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes that hardware, firmware or the wire hand to a parser of ours.
    Bytes,
    /// A message of the protocol, or what is made of several.
    Message,
}

impl Kind {
    /// How many executions without a finding are promised.
    pub fn promised(self) -> u64 {
        match self {
            Self::Bytes => 10_000_000,
            Self::Message => 500_000,
        }
    }
}

/// A fuzz target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its program's name.
    pub name: &'static str,
    /// What it takes in.
    pub kind: Kind,
}

/// All there are, as `tests/fuzz/Cargo.toml` has them.
pub const TARGETS: &[Target] = &[
    bytes("smbios_dump"),
    bytes("lldp_frame"),
    bytes("capture_file"),
    bytes("kernel_command_line"),
    bytes("bmc_answers"),
    bytes("disk_pages"),
    bytes("nic_answers"),
    bytes("firmware_variables"),
    bytes("kernel_files"),
    bytes("redfish_answers"),
    bytes("firmware_label"),
    message("firmware_recipe"),
    message("campaign_spec"),
    message("artifact_ask"),
    message("sealed_instruction"),
    message("verify"),
    message("boot_event"),
    message("whoami"),
    message("facts_report"),
    message("facts_answer"),
    message("instructions_answer"),
    message("instruction"),
    message("report"),
    message("promotion_request"),
    message("promotion_ask"),
    message("promotion_answer"),
    message("boot_target"),
    message("boot_targets"),
    message("problem"),
    message("expectation"),
];

const fn bytes(name: &'static str) -> Target {
    Target { name, kind: Kind::Bytes }
}

const fn message(name: &'static str) -> Target {
    Target { name, kind: Kind::Message }
}

/// When a run ends, unless it finds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After so many executions.
    Executions(u64),
    /// After so long.
    Time(Duration),
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct Run {
    /// How often the target was executed.
    pub executions: u64,
    /// How long that took.
    pub took: Duration,
    /// The log of a run that found something: it names the input.
    pub finding: Option<PathBuf>,
}

impl Target {
    /// Runs the target's program of `folder` (cargo fuzz's target folder).
    pub fn run(&self, folder: &Path, until: Until) -> Result<Run> {
        let place = |kind: &str| folder.join(kind).join(self.name);
        let (corpus, artifacts, log) = (place("corpus"), place("artifacts"), place("logs"));
        for made in [&corpus, &artifacts, &log] {
            ownership::create_dir_all(made).with_context(|| format!("make {}", made.display()))?;
        }
        let log = log.join("last.log");
        let started = Instant::now();
        let program = folder.join(PROGRAMS).join(self.name);
        let status = Command::new(&program)
            .arg(match until {
                Until::Executions(executions) => format!("-runs={executions}"),
                Until::Time(time) => format!("-max_total_time={}", time.as_secs()),
            })
            .args([format!("-timeout={SLOWEST_S}"), format!("-rss_limit_mb={MOST_RSS_MIB}")])
            .arg(format!("-max_len={LONGEST_BYTES}"))
            .args(["-print_final_stats=1".into(), format!("-artifact_prefix={}/", artifacts.display())])
            .args([corpus, crate::repository().join("tests/fuzz/seeds").join(self.name)])
            .stderr(File::create(&log).with_context(|| format!("write {}", log.display()))?)
            .status()
            .with_context(|| format!("run {}; scripts/build --fuzz makes it", program.display()))?;
        let took = started.elapsed();
        let executions = executions(&log)?;
        if let (Until::Executions(wanted), true) = (until, status.success()) {
            ensure!(executions >= wanted, "{} ended after {executions} executions of {wanted}", self.name);
        }
        Ok(Run { executions, took, finding: (!status.success()).then_some(log) })
    }
}

/// What libFuzzer's log counts.
fn executions(log: &Path) -> Result<u64> {
    let lines = BufReader::new(fs::File::open(log)?).lines().map_while(Result::ok);
    let count = lines.filter_map(|line| line.strip_prefix(EXECUTED)?.trim().parse().ok()).last();
    count.with_context(|| format!("{} does not say how often it ran", log.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn every_target_of_the_manifest_is_run_and_has_seeds() {
        let manifest = crate::repository().join("tests/fuzz/Cargo.toml");
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--manifest-path"])
            .arg(manifest)
            .output()
            .expect("cargo metadata");
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo's JSON");
        let of_manifest = metadata["packages"][0]["targets"].as_array().expect("targets").iter();
        let mut programs: Vec<_> = of_manifest
            .filter(|target| target["kind"][0] == "bin")
            .filter_map(|target| target["name"].as_str())
            .collect();
        let mut names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        programs.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, programs);
        for name in names {
            let seeds = crate::repository().join("tests/fuzz/seeds").join(name);
            let count = fs::read_dir(&seeds).map_or(0, Iterator::count);
            assert!(count > 0, "no seeds in {}", seeds.display());
        }
    }
}
