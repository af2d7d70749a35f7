//! What a SCSI disk's log pages tell of its health. Bytes in; SPC-5 §7.3, SBC-4 §6.5 (all fields big-endian).

use super::{
    bytes::{number_be, u16_be},
    command::LogPage,
};
use pious_protocol::facts::DiskHealth;

/// Additional sense codes of informational exceptions (SPC-5 annex F).
const WARNING: u8 = 0x0b;
const FAILURE_PREDICTED: u8 = 0x5d;

/// "Not available", wherever a temperature is a byte (SPC-5 §7.3.20).
const NO_TEMPERATURE: u8 = 0xff;

/// Parameters of the error counters (SPC-5 §7.3.5, table 371).
const BYTES_PROCESSED: u16 = 0x0005;
const UNCORRECTED: u16 = 0x0006;

/// The background scan's page counts minutes.
const MINUTES_IN_AN_HOUR: u64 = 60;

/// A parameter of a log page, by its code; `None` where the page has none, or is cut short.
fn parameter(page: &[u8], code: u16) -> Option<&[u8]> {
    const HEADER_BYTES: usize = 4;
    // The length tells where garbage begins, if the answer is longer than its page.
    let length = usize::from(u16_be(page, 2)?);
    let mut rest = page.get(HEADER_BYTES..)?;
    rest = rest.get(..length).unwrap_or(rest);
    loop {
        let found = u16_be(rest, 0)?;
        let end = HEADER_BYTES + usize::from(*rest.get(3)?);
        if found == code {
            return rest.get(HEADER_BYTES..end);
        }
        rest = rest.get(end..)?;
    }
}

/// Adds what a page tells to the health.
pub(super) fn add(health: &mut DiskHealth, page: LogPage, bytes: &[u8]) {
    let count = |code| parameter(bytes, code).and_then(number_be);
    match page {
        LogPage::InformationalExceptions => add_verdict(health, parameter(bytes, 0x0000)),
        LogPage::Temperature => {
            let celsius = parameter(bytes, 0x0000).and_then(|value| value.get(1));
            health.temperature_celsius =
                celsius.and_then(|celsius| celsius_of(*celsius)).or(health.temperature_celsius);
        }
        LogPage::SolidState => {
            health.wear_percent = parameter(bytes, 0x0001).and_then(|value| value.get(3)).map(|used| u32::from(*used));
        }
        LogPage::BackgroundScan => {
            // The first parameter begins with the minutes.
            let minutes = parameter(bytes, 0x0000).and_then(|value| number_be(value.get(..4)?));
            health.power_on_hours = minutes.map(|minutes| minutes / MINUTES_IN_AN_HOUR);
        }
        LogPage::WriteErrors => {
            health.written_bytes = count(BYTES_PROCESSED);
            add_media_errors(health, count(UNCORRECTED));
        }
        LogPage::ReadErrors => {
            health.read_bytes = count(BYTES_PROCESSED);
            add_media_errors(health, count(UNCORRECTED));
        }
        LogPage::VerifyErrors => add_media_errors(health, count(UNCORRECTED)),
    }
}

/// The disk's own verdict (SPC-5 §7.3.9): sense codes as it would have sent them, and how warm it is.
fn add_verdict(health: &mut DiskHealth, exceptions: Option<&[u8]>) {
    let Some([code, qualifier, rest @ ..]) = exceptions else { return };
    health.passed = Some(!matches!(*code, WARNING | FAILURE_PREDICTED));
    match *code {
        WARNING => health.warnings.push(format!("{} (0bh/{qualifier:02x}h)", warning(*qualifier))),
        FAILURE_PREDICTED => health.warnings.push(format!("failure predicted (5dh/{qualifier:02x}h)")),
        _ => {}
    }
    // 0 where the disk does not tell here.
    health.temperature_celsius = rest.first().filter(|celsius| **celsius != 0).and_then(|celsius| celsius_of(*celsius));
}

fn celsius_of(byte: u8) -> Option<i32> {
    (byte != NO_TEMPERATURE).then_some(i32::from(byte))
}

/// Of reading, writing and verifying together.
fn add_media_errors(health: &mut DiskHealth, errors: Option<u64>) {
    if let Some(errors) = errors {
        health.media_errors = Some(health.media_errors.unwrap_or_default().saturating_add(errors));
    }
}

/// Qualifiers of a warning (SPC-5 annex F).
fn warning(qualifier: u8) -> &'static str {
    match qualifier {
        0x01 => "specified temperature exceeded",
        0x02 => "enclosure degraded",
        0x03 => "background self-test failed",
        0x04 => "background pre-scan found a medium error",
        0x05 => "background medium scan found a medium error",
        0x06 => "non-volatile cache now volatile",
        0x0e => "specified humidity exceeded",
        _ => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::disk::command::ScsiRead;
    use proptest::prelude::*;

    /// A log page of parameters.
    fn page(number: u8, parameters: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (code, value) in parameters {
            body.extend(code.to_be_bytes());
            body.extend([0x03, u8::try_from(value.len()).unwrap()]);
            body.extend(*value);
        }
        let mut page = vec![number, 0];
        page.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        page.extend(body);
        // Garbage behind the page must not be read.
        page.extend([0, 6, 3, 1, 0xee]);
        page
    }

    #[test]
    fn a_disk_that_predicts_its_end() {
        let mut health = DiskHealth::default();
        for (page, bytes) in [
            (LogPage::InformationalExceptions, page(0x2f, &[(0, &[0x5d, 0x10, 44, 0])])),
            (LogPage::Temperature, page(0x0d, &[(0, &[0, 43]), (1, &[0, 65])])),
            (LogPage::SolidState, page(0x11, &[(1, &[0, 0, 0, 12])])),
            (LogPage::BackgroundScan, page(0x15, &[(0, &[0, 1, 0x51, 0x80, 0, 0, 0, 0])])),
            (LogPage::WriteErrors, page(2, &[(0, &[0; 4]), (5, &[1, 0, 0]), (6, &[2])])),
            (LogPage::ReadErrors, page(3, &[(5, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0]), (6, &[0, 3])])),
            (LogPage::VerifyErrors, page(5, &[(5, &[9]), (6, &[4])])),
        ] {
            add(&mut health, page, &bytes);
        }
        let expected = DiskHealth {
            passed: Some(false),
            warnings: vec!["failure predicted (5dh/10h)".into()],
            temperature_celsius: Some(43),
            wear_percent: Some(12),
            power_on_hours: Some(1440),
            written_bytes: Some(65_536),
            read_bytes: Some(256),
            media_errors: Some(9),
            ..DiskHealth::default()
        };
        assert_eq!(health, expected);
    }

    #[test]
    fn verdicts() {
        let told = |value: &[u8]| {
            let mut health = DiskHealth::default();
            add(&mut health, LogPage::InformationalExceptions, &page(0x2f, &[(0, value)]));
            health
        };
        let of = |passed, temperature_celsius| DiskHealth { passed, temperature_celsius, ..DiskHealth::default() };
        assert_eq!(told(&[0, 0, 31]), of(Some(true), Some(31)));
        assert_eq!(told(&[0, 0, 0xff]), of(Some(true), None));
        assert_eq!(told(&[0]), of(None, None), "cut short");
        let warnings = vec!["specified temperature exceeded (0bh/01h)".into()];
        assert_eq!(told(&[0x0b, 0x01, 66]), DiskHealth { warnings, ..of(Some(false), Some(66)) });
    }

    #[test]
    fn what_is_behind_the_page_is_not_of_it() {
        let mut health = DiskHealth::default();
        add(&mut health, LogPage::WriteErrors, &page(2, &[]));
        assert_eq!(health, DiskHealth::default());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut health = DiskHealth::default();
            for command in ScsiRead::ALL {
                if let ScsiRead::Log(page) = command {
                    add(&mut health, page, &bytes);
                }
            }
        }
    }
}
