//! PCI functions against lspci, disks against nvme, smartctl and lshw.

use crate::table::Table;
use anyhow::Result;
use pious_protocol::facts::{Disk, Facts, PciDevice, PciDriver};
use serde_json::Value;
use std::collections::BTreeMap;

/// What asks for all PCI functions: one record each, names and numbers, with drivers.
pub const LSPCI: &str = "lspci -Dvmmnnk";
/// What asks for everything that lshw knows.
pub const LSHW: &str = "lshw -json";

const NO_SG: &str = "lshw asks SCSI disks through /dev/sg*, which the image has a module for and does not load";

/// 0 °C in kelvin, as NVMe counts.
const FREEZING_K: i64 = 273;

/// Thousands of 512-byte blocks: NVMe's data unit.
const DATA_UNIT_BYTES: u64 = 512_000;

/// `Name [1af4]`
fn numbered(text: &str) -> (&str, &str) {
    text.rsplit_once(" [").map_or((text, ""), |(name, number)| (name, number.trim_end_matches(']')))
}

pub fn compare_pci(facts: &Facts, text: &str, table: &mut Table) -> Result<(), String> {
    let ours = facts.pci.value()?;
    let records: Vec<BTreeMap<&str, &str>> =
        text.split("\n\n").map(|record| record.lines().filter_map(|line| line.split_once(":\t")).collect()).collect();
    let records: Vec<_> = records.into_iter().filter(|record| !record.is_empty()).collect();
    table.same("lspci", "number of PCI functions", Some(ours.len()), Some(records.len()));
    for record in &records {
        let slot = record.get("Slot").copied().unwrap_or_default();
        let empty = PciDevice::default();
        let ours = ours.iter().find(|device| device.address == slot).unwrap_or(&empty);
        let fact = |member: &str| format!("PCI {slot} {member}");
        let part = |name: &str| record.get(name).map(|text| numbered(text));
        let id = |vendor: &str, device: &str| Some(format!("{}:{}", part(vendor)?.1, part(device)?.1));
        table.same("lspci", &fact("id"), Some(&ours.id), id("Vendor", "Device"));
        table.same("lspci", &fact("subsystem"), ours.subsystem_id.as_ref(), id("SVendor", "SDevice"));
        let interface = record.get("ProgIf").copied().unwrap_or("00");
        let class = part("Class").map(|(_, number)| format!("{number}{interface}"));
        table.same("lspci", &fact("class"), Some(&ours.class), class);
        table.same("lspci", &fact("class name"), ours.class_name.as_deref(), part("Class").map(|(name, _)| name));
        let name = part("Vendor").zip(part("Device")).map(|((vendor, _), (device, _))| format!("{vendor} {device}"));
        // What lspci writes where pci.ids has neither.
        table.same("lspci", &fact("name"), ours.name.as_ref(), name.filter(|name| name != "Vendor Device"));
        let revision = record.get("Rev").copied().unwrap_or("00");
        table.same("lspci", &fact("revision"), Some(format!("{:02x}", ours.revision)), Some(revision));
        let driver = match &ours.driver {
            PciDriver::Bound { name } => Some(name.as_str()),
            PciDriver::Missing { .. } | PciDriver::NotNeeded | PciDriver::Unknown => None,
        };
        table.same("lspci", &fact("driver"), driver, record.get("Driver"));
    }
    Ok(())
}

/// The disk of that name.
pub fn disk<'a>(facts: &'a Facts, name: &str) -> Option<&'a Disk> {
    facts.disks.iter().find(|disk| disk.name == name)
}

pub fn compare_nvme(disk: &Disk, identity: &Value, health: &Value, table: &mut Table) {
    let fact = |member: &str| format!("{} {member}", disk.name);
    let text = |member: &str| identity[member].as_str().map(str::trim);
    table.same("nvme", &fact("model"), disk.model.as_ref(), text("mn"));
    table.same("nvme", &fact("serial"), disk.serial.as_ref(), text("sn"));
    table.same("nvme", &fact("firmware"), disk.firmware.as_ref(), text("fr"));
    let controller = disk.nvme.clone().unwrap_or_default();
    table.same("nvme", &fact("PCI vendor"), Some(controller.pci_vendor_id), identity["vid"].as_u64());
    table.same("nvme", &fact("subsystem"), Some(controller.pci_subsystem_vendor_id), identity["ssvid"].as_u64());
    table.same("nvme", &fact("controller id"), Some(controller.controller_id), identity["cntlid"].as_u64());
    table.same("nvme", &fact("namespaces"), Some(controller.namespaces), identity["nn"].as_u64());
    // NVM Express Base 2.0 figure 275: major, minor and tertiary version.
    let version = identity["ver"].as_u64().map(|ver| format!("{}.{}.{}", ver >> 16, ver >> 8 & 0xff, ver & 0xff));
    table.same("nvme", &fact("version"), Some(&controller.version), version);
    let slots = identity["frmw"].as_u64().map(|bits| bits >> 1 & 7);
    table.same("nvme", &fact("firmware slots"), Some(controller.firmware_slots), slots);

    let ours = disk.health.value().ok().cloned().unwrap_or_default();
    // Counters of 128 bits are text.
    let theirs = |member: &str| health[member].as_u64().or_else(|| health[member].as_str()?.parse().ok());
    let celsius = health["temperature"].as_i64().map(|kelvin| kelvin - FREEZING_K);
    table.same("nvme", &fact("temperature"), ours.temperature_celsius, celsius);
    table.same("nvme", &fact("power-on hours"), ours.power_on_hours, theirs("power_on_hours"));
    table.same("nvme", &fact("power cycles"), ours.power_cycles, theirs("power_cycles"));
    table.same("nvme", &fact("unsafe shutdowns"), ours.unsafe_shutdowns, theirs("unsafe_shutdowns"));
    table.same("nvme", &fact("wear"), ours.wear_percent, theirs("percent_used"));
    table.same("nvme", &fact("spare"), ours.spare_percent, theirs("avail_spare"));
    table.same("nvme", &fact("spare threshold"), ours.spare_threshold_percent, theirs("spare_thresh"));
    table.same("nvme", &fact("media errors"), ours.media_errors, theirs("media_errors"));
    let written = theirs("data_units_written").map(|units| units * DATA_UNIT_BYTES);
    table.same("nvme", &fact("written"), ours.written_bytes, written);
    let warned = ours.warnings.is_empty();
    table.same("nvme", &fact("no warning"), Some(warned), theirs("critical_warning").map(|bits| bits == 0));
}

pub fn compare_smart(disk: &Disk, told: &Value, table: &mut Table) {
    let fact = |member: &str| format!("{} {member}", disk.name);
    table.same("smartctl", &fact("model"), disk.model.as_ref(), told["model_name"].as_str());
    table.same("smartctl", &fact("serial"), disk.serial.as_ref(), told["serial_number"].as_str());
    table.same("smartctl", &fact("firmware"), disk.firmware.as_ref(), told["firmware_version"].as_str());
    table.same("smartctl", &fact("size"), Some(disk.size_bytes), told["user_capacity"]["bytes"].as_u64());
    let logical = told["logical_block_size"].as_u64();
    table.same("smartctl", &fact("logical block"), disk.logical_block_bytes, logical);
    let ours = disk.health.value().ok().cloned().unwrap_or_default();
    table.same("smartctl", &fact("passed"), ours.passed, told["smart_status"]["passed"].as_bool());
    table.same("smartctl", &fact("temperature"), ours.temperature_celsius, told["temperature"]["current"].as_i64());
    table.same("smartctl", &fact("power-on hours"), ours.power_on_hours, told["power_on_time"]["hours"].as_u64());
    table.same("smartctl", &fact("power cycles"), ours.power_cycles, told["power_cycle_count"].as_u64());
}

/// Every node of lshw's tree.
fn nodes(tree: &Value) -> Vec<&Value> {
    let children = match tree {
        Value::Array(all) => all,
        Value::Object(node) => match node.get("children") {
            Some(Value::Array(children)) => children,
            Some(_) | None => return vec![tree],
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Vec::new(),
    };
    let own = tree.is_object().then_some(tree);
    own.into_iter().chain(children.iter().flat_map(nodes)).collect()
}

/// A node's name: one, or the first of several.
fn is_named(node: &Value, name: &str) -> bool {
    match &node["logicalname"] {
        Value::String(one) => one == name,
        Value::Array(several) => several.iter().any(|one| one == name),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

pub fn compare_lshw(facts: &Facts, tree: &Value, table: &mut Table) {
    let nodes = nodes(tree);
    let find = |name: &str| nodes.iter().find(|node| is_named(node, name)).copied().unwrap_or(&Value::Null);
    for disk in &facts.disks {
        let theirs = find(&format!("/dev/{}", disk.name));
        let size = theirs["size"].as_u64();
        table.explained("lshw", &format!("{} size", disk.name), Some(disk.size_bytes), size, NO_SG);
    }
    for nic in &facts.nics {
        let theirs = find(&nic.name);
        let fact = |member: &str| format!("{} {member}", nic.name);
        table.same("lshw", &fact("address"), nic.mac, theirs["serial"].as_str());
        table.same("lshw", &fact("driver"), nic.driver.as_ref(), theirs["configuration"]["driver"].as_str());
    }
    let processors = nodes.iter().filter(|node| node["class"] == "processor").count();
    table.same("lshw", "processors", facts.cpu.value().ok().map(|cpu| cpu.sockets), Some(processors));
}
