//! Why a BMC told nothing, in words.

use super::command::Command;
use std::{fmt, io, path::PathBuf, time::Duration};
use thiserror::Error;

/// Why a BMC told nothing.
#[derive(Debug, Error)]
pub enum IpmiError {
    /// The host has no system interface, or no driver for it.
    #[error("no IPMI interface: {0} is not there")]
    NoInterface(&'static str),
    /// A recorded host has no BMC to ask.
    #[error("the host is a recording in {}: there is no BMC to ask", .0.display())]
    Recorded(PathBuf),
    /// The interface is there and can't be used.
    #[error("{0} can't be opened: {1}")]
    Open(&'static str, #[source] io::Error),
    /// The kernel did not take the question or did not give the answer.
    #[error("asking the BMC {0} failed: {1}")]
    Exchange(Command, #[source] io::Error),
    /// It did not answer in time. What is asked after that is not waited for.
    #[error("the BMC did not answer {command} within {} s", within.as_secs())]
    Silent {
        /// What was asked.
        command: Command,
        /// How long was waited.
        within: Duration,
    },
    /// It answers, but so slowly that facts can't wait for the rest.
    #[error("the BMC is slow: the {} s for all questions were up before {command}", within.as_secs())]
    Slow {
        /// What was not asked any more.
        command: Command,
        /// How long everything may take.
        within: Duration,
    },
    /// It said no.
    #[error("the BMC refused {0}: {1}")]
    Refused(Command, Completion),
    /// Its answer is too short to be one.
    #[error("the BMC's answer to {command} is {got} bytes; at least {needed} are needed")]
    Short {
        /// What was asked.
        command: Command,
        /// How many bytes came.
        got: usize,
        /// How many must come.
        needed: usize,
    },
    /// Records that never end, or change faster than they can be read.
    #[error("the BMC's answers to {0} can't be right: {1}")]
    Nonsense(Command, &'static str),
}

/// A completion code that is not success: IPMI 2.0 §5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion(pub u8);

impl Completion {
    /// The node is busy: ask again.
    pub(super) const BUSY: Self = Self(0xc0);
    /// There is no such command.
    pub(super) const INVALID_COMMAND: Self = Self(0xc1);
    /// Somebody else changed the records since they were reserved.
    pub(super) const RESERVATION_LOST: Self = Self(0xc5);

    /// There is no such sensor, record or data.
    pub(super) const NOT_PRESENT: Self = Self(0xcb);

    /// Whether fewer bytes at once may do: C7h and C8h complain of a length, CAh can't return so many, and FFh is what
    /// some BMCs say instead.
    pub(super) fn wants_fewer_bytes(self) -> bool {
        matches!(self.0, 0xc7 | 0xc8 | 0xca | 0xff)
    }
}

impl fmt::Display for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:02X}h)", words(self.0), self.0)
    }
}

/// IPMI 2.0 table 5-2.
fn words(code: u8) -> &'static str {
    match code {
        0x00 => "no error",
        0xc0 => "it is busy",
        0xc1 => "it has no such command",
        0xc2 => "it has no such command at this logical unit",
        0xc3 => "it did not finish in time",
        0xc4 => "it is out of space",
        0xc5 => "the reservation was cancelled",
        0xc6 => "the request was cut short",
        0xc7 => "the request's length is wrong",
        0xc8 => "the request is too long",
        0xc9 => "a parameter is out of range",
        0xca => "it can't return so many bytes at once",
        0xcb => "it has no such sensor, record or data",
        0xcc => "a field of the request is invalid",
        0xcd => "this sensor or record does not have that",
        0xce => "it can't answer now",
        0xcf => "it takes this for a repeated request",
        0xd0 => "its sensor records are being updated",
        0xd1 => "its firmware is being updated",
        0xd2 => "it is still starting",
        0xd3 => "the device behind it does not answer",
        0xd4 => "it wants more privilege",
        0xd5 => "not in its present state",
        0xd6 => "that is switched off or missing",
        0x01..=0x7e => "for a reason of its maker's own",
        0x80..=0xbe => "not for these parameters",
        0xff => "it does not say why",
        0x7f | 0xbf | 0xd7..=0xfe => "by a code that the standard does not know",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_command_and_the_code() {
        let within = Duration::from_secs(2);
        let cases = [
            (IpmiError::NoInterface("/dev/ipmi0"), "no IPMI interface: /dev/ipmi0 is not there"),
            (
                IpmiError::Silent { command: Command::GetDeviceId, within },
                "the BMC did not answer GET DEVICE ID within 2 s",
            ),
            (
                IpmiError::Refused(Command::GetSdr, Completion(0xcb)),
                "the BMC refused GET SDR: it has no such sensor, record or data (CBh)",
            ),
            (
                IpmiError::Refused(Command::GetLanParameter, Completion(0x80)),
                "the BMC refused GET LAN CONFIGURATION PARAMETERS: not for these parameters (80h)",
            ),
            (
                IpmiError::Short { command: Command::GetChassisStatus, got: 1, needed: 3 },
                "the BMC's answer to GET CHASSIS STATUS is 1 bytes; at least 3 are needed",
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn every_code_has_words() {
        for code in 0..=u8::MAX {
            assert!(Completion(code).to_string().ends_with(&format!("({code:02X}h)")), "{code:02X}");
        }
    }
}
