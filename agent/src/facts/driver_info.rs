//! What a NIC's driver says of itself: the ioctl ETHTOOL_GDRVINFO.
//!
//! ethtool's netlink has nothing like it, and devlink's info is there for a handful of drivers only and names their
//! firmware's parts each in its own way; this one every driver answers, with the one string that its vendor's release
//! notes use.

use super::host::HostError;
use nix::{
    errno::Errno,
    libc,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};
use std::{mem::size_of, os::fd::AsRawFd};

/// ETHTOOL_GDRVINFO, linux/ethtool.h.
const GET_DRIVER_INFO: u32 = 3;

/// `struct ethtool_drvinfo`: the command; driver, version, firmware version, bus, expansion ROM version (32 bytes each);
/// 12 reserved ones and five numbers.
pub const DRIVER_INFO_BYTES: usize = 4 + 5 * TEXT_BYTES + 12 + 5 * 4;
const TEXT_BYTES: usize = 32;
const FIRMWARE_AT: usize = 4 + 2 * TEXT_BYTES;

/// The firmware's version in a `struct ethtool_drvinfo`; drivers without one leave it empty or write `N/A`.
pub(super) fn firmware_version(info: &[u8]) -> Option<String> {
    let field = info.get(FIRMWARE_AT..FIRMWARE_AT + TEXT_BYTES)?;
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let text = text.trim();
    (!text.is_empty() && !text.eq_ignore_ascii_case("n/a")).then(|| text.to_owned())
}

/// Asks the kernel for an interface's `struct ethtool_drvinfo`.
pub(super) fn ask(interface: &str) -> Result<[u8; DRIVER_INFO_BYTES], HostError> {
    let refused = |errno| HostError::Refused { what: "asking the driver for its versions", errno };
    // Any socket will do (netdevice(7)).
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None).map_err(refused)?;
    let mut info = [0; DRIVER_INFO_BYTES];
    for (byte, command) in info.iter_mut().zip(GET_DRIVER_INFO.to_ne_bytes()) {
        *byte = command;
    }
    let mut name = [0; libc::IFNAMSIZ];
    // The last byte stays 0.
    if interface.len() >= name.len() {
        return Err(refused(Errno::ENODEV));
    }
    for (byte, letter) in name.iter_mut().zip(interface.bytes()) {
        *byte = letter as libc::c_char;
    }
    let mut request =
        libc::ifreq { ifr_name: name, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: info.as_mut_ptr().cast() } };
    const { assert!(size_of::<libc::ifreq>() >= libc::IFNAMSIZ + size_of::<*mut u8>()) };
    // SAFETY: `request` is a whole ifreq, and SIOCETHTOOL writes at most a struct ethtool_drvinfo for this command to
    // where its pointer says: `info`, which is as long and outlives the call.
    let outcome = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as libc::Ioctl, &raw mut request) };
    Errno::result(outcome).map(|_| info).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::{DRIVER_INFO_BYTES, ask, firmware_version};
    use nix::errno::Errno;

    fn info(firmware: &[u8]) -> Vec<u8> {
        let mut info = vec![0; DRIVER_INFO_BYTES];
        info[4..8].copy_from_slice(b"i40e");
        info[68..68 + firmware.len()].copy_from_slice(firmware);
        info
    }

    #[test]
    fn firmware_versions_as_drivers_write_them() {
        let version = |firmware: &[u8]| firmware_version(&info(firmware));
        assert_eq!(version(b"9.20 0x8000d95e 22.0.9\0rest"), Some("9.20 0x8000d95e 22.0.9".to_owned()));
        assert_eq!(version(&[b'x'; 32]), Some("x".repeat(32)), "no NUL at the end");
        assert_eq!(version(b""), None);
        assert_eq!(version(b"N/A\0"), None);
        assert_eq!(firmware_version(&[0; 80]), None, "cut");
    }

    #[test]
    fn the_live_kernel_answers_for_an_interface_and_refuses_for_none() {
        // The loopback has no driver: the kernel says so, which is an answer too.
        let loopback = ask("lo").map_err(|error| error.to_string());
        let unsupported = "asking the driver for its versions: Operation not supported (EOPNOTSUPP)";
        let told = match loopback {
            Ok(_) => "an answer".to_owned(),
            Err(error) => error,
        };
        assert!(told == "an answer" || told.contains("EOPNOTSUPP"), "{told} instead of {unsupported}");
        for name in ["no-such", "a-name-that-is-longer-than-any"] {
            let error = ask(name).expect_err(name).to_string();
            assert!(error.contains(&format!("{:?}", Errno::ENODEV)), "{error}");
        }
    }
}
