//! The chassis: its power, its faults, its identify light.

use super::{
    command::Command,
    conversation::{Conversation, first},
    error::IpmiError,
};
use pious_protocol::facts::ChassisStatus;

pub(super) fn read(bmc: &mut Conversation) -> Result<ChassisStatus, IpmiError> {
    decode(&bmc.ask(Command::GetChassisStatus, &[])?)
}

/// Lights the identify LED for so many seconds; 0 puts it out. IPMI 2.0 §28.5.
pub(super) fn identify(bmc: &mut Conversation, seconds: u8) -> Result<(), IpmiError> {
    bmc.ask(Command::ChassisIdentify, &[seconds]).map(drop)
}

fn decode(answer: &[u8]) -> Result<ChassisStatus, IpmiError> {
    let [power, _, state] = first::<3>(Command::GetChassisStatus, answer)?;
    let policy = match power >> 5 & 0b11 {
        0 => "always_off",
        1 => "previous",
        2 => "always_on",
        _ => "unknown",
    };
    let tells_of_the_light = state & 0x40 != 0;
    let identify = match state >> 4 & 0b11 {
        0 => Some("off"),
        1 => Some("timed_on"),
        2 => Some("on"),
        _ => None,
    };
    Ok(ChassisStatus {
        power_on: power & 0x01 != 0,
        power_overload: power & 0x02 != 0,
        power_fault: power & 0x08 != 0,
        power_control_fault: power & 0x10 != 0,
        restore_policy: policy.into(),
        intrusion: state & 0x01 != 0,
        drive_fault: state & 0x04 != 0,
        cooling_fault: state & 0x08 != 0,
        identify: identify.filter(|_| tells_of_the_light).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chassis_tells_its_faults_and_its_light() {
        let expected = ChassisStatus {
            power_on: true,
            restore_policy: "previous".into(),
            intrusion: true,
            cooling_fault: true,
            identify: Some("timed_on".into()),
            ..ChassisStatus::default()
        };
        assert_eq!(decode(&[0x21, 0x10, 0x59, 0x00]).expect("an answer"), expected);
        let other = ChassisStatus {
            power_overload: true,
            power_fault: true,
            power_control_fault: true,
            restore_policy: "always_on".into(),
            drive_fault: true,
            ..ChassisStatus::default()
        };
        assert_eq!(decode(&[0x5a, 0x00, 0x14]).expect("an answer"), other, "a light that is not told of");
        assert!(decode(&[0x21, 0x10]).is_err());
    }

    proptest! {
        #[test]
        fn garbage_does_not_panic(answer: Vec<u8>) {
            let _ = decode(&answer);
        }
    }
}
