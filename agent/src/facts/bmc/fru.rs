//! What a field replaceable unit says of itself: the IPMI Platform Management FRU Information Storage Definition 1.3,
//! fetched in parts. Decoding is pure.

use super::{
    command::Command,
    conversation::{Conversation, first},
    error::IpmiError,
    sdr::FruLocator,
    text,
};
use pious_protocol::facts::FieldReplaceableUnit;

/// The board that the BMC is on: IPMI 2.0 §34 gives it this id, with or without a locator record.
const BUILT_IN: u8 = 0;

/// The largest machines list a FRU for each DIMM, drive and fan; those are read elsewhere, and better.
const MAX_FRUS: usize = 32;

/// Bytes asked for at once. Some system interfaces carry 40 with their headers (IPMI 2.0 §9), most some more than this;
/// whoever can't, says so, and is asked for fewer.
const READ_BYTES: u8 = 128;

/// Every FRU that has a record: the built-in one, and those that locator records name.
pub(super) fn read(bmc: &mut Conversation, locators: &[FruLocator]) -> Result<Vec<FieldReplaceableUnit>, IpmiError> {
    let built_in = FruLocator { id: BUILT_IN, name: None };
    let built_in = (!locators.iter().any(|locator| locator.id == BUILT_IN)).then_some(built_in);
    let mut frus = Vec::new();
    for locator in built_in.iter().chain(locators).take(MAX_FRUS) {
        match fru(bmc, locator) {
            Ok(fru) => frus.push(fru),
            // Nothing is plugged in there, or it has no record.
            Err(IpmiError::Refused(..)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(frus)
}

fn fru(bmc: &mut Conversation, locator: &FruLocator) -> Result<FieldReplaceableUnit, IpmiError> {
    let command = Command::GetFruArea;
    let [low, high, access] = first::<3>(command, &bmc.ask(command, &[locator.id])?)?;
    let mut store = Store {
        id: locator.id,
        size: u16::from_le_bytes([low, high]),
        by_words: access & 0x01 != 0,
        at_once: READ_BYTES,
    };
    let header = store.read(bmc, 0, HEADER_BYTES)?;
    let mut fru =
        FieldReplaceableUnit { id: locator.id, name: locator.name.clone(), ..FieldReplaceableUnit::default() };
    let offsets = match area_offsets(&header) {
        Ok(offsets) => offsets,
        Err(why) => {
            fru.gaps.note("header", why);
            return Ok(fru);
        }
    };
    for (area, offset) in [Area::Chassis, Area::Board, Area::Product].into_iter().zip(offsets) {
        let Some(offset) = offset else { continue };
        let length = store.read(bmc, offset, 2)?.get(1).map_or(0, |units| u16::from(*units) * UNIT_BYTES);
        let bytes = store.read(bmc, offset, length)?;
        if let Err(why) = take_area(area, &bytes, &mut fru) {
            fru.gaps.note(area.name(), why);
        }
    }
    Ok(fru)
}

/// A FRU's storage.
struct Store {
    id: u8,
    size: u16,
    /// Whether offsets and counts are of words, not bytes: IPMI 2.0 §34.1.
    by_words: bool,
    at_once: u8,
}

impl Store {
    /// Bytes from an offset on; fewer where the storage ends.
    fn read(&mut self, bmc: &mut Conversation, offset: u16, length: u16) -> Result<Vec<u8>, IpmiError> {
        let end = offset.saturating_add(length).min(self.size);
        let mut bytes = Vec::new();
        let mut at = offset;
        while at < end {
            let shift = u16::from(self.by_words);
            let wanted = (end - at).min(u16::from(self.at_once));
            let [low, high] = (at >> shift).to_le_bytes();
            let count = wanted.div_ceil(1 << shift) as u8;
            match bmc.ask(Command::ReadFruData, &[self.id, low, high, count]) {
                Ok(answer) => {
                    let data = answer.get(1..).unwrap_or_default();
                    let data = data.get(..usize::from(wanted)).unwrap_or(data);
                    if data.is_empty() {
                        return Err(IpmiError::Nonsense(Command::ReadFruData, "no bytes where there must be some"));
                    }
                    bytes.extend_from_slice(data);
                    at += data.len() as u16;
                }
                Err(IpmiError::Refused(_, code)) if code.wants_fewer_bytes() && self.at_once > 2 => self.at_once /= 2,
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }
}

/// §8: the common header.
const HEADER_BYTES: u16 = 8;

/// Offsets and lengths are told in units of eight bytes.
const UNIT_BYTES: u16 = 8;

/// The format version of the header and of each area, in its lower four bits.
const FORMAT_VERSION: u8 = 1;

/// Ends an area's fields.
const END_OF_FIELDS: u8 = 0xc1;

/// An area that PIOUS reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Area {
    /// §10.
    Chassis,
    /// §11.
    Board,
    /// §12.
    Product,
}

impl Area {
    fn name(self) -> &'static str {
        match self {
            Self::Chassis => "chassis",
            Self::Board => "board",
            Self::Product => "product",
        }
    }

    /// How many bytes stand before the first field: version, length and the chassis type; or the language; or that and
    /// three of a date.
    fn before_fields(self) -> usize {
        match self {
            Self::Chassis | Self::Product => 3,
            Self::Board => 6,
        }
    }
}

/// Where the chassis, board and product areas are, those that there are.
fn area_offsets(header: &[u8]) -> Result<[Option<u16>; 3], String> {
    let Some([version, _, chassis, board, product, ..]) = header.first_chunk::<{ HEADER_BYTES as usize }>() else {
        return Err(format!("its header is {} bytes long, not {HEADER_BYTES}", header.len()));
    };
    if version & 0x0f != FORMAT_VERSION {
        return Err(format!("its header is of version {}, not {FORMAT_VERSION}: never written", version & 0x0f));
    }
    checked(header)?;
    Ok([chassis, board, product].map(|units| (*units != 0).then_some(u16::from(*units) * UNIT_BYTES)))
}

/// All bytes, the last of which is the checksum, must add up to zero.
fn checked(bytes: &[u8]) -> Result<(), String> {
    let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    if sum == 0 { Ok(()) } else { Err(format!("its checksum is off by {sum:02X}h")) }
}

fn take_area(area: Area, bytes: &[u8], fru: &mut FieldReplaceableUnit) -> Result<(), String> {
    let (version, units) = match bytes {
        [version, units, ..] => (version & 0x0f, *units),
        _ => return Err("it lies outside the FRU's storage".into()),
    };
    if version != FORMAT_VERSION {
        return Err(format!("it is of version {version}, not {FORMAT_VERSION}"));
    }
    let length = usize::from(units) * usize::from(UNIT_BYTES);
    let Some(bytes) = bytes.get(..length) else {
        return Err(format!("it is {length} bytes long, and the FRU's storage ends after {} of them", bytes.len()));
    };
    checked(bytes)?;
    let mut fields = fields(bytes.get(area.before_fields()..).unwrap_or_default());
    let mut next = || fields.next().flatten();
    match area {
        Area::Chassis => {
            fru.chassis_part_number = next();
            fru.chassis_serial = next();
        }
        Area::Board => {
            fru.board_manufacturer = next();
            fru.board_product = next();
            fru.board_serial = next();
            fru.board_part_number = next();
        }
        Area::Product => {
            fru.product_manufacturer = next();
            fru.product_name = next();
            fru.product_part_number = next();
            fru.product_version = next();
            fru.product_serial = next();
            fru.product_asset_tag = next();
        }
    }
    Ok(())
}

/// The fields in their order; `None` for one that is empty.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = Option<String>> {
    std::iter::from_fn(move || {
        let (&type_length, after) = rest.split_first().filter(|(first, _)| **first != END_OF_FIELDS)?;
        let bytes = after.get(..usize::from(type_length & 0x3f))?;
        rest = after.get(bytes.len()..)?;
        Some(text::decode(type_length >> 6, bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An area of fields in 8-bit text, as a maker's tool writes it.
    fn area(head: &[u8], fields: &[&str]) -> Vec<u8> {
        let mut bytes = vec![FORMAT_VERSION, 0];
        bytes.extend_from_slice(head);
        for field in fields {
            bytes.push(0xc0 | field.len() as u8);
            bytes.extend_from_slice(field.as_bytes());
        }
        bytes.push(END_OF_FIELDS);
        bytes.resize((bytes.len() + 1).next_multiple_of(8), 0);
        bytes[1] = (bytes.len() / 8) as u8;
        with_checksum(bytes)
    }

    fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
        let last = bytes.len() - 1;
        bytes[last] = 0;
        bytes[last] = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
        bytes
    }

    #[test]
    fn areas_fill_their_members() {
        let mut fru = FieldReplaceableUnit::default();
        take_area(Area::Chassis, &area(&[23], &["CH-PART", "CH-1"]), &mut fru).expect("a chassis");
        let board = area(&[25, 0x12, 0x34, 0x56], &["Maker", "Board", "B-1", "B-PART", "file"]);
        take_area(Area::Board, &board, &mut fru).expect("a board");
        let product = area(&[25], &["Maker", "Server", "P-PART", "", "P-1", "A-1"]);
        take_area(Area::Product, &product, &mut fru).expect("a product");
        let some = |text: &str| Some(text.to_owned());
        let expected = FieldReplaceableUnit {
            chassis_part_number: some("CH-PART"),
            chassis_serial: some("CH-1"),
            board_manufacturer: some("Maker"),
            board_product: some("Board"),
            board_serial: some("B-1"),
            board_part_number: some("B-PART"),
            product_manufacturer: some("Maker"),
            product_name: some("Server"),
            product_part_number: some("P-PART"),
            product_version: None,
            product_serial: some("P-1"),
            product_asset_tag: some("A-1"),
            ..FieldReplaceableUnit::default()
        };
        assert_eq!(fru, expected);
    }

    #[test]
    fn what_is_wrong_with_an_area_is_said() {
        let good = area(&[23], &["CH-PART", "CH-1"]);
        let mut bad = good.clone();
        bad[4] ^= 1;
        let mut other = good.clone();
        other[0] = 2;
        let cases: [(&[u8], &str); 4] = [
            (&bad, "its checksum is off by FFh"),
            (&other, "it is of version 2, not 1"),
            (&good[..8], "it is 24 bytes long, and the FRU's storage ends after 8 of them"),
            (&[], "it lies outside the FRU's storage"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(take_area(Area::Chassis, bytes, &mut FieldReplaceableUnit::default()), Err(expected.into()));
        }
    }

    #[test]
    fn a_header_tells_where_areas_are() {
        let header = with_checksum(vec![1, 0, 1, 0, 4, 0, 0, 0]);
        assert_eq!(area_offsets(&header), Ok([Some(8), None, Some(32)]));
        assert_eq!(area_offsets(&[0xff; 8]), Err("its header is of version 15, not 1: never written".into()));
        assert_eq!(area_offsets(&header[..7]), Err("its header is 7 bytes long, not 8".into()));
    }

    proptest! {
        #[test]
        fn garbage_does_not_panic(bytes: Vec<u8>, cut in 0usize..32) {
            let _ = area_offsets(&bytes);
            let good = area(&[25], &["Maker", "Server", "P-PART"]);
            for area in [Area::Chassis, Area::Board, Area::Product] {
                let _ = take_area(area, &bytes, &mut FieldReplaceableUnit::default());
                let _ = take_area(area, &with_checksum([&[1, 1][..], &bytes, &[0]].concat()), &mut FieldReplaceableUnit::default());
                let _ = take_area(area, good.get(..cut).unwrap_or(&good), &mut FieldReplaceableUnit::default());
            }
        }
    }
}
