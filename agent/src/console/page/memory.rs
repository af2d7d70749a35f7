//! The page of memory: each slot by the name that is printed beside it, full or empty, and the errors.

use super::{
    Row,
    table::{Cells, column, table},
};
use crate::console::words;
use pious_protocol::facts::{Facts, MemoryDevice};

pub(super) fn rows(facts: &Facts, width: usize) -> Vec<Row> {
    let mut rows = vec![total(facts)];
    rows.extend(errors(facts));
    match facts.smbios.value() {
        Err(reason) => rows.push(Row::plain(format!(" slots not known: {reason}"))),
        Ok(smbios) if smbios.memory_devices.is_empty() => rows.push(Row::plain(" SMBIOS names no slots")),
        Ok(smbios) => rows.extend(slots(&smbios.memory_devices, width)),
    }
    rows
}

fn total(facts: &Facts) -> Row {
    let seen = match facts.memory.value() {
        Ok(memory) => format!("the kernel sees {}", words::bytes(memory.online_bytes.unwrap_or(memory.total_bytes))),
        Err(reason) => format!("what the kernel sees is not known: {reason}"),
    };
    let installed = facts.smbios.value().ok().map(|smbios| {
        let bytes: u64 = smbios.memory_devices.iter().filter_map(|slot| slot.size_bytes).sum();
        let full = smbios.memory_devices.iter().filter(|slot| slot.populated).count();
        format!("{} installed in {full} of {} slots, ", words::bytes(bytes), smbios.memory_devices.len())
    });
    Row::head(format!(" {}{seen}", installed.unwrap_or_default()))
}

fn errors(facts: &Facts) -> Vec<Row> {
    let errors = match facts.memory_errors.value() {
        Ok(errors) => errors,
        Err(reason) => return vec![Row::plain(format!(" errors not counted: {reason}"))],
    };
    if errors.corrected == 0 && errors.uncorrected == 0 {
        return vec![Row::plain(" no memory errors since the start")];
    }
    let (corrected, uncorrected) = (errors.corrected, errors.uncorrected);
    let mut rows = vec![Row::bad(format!(" ERRORS since the start: {uncorrected} uncorrected, {corrected} corrected"))];
    let mut dimms: Vec<_> = errors.dimms.iter().filter(|dimm| dimm.corrected + dimm.uncorrected > 0).collect();
    dimms.sort_by_key(|dimm| std::cmp::Reverse((dimm.uncorrected, dimm.corrected)));
    for dimm in dimms {
        let (corrected, uncorrected) = (dimm.corrected, dimm.uncorrected);
        rows.push(Row::bad(format!("   {}: {uncorrected} uncorrected, {corrected} corrected", dimm.label)));
    }
    rows
}

fn slots(slots: &[MemoryDevice], width: usize) -> Vec<Row> {
    let columns = [
        column("SLOT", 0),
        column("SIZE", 0),
        column("KIND", 0),
        column("SPEED", 0),
        column("MAKER", 1),
        column("PART", 0),
        column("SERIAL", 0),
        column("BANK", 2),
        column("RANKS", 3),
    ];
    let lines: Vec<_> = slots.iter().map(|slot| Cells { is_bad: false, cells: cells(slot) }).collect();
    table(&columns, &lines, width)
}

fn cells(slot: &MemoryDevice) -> Vec<String> {
    let text = |text: &Option<String>| text.as_deref().map(str::trim).unwrap_or_default().to_owned();
    let size = match (slot.populated, slot.size_bytes) {
        (false, _) => "empty".to_owned(),
        (true, Some(bytes)) => words::bytes(bytes),
        (true, None) => "not told".to_owned(),
    };
    if !slot.populated {
        return vec![
            text(&slot.locator),
            size,
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            text(&slot.bank),
        ];
    }
    let speed = match (slot.configured_speed_mts, slot.speed_mts) {
        (Some(now), Some(most)) if now != most => format!("{now} of {most} MT/s"),
        (Some(speed), _) | (None, Some(speed)) => format!("{speed} MT/s"),
        (None, None) => String::new(),
    };
    vec![
        text(&slot.locator),
        size,
        text(&slot.kind),
        speed,
        text(&slot.manufacturer),
        text(&slot.part_number),
        text(&slot.serial),
        text(&slot.bank),
        slot.rank.map(|rank| rank.to_string()).unwrap_or_default(),
    ]
}
