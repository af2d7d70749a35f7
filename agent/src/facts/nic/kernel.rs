//! For tests: a host whose files are a recording's, and whose kernel answers ethtool by the book
//! (Documentation/networking/ethtool-netlink.rst), in bytes put together here and not by what reads them.

use crate::facts::{
    DeviceError, GenericRequest, Host, HostError, LinkReport, NvmeRead, RootHost, ScsiAnswer, ScsiRead,
    bmc::{Ipmi, IpmiError},
};
use nix::errno::Errno;
use std::{cell::RefCell, io, path::PathBuf};

/// NLA_F_NESTED, linux/netlink.h.
const NESTED: u16 = 0x8000;

/// A netlink attribute, padded.
pub(super) fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + payload.len()).expect("a short attribute");
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

pub(super) fn nest(kind: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    attribute(kind | NESTED, &attributes.concat())
}

pub(super) fn text(kind: u16, text: &str) -> Vec<u8> {
    attribute(kind, format!("{text}\0").as_bytes())
}

/// A message's header and its attributes.
pub(super) fn message(command: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
    [vec![command, 1, 0, 0], attributes.concat()].concat()
}

/// A bit set by names (ETHTOOL_A_BITSET_*), each set or not.
pub(super) fn bit_set(kind: u16, bits: &[(&str, bool)]) -> Vec<u8> {
    let bit = |(at, (name, is_set)): (usize, &(&str, bool))| {
        let at = u32::try_from(at).expect("few bits");
        let mut bit = vec![attribute(1, &at.to_ne_bytes()), text(2, name)];
        if *is_set {
            bit.push(attribute(3, &[]));
        }
        nest(1, &bit)
    };
    let bits: Vec<_> = bits.iter().enumerate().map(bit).collect();
    nest(kind, &[attribute(2, &64u32.to_ne_bytes()), nest(3, &bits)])
}

/// What the fake driver can do, by the command that asks.
#[derive(Default)]
pub(super) struct Driver {
    pub(super) link_modes: Option<Vec<u8>>,
    pub(super) flags: RefCell<Vec<(&'static str, bool)>>,
    /// Whether setting a flag is accepted, and whether it has an effect.
    pub(super) set: Setting,
    pub(super) module: Option<[Vec<u8>; 2]>,
    pub(super) info: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Setting {
    #[default]
    Works,
    Refused,
    WithoutEffect,
}

/// The host: the files of a folder, and one driver for all interfaces.
pub(super) struct Kernel {
    pub(super) files: RootHost,
    pub(super) links: Vec<LinkReport>,
    pub(super) driver: Driver,
}

impl Driver {
    fn answer(&self, payload: &[u8]) -> Result<Vec<u8>, Errno> {
        match payload.first() {
            Some(4) => self.link_modes.clone().ok_or(Errno::EOPNOTSUPP),
            Some(13) if self.flags.borrow().is_empty() => Err(Errno::EOPNOTSUPP),
            Some(13) => Ok(message(14, &[bit_set(2, &self.flags.borrow())])),
            Some(14) => self.set(payload),
            Some(31) => {
                let memory = self.module.as_ref().ok_or(Errno::EOPNOTSUPP)?;
                // ETHTOOL_A_MODULE_EEPROM_OFFSET is the second attribute, a number.
                let is_lower = contains(payload, &attribute(2, &0u32.to_ne_bytes()));
                Ok(message(31, &[attribute(7, &memory[usize::from(!is_lower)])]))
            }
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    fn set(&self, payload: &[u8]) -> Result<Vec<u8>, Errno> {
        if self.set == Setting::Refused {
            return Err(Errno::EPERM);
        }
        for (name, is_set) in self.flags.borrow_mut().iter_mut() {
            let bit = |is_set: bool| {
                let value = is_set.then(|| attribute(3, &[]));
                nest(1, &[vec![text(2, name)], value.into_iter().collect()].concat())
            };
            if self.set == Setting::Works && [true, false].iter().any(|value| contains(payload, &bit(*value))) {
                *is_set = contains(payload, &bit(true));
            }
        }
        Ok(Vec::new())
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

impl Host for Kernel {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.files.read(path)
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.files.list(directory)
    }

    fn link(&self, path: &str) -> io::Result<PathBuf> {
        self.files.link(path)
    }

    fn links(&self) -> Result<Vec<LinkReport>, HostError> {
        Ok(self.links.clone())
    }

    fn generic_netlink(&self, request: &GenericRequest) -> Result<Vec<u8>, HostError> {
        self.driver.answer(&request.payload).map_err(|errno| HostError::Refused { what: request.what, errno })
    }

    fn driver_info(&self, _: &str) -> Result<Vec<u8>, HostError> {
        let refused = HostError::Refused { what: "asking the driver for its versions", errno: Errno::EOPNOTSUPP };
        self.driver.info.clone().ok_or(refused)
    }

    fn kernel_release(&self) -> Option<String> {
        None
    }

    fn kernel_log(&self) -> io::Result<Vec<u8>> {
        self.files.kernel_log()
    }

    fn nvme(&self, device: &str, command: NvmeRead) -> Result<Vec<u8>, DeviceError> {
        self.files.nvme(device, command)
    }

    fn scsi(&self, device: &str, command: ScsiRead) -> Result<ScsiAnswer, DeviceError> {
        self.files.scsi(device, command)
    }

    fn ipmi(&self) -> Result<Box<dyn Ipmi>, IpmiError> {
        self.files.ipmi()
    }
}
