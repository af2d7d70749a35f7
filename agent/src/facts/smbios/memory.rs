//! Memory slots, their arrays and where they are mapped (types 16, 17 and 19).

use super::{names, reader::Reader};
use pious_protocol::facts::{MappedRange, MemoryArray, MemoryDevice};
use smbioslib::{
    MaximumMemoryCapacity, MemorySize, MemorySizeExtended, MemorySpeed, MemorySpeedExtended,
    SMBiosMemoryArrayMappedAddress, SMBiosMemoryDevice, SMBiosPhysicalMemoryArray, SMBiosStruct,
};

pub(super) const KIB: u64 = 1024;
pub(super) const MIB: u64 = 1024 * KIB;
pub(super) const GIB: u64 = 1024 * MIB;

/// §7.17.
pub(super) fn array(reader: &mut Reader<'_>) -> MemoryArray {
    let typed = SMBiosPhysicalMemoryArray::new(reader.structure);
    MemoryArray {
        location: reader.name(0x04, "location", names::array_location),
        usage: reader.name(0x05, "use", names::array_use),
        error_correction: reader.name(0x06, "error correction", names::error_correction),
        max_capacity_bytes: match typed.maximum_capacity() {
            Some(MaximumMemoryCapacity::Kilobytes(kib)) => Some(u64::from(kib) * KIB),
            Some(MaximumMemoryCapacity::SeeExtendedMaximumCapacity) => typed.extended_maximum_capacity(),
            None => None,
        },
        slots: typed.number_of_memory_devices().map(u32::from),
    }
}

/// §7.18.
pub(super) fn device(reader: &mut Reader<'_>) -> MemoryDevice {
    let typed = SMBiosMemoryDevice::new(reader.structure);
    let slot = MemoryDevice {
        locator: reader.string(0x10),
        bank: reader.string(0x11),
        form_factor: reader.name(0x0e, "form factor", names::form_factor),
        kind: reader.name(0x12, "memory type", names::memory_kind),
        ..MemoryDevice::default()
    };
    // What the rest says of a module that is not there is noise ("NO DIMM" as manufacturer, the last one's speed).
    if matches!(typed.size(), None | Some(MemorySize::NotInstalled)) {
        return slot;
    }
    MemoryDevice {
        populated: true,
        size_bytes: size(&typed),
        details: reader.flags(0x13, names::MEMORY_DETAILS),
        total_width_bits: width_bits(reader, 0x08),
        data_width_bits: width_bits(reader, 0x0a),
        speed_mts: speed(typed.speed(), typed.extended_speed()),
        configured_speed_mts: speed(typed.configured_memory_speed(), typed.extended_configured_memory_speed()),
        manufacturer: reader.string(0x17),
        serial: reader.string(0x18),
        asset_tag: reader.string(0x19),
        part_number: reader.string(0x1a),
        // Bits 3:0; 0 is unknown.
        rank: typed.attributes().map(|attributes| u32::from(attributes & 0x0f)).filter(|&rank| rank != 0),
        minimum_millivolts: reader.known_word(0x22),
        maximum_millivolts: reader.known_word(0x24),
        configured_millivolts: reader.known_word(0x26),
        technology: reader.name(0x28, "memory technology", names::memory_technology),
        firmware: reader.string(0x2b),
        non_volatile_bytes: portion(reader, 0x34),
        volatile_bytes: portion(reader, 0x3c),
        ..slot
    }
}

/// §7.18.4, and the extended size of modules from 32 GiB on, §7.18.5.
fn size(typed: &SMBiosMemoryDevice<'_>) -> Option<u64> {
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

fn speed(speed: Option<MemorySpeed>, extended: Option<MemorySpeedExtended>) -> Option<u32> {
    match (speed?, extended) {
        (MemorySpeed::MTs(mts), _) => Some(mts.into()),
        (MemorySpeed::SeeExtendedSpeed, Some(MemorySpeedExtended::MTs(mts))) => Some(mts),
        (MemorySpeed::SeeExtendedSpeed, Some(MemorySpeedExtended::SeeSpeed) | None) | (MemorySpeed::Unknown, _) => None,
    }
}

/// 0xffff is unknown; dmidecode takes 0 for that too, and no bus has no lines.
fn width_bits(reader: &Reader<'_>, offset: usize) -> Option<u32> {
    reader.known_word(offset).filter(|&bits| bits != 0xffff)
}

/// The volatile or the other portion of a module, in bytes; all ones is unknown.
fn portion(reader: &Reader<'_>, offset: usize) -> Option<u64> {
    reader.qword(offset).filter(|&bytes| bytes != u64::MAX)
}

/// §7.20. `None` for a structure that is too short to say both ends.
pub(super) fn mapped_range(reader: &mut Reader<'_>) -> Option<MappedRange> {
    /// "See the extended address", in both fields.
    const SEE_EXTENDED: u32 = u32::MAX;
    let typed = SMBiosMemoryArrayMappedAddress::new(reader.structure);
    let ends = match (typed.starting_address(), typed.ending_address()) {
        (Some(SEE_EXTENDED), _) => typed.extended_starting_address().zip(typed.extended_ending_address()),
        // In KiB, and the end is the last KiB that belongs to the range.
        (Some(start), Some(end)) => Some((u64::from(start) * KIB, u64::from(end) * KIB + (KIB - 1))),
        (_, None) | (None, Some(_)) => None,
    };
    let Some((start_bytes, end_bytes)) = ends else {
        reader.problem("it is too short to say where the memory is mapped");
        return None;
    };
    Some(MappedRange { start_bytes, end_bytes, partition_width: typed.partition_width().map(u32::from) })
}
