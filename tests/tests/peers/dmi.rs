//! SMBIOS against dmidecode's text.

use crate::table::Table;
use pious_protocol::facts::{Facts, Smbios};
use std::collections::BTreeMap;

const TOOL: &str = "dmidecode";

/// One structure as dmidecode prints it.
#[derive(Debug, Default)]
struct Block {
    kind: u8,
    fields: BTreeMap<String, String>,
}

impl Block {
    /// A field's text; what dmidecode writes for nothing is nothing.
    fn get(&self, name: &str) -> Option<&str> {
        let text = self.fields.get(name)?.as_str();
        (!["Not Specified", "Unknown", "None", "Not Provided"].contains(&text)).then_some(text)
    }
}

/// `Handle 0x0100, DMI type 1, 27 bytes`, a title, then fields, each after one tab.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for part in text.split("\n\n") {
        let Some((_, rest)) = part.split_once("DMI type ") else { continue };
        let Some(kind) = rest.split(',').next().and_then(|number| number.parse().ok()) else { continue };
        let field = |line: &str| {
            let line = line.strip_prefix('\t').filter(|line| !line.starts_with('\t'))?;
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        blocks.push(Block { kind, fields: rest.lines().filter_map(field).collect() });
    }
    blocks
}

/// `16 GB`, `256 MB`, `No Module Installed`: binary units, by their decimal names.
fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let shift = match unit {
        "bytes" => 0,
        "kB" => 10,
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        _ => return None,
    };
    Some(number.parse::<u64>().ok()? << shift)
}

/// The number that a text begins with: `2000 MHz`.
fn number(text: Option<&str>) -> Option<u32> {
    text?.split(' ').next()?.parse().ok()
}

pub fn compare(facts: &Facts, text: &str, table: &mut Table) -> Result<(), String> {
    let smbios = facts.smbios.value()?;
    let blocks = blocks(text);
    let of = |kind: u8| blocks.iter().filter(move |block| block.kind == kind);
    let version = text.lines().find_map(|line| line.strip_prefix("SMBIOS ")?.strip_suffix(" present."));
    table.same(TOOL, "smbios.version", Some(&smbios.version), version);
    one_each(smbios, &blocks, table);
    counts(smbios, &blocks, table);
    for (ours, theirs) in smbios.processors.iter().zip(of(4)) {
        let name = format!("processor {}", ours.socket.as_deref().unwrap_or("?"));
        let fact = |member: &str| format!("{name} {member}");
        table.same(TOOL, &fact("socket"), ours.socket.as_ref(), theirs.get("Socket Designation"));
        table.same(TOOL, &fact("manufacturer"), ours.manufacturer.as_ref(), theirs.get("Manufacturer"));
        table.same(TOOL, &fact("version"), ours.version.as_ref(), theirs.get("Version"));
        table.same(TOOL, &fact("serial"), ours.serial.as_ref(), theirs.get("Serial Number"));
        table.same(TOOL, &fact("speed"), ours.max_speed_mhz, number(theirs.get("Max Speed")));
        table.same(TOOL, &fact("cores"), ours.cores, number(theirs.get("Core Count")));
        table.same(TOOL, &fact("cores enabled"), ours.cores_enabled, number(theirs.get("Core Enabled")));
        table.same(TOOL, &fact("threads"), ours.threads, number(theirs.get("Thread Count")));
    }
    for (ours, theirs) in smbios.memory_devices.iter().zip(of(17)) {
        let name = format!("memory {}", ours.locator.as_deref().unwrap_or("?"));
        let fact = |member: &str| format!("{name} {member}");
        table.same(TOOL, &fact("locator"), ours.locator.as_ref(), theirs.get("Locator"));
        table.same(TOOL, &fact("bank"), ours.bank.as_ref(), theirs.get("Bank Locator"));
        table.same(TOOL, &fact("size"), ours.size_bytes, theirs.get("Size").and_then(bytes));
        table.same(TOOL, &fact("form factor"), ours.form_factor.as_ref(), theirs.get("Form Factor"));
        table.same(TOOL, &fact("type"), ours.kind.as_ref(), theirs.get("Type"));
        table.same(TOOL, &fact("speed"), ours.speed_mts, number(theirs.get("Speed")));
        let configured = number(theirs.get("Configured Memory Speed"));
        table.same(TOOL, &fact("configured speed"), ours.configured_speed_mts, configured);
        table.same(TOOL, &fact("manufacturer"), ours.manufacturer.as_ref(), theirs.get("Manufacturer"));
        table.same(TOOL, &fact("serial"), ours.serial.as_ref(), theirs.get("Serial Number"));
        table.same(TOOL, &fact("asset tag"), ours.asset_tag.as_ref(), theirs.get("Asset Tag"));
        table.same(TOOL, &fact("part number"), ours.part_number.as_ref(), theirs.get("Part Number"));
        table.same(TOOL, &fact("rank"), ours.rank, number(theirs.get("Rank")));
    }
    Ok(())
}

/// Structures of which a machine has one.
fn one_each(smbios: &Smbios, blocks: &[Block], table: &mut Table) {
    let empty = Block::default();
    let of = |kind: u8| blocks.iter().find(|block| block.kind == kind).unwrap_or(&empty);
    let bios = smbios.bios.clone().unwrap_or_default();
    table.same(TOOL, "bios.vendor", bios.vendor, of(0).get("Vendor"));
    table.same(TOOL, "bios.version", bios.version, of(0).get("Version"));
    table.same(TOOL, "bios.release_date", bios.release_date, of(0).get("Release Date"));
    let system = smbios.system.clone().unwrap_or_default();
    table.same(TOOL, "system.manufacturer", system.manufacturer, of(1).get("Manufacturer"));
    table.same(TOOL, "system.product", system.product, of(1).get("Product Name"));
    table.same(TOOL, "system.version", system.version, of(1).get("Version"));
    table.same(TOOL, "system.serial", system.serial, of(1).get("Serial Number"));
    table.same(TOOL, "system.uuid", system.uuid, of(1).get("UUID"));
    table.same(TOOL, "system.sku", system.sku, of(1).get("SKU Number"));
    table.same(TOOL, "system.family", system.family, of(1).get("Family"));
    let board = smbios.baseboards.first().cloned().unwrap_or_default();
    table.same(TOOL, "baseboard.manufacturer", board.manufacturer, of(2).get("Manufacturer"));
    table.same(TOOL, "baseboard.product", board.product, of(2).get("Product Name"));
    table.same(TOOL, "baseboard.version", board.version, of(2).get("Version"));
    table.same(TOOL, "baseboard.serial", board.serial, of(2).get("Serial Number"));
    table.same(TOOL, "baseboard.asset_tag", board.asset_tag, of(2).get("Asset Tag"));
    let chassis = smbios.chassis.first().cloned().unwrap_or_default();
    table.same(TOOL, "chassis.manufacturer", chassis.manufacturer, of(3).get("Manufacturer"));
    table.same(TOOL, "chassis.type", chassis.kind, of(3).get("Type"));
    table.same(TOOL, "chassis.version", chassis.version, of(3).get("Version"));
    table.same(TOOL, "chassis.serial", chassis.serial, of(3).get("Serial Number"));
    table.same(TOOL, "chassis.asset_tag", chassis.asset_tag, of(3).get("Asset Tag"));
    let array = smbios.memory_arrays.first().cloned().unwrap_or_default();
    table.same(TOOL, "memory array.location", array.location, of(16).get("Location"));
    table.same(TOOL, "memory array.use", array.usage, of(16).get("Use"));
    table.same(TOOL, "memory array.error correction", array.error_correction, of(16).get("Error Correction Type"));
    let capacity = of(16).get("Maximum Capacity").and_then(bytes);
    table.same(TOOL, "memory array.capacity", array.max_capacity_bytes, capacity);
    table.same(TOOL, "memory array.slots", array.slots, number(of(16).get("Number Of Devices")));
}

/// How many there are of each kind.
fn counts(smbios: &Smbios, blocks: &[Block], table: &mut Table) {
    let kinds = [
        (2, "baseboards", smbios.baseboards.len()),
        (3, "chassis", smbios.chassis.len()),
        (4, "processors", smbios.processors.len()),
        (7, "caches", smbios.caches.len()),
        (8, "ports", smbios.ports.len()),
        (9, "slots", smbios.slots.len()),
        (16, "memory arrays", smbios.memory_arrays.len()),
        (17, "memory devices", smbios.memory_devices.len()),
        (19, "mapped ranges", smbios.mapped_ranges.len()),
        (38, "IPMI devices", usize::from(smbios.ipmi.is_some())),
        (39, "power supplies", smbios.power_supplies.len()),
        (41, "onboard devices", smbios.onboard_devices.len()),
    ];
    for (kind, name, ours) in kinds {
        let theirs = blocks.iter().filter(|block| block.kind == kind).count();
        table.same(TOOL, &format!("number of {name}"), Some(ours), Some(theirs));
    }
}
