//! Text in a BMC's records: a type and length byte, then characters in one of four encodings (IPMI 2.0 §43.15, and the
//! same in the FRU Information Storage Definition 1.3 §13). Pure.

/// Decodes characters by their type code (the two upper bits of the type and length byte). Blanks around them and text
/// that is nothing else are makers' padding.
pub(super) fn decode(type_code: u8, bytes: &[u8]) -> Option<String> {
    let text: String = match type_code & 0b11 {
        // "Unicode" in a sensor's record and "binary or unspecified" in a FRU's: who uses it, writes ASCII or UTF-8.
        0 => match str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => super::hex(bytes),
        },
        1 => bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).map(bcd_plus).collect(),
        2 => six_bit(bytes).collect(),
        _ => bytes.iter().map(|&byte| char::from(byte)).collect(),
    };
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    // What a console would take for a command is no part of a name.
    let text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    (!text.is_empty()).then_some(text)
}

/// Digits, and what a part number has beside them.
fn bcd_plus(nibble: u8) -> char {
    match nibble {
        0..=9 => char::from(b'0' + nibble),
        0xa => ' ',
        0xb => '-',
        0xc => '.',
        _ => '?',
    }
}

/// Six bits for each character, the first in the lowest bits, counted from the blank on: three bytes hold four.
fn six_bit(bytes: &[u8]) -> impl Iterator<Item = char> {
    bytes.chunks(3).flat_map(|chunk| {
        let bits = chunk.iter().rev().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte));
        let characters = chunk.len() * 8 / 6;
        (0..characters).map(move |at| char::from(b' ' + (bits >> (6 * at) & 0x3f) as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_encoding_is_read() {
        let cases: [(&str, u8, &[u8], Option<&str>); 8] = [
            ("8-bit", 3, b"PS1 Status", Some("PS1 Status")),
            ("8-bit, padded", 3, b" Fan 1  \0", Some("Fan 1")),
            ("Latin-1", 3, b"Temp \xb0C", Some("Temp °C")),
            ("6-bit, the standard's own example", 2, &[0x29, 0xdc, 0xa6], Some("IPMI")),
            ("BCD plus", 1, &[0x12, 0x3b, 0x45, 0xc6], Some("123-45.6")),
            ("unspecified", 0, b"A1", Some("A1")),
            ("binary", 0, &[0xff, 0x01], Some("ff01")),
            ("blank", 3, b"   ", None),
        ];
        for (case, type_code, bytes, expected) in cases {
            assert_eq!(decode(type_code, bytes).as_deref(), expected, "{case}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_printable_and_does_not_panic(type_code: u8, bytes: Vec<u8>) {
            if let Some(text) = decode(type_code, &bytes) {
                prop_assert!(!text.chars().any(char::is_control), "{text:?}");
            }
        }
    }
}
