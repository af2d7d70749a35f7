//! Processor sockets and caches (types 4 and 7).

use super::{memory::KIB, names, reader::Reader};
use pious_protocol::facts::{Cache, Processor};
use smbioslib::{CacheMemorySize, ProcessorSpeed, SMBiosCacheInformation, SMBiosProcessorInformation, SMBiosStruct};

/// §7.5.
pub(super) fn processor(reader: &mut Reader<'_>) -> Processor {
    let typed = SMBiosProcessorInformation::new(reader.structure);
    let populated = typed.status().is_some_and(|status| status.socket_populated());
    let status = reader.byte(0x18).filter(|_| populated).map(|status| status & 0b111);
    Processor {
        socket: reader.string(0x04),
        kind: reader.name(0x05, "processor type", names::processor),
        populated,
        status: status.and_then(|status| reader.name_of(status, "processor status", names::processor_status)),
        manufacturer: reader.string(0x07),
        version: reader.string(0x10),
        serial: reader.string(0x20),
        asset_tag: reader.string(0x21),
        part_number: reader.string(0x22),
        signature: reader.dword(0x08).filter(|&signature| signature != 0),
        upgrade: reader.name(0x19, "processor upgrade", names::upgrade),
        voltage_millivolts: voltage_millivolts(reader),
        external_clock_mhz: reader.known_word(0x12),
        max_speed_mhz: speed_mhz(typed.max_speed()),
        current_speed_mhz: speed_mhz(typed.current_speed()),
        cores: count(reader, 0x23, 0x2a),
        cores_enabled: count(reader, 0x24, 0x2c),
        threads: count(reader, 0x25, 0x2e),
        threads_enabled: reader.known_word(0x30),
        characteristics: reader.flags(0x26, names::PROCESSOR_CHARACTERISTICS),
    }
}

fn speed_mhz(speed: Option<ProcessorSpeed>) -> Option<u32> {
    match speed? {
        ProcessorSpeed::MHz(mhz) => Some(mhz.into()),
        ProcessorSpeed::Unknown => None,
    }
}

/// Tenths of a volt where bit 7 is set (§7.5.4). The older form names what the socket could be set to, not what it is.
fn voltage_millivolts(reader: &Reader<'_>) -> Option<u32> {
    let voltage = reader.byte(0x11).filter(|voltage| voltage & 0x80 != 0)?;
    Some(u32::from(voltage & 0x7f) * 100)
}

/// A count in a byte, 0 for unknown, or in a word where the byte says 255 (§7.5.6 to §7.5.8). smbios-lib has six types
/// for these three counts.
fn count(reader: &Reader<'_>, byte_offset: usize, word_offset: usize) -> Option<u32> {
    /// Version 2.5 brought all three.
    const LENGTH_SINCE_2_5: usize = 0x28;
    const SEE_WORD: u8 = 0xff;
    if !reader.has_bytes(LENGTH_SINCE_2_5) {
        return None;
    }
    let count = match reader.byte(byte_offset)? {
        SEE_WORD => reader.word(word_offset).map_or(u32::from(SEE_WORD), u32::from),
        count => count.into(),
    };
    (count != 0).then_some(count)
}

/// §7.8.
pub(super) fn cache(reader: &mut Reader<'_>) -> Cache {
    let typed = SMBiosCacheInformation::new(reader.structure);
    let configuration = reader.word(0x05);
    // Two bits each: they always fit.
    let two_bits = |shift: u32| configuration.map(|word| (word >> shift & 0b11) as u8);
    Cache {
        designation: reader.string(0x04),
        level: typed.cache_configuration().map(|configuration| configuration.cache_level().into()),
        enabled: typed.cache_configuration().map(|configuration| configuration.enabled_at_boot()),
        socketed: typed.cache_configuration().map(|configuration| configuration.cache_socketed()),
        location: two_bits(5).and_then(|bits| reader.name_of(bits, "cache location", names::cache_location)),
        operation: two_bits(8).and_then(|bits| reader.name_of(bits, "cache operation", names::cache_operation)),
        installed_bytes: cache_bytes(typed.installed_size(), typed.installed_cache_size_2()),
        maximum_bytes: cache_bytes(typed.maximum_cache_size(), typed.maximum_cache_size_2()),
        error_correction: reader.name(0x10, "cache error correction", names::cache_error_correction),
        kind: reader.name(0x11, "cache type", names::cache),
        associativity: reader.name(0x12, "cache associativity", names::associativity),
    }
}

/// The second size, since 3.1, says all that the first does (§7.8).
fn cache_bytes(size: Option<CacheMemorySize>, size_2: Option<CacheMemorySize>) -> Option<u64> {
    match size_2.or(size)? {
        CacheMemorySize::Kilobytes(kib) => Some(kib * KIB),
        CacheMemorySize::SeeCacheSize2 => None,
    }
}
