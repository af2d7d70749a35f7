//! One judgement, in words that an engineer at the rack can act on.

use crate::message::Evaluation;
use serde::{Deserialize, Serialize};

/// One judgement: what was checked, how it came out, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// The check's name, dotted, stable: `memory.total`, `cabling.port`.
    pub check: String,
    /// What it was checked on, where the check has many: `A1` (a slot), `NIC 1 (52:54:00:01:10:01, eth0)`. For people: it
    /// changes when a label does.
    pub subject: Option<String>,
    /// How it came out.
    pub verdict: Verdict,
    /// What was seen, or why nothing could be.
    pub seen: String,
    /// What was expected.
    pub expected: String,
    /// What to do; empty for a pass.
    pub remedy: String,
}

/// How a check came out. "Unknown" is never "pass": the check could not look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As expected.
    Pass,
    /// Not as expected.
    Fail,
    /// The check could not look.
    #[serde(other)]
    Unknown,
}

/// What the findings say in one word. No findings say nothing: a machine that nobody judged is not a good one.
pub fn evaluation(findings: &[Finding]) -> Evaluation {
    let passed = |finding: &Finding| match finding.verdict {
        Verdict::Pass => true,
        Verdict::Fail | Verdict::Unknown => false,
    };
    match findings {
        [] => Evaluation::Pending,
        findings if findings.iter().all(passed) => Evaluation::Passed,
        _ => Evaluation::Failing,
    }
}
