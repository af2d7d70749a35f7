//! Rows, the table, the file.

use anyhow::{Context, Result};
use serde::Serialize;
use std::{fmt, path::Path, time::Duration};

/// One figure.
#[derive(Serialize)]
pub struct Row {
    /// What was measured.
    pub figure: String,
    /// What came out.
    pub measured: f64,
    /// Its unit; `×` for a ratio.
    pub unit: &'static str,
    /// The most it may be; `None` for a figure that is only told.
    pub budget: Option<f64>,
    /// The parts of it.
    pub detail: String,
}

impl Row {
    fn held(&self) -> bool {
        self.budget.is_none_or(|budget| self.measured <= budget)
    }
}

/// All figures of one run.
#[derive(Default, Serialize)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Adds a figure, and says so at once: some take minutes.
    pub fn add(&mut self, row: Row) {
        eprintln!("bench: {}: {:.2} {} ({})", row.figure, row.measured, row.unit, row.detail);
        self.rows.push(row);
    }

    /// Whether each budget holds.
    pub fn held(&self) -> bool {
        self.rows.iter().all(Row::held)
    }

    /// Writes the rows as JSON.
    pub fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_vec_pretty(self)?).with_context(|| format!("write {}", path.display()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| figure | measured | at most | | parts |\n| --- | ---: | ---: | --- | --- |")?;
        for row in &self.rows {
            let budget = row.budget.map_or_else(|| "told".into(), |budget| format!("{budget:.2} {}", row.unit));
            let held = if row.held() { "held" } else { "OVER" };
            writeln!(f, "| {} | {:.2} {} | {budget} | {held} | {} |", row.figure, row.measured, row.unit, row.detail)?;
        }
        Ok(())
    }
}

/// The middle of several measurements: one slow run on a shared machine does not count.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
