//! A BMC's sensors as records: IPMI 2.0 §43.1 (full) and §43.2 (compact), and what its event log tells of them. Pure.

use super::BMC_ADDRESS;
use crate::rack::{BmcSpec, Measure, PowerSupplySpec, PowerSupplyState, SensorSpec};

/// Sensor number 0 is `ipmi_sim`'s watchdog.
const FIRST_NUMBER: u8 = 1;

/// Table 42-3.
const POWER_SUPPLY: u8 = 0x08;

/// Table 42-1: a sensor with limits, one with states of its own.
const LIMITS: u8 = 0x01;
const STATES: u8 = 0x6f;

/// Table 42-3, sensor type 08h.
const PRESENT: u8 = 0;
const FAILED: u8 = 1;
const INPUT_LOST: u8 = 3;

/// One sensor, with what it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SensorRecord {
    pub(super) number: u8,
    pub(super) sensor_type: u8,
    pub(super) reading_type: u8,
    pub(super) has_reading: bool,
    /// The byte of a sensor that measures.
    pub(super) value: Option<u8>,
    pub(super) critical_low: Option<u8>,
    pub(super) critical_high: Option<u8>,
    /// What is asserted of a sensor that does not.
    pub(super) states: Vec<u8>,
    unit: Unit,
    name: String,
}

/// Unit code (§43.17), M, and the exponent of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unit {
    code: u8,
    m: u8,
    exponent: u8,
}

/// Every sensor of a BMC: those that measure, then the power supplies'.
pub(super) fn of(bmc: &BmcSpec) -> Vec<SensorRecord> {
    let measuring = (FIRST_NUMBER..).zip(&bmc.sensors).map(|(number, sensor)| measuring(number, sensor));
    measuring.chain(power_supplies(bmc).map(|(number, supply)| power_supply(number, supply))).collect()
}

/// Power supplies with their sensors' numbers.
fn power_supplies(bmc: &BmcSpec) -> impl Iterator<Item = (u8, &PowerSupplySpec)> {
    (FIRST_NUMBER..).skip(bmc.sensors.len()).zip(&bmc.power_supplies)
}

fn measuring(number: u8, sensor: &SensorSpec) -> SensorRecord {
    let byte = |milli: Option<u32>| milli.and_then(|milli| sensor.kind.byte(milli));
    let (sensor_type, unit) = match sensor.kind {
        Measure::Temperature => (0x01, Unit { code: 1, m: 1, exponent: 0 }),
        // Tenths of a volt: 10 to the power of -1 (Fh).
        Measure::Voltage => (0x02, Unit { code: 4, m: 1, exponent: 0x0f }),
        Measure::Fan => (0x04, Unit { code: 18, m: 100, exponent: 0 }),
        // "Other units-based sensor".
        Measure::Power => (0x0b, Unit { code: 6, m: 10, exponent: 0 }),
    };
    SensorRecord {
        number,
        sensor_type,
        reading_type: LIMITS,
        has_reading: true,
        value: byte(Some(sensor.milli)),
        critical_low: byte(sensor.critical_low_milli),
        critical_high: byte(sensor.critical_high_milli),
        states: Vec::new(),
        unit,
        name: sensor.name.clone(),
    }
}

fn power_supply(number: u8, supply: &PowerSupplySpec) -> SensorRecord {
    let states: &[u8] = match supply.state {
        PowerSupplyState::Present => &[PRESENT],
        PowerSupplyState::Failed => &[PRESENT, FAILED],
        PowerSupplyState::NoInput => &[PRESENT, INPUT_LOST],
        PowerSupplyState::Absent | PowerSupplyState::Unknown => &[],
    };
    SensorRecord {
        number,
        sensor_type: POWER_SUPPLY,
        reading_type: STATES,
        has_reading: supply.state != PowerSupplyState::Unknown,
        value: None,
        critical_low: None,
        critical_high: None,
        states: states.to_vec(),
        unit: Unit { code: 0, m: 0, exponent: 0 },
        name: supply.name.clone(),
    }
}

impl SensorRecord {
    /// The record, without an id of its own: `ipmi_sim` gives it one.
    pub(super) fn bytes(&self) -> Vec<u8> {
        const VERSION: u8 = 0x51;
        const FULL: u8 = 0x01;
        const COMPACT: u8 = 0x02;
        const HEADER_BYTES: usize = 5;
        // The system board, number 1: §43.14.
        const ENTITY: [u8; 2] = [0x07, 1];
        // Readings are to be scanned, and are limits or states.
        const INITIALIZATION: u8 = 0x01;
        let is_full = self.reading_type == LIMITS;
        let mut record = vec![0, 0, VERSION, if is_full { FULL } else { COMPACT }, 0];
        record.extend_from_slice(&[BMC_ADDRESS, 0, self.number]);
        record.extend_from_slice(&ENTITY);
        // Limits can be read and set (bits 3 and 2).
        record.extend_from_slice(&[
            INITIALIZATION,
            if is_full { 0x08 } else { 0 },
            self.sensor_type,
            self.reading_type,
        ]);
        record.extend_from_slice(&self.masks());
        // Units: unsigned numbers, or none (bits 7 and 6).
        record.extend_from_slice(&[if is_full { 0 } else { 0xc0 }, self.unit.code, 0]);
        if is_full {
            let (high, low) = (self.critical_high.unwrap_or_default(), self.critical_low.unwrap_or_default());
            record.extend_from_slice(&[0, self.unit.m, 0, 0, 0, 0, self.unit.exponent << 4]);
            record.extend_from_slice(&[0, 0, 0, 0, 0xff, 0, 0, high, 0, 0, low, 0, 0, 0, 0, 0, 0]);
        } else {
            record.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        }
        // 8-bit text of up to 16 bytes.
        let name: Vec<u8> = self.name.bytes().take(16).collect();
        record.push(0xc0 | name.len() as u8);
        record.extend_from_slice(&name);
        record[HEADER_BYTES - 1] = (record.len() - HEADER_BYTES) as u8;
        record
    }

    /// Events on and off, of no kind; then the limits that can be set and read, or the states that there can be.
    fn masks(&self) -> [u8; 6] {
        let limits = u8::from(self.critical_low.is_some()) << 1 | u8::from(self.critical_high.is_some()) << 4;
        match self.reading_type {
            LIMITS => [0, 0, 0, 0, limits, limits],
            _ => [0, 0, 0, 0, 0xff, 0],
        }
    }
}

/// What a BMC logs of power supplies that are not well: the 13 bytes behind the record's type (§32.1). `ipmi_sim` puts
/// its own time in, which begins with it.
pub(super) fn events(bmc: &BmcSpec) -> Vec<[u8; 13]> {
    const REVISION: u8 = 0x04;
    const DEASSERTED: u8 = 0x80;
    let events = power_supplies(bmc).filter_map(|(number, supply)| {
        let (direction, state) = match supply.state {
            PowerSupplyState::Present | PowerSupplyState::Unknown => return None,
            PowerSupplyState::Absent => (DEASSERTED, PRESENT),
            PowerSupplyState::Failed => (0, FAILED),
            PowerSupplyState::NoInput => (0, INPUT_LOST),
        };
        let event_type = direction | STATES;
        Some([0, 0, 0, 0, BMC_ADDRESS, 0, REVISION, POWER_SUPPLY, number, event_type, state, 0xff, 0xff])
    });
    events.collect()
}
