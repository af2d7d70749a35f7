//! What a sensor's states and events mean: IPMI 2.0 tables 42-2 and 42-3, through ipmi-rs; and which of them tell of a
//! failure that needs somebody's hand. Pure.

use ipmi_rs::storage::sdr::{SensorType, decode_event};
use std::fmt;

/// Sensor types: table 42-3.
pub(super) const POWER_SUPPLY: u8 = 0x08;

/// The event type whose states are the sensor type's own: table 42-1.
pub(super) const SENSOR_SPECIFIC: u8 = 0x6f;

/// Event types whose states are the same for all sensors: table 42-2.
mod generic {
    pub const LIMITS: u8 = 0x01;
    pub const PREDICTIVE_FAILURE: u8 = 0x04;
    pub const LIMIT_EXCEEDED: u8 = 0x05;
    pub const SEVERITY: u8 = 0x07;
    pub const REDUNDANCY: u8 = 0x0b;
}

/// What a sensor is.
pub(super) fn sensor_type(code: u8) -> String {
    SensorType::from(code).to_string()
}

/// What a state, counted from 0, is.
pub(super) fn state(sensor_type: u8, event_type: u8, state: u8) -> String {
    let words = State { sensor_type, event_type, state }.to_string();
    if words.is_empty() { format!("state {state} of event type {event_type:02X}h") } else { words }
}

struct State {
    sensor_type: u8,
    event_type: u8,
    state: u8,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decode_event(f, self.event_type, SensorType::from(self.sensor_type), self.state)
    }
}

/// Whether a state tells of a failure that needs somebody's hand.
pub(super) fn is_critical(sensor_type: u8, event_type: u8, state: u8) -> bool {
    match event_type {
        // Critical and non-recoverable, each going the bad way: the first two of six are non-critical.
        generic::LIMITS => matches!(state, 0x02 | 0x04 | 0x09 | 0x0b),
        generic::PREDICTIVE_FAILURE | generic::LIMIT_EXCEEDED => state == 1,
        generic::SEVERITY => matches!(state, 2 | 3 | 5 | 6),
        generic::REDUNDANCY => matches!(state, 1 | 5),
        SENSOR_SPECIFIC => is_critical_of_its_type(SensorType::from(sensor_type), state),
        _ => false,
    }
}

fn is_critical_of_its_type(sensor_type: SensorType, state: u8) -> bool {
    match sensor_type {
        // Internal error, thermal trip, failed self-tests, configuration, uncorrectable errors.
        SensorType::Processor => matches!(state, 0..=6 | 0x0b),
        // Failed, about to fail, without input, of the wrong kind.
        SensorType::PowerSupply => matches!(state, 1..=6),
        SensorType::PowerUnit => matches!(state, 4..=7),
        SensorType::CoolingDevice => false,
        // Uncorrectable, parity, scrubbing, disabled, too many corrected, configuration, too hot.
        SensorType::Memory => matches!(state, 1..=5 | 7 | 0x0a),
        // Faulty, about to be, in a critical or failed array, rebuild aborted.
        SensorType::DriveSlotBay => matches!(state, 1 | 2 | 5 | 6 | 8),
        SensorType::SystemFirmwareProgress => matches!(state, 0 | 1),
        SensorType::EventLoggingDisabled => state == 4,
        SensorType::SystemEvent => state == 2,
        // Bus timeouts and errors, parity and system errors, fatal ones.
        SensorType::CriticalInterrupt => matches!(state, 1 | 2 | 4 | 5 | 8 | 9 | 0x0a | 0x0b),
        SensorType::ChipSet => state == 1,
        // Cable or card in the wrong place, or faulty.
        SensorType::CableOrInterconnect => state == 1,
        SensorType::SlotOrConnector => state == 0,
        SensorType::ManagementSubSysHealth => matches!(state, 2..=5),
        SensorType::Battery => matches!(state, 0 | 1),
        SensorType::VersionChange => matches!(state, 2..=5),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_the_standards_words() {
        let cases = [
            (POWER_SUPPLY, SENSOR_SPECIFIC, 0, "Presence detected", false),
            (POWER_SUPPLY, SENSOR_SPECIFIC, 1, "Power Supply Failure detected", true),
            (0x0c, SENSOR_SPECIFIC, 0, "Correctable ECC / other correctable memory error", false),
            (0x0c, SENSOR_SPECIFIC, 1, "Uncorrectable ECC / other uncorrectable memory error", true),
            (0x05, SENSOR_SPECIFIC, 0, "General Chassis Intrusion", false),
            (0x07, SENSOR_SPECIFIC, 1, "Thermal Trip", true),
            (0x0d, SENSOR_SPECIFIC, 1, "Drive Fault", true),
            (0x01, 0x01, 0x09, "Upper Critical - going high", true),
            (0x01, 0x01, 0x07, "Upper Non-critical - going high", false),
            (0x04, 0x0b, 1, "Redundancy Lost", true),
            (0xc0, SENSOR_SPECIFIC, 3, "state 3 of event type 6Fh", false),
            (0x01, 0x71, 3, "state 3 of event type 71h", false),
        ];
        for (sensor_type, event_type, number, words, critical) in cases {
            assert_eq!(state(sensor_type, event_type, number), words);
            assert_eq!(is_critical(sensor_type, event_type, number), critical, "{words}");
        }
        assert_eq!(sensor_type(POWER_SUPPLY), "Power Supply");
        assert_eq!(sensor_type(0xc1), "OEM (0xC1)");
    }
}
