//! How something stands, as a page marks it.

use pious_protocol::{
    finding::{Finding, Verdict},
    message::Evaluation,
};

/// A word and a sign, and the class that colours them; never the colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    Fail,
    Unknown,
    Pending,
    Pass,
}

impl Mark {
    pub fn class(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Pass => "pass",
        }
    }

    pub fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fail => Self::Fail,
            Verdict::Unknown => Self::Unknown,
            Verdict::Pass => Self::Pass,
        }
    }

    /// Of an asset as a whole.
    pub fn of_asset(evaluation: Evaluation, findings: &[Finding]) -> Self {
        match evaluation {
            Evaluation::Failing if findings.iter().any(|finding| finding.verdict == Verdict::Fail) => Self::Fail,
            Evaluation::Failing | Evaluation::Unknown => Self::Unknown,
            Evaluation::Pending => Self::Pending,
            Evaluation::Passed => Self::Pass,
        }
    }

    pub fn of_finding(self) -> &'static str {
        match self {
            Self::Fail => "✗ FAIL",
            Self::Unknown => "? UNKNOWN",
            Self::Pending => "… pending",
            Self::Pass => "✓ pass",
        }
    }

    pub fn of_evaluation(self) -> &'static str {
        match self {
            Self::Fail => "✗ checks failing",
            Self::Unknown => "? checks unknown",
            Self::Pending => "… not judged yet",
            Self::Pass => "✓ checks passed",
        }
    }
}
