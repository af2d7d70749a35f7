//! The BMC against ipmitool.

use crate::table::Table;
use pious_protocol::facts::{Bmc, BmcLan, ChassisStatus, EventLog, Facts, FieldReplaceableUnit};
use std::collections::BTreeMap;

const TOOL: &str = "ipmitool";

const OLDER_WORDS: &str = "ours are IPMI 2.0's (table 42-3), ipmitool's are IPMI 1.5's";

/// What is asked, all of it over the KCS interface that the agent uses too.
pub const QUESTIONS: [&str; 7] = [
    "ipmitool mc info",
    "ipmitool lan print 1",
    "ipmitool fru print 0",
    "ipmitool chassis status",
    "ipmitool sel info",
    "ipmitool sel elist",
    "ipmitool -c sdr list",
];

/// `Key   : Value`
fn fields(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key.trim(), value.trim())).collect()
}

/// The answers to [`QUESTIONS`], in their order.
pub fn compare(facts: &Facts, answers: &[&str], table: &mut Table) -> Result<(), String> {
    let [device, lan, fru, chassis, log, events, sensors] = answers else { return Err("an answer is missing".into()) };
    let bmc = facts.bmc.value()?;
    compare_device(bmc, &fields(device), table)?;
    let first = bmc.lan.value()?.first().ok_or("no LAN channel")?;
    compare_lan(first, &fields(lan), table);
    compare_fru(bmc.frus.value()?.first().ok_or("no FRU")?, &fields(fru), table);
    compare_chassis(bmc.chassis.value()?, &fields(chassis), table);
    let entries = bmc.event_log.value()?;
    compare_log(entries, &fields(log), events, table);
    compare_sensors(bmc, sensors, table)
}

fn compare_device(bmc: &Bmc, theirs: &BTreeMap<&str, &str>, table: &mut Table) -> Result<(), String> {
    let ours = bmc.device.value()?;
    let mut same = |name: &str, ours: String, key: &str| {
        // `1 (0x0001)`
        let told = theirs.get(key).map(|text| text.split(" (").next().unwrap_or(text));
        table.same(TOOL, &format!("BMC {name}"), Some(ours), told);
    };
    same("device id", ours.device_id.to_string(), "Device ID");
    same("revision", ours.revision.to_string(), "Device Revision");
    same("firmware", ours.firmware_version.clone(), "Firmware Revision");
    same("IPMI version", ours.ipmi_version.clone(), "IPMI Version");
    same("manufacturer", ours.manufacturer_id.to_string(), "Manufacturer ID");
    same("product", ours.product_id.to_string(), "Product ID");
    Ok(())
}

fn compare_lan(ours: &BmcLan, theirs: &BTreeMap<&str, &str>, table: &mut Table) {
    let told = |key: &str| theirs.get(key).copied();
    table.same(TOOL, "LAN address", ours.address, told("IP Address"));
    let source = ours.address_source.as_deref().map(|source| match source {
        "static" => "Static Address",
        "dhcp" => "DHCP Address",
        other => other,
    });
    table.same(TOOL, "LAN address source", source, told("IP Address Source"));
    table.same(TOOL, "LAN mask", ours.subnet_mask, told("Subnet Mask"));
    table.same(TOOL, "LAN MAC", ours.mac, told("MAC Address"));
    table.same(TOOL, "LAN gateway", ours.gateway, told("Default Gateway IP"));
    let unset = |text: &&str| *text != "00:00:00:00:00:00";
    table.same(TOOL, "LAN gateway MAC", ours.gateway_mac, told("Default Gateway MAC").filter(unset));
    table.same(TOOL, "LAN VLAN", ours.vlan, told("802.1q VLAN ID").filter(|text| *text != "Disabled"));
}

fn compare_fru(ours: &FieldReplaceableUnit, theirs: &BTreeMap<&str, &str>, table: &mut Table) {
    let mut same = |ours: &Option<String>, key: &str| {
        table.same(TOOL, &format!("FRU {key}"), ours.as_ref(), theirs.get(key));
    };
    same(&ours.board_manufacturer, "Board Mfg");
    same(&ours.board_product, "Board Product");
    same(&ours.board_serial, "Board Serial");
    same(&ours.board_part_number, "Board Part Number");
    same(&ours.product_manufacturer, "Product Manufacturer");
    same(&ours.product_name, "Product Name");
    same(&ours.product_part_number, "Product Part Number");
    same(&ours.product_version, "Product Version");
    same(&ours.product_serial, "Product Serial");
    same(&ours.product_asset_tag, "Product Asset Tag");
}

fn compare_chassis(ours: &ChassisStatus, theirs: &BTreeMap<&str, &str>, table: &mut Table) {
    let mut same = |name: &str, ours: bool, key: &str| {
        let told = theirs.get(key).map(|text| ["on", "true", "active"].contains(text));
        table.same(TOOL, &format!("chassis {name}"), Some(ours), told);
    };
    same("power", ours.power_on, "System Power");
    same("power overload", ours.power_overload, "Power Overload");
    same("power fault", ours.power_fault, "Main Power Fault");
    same("power control fault", ours.power_control_fault, "Power Control Fault");
    same("intrusion", ours.intrusion, "Chassis Intrusion");
    same("drive fault", ours.drive_fault, "Drive Fault");
    same("cooling fault", ours.cooling_fault, "Cooling/Fan Fault");
}

fn compare_log(ours: &EventLog, theirs: &BTreeMap<&str, &str>, events: &str, table: &mut Table) {
    table.same(TOOL, "event log entries", Some(ours.entries), theirs.get("Entries"));
    table.same(TOOL, "event log overflow", Some(ours.overflowed), theirs.get("Overflow"));
    // `   1 | 01/01/70 | 00:00:00 | Power Supply PS2 Status | Presence detected | Deasserted`
    let cells = |line: &'_ str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = events.lines().map(cells).collect();
    table.same(TOOL, "events listed", Some(ours.latest.len()), Some(rows.len()));
    for (ours, row) in ours.latest.iter().zip(rows) {
        let fact = |member: &str| format!("event {} {member}", ours.id);
        let sensor = format!("{} {}", ours.sensor, ours.name.as_deref().unwrap_or_default());
        table.same(TOOL, &fact("sensor"), Some(sensor), row.get(3));
        table.explained(TOOL, &fact("words"), Some(&ours.event), row.get(4), OLDER_WORDS);
        let way = if ours.asserted { "Asserted" } else { "Deasserted" };
        table.same(TOOL, &fact("direction"), Some(way), row.get(5));
    }
}

/// Of the sensors, those that measure: what ipmitool prints of others is a bit mask.
fn compare_sensors(bmc: &Bmc, text: &str, table: &mut Table) -> Result<(), String> {
    for sensor in bmc.sensors.value()? {
        let Some(milli) = sensor.value_milli else { continue };
        // `Inlet Temp,24,degrees C,ok`
        let row = text.lines().map(|line| line.split(',').collect::<Vec<_>>()).find(|row| row[0] == sensor.name);
        let reading = row.as_ref().and_then(|row| row.get(1)?.parse::<f64>().ok());
        let theirs = reading.map(|reading| (reading * 1e3).round() as i64);
        table.same(TOOL, &format!("sensor {}", sensor.name), Some(milli), theirs);
        let state = row.and_then(|row| row.get(3).map(|state| (*state).to_owned()));
        table.same(TOOL, &format!("sensor {} state", sensor.name), sensor.state.as_ref(), state);
    }
    Ok(())
}
