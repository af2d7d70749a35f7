//! One program, run once, with what it said and what it cost.

use anyhow::{Context, Result, ensure};
use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeValLike,
};
use serde::{Deserialize, Serialize};
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Where programs are looked for: an initrd's `/init` is told nothing of it.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// What became of a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Its exit code; `None` if a signal ended it, or it could not be started.
    pub code: Option<i32>,
    /// What it wrote.
    pub output: String,
    /// What it wrote to standard error, or why it could not be started.
    pub errors: String,
    /// From its start to its end.
    pub wall_us: u64,
    /// Processor time of it and of what it waited for, in user and kernel mode.
    pub cpu_us: u64,
}

impl Run {
    /// Runs a program. Only one may run in this process at a time: processor time is counted for all of its children.
    pub fn of(command: &[String]) -> Self {
        let (program, arguments) = command.split_first().map_or(("", command), |(first, rest)| (first.as_str(), rest));
        let (before, begun) = (children_cpu_us(), Instant::now());
        let ended = Command::new(program).args(arguments).env("PATH", PATH).stdin(Stdio::null()).output();
        let wall_us = begun.elapsed().as_micros() as u64;
        let cpu_us = children_cpu_us().saturating_sub(before);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (code, output, errors) = match ended {
            Ok(ended) => (ended.status.code(), text(&ended.stdout), text(&ended.stderr)),
            Err(error) => (None, String::new(), error.to_string()),
        };
        Self { command: command.to_vec(), code, output, errors, wall_us, cpu_us }
    }

    /// Its output, unless it failed.
    pub fn succeeded(&self) -> Result<&str> {
        let Self { command, code, errors, .. } = self;
        ensure!(*code == Some(0), "{} ended with {code:?}: {errors}", command.join(" "));
        Ok(&self.output)
    }

    /// Its output as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(self.succeeded()?).with_context(|| format!("the output of {}", self.command.join(" ")))
    }

    /// From its start to its end.
    pub fn wall(&self) -> Duration {
        Duration::from_micros(self.wall_us)
    }

    /// Processor time.
    pub fn cpu(&self) -> Duration {
        Duration::from_micros(self.cpu_us)
    }
}

/// A command line's words.
pub fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn children_cpu_us() -> u64 {
    let sum = |usage: Usage| usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| sum(usage).unsigned_abs())
}
