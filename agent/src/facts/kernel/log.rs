//! The kernel's log as `/dev/kmsg` gives it (Documentation/ABI/testing/dev-kmsg), and what drivers asked for in vain in it.

use pious_protocol::facts::FirmwareFailure;
use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
};

/// The device file.
pub(in crate::facts) const FILE: &str = "/dev/kmsg";

/// One record's most: the kernel's CONSOLE_EXT_LOG_MAX; a read with less room fails.
const RECORD_BYTES: usize = 8192;

/// The log's most: its ring is 128 KiB by default and a few MiB on big machines. The boot's messages come first.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The log of the live kernel, to its end.
pub(in crate::facts) fn read_live() -> io::Result<Vec<u8>> {
    let mut file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(FILE)?;
    let (mut log, mut record) = (Vec::new(), vec![0; RECORD_BYTES]);
    while log.len() < MOST_BYTES {
        match file.read(&mut record) {
            Ok(0) => break,
            Ok(length) => log.extend(record.iter().take(length)),
            // The end: what comes later is not waited for.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // Records were overwritten before they were read; the next read goes on behind them.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(log)
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

/// `4,1234,5678901,-;ice 0000:3b:00.0: Direct firmware load for FILE failed with error -2`, as the kernel's
/// `fw_get_filesystem_firmware` writes it behind the driver's and the device's names.
fn failure(line: &str) -> Option<FirmwareFailure> {
    let (header, message) = line.split_once(';')?;
    if !is_of_the_kernel(header) {
        return None;
    }
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

/// Priority and facility come first; facility 0 is the kernel, and anybody else is a program that may write what it likes.
fn is_of_the_kernel(header: &str) -> bool {
    const PRIORITY_BITS: u32 = 3;
    let priority = header.split(',').next().and_then(|number| number.parse::<u32>().ok());
    priority.is_some_and(|number| number >> PRIORITY_BITS == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOG: &str = "\
        6,1,0,-;Linux version 6.1.0-49-amd64\n\
        4,700,2000000,-;bnx2x 0000:3b:00.0: Direct firmware load for bnx2x/bnx2x-e2-7.13.21.0.fw failed with error -2\n \
        SUBSYSTEM=pci\n \
        DEVICE=+pci:0000:3b:00.0\n\
        4,701,2000001,-;bnx2x 0000:3b:00.0: Direct firmware load for bnx2x/bnx2x-e2-7.13.21.0.fw failed with error -2\n\
        4,702,2000002,-;bnx2x 0000:3b:00.1: Direct firmware load for bnx2x/bnx2x-e2-7.13.21.0.fw failed with error -11\n\
        12,703,2000003,-;liar 0000:00:00.0: Direct firmware load for forged failed with error -2\n\
        4,704,2000004,-;e 0: Direct firmware load for cut\n";

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
    fn the_live_log_is_read_to_its_end_without_waiting() {
        match read_live() {
            Ok(log) => assert!(log.len() < MOST_BYTES + RECORD_BYTES),
            Err(error) => {
                assert!(matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound), "{error}")
            }
        }
    }

    proptest! {
        #[test]
        fn no_log_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = failed_firmware(&bytes);
        }

        #[test]
        fn no_line_panics(line in "[0-9]{0,12},?;?[a-z ]{0,8}(: Direct firmware load for )?[a-z ]{0,8}( failed with error )?-?[0-9]{0,12}") {
            let _ = failed_firmware(line.as_bytes());
        }
    }
}
