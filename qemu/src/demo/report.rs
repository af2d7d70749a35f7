//! `target/demo/report.json`: each step with its time, one timeline per boot of each server.

use super::timeline::Boot;
use serde::Serialize;
use std::{collections::BTreeMap, io, path::Path};

/// What happened.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub steps: Vec<Step>,
    /// One timeline per boot, by server.
    pub timelines: BTreeMap<String, Vec<Boot>>,
    /// PNG files beside the report, by server.
    pub screenshots: BTreeMap<String, Vec<String>>,
    /// Files beside the report, by server.
    pub serial_logs: BTreeMap<String, String>,
}

/// One step of the story.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub server: String,
    pub what: String,
    /// When it ended, since the demo began.
    pub at_ms: u64,
    /// How long it took.
    pub took_ms: u64,
    pub held: bool,
    /// What proves it, or why it failed.
    pub evidence: String,
}

impl Report {
    /// Whether every step held.
    pub fn held(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.held)
    }

    /// Writes it. `held`: whether the whole story was told and held.
    pub fn write(&self, path: &Path, held: bool) -> io::Result<()> {
        #[derive(Serialize)]
        struct Whole<'a> {
            held: bool,
            #[serde(flatten)]
            report: &'a Report,
        }
        let text = serde_json::to_string_pretty(&Whole { held, report: self }).map_err(io::Error::other)?;
        std::fs::write(path, text + "\n")
    }
}
