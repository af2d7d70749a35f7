//! The running kernel, the firmware files that its drivers may ask for and that the image does not carry, and those that
//! they did ask for in vain.

pub(super) mod log;

use super::Host;
use pious_protocol::facts::{Gaps, Kernel};

pub(super) fn read(host: &dyn Host) -> Kernel {
    let release = host.kernel_release().unwrap_or_default();
    // Written by the image's builder; absent on an ordinary host.
    let missing = host.read(&format!("/lib/modules/{release}/missing-firmware.json"));
    let missing_firmware = missing.ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    let mut gaps = Gaps::default();
    let log = host.kernel_log().map_err(|error| format!("{} can't be read: {error}", log::NAME));
    let failed_firmware = gaps.keep("failed_firmware", log.map(|log| log::failed_firmware(&log))).unwrap_or_default();
    Kernel { release, missing_firmware, failed_firmware, gaps }
}

/// The release as procfs tells it: a file of its own, or the third word of `Linux version 6.1.0-49-amd64 (…`.
pub(super) fn release_in_proc(host: &(impl Host + ?Sized)) -> Option<String> {
    let word = |path, n| {
        let bytes = host.read(path).ok()?;
        String::from_utf8_lossy(&bytes).split_whitespace().nth(n).map(str::to_owned)
    };
    word("/proc/sys/kernel/osrelease", 0).or_else(|| word("/proc/version", 2))
}
