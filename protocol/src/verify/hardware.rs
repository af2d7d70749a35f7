//! The hardware's checks: is this the machine that was ordered, with all its parts?

use super::check::Check;
use crate::{
    expectation::{CpuProfile, DiskProfile, HardwareProfile, MemoryProfile, NicProfile},
    facts::{Disk, Facts, FirmwareMode, MemoryDevice, Smbios},
    finding::Finding,
};

/// What to do when the SMBIOS table can't be read: it is the firmware's, so only the firmware can mend it.
const READ_SMBIOS: &str = "update the system's firmware, or ask its vendor why the SMBIOS table can't be read";
/// What to do when the kernel did not tell: nothing at the rack helps, so it goes to whoever builds the image.
const READ_KERNEL: &str = "restart the server; if it stays, report it with the agent's version";

pub(super) fn judge(profile: Option<&HardwareProfile>, facts: &Facts) -> Vec<Finding> {
    let Some(profile) = profile else {
        return vec![Check::HardwareProfile.expects("a hardware profile for this asset").unknown(
            "nobody said what was ordered",
            "import the asset with a hardware profile: what its purchase order says",
        )];
    };
    let mut findings = Vec::new();
    findings.extend(model(profile, facts));
    findings.extend(firmware_mode(profile, facts));
    if let Some(cpu) = &profile.cpu {
        findings.extend(cpu_model(cpu, facts));
        findings.extend(cpu_sockets(cpu, facts));
        findings.extend(cpu_cores(cpu, facts));
    }
    if let Some(memory) = &profile.memory {
        findings.extend(memory_total(memory, facts));
        findings.extend(memory_dimms(memory, facts));
        findings.extend(memory.populated_locators.iter().map(|locator| memory_slot(locator, facts)));
    }
    findings.extend(profile.nics.as_ref().and_then(|nics| nics_count(nics, facts)));
    findings.extend(disks(&profile.disks, &facts.disks));
    findings
}

fn model(profile: &HardwareProfile, facts: &Facts) -> Option<Finding> {
    let wanted = [profile.manufacturer.as_deref(), profile.product.as_deref()];
    if wanted == [None, None] {
        return None;
    }
    let question = Check::HardwareModel.expects(words(wanted));
    let system = match facts.smbios.value() {
        Err(reason) => return Some(question.unknown(reason, READ_SMBIOS)),
        Ok(Smbios { system: None, .. }) => {
            return Some(question.unknown("SMBIOS has no system information (type 1)", READ_SMBIOS));
        }
        Ok(Smbios { system: Some(system), .. }) => system,
    };
    let seen = [system.manufacturer.as_deref(), system.product.as_deref()];
    let differs = wanted.iter().zip(seen).any(|(wanted, seen)| match (wanted, seen) {
        // Blanks at either end are invisible on the screen, so they can't be what tells two models apart.
        (Some(wanted), Some(seen)) => wanted.trim() != seen.trim(),
        (Some(_), None) | (None, _) => false,
    });
    let untold = wanted.iter().zip(seen).any(|(wanted, seen)| wanted.is_some() && seen.is_none());
    Some(if differs {
        question.fail(words(seen), "put the ordered server here, or give this asset the profile of what was delivered")
    } else if untold {
        question.unknown(format!("SMBIOS tells only {:?}", words(seen)), READ_SMBIOS)
    } else {
        question.pass(words(seen))
    })
}

fn words<const N: usize>(parts: [Option<&str>; N]) -> String {
    parts.into_iter().flatten().map(str::trim).collect::<Vec<_>>().join(" ")
}

fn firmware_mode(profile: &HardwareProfile, facts: &Facts) -> Option<Finding> {
    let mode = |mode| match mode {
        FirmwareMode::Bios => "legacy BIOS",
        FirmwareMode::Uefi => "UEFI",
        FirmwareMode::Unknown => "a mode that this build does not know",
    };
    let wanted = profile.firmware_mode?;
    let question = Check::FirmwareMode.expects(mode(wanted));
    Some(match (wanted, facts.firmware_mode) {
        (FirmwareMode::Unknown, seen) => {
            question.unknown(mode(seen), "build the image anew: its agent is older than the hardware profile")
        }
        (_, FirmwareMode::Unknown) => question.unknown("the kernel does not tell how it was booted", READ_KERNEL),
        (wanted, seen) if wanted == seen => question.pass(mode(seen)),
        (wanted, seen) => question
            .fail(mode(seen), format!("set the boot mode to {} in the firmware's setup, then restart", mode(wanted))),
    })
}

fn cpu_model(profile: &CpuProfile, facts: &Facts) -> Option<Finding> {
    let wanted = profile.model_contains.as_ref()?;
    let question = Check::CpuModel.expects(format!("a model with {wanted:?} in its name"));
    Some(match facts.cpu.value() {
        Err(reason) => question.unknown(reason, READ_KERNEL),
        Ok(cpu) if cpu.model.trim().is_empty() => question.unknown("the kernel does not tell the model", READ_KERNEL),
        Ok(cpu) if cpu.model.to_lowercase().contains(&wanted.to_lowercase()) => question.pass(&cpu.model),
        Ok(cpu) => question.fail(&cpu.model, "fit the ordered processors, or give this asset the profile it came with"),
    })
}

fn cpu_sockets(profile: &CpuProfile, facts: &Facts) -> Option<Finding> {
    let wanted = profile.sockets?;
    let question = Check::CpuSockets.expects(count(wanted, "processor"));
    let seen = match facts.cpu.value() {
        Err(reason) => return Some(question.unknown(reason, READ_KERNEL)),
        Ok(cpu) if cpu.sockets == 0 => {
            return Some(question.unknown("the kernel does not tell the number of processors", READ_KERNEL));
        }
        Ok(cpu) => cpu.sockets,
    };
    if seen == wanted {
        return Some(question.pass(count(seen, "processor")));
    }
    let empty: Vec<_> = facts.smbios.value().ok().map_or_else(Vec::new, |smbios| {
        smbios.processors.iter().filter(|p| !p.populated).filter_map(|p| p.socket.clone()).collect()
    });
    let remedy = match seen < wanted {
        true if empty.is_empty() => "reseat the missing processor; if it stays missing, replace it".into(),
        true => format!("seat a processor in the empty socket {}", empty.join(", ")),
        false => "give this asset the profile of what was delivered, or remove what was not ordered".into(),
    };
    Some(question.fail(count(seen, "processor"), remedy))
}

fn cpu_cores(profile: &CpuProfile, facts: &Facts) -> Option<Finding> {
    let wanted = profile.cores?;
    let question = Check::CpuCores.expects(count(wanted, "core"));
    let seen = match facts.cpu.value() {
        Err(reason) => return Some(question.unknown(reason, READ_KERNEL)),
        Ok(cpu) if cpu.cores == 0 => {
            return Some(question.unknown("the kernel does not tell the number of cores", READ_KERNEL));
        }
        Ok(cpu) => cpu.cores,
    };
    if seen == wanted {
        return Some(question.pass(count(seen, "core")));
    }
    let throttled = facts.smbios.value().ok().and_then(|smbios| {
        smbios.processors.iter().find_map(|p| match (p.cores_enabled, p.cores) {
            (Some(enabled), Some(cores)) if enabled > 0 && enabled < cores => {
                Some((p.socket.as_deref().unwrap_or("a processor"), enabled, cores))
            }
            _ => None,
        })
    });
    let remedy = match (seen < wanted, throttled) {
        (true, Some((socket, enabled, cores))) => {
            format!("enable all cores in the firmware's setup: {socket} runs {enabled} of its {cores}")
        }
        (true, None) => "compare the processors with the order; look for disabled cores in the firmware's setup".into(),
        (false, _) => "compare the processors with the order, or give this asset the profile it came with".into(),
    };
    Some(question.fail(count(seen, "core"), remedy))
}

/// The slots, or why there are none to look at.
fn slots(facts: &Facts) -> Result<&[MemoryDevice], &str> {
    match facts.smbios.value()?.memory_devices.as_slice() {
        [] => Err("SMBIOS lists no memory slots (type 17)"),
        slots => Ok(slots),
    }
}

fn memory_total(profile: &MemoryProfile, facts: &Facts) -> Option<Finding> {
    const MIB: u64 = 1 << 20;
    let wanted_mib = profile.total_mib?;
    let question = Check::MemoryTotal.expects(mib(wanted_mib));
    let slots = match slots(facts) {
        Err(reason) => return Some(question.unknown(reason, READ_SMBIOS)),
        Ok(slots) => slots,
    };
    let populated = || slots.iter().filter(|slot| slot.populated);
    let bytes = populated().filter_map(|slot| slot.size_bytes).fold(0u64, u64::saturating_add);
    let unsized_slots: Vec<_> = populated().filter(|slot| slot.size_bytes.is_none()).map(slot_name).collect();
    let seen = mib(bytes / MIB);
    let dimms = populated()
        .map(|slot| format!("{} {}", slot_name(slot), slot.size_bytes.map_or("?".into(), |size| mib_short(size / MIB))))
        .collect::<Vec<_>>()
        .join(", ");
    let detailed = if dimms.is_empty() { seen.clone() } else { format!("{seen}: {dimms}") };
    Some(if bytes > wanted_mib.saturating_mul(MIB) {
        question.fail(detailed, "compare the DIMMs with the order; remove what was not ordered")
    } else if !unsized_slots.is_empty() {
        question.unknown(format!("SMBIOS does not tell the size of {}", unsized_slots.join(", ")), READ_SMBIOS)
    } else if bytes == wanted_mib.saturating_mul(MIB) {
        question.pass(seen)
    } else {
        question.fail(detailed, "reseat the DIMMs; add or replace the one that is missing, dead or too small")
    })
}

fn memory_dimms(profile: &MemoryProfile, facts: &Facts) -> Option<Finding> {
    let wanted = profile.dimms?;
    let question = Check::MemoryDimms.expects(count(wanted, "DIMM"));
    let slots = match slots(facts) {
        Err(reason) => return Some(question.unknown(reason, READ_SMBIOS)),
        Ok(slots) => slots,
    };
    let seen = u32::try_from(slots.iter().filter(|slot| slot.populated).count()).unwrap_or(u32::MAX);
    if seen == wanted {
        return Some(question.pass(count(seen, "DIMM")));
    }
    let named = |populated: bool| {
        slots.iter().filter(|slot| slot.populated == populated).map(slot_name).collect::<Vec<_>>().join(", ")
    };
    let (seen_words, remedy) = if seen < wanted {
        let empty = named(false);
        let empty_words = if empty.is_empty() { String::new() } else { format!("; empty: {empty}") };
        (empty_words, "seat the missing DIMMs; reseat one whose slot is full and reads as empty")
    } else {
        (format!(": {}", named(true)), "compare the DIMMs with the order; remove what was not ordered")
    };
    Some(question.fail(format!("{}{seen_words}", count(seen, "DIMM")), remedy))
}

fn memory_slot(locator: &str, facts: &Facts) -> Finding {
    let question = Check::MemorySlot.expects_of(locator, "a DIMM");
    let slots = match slots(facts) {
        Err(reason) => return question.unknown(reason, READ_SMBIOS),
        Ok(slots) => slots,
    };
    // Boards with several sockets may name slots of each alike; then all of them are meant.
    let named: Vec<_> =
        slots.iter().filter(|slot| slot.locator.as_deref().map(str::trim) == Some(locator.trim())).collect();
    let filled = named.iter().filter(|slot| slot.populated).count();
    match named.first() {
        None => question.unknown(
            format!(
                "SMBIOS lists no slot of this name, but {}",
                slots.iter().map(slot_name).collect::<Vec<_>>().join(", ")
            ),
            "correct the slot's name in the hardware profile, or compare the board with the order",
        ),
        Some(slot) if filled == named.len() => question.pass(match slot.size_bytes {
            Some(bytes) => format!("a DIMM of {}", mib_short(bytes >> 20)),
            None => "a DIMM of untold size".into(),
        }),
        Some(_) if filled == 0 => question.fail(
            "empty",
            format!("seat a DIMM in {locator}; reseat it if there is one, and replace it if it stays dead"),
        ),
        Some(_) => question.fail(
            format!("{filled} of {} slots of this name are full", named.len()),
            format!("seat a DIMM in each slot named {locator}"),
        ),
    }
}

fn slot_name(slot: &MemoryDevice) -> String {
    slot.locator.as_deref().or(slot.bank.as_deref()).map_or("a nameless slot", str::trim).to_owned()
}

fn nics_count(profile: &NicProfile, facts: &Facts) -> Option<Finding> {
    let wanted = profile.count?;
    let question = Check::NicsCount.expects(count(wanted, "network interface"));
    let seen = u32::try_from(facts.data_nics().count()).unwrap_or(u32::MAX);
    let names = facts.data_nics().map(|nic| nic.name.as_str()).collect::<Vec<_>>().join(", ");
    let words = match names.as_str() {
        "" => count(seen, "network interface"),
        names => format!("{}: {names}", count(seen, "network interface")),
    };
    Some(if seen == wanted {
        question.pass(words)
    } else if seen > wanted {
        question.fail(words, "compare the network cards with the order; remove what was not ordered")
    } else if facts.kernel.missing_firmware.is_empty() {
        question.fail(words, "reseat the missing network card; if it stays missing, its driver is not in the image")
    } else {
        let lacking = facts.kernel.missing_firmware.len();
        question.fail(
            words,
            format!("reseat the missing network card; or its driver lacks a firmware file (the image lacks {lacking})"),
        )
    })
}

/// Whether a disk is of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    /// The kind asks for a transport, and the disk's is not told.
    Untold,
}

fn fit(kind: &DiskProfile, disk: &Disk) -> Fit {
    const GB: u64 = 1_000_000_000;
    if kind.min_gb.is_some_and(|min| disk.size_bytes < min.saturating_mul(GB)) {
        return Fit::No;
    }
    match (&kind.transport, &disk.transport) {
        (None, _) => Fit::Yes,
        (Some(_), None) => Fit::Untold,
        (Some(wanted), Some(seen)) if wanted.eq_ignore_ascii_case(seen) => Fit::Yes,
        (Some(_), Some(_)) => Fit::No,
    }
}

fn disks(kinds: &[DiskProfile], disks: &[Disk]) -> Vec<Finding> {
    let counted: Vec<Option<usize>> =
        disks.iter().map(|disk| kinds.iter().position(|kind| fit(kind, disk) == Fit::Yes)).collect();
    let judge_kind = |(index, kind): (usize, &DiskProfile)| {
        let question = Check::DisksCount.expects_of(kind_words(kind), count(kind.count, "disk"));
        let of_kind: Vec<_> =
            disks.iter().zip(&counted).filter(|(_, of)| **of == Some(index)).map(|(d, _)| d).collect();
        let untold: Vec<_> = disks
            .iter()
            .zip(&counted)
            .filter(|(disk, of)| of.is_none() && fit(kind, disk) == Fit::Untold)
            .map(|(disk, _)| disk.name.as_str())
            .collect();
        let seen = u32::try_from(of_kind.len()).unwrap_or(u32::MAX);
        let words = |disks: &[&Disk]| match disks {
            [] => "no disk".to_owned(),
            disks => {
                let list = disks.iter().map(|disk| disk_words(disk)).collect::<Vec<_>>().join(", ");
                format!("{}: {list}", count(u32::try_from(disks.len()).unwrap_or(u32::MAX), "disk"))
            }
        };
        if seen == kind.count {
            question.pass(words(&of_kind))
        } else if seen > kind.count {
            question.fail(words(&of_kind), "compare the disks with the order; remove what was not ordered")
        } else if untold.is_empty() {
            // Those that fit no kind are what the engineer should look at first.
            let others: Vec<_> = disks.iter().zip(&counted).filter(|(_, of)| of.is_none()).map(|(d, _)| d).collect();
            let others = match others.as_slice() {
                [] => String::new(),
                others => format!("; of no kind: {}", words(others)),
            };
            question.fail(
                format!("{}{others}", words(&of_kind)),
                "reseat the missing disk; replace it if it stays missing or is too small",
            )
        } else {
            question.unknown(
                format!("{}; the kernel does not tell how {} is attached", words(&of_kind), untold.join(", ")),
                "compare the disks with the order, or leave the transport out of the hardware profile",
            )
        }
    };
    kinds.iter().enumerate().map(judge_kind).collect()
}

fn kind_words(kind: &DiskProfile) -> String {
    let transport = kind.transport.as_deref().unwrap_or("any");
    match kind.min_gb {
        Some(gb) => format!("{transport}, at least {gb} GB"),
        None => transport.to_owned(),
    }
}

fn disk_words(disk: &Disk) -> String {
    format!("{} ({}, {} GB)", disk.name, disk.transport.as_deref().unwrap_or("?"), disk.size_bytes / 1_000_000_000)
}

fn count(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Both units, because orders count in GiB and firmware in MiB.
fn mib(mib: u64) -> String {
    if mib >= 1024 && mib.is_multiple_of(1024) {
        format!("{mib} MiB ({} GiB)", mib / 1024)
    } else {
        format!("{mib} MiB")
    }
}

fn mib_short(mib: u64) -> String {
    if mib >= 1024 && mib.is_multiple_of(1024) { format!("{} GiB", mib / 1024) } else { format!("{mib} MiB") }
}
