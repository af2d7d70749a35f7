//! A hardware profile made from the facts of one machine that is as it should be, with what another of the same order may
//! differ in left open:
//!
//! * versions of firmware and links' widths are the least that will do, not the only ones;
//! * DIMMs and disks may be another maker's; disks may be 2 % smaller, because makers round differently;
//! * kinds are told apart by what was ordered (driver, card, speed, place; transport, size), never by a serial;
//! * a check that the golden machine itself can't answer is skipped, and said so.

use pious_protocol::{
    expectation::{
        BmcProfile, CablingPlan, CpuProfile, DimmProfile, DiskProfile, Expectation, FirmwareProfile, HardwareProfile,
        MemoryProfile, NicKindProfile, NicProfile, PciProfile, PowerProfile, TpmProfile,
    },
    facts::{Cpu, Disk, Facts, FirmwareMode, MemoryDevice, Nic, PciDevice, Smbios},
    finding::{Finding, Verdict},
    verify,
    verify::able_mbps,
};

const MIB: u64 = 1 << 20;
/// As disks are sold.
const GB: u64 = 1_000_000_000;
/// How much of a disk's size another maker's of the same class has at least.
const SAME_CLASS_PERCENT: u64 = 98;
/// PCI base classes (PCI Code and ID Assignment 1.11 §1) whose functions are counted: display controllers and processing
/// accelerators. Disks and network cards are counted as such.
const COUNTED_CLASSES: [&str; 2] = ["03", "12"];
/// Those whose narrow links are let be.
const LINKED_CLASSES: [&str; 4] = ["01", "02", "03", "12"];

/// A profile, and what its maker should know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Golden {
    /// The profile, of version 1.
    pub profile: HardwareProfile,
    /// One sentence for each thing that the golden machine is no example of.
    pub notes: Vec<String>,
}

/// Makes a profile of a golden machine's facts.
pub fn from_facts(name: &str, facts: &Facts) -> Golden {
    let smbios = facts.smbios.value().ok();
    let system = smbios.and_then(|smbios| smbios.system.as_ref());
    let mut profile = HardwareProfile {
        name: name.to_owned(),
        version: 1,
        manufacturer: system.and_then(|system| trimmed(system.manufacturer.as_ref())),
        product: system.and_then(|system| trimmed(system.product.as_ref())),
        firmware_mode: Some(facts.firmware_mode).filter(|mode| *mode != FirmwareMode::Unknown),
        firmware: firmware(facts),
        tpm: facts.firmware.tpm.value().ok().map(|tpm| TpmProfile { version: tpm.version }),
        cpu: facts.cpu.value().ok().map(cpu),
        memory: smbios.and_then(memory),
        nics: Some(nics(&facts.data_nics().collect::<Vec<_>>())),
        disks: disks(&facts.disks),
        pci: pci(facts.pci.value().map_or(&[], Vec::as_slice)),
        bmc: facts.bmc.value().ok().map(|bmc| BmcProfile {
            min_firmware: bmc.device.value().ok().map(|device| device.firmware_version.clone()),
        }),
        power: power(facts),
        ..HardwareProfile::default()
    };
    let mut notes = Vec::new();
    for finding in judged(&profile, facts) {
        match finding.verdict {
            Verdict::Pass => {}
            Verdict::Fail => notes.push(format!("it fails {} itself: {}", named(&finding), finding.seen)),
            Verdict::Unknown => {
                notes.push(format!("{} is skipped: {}", named(&finding), finding.seen));
                if !profile.skip.contains(&finding.check) {
                    profile.skip.push(finding.check);
                }
            }
        }
    }
    Golden { profile, notes }
}

/// How the golden machine stands by its own profile.
fn judged(profile: &HardwareProfile, facts: &Facts) -> Vec<Finding> {
    let (profile, cabling) = (Some(profile.clone()), Some(CablingPlan::default()));
    verify(&Expectation { profile, cabling, management: None }, facts)
}

fn named(finding: &Finding) -> String {
    match &finding.subject {
        Some(subject) => format!("{} of {subject}", finding.check),
        None => finding.check.clone(),
    }
}

fn trimmed(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn firmware(facts: &Facts) -> Option<FirmwareProfile> {
    let bios = facts.smbios.value().ok().and_then(|smbios| smbios.bios.as_ref());
    let profile = FirmwareProfile {
        min_version: bios.and_then(|bios| trimmed(bios.version.as_ref())),
        secure_boot: facts.firmware.secure_boot.value().ok().map(|secure_boot| secure_boot.enabled),
    };
    (profile != FirmwareProfile::default()).then_some(profile)
}

fn cpu(cpu: &Cpu) -> CpuProfile {
    let told = |count: u32| Some(count).filter(|count| *count > 0);
    CpuProfile {
        model_contains: trimmed(Some(&cpu.model)),
        sockets: told(cpu.sockets),
        cores: told(cpu.cores),
        threads: told(cpu.threads),
        numa_nodes: told(u32::try_from(cpu.numa.len()).unwrap_or(u32::MAX)),
        flags: cpu.flags.clone(),
    }
}

/// `None` where the table lists no slots.
fn memory(smbios: &Smbios) -> Option<MemoryProfile> {
    let populated: Vec<&MemoryDevice> = smbios.memory_devices.iter().filter(|slot| slot.populated).collect();
    let sizes: Option<Vec<u64>> = populated.iter().map(|slot| slot.size_bytes).collect();
    let slot = |slot: &&MemoryDevice| {
        Some(DimmProfile {
            locator: trimmed(slot.locator.as_ref())?,
            size_mib: slot.size_bytes.map(|bytes| bytes / MIB),
            min_speed_mts: slot.configured_speed_mts.or(slot.speed_mts),
            part_contains: None,
        })
    };
    (!smbios.memory_devices.is_empty()).then(|| MemoryProfile {
        total_mib: sizes.map(|sizes| sizes.iter().fold(0u64, |sum, size| sum.saturating_add(*size)) / MIB),
        dimms: u32::try_from(populated.len()).ok(),
        populated_locators: Vec::new(),
        slots: populated.iter().filter_map(slot).collect(),
    })
}

/// Counts a kind once more, or for the first time.
fn count<K: PartialEq>(kinds: &mut Vec<(K, u32)>, kind: K) {
    match kinds.iter_mut().find(|(known, _)| *known == kind) {
        Some((_, count)) => *count = count.saturating_add(1),
        None => kinds.push((kind, 1)),
    }
}

fn nics(nics: &[&Nic]) -> NicProfile {
    let mut kinds = Vec::new();
    for nic in nics {
        let kind = NicKindProfile {
            count: 0,
            driver: nic.driver.clone(),
            pci_id: nic.pci_id.clone(),
            min_speed_mbps: able_mbps(nic),
            location_contains: trimmed(nic.location.as_ref()),
        };
        count(&mut kinds, kind);
    }
    // One that says more is narrower, and so is a faster one.
    kinds.sort_by_key(|(kind, _)| {
        let says = [kind.driver.is_some(), kind.pci_id.is_some(), kind.location_contains.is_some()];
        std::cmp::Reverse((says.iter().filter(|says| **says).count(), kind.min_speed_mbps))
    });
    NicProfile {
        count: u32::try_from(nics.len()).ok(),
        kinds: kinds.into_iter().map(|(kind, count)| NicKindProfile { count, ..kind }).collect(),
    }
}

fn disks(disks: &[Disk]) -> Vec<DiskProfile> {
    let mut kinds: Vec<(DiskProfile, u32)> = Vec::new();
    let mut sorted: Vec<&Disk> = disks.iter().collect();
    sorted.sort_by_key(|disk| std::cmp::Reverse(disk.size_bytes));
    for disk in sorted {
        let least = disk.size_bytes / 100 * SAME_CLASS_PERCENT / GB;
        // Of the same class as the next larger one: 480 and 479 GB are one kind.
        let is_same = |kind: &DiskProfile| {
            let is_as_large = kind.min_gb.is_some_and(|gb| disk.size_bytes / GB >= gb);
            is_as_large && kind.transport == disk.transport && kind.rotational == disk.rotational
        };
        match kinds.iter_mut().find(|(kind, _)| is_same(kind)) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => {
                let (transport, rotational) = (disk.transport.clone(), disk.rotational);
                let kind = DiskProfile { count: 0, min_gb: Some(least), transport, model_contains: None, rotational };
                kinds.push((kind, 1));
            }
        }
    }
    kinds.into_iter().map(|(kind, count)| DiskProfile { count, ..kind }).collect()
}

fn has_class(device: &PciDevice, classes: &[&str]) -> bool {
    device.class.get(..2).is_some_and(|class| classes.contains(&class))
}

/// GPUs and accelerators are counted; a link that is below what its card can do is how the machine was built.
fn pci(devices: &[PciDevice]) -> Vec<PciProfile> {
    let mut kinds: Vec<PciProfile> = Vec::new();
    for device in devices {
        let link = device.link.as_ref().filter(|link| link.width > 0);
        let narrow = link.filter(|link| link.width < link.max_width && has_class(device, &LINKED_CLASSES));
        let is_counted = has_class(device, &COUNTED_CLASSES);
        if narrow.is_none() && !is_counted {
            continue;
        }
        let at = kinds.iter().position(|kind| kind.id == device.id).unwrap_or_else(|| {
            let (id, label) = (device.id.clone(), device.name.clone());
            kinds.push(PciProfile { id, label, ..PciProfile::default() });
            kinds.len() - 1
        });
        if let Some(kind) = kinds.get_mut(at) {
            kind.count = if is_counted { Some(kind.count.unwrap_or(0).saturating_add(1)) } else { None };
            kind.min_width = narrow.map(|link| link.width).into_iter().chain(kind.min_width).min();
        }
    }
    kinds
}

/// Those that are there, by the BMC or else by SMBIOS.
fn power(facts: &Facts) -> Option<PowerProfile> {
    let by_bmc = facts.bmc.value().ok().and_then(|bmc| bmc.power_supplies.value().ok());
    let by_bmc = by_bmc.map(|supplies| supplies.iter().filter(|supply| supply.present).count());
    let by_smbios = facts
        .smbios
        .value()
        .ok()
        .map(|smbios| smbios.power_supplies.iter().filter(|supply| supply.present == Some(true)).count());
    let supplies = by_bmc.filter(|count| *count > 0).or(by_smbios).filter(|count| *count > 0)?;
    Some(PowerProfile { supplies: u32::try_from(supplies).ok()? })
}
