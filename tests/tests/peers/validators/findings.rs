//! What a validator found, read from its report.

use anyhow::{Context, Result, bail, ensure};
use std::{collections::BTreeSet, fs, path::Path};

/// How a validator's run went.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many checks passed.
    pub passed: usize,
    /// What failed, what it warns of, and what it could not test.
    pub findings: BTreeSet<String>,
}

/// Warns where a session's token is not random by either of two statistical tests, of which each finds so of one random
/// token in a hundred.
const BY_CHANCE: &str = "RESP_HEADERS_X_AUTH_TOKEN";

/// The report of `redfish-protocol-validator`: one line for each check of each URI.
pub fn protocol(folder: &Path) -> Result<Report> {
    let tables = files(folder, "tsv")?;
    let [table] = tables.as_slice() else { bail!("{} reports", tables.len()) };
    let mut report = Report::default();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [assertion, method, status, uri, result, _, _] = cells.as_slice() else {
            bail!("not a line of the report: {line}")
        };
        match *result {
            "PASS" => report.passed += 1,
            "WARN" if *assertion == BY_CHANCE => {}
            "NOT_TESTED" => {
                report.findings.insert(format!("not tested: {}", words(&[assertion, method])));
            }
            "FAIL" | "WARN" => {
                report.findings.insert(words(&[result, assertion, method, uri, status]));
            }
            other => bail!("not a result: {other}"),
        }
    }
    Ok(report)
}

/// The log of `redfish-service-validator`: one line for each property of each resource.
pub fn service(folder: &Path) -> Result<Report> {
    let dated = fs::read_dir(folder)?.filter_map(Result::ok).find(|entry| entry.path().is_dir());
    let logs = files(&dated.context("no report")?.path(), "log")?;
    let [log] = logs.as_slice() else { bail!("{} logs", logs.len()) };
    let (mut report, mut uri) = (Report::default(), String::new());
    for line in log.lines() {
        // `2026-11-30 12:00:00,000 - name - INFO - PASS - …`
        let Some(words) = line.splitn(4, " - ").nth(3) else { continue };
        if let Some(validating) = words.strip_prefix("Validating ") {
            validating.trim_end_matches("...").clone_into(&mut uri);
        } else if words.starts_with("PASS - ") {
            report.passed += 1;
        } else if words.starts_with("FAIL - ") || words.starts_with("WARN - ") {
            ensure!(!uri.is_empty(), "a finding without a resource: {words}");
            report.findings.insert(format!("{uri} {words}"));
        }
    }
    Ok(report)
}

/// In one line; what a check has not is left out.
fn words(cells: &[&str]) -> String {
    cells.iter().filter(|cell| !cell.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

fn files(folder: &Path, ending: &str) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let of_kind = paths.filter(|path| path.extension().is_some_and(|extension| extension == ending));
    of_kind.map(|path| fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))).collect()
}
