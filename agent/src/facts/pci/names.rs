//! Names of PCI devices and classes: those of pci.ids (<https://pci-ids.ucw.cz>, Martin Mareš and Albert Pool; GPL-2.0 or
//! later, or BSD-3-Clause), in the binary as text.
//!
//! Measured with pci.ids of 2025-07-11, 19,836 devices of 2,445 vendors: 823 KiB, which the image packs to 167 KiB, under
//! 1 % of it. Worth it: "ConnectX-6 Dx" can be found in a rack, `15b3:101d` can't. It is not packed a second time inside
//! the binary: the image would be no smaller, and each look-up took 1.7 s (zstd) or 0.6 s (xz) of an emulated processor.

use std::collections::{HashMap, HashSet};

/// pci.ids' lines, as `build.rs` writes them.
const TABLE: &str = include_str!(concat!(env!("OUT_DIR"), "/pci-names.txt"));

/// A vendor's id and a device's.
pub(super) type DeviceId = (u16, u16);

/// A base class and a subclass.
pub(super) type Class = (u8, u8);

/// The names of some devices and classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names<'table> {
    vendors: HashMap<u16, &'table str>,
    devices: HashMap<DeviceId, &'table str>,
    base_classes: HashMap<u8, &'table str>,
    classes: HashMap<Class, &'table str>,
}

/// What indented lines belong to, where any of them may be wanted.
#[derive(Clone, Copy, Debug)]
enum Section {
    Unwanted,
    Vendor(u16),
    Class(u8),
}

impl Names<'static> {
    /// Looks these up, all in one go through the table.
    pub(super) fn of(devices: &HashSet<DeviceId>, classes: &HashSet<Class>) -> Self {
        Self::parse(TABLE, devices, classes)
    }
}

impl<'table> Names<'table> {
    fn parse(table: &'table str, devices: &HashSet<DeviceId>, classes: &HashSet<Class>) -> Self {
        let vendors: HashSet<u16> = devices.iter().map(|(vendor, _)| *vendor).collect();
        let base_classes: HashSet<u8> = classes.iter().map(|(base, _)| *base).collect();
        let mut names = Self::default();
        let mut section = Section::Unwanted;
        for line in table.lines() {
            if let Some(line) = line.strip_prefix('\t') {
                names.keep(section, line, devices, classes);
                continue;
            }
            section = Section::Unwanted;
            let (line, is_class) = line.strip_prefix("C ").map_or((line, false), |line| (line, true));
            let Some((id, name)) = line.split_once("  ") else { continue };
            let Ok(id) = u16::from_str_radix(id, 16) else { continue };
            match u8::try_from(id) {
                Ok(base) if is_class && base_classes.contains(&base) => {
                    section = Section::Class(base);
                    names.base_classes.insert(base, name);
                }
                Ok(_) | Err(_) if !is_class && vendors.contains(&id) => {
                    section = Section::Vendor(id);
                    names.vendors.insert(id, name);
                }
                Ok(_) | Err(_) => {}
            }
        }
        names
    }

    /// Takes an indented line, if it is wanted.
    fn keep(&mut self, section: Section, line: &'table str, devices: &HashSet<DeviceId>, classes: &HashSet<Class>) {
        // Most lines end here.
        if matches!(section, Section::Unwanted) {
            return;
        }
        let Some((id, name)) = line.split_once("  ") else { return };
        let Ok(id) = u16::from_str_radix(id, 16) else { return };
        match section {
            Section::Vendor(vendor) if devices.contains(&(vendor, id)) => {
                self.devices.insert((vendor, id), name);
            }
            Section::Class(base) => {
                if let Some(class) = u8::try_from(id).ok().map(|sub| (base, sub)).filter(|it| classes.contains(it)) {
                    self.classes.insert(class, name);
                }
            }
            Section::Vendor(_) | Section::Unwanted => {}
        }
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
        self.classes.get(&(base, sub)).or_else(|| self.base_classes.get(&base)).map(|name| (*name).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_table_names_what_servers_carry() {
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

    proptest! {
        #[test]
        fn no_table_panics(table in "(\t|C )?[0-9a-f]{1,5} {1,3}[a-z]{0,4}\n(\t[0-9a-f]{0,5}  x\n){0,3}") {
            let _ = Names::parse(&table, &[(1, 1)].into(), &[(1, 1)].into());
        }
    }
}
