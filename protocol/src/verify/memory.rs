//! The memory: in all, by slot, and what of it the kernel got.

use super::{
    check::Check,
    words::{READ_KERNEL, READ_SMBIOS, count, mib_short},
};
use crate::{
    expectation::{DimmProfile, MemoryProfile},
    facts::{Facts, MemoryDevice},
    finding::Finding,
};

const MIB: u64 = 1 << 20;

pub(super) fn judge(profile: &MemoryProfile, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(wanted) = profile.total_mib {
        findings.push(total(wanted, facts));
        findings.push(usable(facts));
    }
    findings.extend(profile.dimms.map(|wanted| dimms(wanted, facts)));
    let is_described = |locator: &&String| profile.slots.iter().any(|slot| slot.locator == **locator);
    let bare = profile.populated_locators.iter().filter(|locator| !is_described(locator));
    let bare = bare.map(|locator| DimmProfile { locator: locator.clone(), ..DimmProfile::default() });
    findings.extend(bare.chain(profile.slots.iter().cloned()).map(|wanted| slot(&wanted, facts)));
    findings
}

/// The slots, or why there are none to look at.
fn slots(facts: &Facts) -> Result<&[MemoryDevice], &str> {
    match facts.smbios.value()?.memory_devices.as_slice() {
        [] => Err("SMBIOS lists no memory slots (type 17)"),
        slots => Ok(slots),
    }
}

fn name(slot: &MemoryDevice) -> String {
    slot.locator.as_deref().or(slot.bank.as_deref()).map_or("a nameless slot", str::trim).to_owned()
}

/// What is installed, in bytes; or the slots whose DIMM's size is not told.
fn installed(slots: &[MemoryDevice]) -> (u64, Vec<String>) {
    let populated = || slots.iter().filter(|slot| slot.populated);
    let bytes = populated().filter_map(|slot| slot.size_bytes).fold(0u64, u64::saturating_add);
    (bytes, populated().filter(|slot| slot.size_bytes.is_none()).map(name).collect())
}

fn total(wanted_mib: u64, facts: &Facts) -> Finding {
    let question = Check::MemoryTotal.expects(mib(wanted_mib));
    let slots = match slots(facts) {
        Err(reason) => return question.unknown(reason, READ_SMBIOS),
        Ok(slots) => slots,
    };
    let (bytes, unsized_slots) = installed(slots);
    let seen = mib(bytes / MIB);
    let each = slots.iter().filter(|slot| slot.populated);
    let each =
        each.map(|slot| format!("{} {}", name(slot), slot.size_bytes.map_or("?".into(), |b| mib_short(b / MIB))));
    let each = each.collect::<Vec<_>>().join(", ");
    let detailed = if each.is_empty() { seen.clone() } else { format!("{seen}: {each}") };
    if bytes > wanted_mib.saturating_mul(MIB) {
        question.fail(detailed, "compare the DIMMs with the order; remove what was not ordered")
    } else if !unsized_slots.is_empty() {
        question.unknown(format!("SMBIOS does not tell the size of {}", unsized_slots.join(", ")), READ_SMBIOS)
    } else if bytes == wanted_mib.saturating_mul(MIB) {
        question.pass(seen)
    } else {
        question.fail(detailed, "reseat the DIMMs; add or replace the one that is missing, dead or too small")
    }
}

/// A DIMM that the firmware found bad at power-on stays in the table, and the kernel never sees it. It goes as a whole, so
/// less than half of the smallest is what the firmware keeps for itself.
fn usable(facts: &Facts) -> Finding {
    let slots = match slots(facts) {
        Err(reason) => return Check::MemoryUsable.expects("all that is installed").unknown(reason, READ_SMBIOS),
        Ok(slots) => slots,
    };
    let (bytes, unsized_slots) = installed(slots);
    let question = Check::MemoryUsable.expects(format!("all that is installed: {}", mib(bytes / MIB)));
    if !unsized_slots.is_empty() {
        return question.unknown(format!("SMBIOS does not tell the size of {}", unsized_slots.join(", ")), READ_SMBIOS);
    }
    let memory = match facts.memory.value() {
        Err(reason) => return question.unknown(reason, READ_KERNEL),
        Ok(memory) => memory,
    };
    let seen = memory.online_bytes.unwrap_or(memory.total_bytes);
    let smallest = slots.iter().filter(|slot| slot.populated).filter_map(|slot| slot.size_bytes).min();
    match bytes.saturating_sub(seen) > smallest.unwrap_or_default() / 2 {
        false => question.pass(mib(seen / MIB)),
        true => question.fail(
            mib(seen / MIB),
            "look in the firmware's log for a DIMM that was switched off or spared, and replace it",
        ),
    }
}

fn dimms(wanted: u32, facts: &Facts) -> Finding {
    let question = Check::MemoryDimms.expects(count(wanted, "DIMM"));
    let slots = match slots(facts) {
        Err(reason) => return question.unknown(reason, READ_SMBIOS),
        Ok(slots) => slots,
    };
    let seen = u32::try_from(slots.iter().filter(|slot| slot.populated).count()).unwrap_or(u32::MAX);
    if seen == wanted {
        return question.pass(count(seen, "DIMM"));
    }
    let named = |populated: bool| {
        slots.iter().filter(|slot| slot.populated == populated).map(name).collect::<Vec<_>>().join(", ")
    };
    let (seen_words, remedy) = if seen < wanted {
        let empty = named(false);
        let empty_words = if empty.is_empty() { String::new() } else { format!("; empty: {empty}") };
        (empty_words, "seat the missing DIMMs; reseat one whose slot is full and reads as empty")
    } else {
        (format!(": {}", named(true)), "compare the DIMMs with the order; remove what was not ordered")
    };
    question.fail(format!("{}{seen_words}", count(seen, "DIMM")), remedy)
}

fn slot(wanted: &DimmProfile, facts: &Facts) -> Finding {
    let locator = wanted.locator.trim();
    let question = Check::MemorySlot.expects_of(locator, wanted_words(wanted));
    let slots = match slots(facts) {
        Err(reason) => return question.unknown(reason, READ_SMBIOS),
        Ok(slots) => slots,
    };
    // Boards with several sockets may name slots of each alike; then all of them are meant.
    let named: Vec<_> = slots.iter().filter(|slot| slot.locator.as_deref().map(str::trim) == Some(locator)).collect();
    let filled: Vec<_> = named.iter().copied().filter(|slot| slot.populated).collect();
    if named.is_empty() {
        let others = slots.iter().map(name).collect::<Vec<_>>().join(", ");
        return question.unknown(
            format!("SMBIOS lists no slot of this name, but {others}"),
            "correct the slot's name in the hardware profile, or compare the board with the order",
        );
    }
    if filled.is_empty() {
        return question.fail(
            "empty",
            format!("seat a DIMM in {locator}; reseat it if there is one, and replace it if it stays dead"),
        );
    }
    if filled.len() < named.len() {
        return question.fail(
            format!("{} of {} slots of this name are full", filled.len(), named.len()),
            format!("seat a DIMM in each slot named {locator}"),
        );
    }
    let wrong = filled.iter().find(|slot| misfit(wanted, slot).is_some());
    let untold = filled.iter().find_map(|slot| untold(wanted, slot));
    match (wrong, untold, filled.first()) {
        (Some(wrong), _, _) => question.fail(dimm_words(wanted, wrong), misfit(wanted, wrong).unwrap_or_default()),
        (None, Some(what), _) => question.unknown(format!("SMBIOS does not tell the DIMM's {what}"), READ_SMBIOS),
        (None, None, seen) => question.pass(seen.map_or_else(String::new, |seen| dimm_words(wanted, seen))),
    }
}

/// What to do about a DIMM that is not the wanted one.
fn misfit(wanted: &DimmProfile, seen: &MemoryDevice) -> Option<String> {
    let is_other_size =
        wanted.size_mib.zip(seen.size_bytes).is_some_and(|(mib, bytes)| bytes != mib.saturating_mul(MIB));
    let is_other_part =
        wanted.part_contains.as_ref().zip(part(seen)).is_some_and(|(w, seen)| !super::words::contains(seen, w));
    let is_slow = wanted.min_speed_mts.zip(speed_mts(seen)).is_some_and(|(least, seen)| seen < least);
    let able = seen.speed_mts.zip(wanted.min_speed_mts).is_some_and(|(able, least)| able >= least);
    match (is_other_size || is_other_part, is_slow) {
        (true, _) => Some(format!("replace the DIMM in {} by {}", name(seen), wanted_words(wanted))),
        (false, true) if able => {
            Some("set the memory's speed in the firmware's setup; look for a slower DIMM beside it".into())
        }
        (false, true) => Some(format!("replace the DIMM in {} by a faster one", name(seen))),
        (false, false) => None,
    }
}

/// What is wanted of a DIMM and not told.
fn untold(wanted: &DimmProfile, seen: &MemoryDevice) -> Option<&'static str> {
    let lacks = [
        (wanted.size_mib.is_some() && seen.size_bytes.is_none(), "size"),
        (wanted.min_speed_mts.is_some() && speed_mts(seen).is_none(), "speed"),
        (wanted.part_contains.is_some() && part(seen).is_none(), "part number"),
    ];
    lacks.into_iter().find(|(lacks, _)| *lacks).map(|(_, what)| what)
}

/// How fast it runs; where the table does not tell, how fast it could.
fn speed_mts(dimm: &MemoryDevice) -> Option<u32> {
    dimm.configured_speed_mts.or(dimm.speed_mts)
}

fn part(dimm: &MemoryDevice) -> Option<&str> {
    dimm.part_number.as_deref().map(str::trim).filter(|part| !part.is_empty())
}

fn wanted_words(wanted: &DimmProfile) -> String {
    let mut words = wanted.size_mib.map_or_else(|| "a DIMM".into(), |mib| format!("a DIMM of {}", mib_short(mib)));
    if let Some(mts) = wanted.min_speed_mts {
        words += &format!(", at least {mts} MT/s");
    }
    if let Some(part) = &wanted.part_contains {
        words += &format!(", part {part}");
    }
    words
}

fn dimm_words(wanted: &DimmProfile, seen: &MemoryDevice) -> String {
    let size = seen.size_bytes.map_or_else(|| "untold size".into(), |bytes| mib_short(bytes / MIB));
    let mut words = format!("a DIMM of {size}");
    if let (Some(_), Some(mts)) = (wanted.min_speed_mts, speed_mts(seen)) {
        words += &format!(", {mts} MT/s");
    }
    if let (Some(_), Some(part)) = (&wanted.part_contains, part(seen)) {
        words += &format!(", part {part}");
    }
    words
}

/// Both units, because orders count in GiB and firmware in MiB.
fn mib(mib: u64) -> String {
    match mib_short(mib) {
        short if short.ends_with("GiB") => format!("{mib} MiB ({short})"),
        short => short,
    }
}
