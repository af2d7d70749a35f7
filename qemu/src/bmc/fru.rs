//! The record of the board that a BMC is on: IPMI Platform Management FRU Information Storage Definition 1.3. Pure.

use crate::rack::{BmcSpec, ServerSpec};

/// §8, §11, §12: the format version of the header and of each area.
const FORMAT_VERSION: u8 = 1;

/// English.
const LANGUAGE: u8 = 25;

/// Ends an area's fields.
const END_OF_FIELDS: u8 = 0xc1;

/// Lengths and offsets are told in units of so many bytes.
const UNIT_BYTES: usize = 8;

/// A header, a board area, a product area.
pub(super) fn image(server: &ServerSpec, bmc: &BmcSpec) -> Vec<u8> {
    let board_name = format!("{} Board", server.product);
    let board_serial = format!("{}-B", server.serial);
    let serial = bmc.fru_serial.as_deref().unwrap_or(&server.serial);
    // The date of manufacture, in minutes since 1996, is not told; nor is, as the last field, the maker's file.
    let board = area(&[LANGUAGE, 0, 0, 0], &[&server.manufacturer, &board_name, &board_serial, "", ""]);
    let product = area(&[LANGUAGE], &[&server.manufacturer, &server.product, "", "", serial, &server.name, ""]);
    let board_at = 1;
    let product_at = board_at + (board.len() / UNIT_BYTES) as u8;
    let header = with_checksum(vec![FORMAT_VERSION, 0, 0, board_at, product_at, 0, 0, 0]);
    [header, board, product].concat()
}

fn area(head: &[u8], fields: &[&str]) -> Vec<u8> {
    // The type and length byte: 8-bit text of up to 62 bytes (63 with these type bits would be the end).
    const TEXT: u8 = 0xc0;
    const LONGEST: usize = 62;
    let mut bytes = vec![FORMAT_VERSION, 0];
    bytes.extend_from_slice(head);
    for field in fields {
        let text: Vec<u8> = field.bytes().take(LONGEST).collect();
        // One byte of text would be read as the end of fields.
        let text = if text.len() == 1 { vec![text[0], b' '] } else { text };
        bytes.push(TEXT | text.len() as u8);
        bytes.extend_from_slice(&text);
    }
    bytes.push(END_OF_FIELDS);
    bytes.resize((bytes.len() + 1).next_multiple_of(UNIT_BYTES), 0);
    bytes[1] = (bytes.len() / UNIT_BYTES) as u8;
    with_checksum(bytes)
}

/// The last byte makes all of them add up to zero.
fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    if let Some(last) = bytes.last_mut() {
        *last = last.wrapping_sub(sum);
    }
    bytes
}
