//! Health: does any part die, or say that it will? Judged by every profile, unless it skips the check.
//!
//! A part that keeps no record of its health (a virtio disk, a guest's memory) is not judged; one whose record can't be
//! read is unknown. What only the BMC tells is judged where a BMC answers; that it does is `bmc.device`'s to say.

mod chassis;
mod disk;
mod memory;
mod sensors;

use super::power;
use crate::{expectation::HealthProfile, facts::Facts, finding::Finding};

pub(super) fn judge(limits: &HealthProfile, facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = power::health(facts).into_iter().collect();
    findings.extend(facts.disks.iter().flat_map(|disk| disk::judge(limits, disk)));
    findings.extend(memory::judge(limits, facts));
    findings.extend(sensors::judge(facts));
    if let Ok(bmc) = facts.bmc.value() {
        findings.extend(chassis::judge(bmc));
    }
    findings
}
