//! How the firmware booted this kernel: a kernel that came by UEFI keeps `/sys/firmware/efi`.

use crate::facts::Host;
use pious_protocol::facts::FirmwareMode;
use std::io;

pub(super) fn read(host: &dyn Host) -> FirmwareMode {
    match host.list("/sys/firmware/efi") {
        Ok(_) => FirmwareMode::Uefi,
        // Absence speaks only where sysfs itself is there.
        Err(error) if error.kind() == io::ErrorKind::NotFound && host.list("/sys/firmware").is_ok() => {
            FirmwareMode::Bios
        }
        Err(_) => FirmwareMode::Unknown,
    }
}
