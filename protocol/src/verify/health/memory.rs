//! Memory errors since the kernel started.

use super::super::check::Check;
use crate::{
    expectation::HealthProfile,
    facts::{DimmErrors, Facts, MemoryErrors},
    finding::Finding,
};

pub(super) fn judge(limits: &HealthProfile, facts: &Facts) -> Vec<Finding> {
    let question = Check::HealthMemory.expects("no uncorrected errors");
    match facts.memory_errors.reading() {
        None => Vec::new(),
        Some(Err(reason)) => {
            vec![question.unknown(
                reason,
                "report it to whoever builds the image: it lacks the memory controller's driver (EDAC)",
            )]
        }
        Some(Ok(errors)) => {
            let uncorrected = match errors.uncorrected {
                0 => question.pass("none"),
                count => {
                    let dimms = guilty(errors, |dimm| dimm.uncorrected);
                    question.fail(format!("{count}{}", listed(&dimms)), replace(&dimms))
                }
            };
            let mut findings = vec![uncorrected, corrected(limits, errors)];
            findings.extend(errors.machine_checks.map(machine_checks));
            findings
        }
    }
}

fn corrected(limits: &HealthProfile, errors: &MemoryErrors) -> Finding {
    let question =
        Check::HealthMemoryCorrected.expects(format!("at most {} since the start", limits.max_corrected_errors));
    match errors.corrected > limits.max_corrected_errors {
        false => question.pass(errors.corrected.to_string()),
        true => {
            let dimms = guilty(errors, |dimm| dimm.corrected);
            question.fail(format!("{}{}", errors.corrected, listed(&dimms)), replace(&dimms))
        }
    }
}

fn machine_checks(count: u64) -> Finding {
    let question = Check::HealthMachineChecks.expects("none since the start");
    match count {
        0 => question.pass("none"),
        count => question.fail(count.to_string(), "look in the kernel's log which part they are about"),
    }
}

/// The DIMMs with errors, and how many.
fn guilty(errors: &MemoryErrors, of: fn(&DimmErrors) -> u64) -> Vec<(&str, u64)> {
    errors.dimms.iter().map(|dimm| (dimm.label.as_str(), of(dimm))).filter(|(_, count)| *count > 0).collect()
}

fn listed(dimms: &[(&str, u64)]) -> String {
    match dimms {
        [] => String::new(),
        dimms => {
            let each = dimms.iter().map(|(label, count)| format!("{label} {count}")).collect::<Vec<_>>();
            format!(": {}", each.join(", "))
        }
    }
}

fn replace(dimms: &[(&str, u64)]) -> String {
    match dimms {
        [] => "look in the BMC's event log which DIMM it is, and replace it".into(),
        dimms => {
            let labels = dimms.iter().map(|(label, _)| *label).collect::<Vec<_>>().join(", ");
            format!("reseat the DIMM {labels}; replace it if errors come again")
        }
    }
}
