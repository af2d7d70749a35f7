//! The kernel's log as syslog(2) gives it, and what drivers asked for in vain in it.

use nix::libc;
use pious_protocol::facts::FirmwareFailure;
use std::{ffi::c_int, io};

/// What can't be read where it can't.
pub(in crate::facts) const NAME: &str = "the kernel's log";

/// syslog(2)'s actions.
const READ_ALL: c_int = 3;
const SIZE_BUFFER: c_int = 10;

/// The log's most: its ring is 128 KiB by default and a few MiB on big machines.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The log of the live kernel: one call, where `/dev/kmsg` takes one for each of its hundreds of lines.
pub(in crate::facts) fn read_live() -> io::Result<Vec<u8>> {
    // As text, with a time before each line, it is longer than in the ring.
    let size = klogctl(SIZE_BUFFER, &mut [])?.saturating_mul(2).min(MOST_BYTES);
    let mut log = vec![0; size];
    let length = klogctl(READ_ALL, &mut log)?;
    log.truncate(length);
    Ok(log)
}

/// syslog(2), by the name that glibc gives it.
fn klogctl(action: c_int, buffer: &mut [u8]) -> io::Result<usize> {
    let length = c_int::try_from(buffer.len()).unwrap_or(c_int::MAX);
    // SAFETY: READ_ALL writes at most `length` bytes to the buffer, which has as many; SIZE_BUFFER writes none.
    let told = unsafe { libc::klogctl(action, buffer.as_mut_ptr().cast(), length) };
    usize::try_from(told).map_err(|_negative| io::Error::last_os_error())
}

/// The firmware files that drivers asked for in vain, each once, in the log's order.
pub(super) fn failed_firmware(log: &[u8]) -> Vec<FirmwareFailure> {
    let mut failures = Vec::new();
    for failure in String::from_utf8_lossy(log).lines().filter_map(failure) {
        if !failures.contains(&failure) {
            failures.push(failure);
        }
    }
    failures
}

/// `<4>[    2.000000] ice 0000:3b:00.0: Direct firmware load for FILE failed with error -2`, as the kernel's
/// `fw_get_filesystem_firmware` writes it behind the driver's and the device's names. The time may be left out.
fn failure(line: &str) -> Option<FirmwareFailure> {
    let (priority, text) = line.strip_prefix('<')?.split_once('>')?;
    if !is_of_the_kernel(priority) {
        return None;
    }
    let message =
        text.strip_prefix('[').and_then(|text| text.split_once("] ")).map_or(text, |(_time, message)| message);
    let (who, what) = message.split_once(": Direct firmware load for ")?;
    let (file, error) = what.rsplit_once(" failed with error ")?;
    let (driver, device) = who.rsplit_once(' ')?;
    Some(FirmwareFailure {
        driver: driver.to_owned(),
        device: device.to_owned(),
        file: file.to_owned(),
        error: error.trim_end().parse().ok()?,
    })
}

/// Facility and priority in one number; facility 0 is the kernel, and anybody else is a program that may write what it
/// likes.
fn is_of_the_kernel(number: &str) -> bool {
    const PRIORITY_BITS: u32 = 3;
    number.parse::<u32>().is_ok_and(|number| number >> PRIORITY_BITS == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOG: &str = "\
        <6>[    0.000000] Linux version 6.1.0-49-amd64\n\
        <4>[    2.000000] bnx2x 0000:3b:00.0: Direct firmware load for bnx2x/bnx2x-e2-7.13.21.0.fw failed with error -2\n\
        <4>[    2.000001] bnx2x 0000:3b:00.0: Direct firmware load for bnx2x/bnx2x-e2-7.13.21.0.fw failed with error -2\n\
        <4>bnx2x 0000:3b:00.1: Direct firmware load for bnx2x/bnx2x-e2-7.13.21.0.fw failed with error -11\n\
        <12>[    2.000003] liar 0000:00:00.0: Direct firmware load for forged failed with error -2\n\
        <4>[    2.000004] e 0: Direct firmware load for cut\n";

    #[test]
    fn firmware_that_the_kernel_did_not_find() {
        let of = |device: &str, error| FirmwareFailure {
            driver: "bnx2x".into(),
            device: device.into(),
            file: "bnx2x/bnx2x-e2-7.13.21.0.fw".into(),
            error,
        };
        assert_eq!(failed_firmware(LOG.as_bytes()), [of("0000:3b:00.0", -2), of("0000:3b:00.1", -11)]);
    }

    #[test]
    fn the_live_log_is_text_of_the_kernel() {
        match read_live() {
            Ok(log) => assert!(log.starts_with(b"<"), "{}", String::from_utf8_lossy(&log)),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}"),
        }
    }

    proptest! {
        #[test]
        fn no_log_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = failed_firmware(&bytes);
        }

        #[test]
        fn no_line_panics(line in "<?[0-9]{0,12}>?\\[?[a-z \\]]{0,8}(: Direct firmware load for )?[a-z ]{0,8}( failed with error )?-?[0-9]{0,12}") {
            let _ = failed_firmware(line.as_bytes());
        }
    }
}
