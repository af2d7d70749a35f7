//! The page of the management controller, and of what it and the kernel measure: what is wrong first.

use super::{
    Row, labelled,
    table::{Cells, column, table},
};
use crate::console::words;
use pious_protocol::facts::{Bmc, BmcDevice, BmcLan, ChassisStatus, EventLog, Facts, Sensor, SensorKind};

/// Entries of the event log at most that tell of nothing critical.
const MOST_ORDINARY_ENTRIES: usize = 10;

pub(super) fn rows(facts: &Facts, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut sensors: Vec<&Sensor> = facts.sensors.value().into_iter().flatten().collect();
    match facts.bmc.value() {
        Err(reason) => rows.push(Row::head(format!(" no BMC: {reason}"))),
        Ok(bmc) => {
            rows.extend(who(bmc));
            rows.extend(chassis(bmc));
            rows.extend(power(bmc));
            rows.extend(event_log(bmc));
            sensors.extend(bmc.sensors.value().into_iter().flatten());
        }
    }
    if !sensors.is_empty() {
        rows.extend(measured(&sensors, width));
    }
    rows
}

fn who(bmc: &Bmc) -> Vec<Row> {
    let mut rows = Vec::new();
    match bmc.device.value() {
        Ok(device) => rows.push(Row::head(format!(" {}", device_words(device)))),
        Err(reason) => rows.push(Row::head(format!(" BMC does not say who it is: {reason}"))),
    }
    match bmc.lan.value() {
        Ok(channels) => rows.extend(channels.iter().filter_map(|lan| labelled("network", Some(lan_words(lan))))),
        Err(reason) => rows.extend(labelled("network", Some(format!("not told: {reason}")))),
    }
    rows
}

fn device_words(device: &BmcDevice) -> String {
    let updating = if device.is_updating { ", UPDATING ITS FIRMWARE" } else { "" };
    let (version, ipmi) = (&device.firmware_version, &device.ipmi_version);
    let (maker, product) = (device.manufacturer_id, device.product_id);
    format!("BMC firmware {version}{updating}, IPMI {ipmi}, maker {maker}, product {product}")
}

fn lan_words(lan: &BmcLan) -> String {
    let parts = [
        Some(lan.address.map_or_else(|| "no address".to_owned(), |address| address.to_string())),
        lan.address_source.as_ref().map(|source| format!("({source})")),
        lan.mac.map(|mac| mac.to_string()),
        lan.gateway.map(|gateway| format!("gateway {gateway}")),
        Some(lan.vlan.map_or_else(|| "untagged".to_owned(), |vlan| format!("VLAN {vlan}"))),
        Some(format!("channel {}", lan.channel)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

fn chassis(bmc: &Bmc) -> Option<Row> {
    let chassis = match bmc.chassis.value() {
        Ok(chassis) => chassis,
        Err(reason) => return labelled("chassis", Some(format!("not told: {reason}"))),
    };
    let faults = faults(chassis);
    let identify = chassis.identify.as_ref().map(|state| format!(", identify LED {}", state.replace('_', " ")));
    let said = if faults.is_empty() { "no fault".to_owned() } else { faults.join(", ") };
    Some(Row::when(!faults.is_empty(), format!("   {:<9} {said}{}", "chassis", identify.unwrap_or_default())))
}

fn faults(chassis: &ChassisStatus) -> Vec<&'static str> {
    let faults = [
        (chassis.power_fault, "POWER FAULT"),
        (chassis.power_overload, "POWER OVERLOAD"),
        (chassis.power_control_fault, "POWER CONTROL FAULT"),
        (chassis.drive_fault, "DRIVE FAULT"),
        (chassis.cooling_fault, "COOLING FAULT"),
        (chassis.intrusion, "LID OPEN"),
    ];
    faults.into_iter().filter(|(is_there, _)| *is_there).map(|(_, words)| words).collect()
}

fn power(bmc: &Bmc) -> Vec<Row> {
    let supplies = match bmc.power_supplies.value() {
        Ok(supplies) => supplies,
        Err(reason) => return labelled("power", Some(format!("supplies not told: {reason}"))).into_iter().collect(),
    };
    let row = |supply: &pious_protocol::facts::BmcPowerSupply| {
        let states = [
            (!supply.present, "MISSING"),
            (supply.failed, "FAILED"),
            (supply.input_lost, "NO INPUT POWER"),
            (supply.predictive_failure, "WILL FAIL SOON"),
        ];
        let wrong: Vec<_> = states.iter().filter(|(is_so, _)| *is_so).map(|(_, words)| *words).collect();
        let said = if wrong.is_empty() { "good".to_owned() } else { wrong.join(", ") };
        Row::when(!wrong.is_empty(), format!("   {:<9} {}: {said}", "power", supply.name))
    };
    supplies.iter().map(row).collect()
}

fn event_log(bmc: &Bmc) -> Vec<Row> {
    let log = match bmc.event_log.value() {
        Ok(log) => log,
        Err(reason) => return labelled("events", Some(format!("not told: {reason}"))).into_iter().collect(),
    };
    let lost = if log.overflowed { ", SOME WERE LOST: the log is full" } else { "" };
    let mut rows =
        vec![Row::when(log.overflowed, format!("   {:<9} {} in the event log{lost}", "events", log.entries))];
    rows.extend(entries(log));
    rows
}

/// Critical ones first, the latest first.
fn entries(log: &EventLog) -> impl Iterator<Item = Row> {
    let of = |critical: bool| log.latest.iter().rev().filter(move |entry| entry.critical == critical);
    of(true).chain(of(false).take(MOST_ORDINARY_ENTRIES)).map(|entry| {
        let verdict = if entry.critical { "CRITICAL " } else { "" };
        let ended = if entry.asserted { "" } else { " (over)" };
        let at = entry.at_unix_s.map_or_else(|| "no time".to_owned(), words::date);
        Row::when(entry.critical, format!("     {at}  {verdict}{}: {}{ended}", entry.sensor, entry.event))
    })
}

fn measured(sensors: &[&Sensor], width: usize) -> Vec<Row> {
    let mut sensors = sensors.to_vec();
    sensors.sort_by_key(|sensor| !is_bad(sensor));
    let columns = [column("SENSOR", 0), column("READS", 0), column("STATE", 0), column("CRITICAL", 1), column("BY", 2)];
    let cells = |sensor: &&Sensor| Cells {
        is_bad: is_bad(sensor),
        cells: vec![
            sensor.name.clone(),
            sensor.value_milli.map_or_else(|| "-".to_owned(), |value| reading(value, sensor.kind)),
            state(sensor),
            limits(sensor),
            sensor.chip.clone(),
        ],
    };
    table(&columns, &sensors.iter().map(cells).collect::<Vec<_>>(), width)
}

/// Beyond a limit of its own, or said to be so by its owner.
fn is_bad(sensor: &Sensor) -> bool {
    let beyond = sensor.value_milli.is_some_and(|value| {
        sensor.critical_high_milli.is_some_and(|limit| value >= limit)
            || sensor.critical_low_milli.is_some_and(|limit| value <= limit)
    });
    beyond || matches!(sensor.state.as_deref(), Some("non_critical" | "critical" | "non_recoverable"))
}

fn state(sensor: &Sensor) -> String {
    let told = sensor.state.as_deref().unwrap_or_default().replace('_', " ");
    match is_bad(sensor) {
        true if told.is_empty() || told == "ok" => "CRITICAL".into(),
        true => told.to_uppercase(),
        false => told,
    }
}

fn limits(sensor: &Sensor) -> String {
    let limit = |sign: &str, value: Option<i64>| value.map(|value| format!("{sign}{}", reading(value, sensor.kind)));
    let limits = [limit("<", sensor.critical_low_milli), limit(">", sensor.critical_high_milli)];
    limits.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn reading(value_milli: i64, kind: SensorKind) -> String {
    let (unit, digits) = match kind {
        SensorKind::Temperature => (" C", 0),
        SensorKind::Voltage => (" V", 2),
        SensorKind::Current => (" A", 1),
        SensorKind::Power => (" W", 0),
        SensorKind::Fan => (" rpm", 0),
        SensorKind::Percentage => (" %", 0),
        SensorKind::Discrete | SensorKind::Other => ("", 0),
    };
    let sign = if value_milli < 0 { "-" } else { "" };
    let (whole, milli) = (value_milli.unsigned_abs() / 1000, value_milli.unsigned_abs() % 1000);
    match digits {
        0 => format!("{sign}{whole}{unit}"),
        1 => format!("{sign}{whole}.{}{unit}", milli / 100),
        _ => format!("{sign}{whole}.{:02}{unit}", milli / 10),
    }
}
