//! From structures to facts: types 0, 1, 2, 3, 4, 16 and 17 (DSP0134 §7).
//!
//! A field that lies beyond a structure's own length is one that its version did not have: `None`. A value that the
//! specification does not define is `None` too, and a problem.

use super::{entry::Version, names};
use pious_protocol::facts::{Baseboard, Bios, Chassis, MemoryArray, MemoryDevice, Processor, Smbios, System};
use smbioslib::{
    MaximumMemoryCapacity, MemorySize, MemorySizeExtended, MemorySpeed, MemorySpeedExtended, ProcessorSpeed,
    SMBiosMemoryDevice, SMBiosPhysicalMemoryArray, SMBiosProcessorInformation, SMBiosStruct, UndefinedStruct,
};
use uuid::Uuid;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Adds one structure's facts; a type that is not asked for adds nothing.
pub(super) fn add(structure: &UndefinedStruct, version: Version, smbios: &mut Smbios) {
    let mut reader = Reader { structure, problems: &mut smbios.problems };
    match structure.header.struct_type() {
        0 => drop(smbios.bios.get_or_insert_with(|| bios(&mut reader))),
        1 => drop(smbios.system.get_or_insert_with(|| system(&mut reader, version))),
        2 => smbios.baseboards.push(baseboard(&mut reader)),
        3 => smbios.chassis.push(chassis(&mut reader)),
        4 => smbios.processors.push(processor(&mut reader)),
        16 => smbios.memory_arrays.push(memory_array(&mut reader)),
        17 => smbios.memory_devices.push(memory_device(&mut reader)),
        _ => {}
    }
}

/// One structure, and where to complain.
struct Reader<'a> {
    structure: &'a UndefinedStruct,
    problems: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn problem(&mut self, what: &str) {
        let header = &self.structure.header;
        self.problems.push(format!("structure {:#06x} (type {}): {what}", *header.handle(), header.struct_type()));
    }

    fn has_bytes(&self, length: usize) -> bool {
        self.structure.fields.len() >= length
    }

    /// The string that the byte at `offset` numbers. smbios-lib's own look-up would read on behind an empty string,
    /// which ends the set (§6.1.3), and can't tell a wrong number from a field that is not there.
    fn string(&mut self, offset: usize) -> Option<String> {
        let number = match self.structure.get_field_byte(offset) {
            None | Some(0) => return None,
            Some(number) => usize::from(number),
        };
        let mut strings = self.structure.strings.iter().take_while(|string| !string.is_empty());
        match strings.nth(number - 1) {
            Some(bytes) => Some(printable(bytes)),
            None => {
                self.problem(&format!("the field at {offset:#04x} names string {number}, which is not there"));
                None
            }
        }
    }

    /// The name of the value at `offset`.
    fn name(&mut self, offset: usize, field: &str, mask: u8, names: fn(u8) -> Option<&'static str>) -> Option<String> {
        let value = self.structure.get_field_byte(offset)? & mask;
        if let Some(name) = names(value) {
            return Some(name.to_owned());
        }
        self.problem(&format!("the {field} {value:#04x} is not in the specification"));
        None
    }
}

/// As the firmware wrote it: UTF-8 since 3.5 (§6.1.3), and before that, ASCII. What is neither, or would act on a
/// terminal, becomes a dot, as in dmidecode's output.
fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.extend(chunk.valid().chars().map(|c| if c.is_control() { '.' } else { c }));
        text.extend(chunk.invalid().iter().map(|_| '.'));
    }
    text
}

fn bios(reader: &mut Reader<'_>) -> Bios {
    Bios { vendor: reader.string(0x04), version: reader.string(0x05), release_date: reader.string(0x08) }
}

fn system(reader: &mut Reader<'_>, version: Version) -> System {
    System {
        manufacturer: reader.string(0x04),
        product: reader.string(0x05),
        version: reader.string(0x06),
        serial: reader.string(0x07),
        uuid: reader.structure.get_field_data(0x08, 0x18).and_then(|bytes| uuid(bytes, version)),
        sku: reader.string(0x19),
        family: reader.string(0x1a),
    }
}

/// §7.2.1. smbios-lib takes every table's for little-endian.
fn uuid(bytes: &[u8], version: Version) -> Option<Uuid> {
    let bytes = <[u8; 16]>::try_from(bytes).ok()?;
    if bytes == [0x00; 16] || bytes == [0xff; 16] {
        return None;
    }
    Some(if version.has_little_endian_uuid() { Uuid::from_bytes_le(bytes) } else { Uuid::from_bytes(bytes) })
}

fn baseboard(reader: &mut Reader<'_>) -> Baseboard {
    Baseboard {
        manufacturer: reader.string(0x04),
        product: reader.string(0x05),
        version: reader.string(0x06),
        serial: reader.string(0x07),
        asset_tag: reader.string(0x08),
    }
}

fn chassis(reader: &mut Reader<'_>) -> Chassis {
    /// Bit 7 says whether there is a lock.
    const KIND: u8 = 0x7f;
    Chassis {
        manufacturer: reader.string(0x04),
        kind: reader.name(0x05, "enclosure type", KIND, names::chassis),
        version: reader.string(0x06),
        serial: reader.string(0x07),
        asset_tag: reader.string(0x08),
    }
}

fn processor(reader: &mut Reader<'_>) -> Processor {
    let typed = SMBiosProcessorInformation::new(reader.structure);
    Processor {
        socket: reader.string(0x04),
        populated: typed.status().is_some_and(|status| status.socket_populated()),
        manufacturer: reader.string(0x07),
        version: reader.string(0x10),
        serial: reader.string(0x20),
        max_speed_mhz: match typed.max_speed() {
            Some(ProcessorSpeed::MHz(mhz)) => Some(mhz.into()),
            Some(ProcessorSpeed::Unknown) | None => None,
        },
        cores: processor_count(reader, 0x23, 0x2a),
        cores_enabled: processor_count(reader, 0x24, 0x2c),
        threads: processor_count(reader, 0x25, 0x2e),
    }
}

/// A count in a byte, 0 for unknown, or in a word where the byte says 255 (§7.5.6 to §7.5.8). smbios-lib has six types
/// for these three counts.
fn processor_count(reader: &Reader<'_>, byte_offset: usize, word_offset: usize) -> Option<u32> {
    /// Version 2.5 brought all three.
    const LENGTH_SINCE_2_5: usize = 0x28;
    const SEE_WORD: u8 = 0xff;
    if !reader.has_bytes(LENGTH_SINCE_2_5) {
        return None;
    }
    let count = match reader.structure.get_field_byte(byte_offset)? {
        SEE_WORD => reader.structure.get_field_word(word_offset).map_or(u32::from(SEE_WORD), u32::from),
        count => count.into(),
    };
    (count != 0).then_some(count)
}

fn memory_array(reader: &mut Reader<'_>) -> MemoryArray {
    let typed = SMBiosPhysicalMemoryArray::new(reader.structure);
    MemoryArray {
        location: reader.name(0x04, "location", u8::MAX, names::array_location),
        usage: reader.name(0x05, "use", u8::MAX, names::array_use),
        error_correction: reader.name(0x06, "error correction", u8::MAX, names::error_correction),
        max_capacity_bytes: match typed.maximum_capacity() {
            Some(MaximumMemoryCapacity::Kilobytes(kib)) => Some(u64::from(kib) * KIB),
            Some(MaximumMemoryCapacity::SeeExtendedMaximumCapacity) => typed.extended_maximum_capacity(),
            None => None,
        },
        slots: typed.number_of_memory_devices().map(u32::from),
    }
}

fn memory_device(reader: &mut Reader<'_>) -> MemoryDevice {
    let typed = SMBiosMemoryDevice::new(reader.structure);
    let slot = MemoryDevice {
        locator: reader.string(0x10),
        bank: reader.string(0x11),
        form_factor: reader.name(0x0e, "form factor", u8::MAX, names::form_factor),
        kind: reader.name(0x12, "memory type", u8::MAX, names::memory_kind),
        ..MemoryDevice::default()
    };
    // What the rest says of a module that is not there is noise ("NO DIMM" as manufacturer, the last one's speed).
    if matches!(typed.size(), None | Some(MemorySize::NotInstalled)) {
        return slot;
    }
    MemoryDevice {
        populated: true,
        size_bytes: memory_size(&typed),
        speed_mts: memory_speed(typed.speed(), typed.extended_speed()),
        configured_speed_mts: memory_speed(typed.configured_memory_speed(), typed.extended_configured_memory_speed()),
        manufacturer: reader.string(0x17),
        serial: reader.string(0x18),
        asset_tag: reader.string(0x19),
        part_number: reader.string(0x1a),
        // Bits 3:0; 0 is unknown.
        rank: typed.attributes().map(|attributes| u32::from(attributes & 0x0f)).filter(|&rank| rank != 0),
        ..slot
    }
}

/// §7.18.4, and the extended size of modules from 32 GiB on, §7.18.5.
fn memory_size(typed: &SMBiosMemoryDevice<'_>) -> Option<u64> {
    match typed.size()? {
        MemorySize::NotInstalled | MemorySize::Unknown => None,
        MemorySize::Kilobytes(kib) => Some(u64::from(kib) * KIB),
        MemorySize::Megabytes(mib) => Some(u64::from(mib) * MIB),
        MemorySize::SeeExtendedSize => match typed.extended_size() {
            Some(MemorySizeExtended::Megabytes(mib)) => Some(u64::from(mib) * MIB),
            Some(MemorySizeExtended::SeeSize) => None,
            // Before 2.7 there is no extended size, and 32 GiB - 1 MiB is a size like any other.
            None => Some(0x7fff * MIB),
        },
    }
}

fn memory_speed(speed: Option<MemorySpeed>, extended: Option<MemorySpeedExtended>) -> Option<u32> {
    match (speed?, extended) {
        (MemorySpeed::MTs(mts), _) => Some(mts.into()),
        (MemorySpeed::SeeExtendedSpeed, Some(MemorySpeedExtended::MTs(mts))) => Some(mts),
        (MemorySpeed::SeeExtendedSpeed, Some(MemorySpeedExtended::SeeSpeed) | None) | (MemorySpeed::Unknown, _) => None,
    }
}
