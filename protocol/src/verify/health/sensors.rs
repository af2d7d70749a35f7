//! Sensors, the kernel's and the BMC's: is any beyond its own limits? What has no limits is not judged.

use super::super::{
    check::Check,
    words::{READ_KERNEL, count},
};
use crate::{
    facts::{Facts, Observed, Sensor, SensorKind},
    finding::Finding,
};

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = of_source("kernel", &facts.sensors);
    if let Ok(bmc) = facts.bmc.value() {
        findings.extend(of_source("BMC", &bmc.sensors));
    }
    findings
}

/// Temperatures and the others apart: heat is mended in the aisle, a fan or a voltage in the server.
fn of_source(source: &str, sensors: &Observed<Vec<Sensor>>) -> Vec<Finding> {
    let temperature = Check::HealthTemperature.expects_of(source, "every temperature within its limits");
    let sensors = match sensors.reading() {
        None => return Vec::new(),
        Some(Err(reason)) => return vec![temperature.unknown(reason, READ_KERNEL)],
        Some(Ok(sensors)) => sensors,
    };
    let (hot, others): (Vec<&Sensor>, Vec<&Sensor>) = sensors
        .iter()
        .filter(|sensor| is_measure(sensor.kind))
        .partition(|sensor| sensor.kind == SensorKind::Temperature);
    let cool = "look at the fans, the air filters and the aisle's air; shut it down if it stays hot";
    let mend = "reseat or replace the part that is named; look at its cable";
    let other = Check::HealthSensors.expects_of(source, "every fan, voltage and current within its limits");
    [(hot, temperature, cool), (others, other, mend)]
        .into_iter()
        .filter(|(sensors, ..)| !sensors.is_empty())
        .map(|(sensors, question, remedy)| {
            let beyond: Vec<String> = sensors.iter().filter(|sensor| is_beyond(sensor)).map(|s| words(s)).collect();
            let read = sensors.iter().filter(|sensor| sensor.value_milli.is_some() || sensor.state.is_some()).count();
            if !beyond.is_empty() {
                question.fail(beyond.join(", "), remedy)
            } else if read == 0 {
                question.unknown("no sensor gives a reading", READ_KERNEL)
            } else {
                question.pass(count(u32::try_from(read).unwrap_or(u32::MAX), "sensor"))
            }
        })
        .collect()
}

fn is_measure(kind: SensorKind) -> bool {
    match kind {
        SensorKind::Temperature
        | SensorKind::Voltage
        | SensorKind::Current
        | SensorKind::Power
        | SensorKind::Fan
        | SensorKind::Percentage => true,
        SensorKind::Discrete | SensorKind::Other => false,
    }
}

fn is_beyond(sensor: &Sensor) -> bool {
    let is_high = sensor.value_milli.zip(sensor.critical_high_milli).is_some_and(|(value, limit)| value >= limit);
    let is_low = sensor.value_milli.zip(sensor.critical_low_milli).is_some_and(|(value, limit)| value <= limit);
    says_so(sensor) || is_high || is_low
}

/// Whether the sensor's owner says so, be it by limits of its own.
fn says_so(sensor: &Sensor) -> bool {
    matches!(sensor.state.as_deref(), Some("critical" | "non_recoverable"))
}

fn words(sensor: &Sensor) -> String {
    let unit = match sensor.kind {
        SensorKind::Temperature => " °C",
        SensorKind::Voltage => " V",
        SensorKind::Current => " A",
        SensorKind::Power => " W",
        SensorKind::Fan => " rpm",
        SensorKind::Percentage => " %",
        SensorKind::Discrete | SensorKind::Other => "",
    };
    let name = if sensor.chip == "bmc" { sensor.name.clone() } else { format!("{} {}", sensor.chip, sensor.name) };
    match (sensor.value_milli, sensor.state.as_deref()) {
        (Some(value), Some(state)) if says_so(sensor) => format!("{name} {}{unit} ({state})", milli(value)),
        (Some(value), Some(_) | None) => format!("{name} {}{unit}", milli(value)),
        (None, Some(state)) => format!("{name} {state}"),
        (None, None) => name,
    }
}

/// `61.5` of 61500, `61` of 61000.
fn milli(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let value = value.unsigned_abs();
    match value % 1000 {
        0 => format!("{sign}{}", value / 1000),
        part => format!("{sign}{}.{:03}", value / 1000, part).trim_end_matches('0').to_owned(),
    }
}
