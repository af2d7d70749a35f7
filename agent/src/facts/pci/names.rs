//! Names of PCI devices and classes: those of pci.ids (<https://pci-ids.ucw.cz>, Martin Mareš and Albert Pool; GPL-2.0 or
//! later, or BSD-3-Clause), in the binary as sorted text.
//!
//! Measured with pci.ids of 2025-07-11, 19,836 devices of 2,445 vendors: about 900 KiB, which the image packs to less than
//! 1 % of it. Worth it: "ConnectX-6 Dx" can be found in a rack, `15b3:101d` can't. It is not packed a second time inside
//! the binary: the image would be no smaller, and each look-up took 1.7 s (zstd) or 0.6 s (xz) of an emulated processor.

use std::cmp::Ordering;

/// Tables as `build.rs` writes them: `key  name` lines, sorted, keys of one width.
const VENDORS: &str = include_str!(concat!(env!("OUT_DIR"), "/pci-vendors.txt"));
const DEVICES: &str = include_str!(concat!(env!("OUT_DIR"), "/pci-devices.txt"));
const CLASSES: &str = include_str!(concat!(env!("OUT_DIR"), "/pci-classes.txt"));
const SUBCLASSES: &str = include_str!(concat!(env!("OUT_DIR"), "/pci-subclasses.txt"));

/// Between a line's key and its name.
const BETWEEN: &str = "  ";

/// A vendor's id and a device's.
pub(super) type DeviceId = (u16, u16);

/// A base class and a subclass.
pub(super) type Class = (u8, u8);

/// Maker and model; for a model that is not known, its maker and number.
pub(super) fn device((vendor, device): DeviceId) -> Option<String> {
    let maker = find(VENDORS, &format!("{vendor:04x}"))?;
    Some(match find(DEVICES, &format!("{vendor:04x}{device:04x}")) {
        Some(model) => format!("{maker} {model}"),
        None => format!("{maker} device {device:04x}"),
    })
}

/// The subclass in words, or else the base class.
pub(super) fn class((base, sub): Class) -> Option<&'static str> {
    find(SUBCLASSES, &format!("{base:02x}{sub:02x}")).or_else(|| find(CLASSES, &format!("{base:02x}")))
}

/// The name behind a key: a binary search by bytes, each time in the line that the middle is in.
fn find<'table>(table: &'table str, key: &str) -> Option<&'table str> {
    let bytes = table.as_bytes();
    let (mut from, mut to) = (0, bytes.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let begin = bytes.get(from..middle)?.iter().rposition(|byte| *byte == b'\n').map_or(from, |end| from + end + 1);
        let end = bytes.get(middle..to)?.iter().position(|byte| *byte == b'\n').map_or(to, |end| middle + end);
        let (found, name) = table.get(begin..end)?.split_once(BETWEEN)?;
        match found.cmp(key) {
            Ordering::Less => from = end + 1,
            Ordering::Equal => return Some(name),
            Ordering::Greater => to = begin,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_what_servers_carry() {
        let told =
            [(0x8086, 0x1593), (0x15b3, 0x101d), (0x1af4, 0x1041), (0x8086, 0x0000), (0x0bad, 0x0001)].map(device);
        let expected = [
            Some("Intel Corporation Ethernet Controller E810-C for SFP"),
            Some("Mellanox Technologies MT2892 Family [ConnectX-6 Dx]"),
            Some("Red Hat, Inc. Virtio 1.0 network device"),
            Some("Intel Corporation device 0000"),
            None,
        ];
        assert_eq!(told, expected.map(|name| name.map(str::to_owned)));
        let told = [(0x02, 0x00), (0x01, 0x08), (0x12, 0x77), (0x77, 0x00)].map(class);
        let expected = [
            Some("Ethernet controller"),
            Some("Non-Volatile memory controller"),
            Some("Processing accelerators"),
            None,
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn every_line_of_every_table_is_found() {
        for table in [VENDORS, DEVICES, CLASSES, SUBCLASSES] {
            for line in table.lines() {
                let (key, name) = line.split_once(BETWEEN).expect("a key and a name");
                assert_eq!(find(table, key), Some(name));
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for (table, key) in [("", "0001"), ("0001  a\n", "0000"), ("0001  ä\n0003  b\n", "0002"), ("0001  a\n", "0002")]
        {
            assert_eq!(find(table, key), None, "{key} in {table:?}");
        }
    }
}
