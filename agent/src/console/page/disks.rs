//! The page of disks: a table, those that complain first, and what they complain of.

use super::{
    Row, labelled,
    table::{Cells, column, table},
};
use crate::console::words;
use pious_protocol::facts::{Disk, DiskHealth, Facts};

pub(super) fn rows(facts: &Facts, width: usize) -> Vec<Row> {
    if facts.disks.is_empty() {
        return vec![Row::plain(" no disk is found")];
    }
    let mut disks: Vec<_> = facts.disks.iter().collect();
    disks.sort_by_key(|disk| !complains(disk));
    let columns = [
        column("DISK", 0),
        column("SIZE", 0),
        column("KIND", 0),
        column("SLOT", 0),
        column("MODEL", 0),
        column("SERIAL", 0),
        column("HEALTH", 0),
        column("WEAR", 1),
        column("TEMP", 2),
        column("FIRMWARE", 3),
        column("HOURS", 4),
        column("WRITTEN", 5),
        column("PCI", 6),
    ];
    let lines: Vec<_> = disks.iter().map(|disk| Cells { is_bad: complains(disk), cells: cells(disk) }).collect();
    let mut rows = table(&columns, &lines, width);
    for disk in disks {
        rows.extend(complaints(disk));
    }
    rows
}

fn cells(disk: &Disk) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let health = disk.health.value().ok();
    let number = |number: Option<u64>, unit: &str| number.map(|number| format!("{number}{unit}")).unwrap_or_default();
    vec![
        disk.name.clone(),
        words::decimal_bytes(disk.size_bytes),
        kind(disk),
        text(&disk.slot),
        text(&disk.model),
        text(&disk.serial),
        health_word(disk).to_owned(),
        number(health.and_then(|health| health.wear_percent).map(u64::from), " %"),
        health.and_then(|health| health.temperature_celsius).map(|degrees| format!("{degrees} C")).unwrap_or_default(),
        text(&disk.firmware),
        number(health.and_then(|health| health.power_on_hours), ""),
        health.and_then(|health| health.written_bytes).map(words::decimal_bytes).unwrap_or_default(),
        text(&disk.pci_address),
    ]
}

fn kind(disk: &Disk) -> String {
    let spins = match disk.rotational {
        Some(true) => "HDD",
        Some(false) if disk.transport.as_deref() != Some("virtio") => "SSD",
        Some(false) | None => "",
    };
    let way = match disk.transport.as_deref() {
        Some(way @ ("nvme" | "sata" | "sas" | "usb")) => way.to_uppercase().replace("NVME", "NVMe"),
        Some(way) => way.to_owned(),
        None => String::new(),
    };
    words::joined(&[&way, spins], " ")
}

fn complains(disk: &Disk) -> bool {
    disk.health.value().is_ok_and(|health| health.passed == Some(false) || !health.warnings.is_empty())
}

fn health_word(disk: &Disk) -> &'static str {
    match disk.health.reading() {
        Some(Ok(DiskHealth { passed: Some(false), .. })) => "FAILING",
        Some(Ok(health)) if !health.warnings.is_empty() => "WARNS",
        Some(Ok(DiskHealth { passed: Some(true), .. })) => "good",
        Some(Ok(DiskHealth { passed: None, .. }) | Err(_)) => "not told",
        None => "has none",
    }
}

/// What a disk complains of, its errors even where it says that it is well, and what could not be read.
fn complaints(disk: &Disk) -> Vec<Row> {
    let mut rows = Vec::new();
    match disk.health.reading() {
        None => {}
        Some(Err(reason)) => rows.push(Row::plain(format!("   {:<9} health not told: {reason}", disk.name))),
        Some(Ok(health)) => {
            let counted = [
                ("media errors", health.media_errors),
                ("replaced sectors", health.reallocated_sectors),
                ("sectors that wait to be replaced", health.pending_sectors),
            ];
            let counted = counted
                .iter()
                .filter_map(|(name, count)| count.filter(|count| *count > 0).map(|count| format!("{count} {name}")));
            let said: Vec<_> = health.warnings.iter().cloned().chain(counted).collect();
            if !said.is_empty() {
                rows.push(Row::when(complains(disk), format!("   {:<9} {}", disk.name, said.join(", "))));
            }
        }
    }
    let members = disk.member_of.join(" ");
    let paths = disk.other_paths.join(" ");
    rows.extend(labelled(&disk.name, (!members.is_empty()).then(|| format!("part of {members}"))));
    rows.extend(labelled(&disk.name, (!paths.is_empty()).then(|| format!("also seen as {paths}"))));
    rows
}
