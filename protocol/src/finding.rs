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
    /// How much it matters where it is no pass: a property of the check.
    #[serde(default)]
    pub severity: Severity,
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

/// How much a check matters. The gravest comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A part is dying, or data may be lost: it does not graduate.
    Critical,
    /// Not what was ordered or planned: it does not graduate.
    #[default]
    Major,
    /// Worth somebody's while, and no obstacle to graduation.
    Minor,
    /// Something newer than this build: nobody can say that it does no harm, so it does not graduate.
    #[serde(other)]
    Unknown,
}

impl Severity {
    /// Whether a check of this severity must pass before the machine may graduate.
    pub fn blocks(self) -> bool {
        match self {
            Self::Critical | Self::Major | Self::Unknown => true,
            Self::Minor => false,
        }
    }
}

impl Finding {
    /// Its place among others: fails, then unknowns, then passes; among each, the gravest first.
    pub fn rank(&self) -> (u8, Severity) {
        let verdict = match self.verdict {
            Verdict::Fail => 0,
            Verdict::Unknown => 1,
            Verdict::Pass => 2,
        };
        (verdict, self.severity)
    }

    /// Whether it keeps the machine from graduating: anything but a pass, of a check that matters enough.
    pub fn is_obstacle(&self) -> bool {
        match self.verdict {
            Verdict::Pass => false,
            Verdict::Fail | Verdict::Unknown => self.severity.blocks(),
        }
    }
}

/// What the findings say in one word. No findings say nothing: a machine that nobody judged is not a good one.
pub fn evaluation(findings: &[Finding]) -> Evaluation {
    match findings {
        [] => Evaluation::Pending,
        findings if findings.iter().any(Finding::is_obstacle) => Evaluation::Failing,
        _ => Evaluation::Passed,
    }
}
