//! What the BMC's sensors read: numbers against their limits, states in words, and which power supplies are there.

use super::{
    command::Command,
    conversation::{Conversation, first},
    error::{Completion, IpmiError},
    sdr::{BMC_ADDRESS, HAS_LIMITS, SensorRecord},
    words,
};
use pious_protocol::facts::{BmcPowerSupply, Gaps, Sensor, SensorKind};

/// What facts say of a sensor that has no reading now.
const NO_READING: &str = "no_reading";

/// Sensors and power supplies, in the order of the records.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sensors {
    pub(super) sensors: Vec<Sensor>,
    pub(super) power_supplies: Vec<BmcPowerSupply>,
}

pub(super) fn read(bmc: &mut Conversation, records: &[SensorRecord]) -> Sensors {
    let mut all = Sensors::default();
    // A piece of software has no sensors to read: its records explain events.
    for record in records.iter().filter(|record| record.owner & 0x01 == 0) {
        let reading = if record.owner == BMC_ADDRESS { reading(bmc, record) } else { Err(elsewhere(record)) };
        let limits = match (&reading, &record.formula) {
            (Ok(Some(_)), Some(_)) => limits(bmc, record),
            _ => Limits::default(),
        };
        // One that can't be read costs itself only. The others have the same reason where the BMC does not answer.
        if is_power_supply(record) {
            all.power_supplies.push(power_supply(record, &reading));
        }
        all.sensors.push(sensor(record, &reading, limits));
    }
    all
}

fn elsewhere(record: &SensorRecord) -> String {
    format!("not read: it is the sensor of another controller, at {:02X}h", record.owner)
}

/// A reading, none where the sensor has none now, or why it can't be asked.
fn reading(bmc: &mut Conversation, record: &SensorRecord) -> Result<Option<Reading>, String> {
    let command = Command::GetSensorReading;
    match bmc.ask_unit(command, record.unit, &[record.number]) {
        Ok(answer) => Reading::decode(&answer).map_err(|error| error.to_string()),
        Err(IpmiError::Refused(_, Completion::NOT_PRESENT)) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// What GET SENSOR READING answers: IPMI 2.0 §35.14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    value: u8,
    /// Bit n: state n, or a limit that is passed.
    states: u16,
}

impl Reading {
    /// `None` where scanning is off (bit 6 clear) or the reading is not available (bit 5).
    fn decode(answer: &[u8]) -> Result<Option<Self>, IpmiError> {
        let [value, flags] = first::<2>(Command::GetSensorReading, answer)?;
        if flags & 0x40 == 0 || flags & 0x20 != 0 {
            return Ok(None);
        }
        let byte = |at| answer.get(at).copied().unwrap_or_default();
        // The uppermost bit is always set.
        Ok(Some(Self { value, states: u16::from_le_bytes([byte(2), byte(3) & 0x7f]) }))
    }

    fn has(self, state: u8) -> bool {
        self.states >> state & 1 != 0
    }
}

/// The limits that facts tell, as the sensor's own bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Limits {
    lower_critical: Option<u8>,
    upper_critical: Option<u8>,
}

impl Limits {
    /// GET SENSOR THRESHOLDS, §35.9: which can be read, then the lower non-critical, critical and non-recoverable ones,
    /// then the upper ones.
    fn decode(answer: &[u8]) -> Self {
        let readable = answer.first().copied().unwrap_or_default();
        let limit = |bit: u8, at: usize| answer.get(at).copied().filter(|_| readable >> bit & 1 != 0);
        Self { lower_critical: limit(1, 2), upper_critical: limit(4, 5) }
    }
}

fn limits(bmc: &mut Conversation, record: &SensorRecord) -> Limits {
    let answer = bmc.ask_unit(Command::GetSensorThresholds, record.unit, &[record.number]);
    answer.map_or_else(|_| Limits::default(), |answer| Limits::decode(&answer))
}

fn sensor(record: &SensorRecord, reading: &Result<Option<Reading>, String>, limits: Limits) -> Sensor {
    let milli = |byte| record.formula.and_then(|formula| formula.milli(byte));
    let state = match reading {
        Ok(Some(reading)) if record.reading_type == HAS_LIMITS => limit_state(*reading).to_owned(),
        Ok(Some(reading)) => states(record, *reading),
        Ok(None) => NO_READING.to_owned(),
        Err(why) => why.clone(),
    };
    let (low, high) = (limits.lower_critical.and_then(milli), limits.upper_critical.and_then(milli));
    // A formula that falls turns its limits around.
    let (low, high) = match (low, high) {
        (Some(low), Some(high)) if low > high => (Some(high), Some(low)),
        other => other,
    };
    Sensor {
        chip: "bmc".into(),
        name: record.name.clone(),
        kind: match &record.formula {
            Some(formula) => formula.kind(),
            None if record.reading_type == HAS_LIMITS => SensorKind::Other,
            None => SensorKind::Discrete,
        },
        value_milli: reading.as_ref().ok().and_then(|reading| milli((*reading)?.value)),
        critical_high_milli: high,
        critical_low_milli: low,
        state: Some(state),
    }
}

/// Bits 0 to 5: at or below the lower non-critical, critical, non-recoverable limit; at or above the upper ones.
fn limit_state(reading: Reading) -> &'static str {
    match reading.states & 0x3f {
        0 => "ok",
        states if states & 0b10_0100 != 0 => "non_recoverable",
        states if states & 0b01_0010 != 0 => "critical",
        _ => "non_critical",
    }
}

/// Every state that is asserted, in words.
fn states(record: &SensorRecord, reading: Reading) -> String {
    let asserted = (0..15).filter(|state| reading.has(*state));
    let words: Vec<String> =
        asserted.map(|state| words::state(record.sensor_type, record.reading_type, state)).collect();
    if words.is_empty() { "nothing asserted".into() } else { words.join("; ") }
}

fn is_power_supply(record: &SensorRecord) -> bool {
    record.sensor_type == words::POWER_SUPPLY && record.reading_type == words::SENSOR_SPECIFIC
}

/// States of sensor type 08h, table 42-3.
fn power_supply(record: &SensorRecord, reading: &Result<Option<Reading>, String>) -> BmcPowerSupply {
    let mut gaps = Gaps::default();
    let told = match reading {
        Ok(Some(reading)) => Ok(*reading),
        Ok(None) => Err("the sensor gives no reading now".to_owned()),
        Err(why) => Err(why.clone()),
    };
    let reading = gaps.keep("present", told);
    let has = |state| reading.is_some_and(|reading| reading.has(state));
    BmcPowerSupply {
        name: record.name.clone(),
        present: has(0),
        failed: has(1),
        predictive_failure: has(2),
        input_lost: has(3) || has(4),
        gaps,
    }
}
