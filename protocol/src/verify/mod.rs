//! The judgement: one pure function, used at both ends. The agent calls it for the console, Senzu for the record.
//!
//! A check is a [`Check`] (its name on the wire) and a function of one of the families, a file each, that asks one
//! `Question` and answers it: pass, fail, or unknown with the reason. A new check is a new line of [`Check`]'s table, and a
//! new function called by its family's `judge`.
//!
//! Rules of every check:
//! * What nobody expects is not judged: no finding. Health, PCI links and drivers need no expectation: a hardware profile
//!   judges them unless it skips them by name.
//! * What is known not to exist ([`Observed::Nothing`](crate::facts::Observed::Nothing)) has no health to judge.
//! * What could not be read is [`Verdict::Unknown`](crate::finding::Verdict::Unknown) with the reason, never a pass.
//! * `seen`, `expected` and `remedy` are short, carry units, and name things as they are printed on the hardware.

mod bmc;
mod cabling;
mod check;
mod cpu;
mod disks;
mod drivers;
mod firmware;
mod hardware;
mod health;
mod kinds;
mod memory;
mod nics;
mod pci;
mod power;
mod system;
mod words;

pub use check::Check;
pub use nics::able_mbps;

use crate::{expectation::Expectation, facts::Facts, finding::Finding};

/// Judges facts by an expectation. Fails come first, then unknowns, then passes; within a verdict, the gravest; then in
/// the order of the checks: the hardware's as [`Check`] lists them, then cable by cable in the order of the plan.
pub fn verify(expectation: &Expectation, facts: &Facts) -> Vec<Finding> {
    let mut findings = hardware::judge(expectation.profile.as_ref(), facts);
    findings.extend(bmc::network(expectation.management.as_ref(), facts));
    findings.extend(cabling::judge(expectation.cabling.as_ref(), facts));
    findings.sort_by_key(Finding::rank);
    findings
}
