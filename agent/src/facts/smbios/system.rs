//! The machine as a whole: its firmware, itself, its boards and enclosures, and its maker's own strings (types 0 to 3 and
//! 11).

use super::{
    entry::Version,
    memory::{GIB, KIB, MIB},
    names,
    reader::Reader,
};
use pious_protocol::facts::{Baseboard, Bios, Chassis, System};
use smbioslib::{SMBiosOemStrings, SMBiosStruct};
use uuid::Uuid;

/// §7.1.
pub(super) fn bios(reader: &mut Reader<'_>) -> Bios {
    /// §7.1.2.2: the second extension byte of the characteristics.
    const EXTENSION_2: usize = 0x13;
    let bit = |bit: u8| reader.byte(EXTENSION_2).map(|byte| byte >> bit & 1 == 1);
    let (uefi, virtual_machine) = (bit(3), bit(4));
    Bios {
        vendor: reader.string(0x04),
        version: reader.string(0x05),
        release_date: reader.string(0x08),
        rom_bytes: rom_bytes(reader),
        release: release(reader, 0x14),
        controller_release: release(reader, 0x16),
        uefi,
        virtual_machine,
    }
}

/// In units of 64 KiB, less one; 0xff since 3.1 for "see the extended size", which has its unit in bits 15:14.
fn rom_bytes(reader: &Reader<'_>) -> Option<u64> {
    const SEE_EXTENDED: u8 = 0xff;
    match (reader.byte(0x09)?, reader.word(0x18)) {
        (SEE_EXTENDED, Some(size)) => {
            let unit = match size >> 14 {
                0 => MIB,
                1 => GIB,
                // Reserved.
                _ => return None,
            };
            Some(u64::from(size & 0x3fff) * unit)
        }
        (units, _) => Some((u64::from(units) + 1) * 64 * KIB),
    }
}

/// Major and minor; 0xff in either where the firmware has no such number.
fn release(reader: &Reader<'_>, offset: usize) -> Option<String> {
    let (major, minor) = (reader.byte(offset)?, reader.byte(offset + 1)?);
    (major != 0xff && minor != 0xff).then(|| format!("{major}.{minor}"))
}

/// §7.2.
pub(super) fn system(reader: &mut Reader<'_>) -> System {
    System {
        manufacturer: reader.string(0x04),
        product: reader.string(0x05),
        version: reader.string(0x06),
        serial: reader.string(0x07),
        uuid: reader.structure.get_field_data(0x08, 0x18).and_then(|bytes| uuid(bytes, reader.version)),
        sku: reader.string(0x19),
        family: reader.string(0x1a),
        wake_up: reader.name(0x18, "wake-up type", names::wake_up),
    }
}

/// §7.2.1. smbios-lib takes every table's for little-endian.
pub(super) fn uuid(bytes: &[u8], version: Version) -> Option<Uuid> {
    let bytes = <[u8; 16]>::try_from(bytes).ok()?;
    if bytes == [0x00; 16] || bytes == [0xff; 16] {
        return None;
    }
    Some(if version.has_little_endian_uuid() { Uuid::from_bytes_le(bytes) } else { Uuid::from_bytes(bytes) })
}

/// §7.3.
pub(super) fn baseboard(reader: &mut Reader<'_>) -> Baseboard {
    Baseboard {
        manufacturer: reader.string(0x04),
        product: reader.string(0x05),
        version: reader.string(0x06),
        serial: reader.string(0x07),
        asset_tag: reader.string(0x08),
        location: reader.string(0x0a),
        kind: reader.name(0x0d, "board type", names::board),
    }
}

/// §7.4.
pub(super) fn chassis(reader: &mut Reader<'_>) -> Chassis {
    /// Bit 7 says whether there is a lock.
    const KIND: u8 = 0x7f;
    let known = |offset| reader.byte(offset).filter(|&count| count != 0).map(u32::from);
    let (height_units, power_cords) = (known(0x11), known(0x12));
    // Behind a list of what is contained: so many records of such a length.
    let sku = reader.byte(0x13).zip(reader.byte(0x14)).map(|(n, length)| 0x15 + usize::from(n) * usize::from(length));
    let kind = reader.byte(0x05).map(|byte| byte & KIND);
    Chassis {
        manufacturer: reader.string(0x04),
        kind: kind.and_then(|kind| reader.name_of(kind, "enclosure type", names::chassis)),
        version: reader.string(0x06),
        serial: reader.string(0x07),
        asset_tag: reader.string(0x08),
        boot_up_state: reader.name(0x09, "boot-up state", names::chassis_state),
        power_supply_state: reader.name(0x0a, "power supply state", names::chassis_state),
        thermal_state: reader.name(0x0b, "thermal state", names::chassis_state),
        height_units,
        power_cords,
        sku: sku.and_then(|offset| reader.string(offset)),
    }
}

/// §7.12.
pub(super) fn oem_strings(reader: &mut Reader<'_>) -> Vec<String> {
    let count = SMBiosOemStrings::new(reader.structure).count().map_or(0, usize::from);
    let strings: Vec<_> = (1..=count).map_while(|number| reader.string_number(number)).collect();
    if strings.len() < count {
        reader.problem(&format!("{count} OEM strings are promised, and {} are there", strings.len()));
    }
    strings
}
