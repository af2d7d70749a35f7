//! What an ATA disk says of itself (IDENTIFY DEVICE) and of its health (SMART attributes, its own verdict, the Device
//! Statistics log). Bytes in; ACS-4, and for what has left the standard since, ATA-3 and SFF-8035i.
//!
//! The standard leaves the attributes to the makers. Those read here mean the same with every maker that has them; what
//! differs (an SSD's wear) is taken from the Device Statistics first, which are standard. What was written and read is
//! taken from those alone: attributes 241 and 242 count blocks, MiB, 32 MiB or GiB, as the maker likes.

use super::{
    bytes::{u16_le, u64_le},
    command::SMART_SIGNATURE,
};
use pious_protocol::facts::DiskHealth;
use std::collections::BTreeMap;

/// IDENTIFY DEVICE, as far as it is of use here (ACS-4 §7.13.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) model: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) firmware: Option<String>,
    pub(super) smart: Smart,
    /// General Purpose Logging: whether READ LOG EXT may be asked.
    pub(super) has_logs: bool,
}

/// Whether a disk can tell of its health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Smart {
    #[default]
    Unsupported,
    Disabled,
    Enabled,
}

/// IDENTIFY DEVICE's data; `None` where it is cut short.
pub(super) fn identity(bytes: &[u8]) -> Option<Identity> {
    let word = |index: usize| u16_le(bytes, index * 2);
    let bit = |word: u16, bit: u32| word & (1 << bit) != 0;
    let smart = match (bit(word(82)?, 0), bit(word(85)?, 0)) {
        (true, true) => Smart::Enabled,
        (true, false) => Smart::Disabled,
        (false, _) => Smart::Unsupported,
    };
    Some(Identity {
        model: text(bytes.get(54..94)?),
        serial: text(bytes.get(20..40)?),
        firmware: text(bytes.get(46..54)?),
        smart,
        // Words 84 and 87 are valid where bits 15:14 are 01b.
        has_logs: word(87).is_some_and(|word| word >> 14 == 0b01 && bit(word, 5)),
    })
}

/// ATA swaps the two bytes of each word of text (ACS-4 §3.3.10).
fn text(bytes: &[u8]) -> Option<String> {
    let swapped: Vec<u8> = bytes.chunks_exact(2).flat_map(|pair| pair.iter().rev().copied()).collect();
    let text = String::from_utf8_lossy(&swapped);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// One SMART attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attribute {
    /// Bit 0: the maker takes it for a sign that the disk is about to fail.
    flags: u16,
    /// Goes down from 100, 200 or 253 towards the threshold.
    value: u8,
    /// The maker's count, 48 bits.
    raw: u64,
}

/// SMART READ DATA's attributes, by id (SFF-8035i 2.0 §3.4): 30 places of 12 bytes behind a version of two.
pub(super) fn attributes(bytes: &[u8]) -> BTreeMap<u8, Attribute> {
    places(bytes).filter_map(|(id, place)| Some((id, attribute(place)?))).collect()
}

fn attribute(place: &[u8]) -> Option<Attribute> {
    const RAW_BITS: u64 = 0xffff_ffff_ffff;
    // Flags, value, worst, six bytes of count, one reserved; the id before them is read already.
    Some(Attribute { flags: u16_le(place, 1)?, value: *place.get(3)?, raw: (u64_le(place, 4)? >> 8) & RAW_BITS })
}

/// SMART READ ATTRIBUTE THRESHOLDS, by id: as many places of the same size.
pub(super) fn thresholds(bytes: &[u8]) -> BTreeMap<u8, u8> {
    places(bytes).filter_map(|(id, place)| Some((id, *place.get(1)?))).collect()
}

fn places(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    const PLACES: usize = 30;
    const PLACE_BYTES: usize = 12;
    let places = bytes.get(2..).unwrap_or_default().chunks_exact(PLACE_BYTES).take(PLACES);
    // An id of 0 marks an unused place.
    places.filter_map(|place| place.first().map(|id| (*id, place))).filter(|(id, _)| *id != 0)
}

/// Its own verdict, by where SMART RETURN STATUS leaves the signature (ACS-4 §7.46.10): as it was, or turned.
pub(super) fn verdict(lba: (u8, u8)) -> Option<bool> {
    const THRESHOLD_EXCEEDED: (u8, u8) = (0xf4, 0x2c);
    match lba {
        SMART_SIGNATURE => Some(true),
        THRESHOLD_EXCEEDED => Some(false),
        _ => None,
    }
}

/// What the attributes tell; `is_solid_state`, because wear's are something else on a disk that spins.
pub(super) fn health(
    attributes: &BTreeMap<u8, Attribute>,
    thresholds: &BTreeMap<u8, u8>,
    is_solid_state: bool,
) -> DiskHealth {
    let raw = |id: u8| attributes.get(&id).map(|attribute| attribute.raw);
    // Some makers put minutes, or the day's least and most, above the count.
    let low = |id: u8, bits: u32| raw(id).map(|raw| raw & ((1 << bits) - 1));
    let temperature = low(194, 8).or_else(|| low(190, 8)).and_then(|raw| u8::try_from(raw).ok());
    DiskHealth {
        warnings: warnings(attributes, thresholds),
        // A signed byte.
        temperature_celsius: temperature.filter(|raw| *raw != 0).map(|raw| i32::from(raw.cast_signed())),
        power_on_hours: low(9, 24),
        power_cycles: low(12, 32),
        unsafe_shutdowns: raw(174),
        wear_percent: if is_solid_state { wear(attributes) } else { None },
        media_errors: raw(187).or_else(|| raw(198)),
        reallocated_sectors: low(5, 16),
        pending_sectors: low(197, 32),
        ..DiskHealth::default()
    }
}

/// Attributes whose value is what is left of an SSD's life, in percent; where a disk has several, the first: Samsung
/// (177), SandForce and Phison (231), Intel (233), Micron (173, 202).
const LIFE_LEFT: [u8; 5] = [177, 231, 233, 173, 202];

fn wear(attributes: &BTreeMap<u8, Attribute>) -> Option<u32> {
    let attribute = LIFE_LEFT.iter().find_map(|id| attributes.get(id))?;
    // Those that do not start at 100 do not count in percent.
    100_u32.checked_sub(u32::from(attribute.value))
}

/// Attributes at or below their threshold. A threshold of 0 never trips; 254 and 255 are invalid (SFF-8035i §3.5).
fn warnings(attributes: &BTreeMap<u8, Attribute>, thresholds: &BTreeMap<u8, u8>) -> Vec<String> {
    const PREFAILURE: u16 = 1 << 0;
    let tripped = attributes.iter().filter_map(|(id, attribute)| {
        let threshold = *thresholds.get(id)?;
        let is_valid = (1..=253).contains(&threshold) && (1..=253).contains(&attribute.value);
        let is_tripped = attribute.flags & PREFAILURE != 0 && is_valid && attribute.value <= threshold;
        is_tripped.then(|| {
            format!("attribute {id} ({}) is at {}, its threshold is {threshold}", attribute_name(*id), attribute.value)
        })
    });
    tripped.collect()
}

/// What makers agree that an attribute is.
fn attribute_name(id: u8) -> &'static str {
    match id {
        1 => "read error rate",
        3 => "spin-up time",
        5 => "reallocated sectors",
        7 => "seek error rate",
        8 => "seek time performance",
        10 => "spin retries",
        173 | 177 | 231 | 233 => "wear",
        184 => "end-to-end errors",
        187 => "uncorrectable errors",
        196 => "reallocation events",
        197 => "pending sectors",
        198 => "uncorrectable sectors",
        232 => "available spare",
        _ => "the maker's own",
    }
}

/// What a page of the Device Statistics log tells (ACS-4 §9.5.3), added to what the attributes told: standard, and so
/// taken before them.
pub(super) fn add_statistics(health: &mut DiskHealth, page: &[u8], logical_block_bytes: u64) {
    const GENERAL: u8 = 0x01;
    const TEMPERATURE: u8 = 0x05;
    const SOLID_STATE: u8 = 0x07;
    let statistic = |offset| statistic(page, offset);
    let bytes = |offset| statistic(offset).map(|blocks| blocks.saturating_mul(logical_block_bytes));
    // The page's number, behind the revision.
    match page.get(2) {
        Some(&GENERAL) => {
            health.power_cycles = statistic(8).or(health.power_cycles);
            health.power_on_hours = statistic(16).or(health.power_on_hours);
            health.written_bytes = bytes(24).or(health.written_bytes);
            health.read_bytes = bytes(40).or(health.read_bytes);
        }
        Some(&TEMPERATURE) => {
            let celsius = statistic(8).and_then(|byte| u8::try_from(byte & 0xff).ok());
            health.temperature_celsius =
                celsius.map(|byte| i32::from(byte.cast_signed())).or(health.temperature_celsius);
        }
        Some(&SOLID_STATE) => {
            let used = statistic(8).and_then(|byte| u32::try_from(byte & 0xff).ok());
            health.wear_percent = used.or(health.wear_percent);
        }
        Some(_) | None => {}
    }
}

/// One statistic: eight bytes, the highest of which says whether it is supported and valid (ACS-4 §9.5.2).
fn statistic(page: &[u8], offset: usize) -> Option<u64> {
    const SUPPORTED_AND_VALID: u64 = 0b11 << 62;
    const VALUE: u64 = 0x00ff_ffff_ffff_ffff;
    let statistic = u64_le(page, offset)?;
    // The values read here have 32 or 48 bits, those of one byte are cut by who reads them.
    (statistic & SUPPORTED_AND_VALID == SUPPORTED_AND_VALID).then_some(statistic & VALUE)
}

#[cfg(test)]
mod tests;
