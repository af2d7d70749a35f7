//! Names of PCI devices and classes: those of pci.ids (<https://pci-ids.ucw.cz>, Martin Mareš and Albert Pool; GPL-2.0 or
//! later, or BSD-3-Clause), in the binary.
//!
//! Measured with pci.ids of 2025-07-11: 19,836 devices of 2,445 vendors are 167 KiB as one zstd frame, which the image
//! can't pack further, and 823 KiB while they are looked up, 10 to 30 ms on a server. (xz: 153 KiB, thrice the time.)
//! That is under 1 % of the image, and worth it: "ConnectX-6 Dx" can be found in a rack, `15b3:101d` can't.

use ruzstd::decoding::StreamingDecoder;
use std::{
    collections::{HashMap, HashSet},
    io::Read,
};

/// pci.ids' lines, as `build.rs` packs them.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pci-names.zst"));

/// A vendor's id and a device's.
pub(super) type DeviceId = (u16, u16);

/// A base class and a subclass.
pub(super) type Class = (u8, u8);

/// The names of some devices and classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    vendors: HashMap<u16, String>,
    devices: HashMap<DeviceId, String>,
    base_classes: HashMap<u8, String>,
    classes: HashMap<Class, String>,
}

impl Names {
    /// Looks these up, all in one go through the packed table.
    pub(super) fn of(devices: &HashSet<DeviceId>, classes: &HashSet<Class>) -> Self {
        let mut table = Vec::new();
        let unpacked = StreamingDecoder::new(PACKED).map(|mut decoder| decoder.read_to_end(&mut table));
        if !matches!(unpacked, Ok(Ok(_))) {
            // What our own build packed; a table cut short still names what it holds.
            tracing::warn!("the table of PCI names is cut short after {} bytes", table.len());
        }
        Self::parse(&String::from_utf8_lossy(&table), devices, classes)
    }

    fn parse(table: &str, devices: &HashSet<DeviceId>, classes: &HashSet<Class>) -> Self {
        let mut names = Self::default();
        let mut section = Section::None;
        for line in table.lines() {
            let Some((id, name)) = line.split_once("  ") else { continue };
            if let Some(id) = id.strip_prefix('\t') {
                match section {
                    Section::Vendor(vendor) => {
                        keep(
                            u16::from_str_radix(id, 16).map(|device| (vendor, device)),
                            name,
                            devices,
                            &mut names.devices,
                        );
                    }
                    Section::Class(base) => {
                        keep(u8::from_str_radix(id, 16).map(|sub| (base, sub)), name, classes, &mut names.classes);
                    }
                    Section::None => {}
                }
            } else if let Some(id) = id.strip_prefix("C ") {
                let Ok(base) = u8::from_str_radix(id, 16) else { continue };
                section = Section::Class(base);
                if classes.iter().any(|(wanted, _)| *wanted == base) {
                    names.base_classes.insert(base, name.to_owned());
                }
            } else {
                let Ok(vendor) = u16::from_str_radix(id, 16) else { continue };
                section = Section::Vendor(vendor);
                if devices.iter().any(|(wanted, _)| *wanted == vendor) {
                    names.vendors.insert(vendor, name.to_owned());
                }
            }
        }
        names
    }

    /// Maker and model; for a model that is not known, its maker and number.
    pub(super) fn device(&self, (vendor, device): DeviceId) -> Option<String> {
        let maker = self.vendors.get(&vendor)?;
        Some(match self.devices.get(&(vendor, device)) {
            Some(model) => format!("{maker} {model}"),
            None => format!("{maker} device {device:04x}"),
        })
    }

    /// The subclass in words, or else the base class.
    pub(super) fn class(&self, (base, sub): Class) -> Option<String> {
        self.classes.get(&(base, sub)).or_else(|| self.base_classes.get(&base)).cloned()
    }
}

/// What indented lines belong to.
#[derive(Clone, Copy, Debug)]
enum Section {
    None,
    Vendor(u16),
    Class(u8),
}

fn keep<Id: Eq + std::hash::Hash>(
    id: Result<Id, std::num::ParseIntError>,
    name: &str,
    wanted: &HashSet<Id>,
    names: &mut HashMap<Id, String>,
) {
    if let Ok(id) = id
        && wanted.contains(&id)
    {
        names.insert(id, name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_packed_table_names_what_servers_carry() {
        let devices: HashSet<DeviceId> =
            [(0x8086, 0x1593), (0x15b3, 0x101d), (0x1af4, 0x1041), (0x8086, 0x0000), (0x0bad, 0x0001)].into();
        let classes: HashSet<Class> = [(0x02, 0x00), (0x01, 0x08), (0x12, 0x77), (0x77, 0x00)].into();
        let names = Names::of(&devices, &classes);
        let told = [(0x8086, 0x1593), (0x15b3, 0x101d), (0x1af4, 0x1041), (0x8086, 0x0000), (0x0bad, 0x0001)]
            .map(|id| names.device(id));
        let expected = [
            Some("Intel Corporation Ethernet Controller E810-C for SFP"),
            Some("Mellanox Technologies MT2892 Family [ConnectX-6 Dx]"),
            Some("Red Hat, Inc. Virtio 1.0 network device"),
            Some("Intel Corporation device 0000"),
            None,
        ];
        assert_eq!(told, expected.map(|name| name.map(str::to_owned)));
        let told = [(0x02, 0x00), (0x01, 0x08), (0x12, 0x77), (0x77, 0x00)].map(|class| names.class(class));
        let expected = [
            Some("Ethernet controller"),
            Some("Non-Volatile memory controller"),
            Some("Processing accelerators"),
            None,
        ];
        assert_eq!(told, expected.map(|name| name.map(str::to_owned)));
    }

    #[test]
    fn the_packed_table_is_worth_its_place() {
        assert!(PACKED.len() < 200 * 1024, "{} bytes", PACKED.len());
    }

    proptest! {
        #[test]
        fn no_table_panics(table in "(\t|C )?[0-9a-f]{1,5} {1,3}[a-z]{0,4}\n(\t[0-9a-f]{0,5}  x\n){0,3}") {
            let _ = Names::parse(&table, &[(1, 1)].into(), &[(1, 1)].into());
        }
    }
}
