//! The hardware's checks, family by family: is this the machine that was ordered, with all its parts, and are they well?

use super::{bmc, check::Check, cpu, disks, drivers, firmware, health, memory, nics, pci, power, system};
use crate::{expectation::HardwareProfile, facts::Facts, finding::Finding};

pub(super) fn judge(profile: Option<&HardwareProfile>, facts: &Facts) -> Vec<Finding> {
    let Some(profile) = profile else {
        return vec![Check::HardwareProfile.expects("a hardware profile for this asset").unknown(
            "nobody said what was ordered",
            "import the asset with a hardware profile: what its purchase order says",
        )];
    };
    let mut findings: Vec<Finding> = system::model(profile, facts).into_iter().collect();
    findings.extend(firmware::judge(profile, facts));
    findings.extend(profile.cpu.iter().flat_map(|cpu| cpu::judge(cpu, facts)));
    findings.extend(profile.memory.iter().flat_map(|memory| memory::judge(memory, facts)));
    findings.extend(profile.nics.iter().flat_map(|nics| nics::judge(nics, facts)));
    findings.extend(disks::judge(&profile.disks, facts));
    findings.extend(pci::judge(profile, facts));
    findings.push(drivers::firmware_files(facts));
    findings.extend(bmc::judge(profile.bmc.as_ref(), facts));
    findings.extend(profile.power.as_ref().map(|power| power::count_of(power.supplies, facts)));
    findings.extend(health::judge(&profile.health, facts));
    findings.retain(|finding| !profile.skip.contains(&finding.check));
    findings
}
