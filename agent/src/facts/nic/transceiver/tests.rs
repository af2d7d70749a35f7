//! Pages built by hand, field by field, from the specifications' tables.

use super::{HALF_BYTES, ModuleError, decode, needs_upper};
use pious_protocol::facts::Transceiver;
use proptest::prelude::*;

/// Bytes of a memory, each at its number.
type Bytes = &'static [(usize, u8)];

/// A half of the memory, `first` being its first byte's number.
struct Page {
    bytes: [u8; HALF_BYTES],
    first: usize,
}

impl Page {
    fn new(first: usize, bytes: &[(usize, u8)]) -> Self {
        let mut page = Self { bytes: [0; HALF_BYTES], first };
        for (at, byte) in bytes {
            page.bytes[at - first] = *byte;
        }
        page
    }

    fn text(mut self, at: usize, length: usize, text: &str) -> Self {
        let padded = format!("{text:<length$}");
        self.bytes[at - self.first..at - self.first + length].copy_from_slice(padded.as_bytes());
        self
    }

    fn oui(mut self, at: usize, oui: [u8; 3]) -> Self {
        self.bytes[at - self.first..at - self.first + 3].copy_from_slice(&oui);
        self
    }

    /// The sum of the bytes before, from `from` on.
    fn checksum(mut self, from: usize, at: usize) -> Self {
        let sum = self.bytes[from - self.first..at - self.first].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        self.bytes[at - self.first] = sum;
        self
    }
}

/// A whole SFP module's lower half.
pub(in crate::facts::nic) fn sfp_memory() -> [u8; HALF_BYTES] {
    sfp(&[(0, 3), (3, 1 << 4)]).bytes
}

fn sfp(bytes: &[(usize, u8)]) -> Page {
    Page::new(0, bytes)
        .text(20, 16, "Intel Corp")
        .oui(37, [0x00, 0x1b, 0x21])
        .text(40, 16, "FTLX8571D3BCV-IT")
        .text(56, 4, "A")
        .text(68, 16, "AD0815E00KC")
        .text(84, 8, "220314")
        .checksum(0, 63)
        .checksum(64, 95)
}

fn qsfp(bytes: &[(usize, u8)]) -> Page {
    Page::new(128, bytes)
        .text(148, 16, "Mellanox")
        .oui(165, [0x00, 0x02, 0xc9])
        .text(168, 16, "MCP1600-C002")
        .text(184, 2, "A3")
        .text(196, 16, "MT2018VS00123")
        .text(212, 8, "200502")
        .checksum(128, 191)
        .checksum(192, 223)
}

fn cmis(bytes: &[(usize, u8)]) -> Page {
    Page::new(128, bytes)
        .text(129, 16, "FINISAR CORP.")
        .oui(145, [0x00, 0x90, 0x65])
        .text(148, 16, "FTCD4313E2PCL")
        .text(164, 2, "A0")
        .text(166, 16, "X47AB6P")
        .text(182, 8, "220117")
        .checksum(128, 222)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn intel() -> Transceiver {
    Transceiver {
        kind: "SFP".into(),
        compliance: some("10GBASE-SR"),
        vendor: some("Intel Corp"),
        vendor_oui: some("00-1b-21"),
        part_number: some("FTLX8571D3BCV-IT"),
        revision: some("A"),
        serial: some("AD0815E00KC"),
        date_code: some("220314"),
        length_decimetres: None,
    }
}

#[test]
fn sfp_modules_and_cables() {
    let cases: [(&str, Bytes, Transceiver); 5] = [
        ("10G optics; byte 18 is fibre's", &[(0, 3), (3, 1 << 4), (18, 40)], intel()),
        ("1G copper", &[(0, 3), (6, 1 << 3)], Transceiver { compliance: some("1000BASE-T"), ..intel() }),
        (
            "25G passive cable of 3 m",
            &[(0, 3), (8, 1 << 2), (18, 3), (36, 0x0d)],
            Transceiver { compliance: some("25GBASE-CR CA-N"), length_decimetres: Some(30), ..intel() },
        ),
        (
            "a cable that tells no code",
            &[(0, 3), (8, 1 << 2), (18, 3)],
            Transceiver { compliance: some("passive copper cable"), length_decimetres: Some(30), ..intel() },
        ),
        (
            "a code that is newer than the table",
            &[(0, 3), (36, 0x7f)],
            Transceiver { compliance: some("code 0x7f of SFF-8024 table 4-4"), ..intel() },
        ),
    ];
    for (case, bytes, expected) in cases {
        let page = sfp(bytes);
        assert!(!needs_upper(&page.bytes), "{case}");
        assert_eq!(decode(&page.bytes, &[]), Ok(expected), "{case}");
    }
}

#[test]
fn qsfp_modules_and_cables() {
    let mellanox = Transceiver {
        kind: "QSFP28".into(),
        compliance: some("100GBASE-CR4 or 25GBASE-CR CA-L"),
        vendor: some("Mellanox"),
        vendor_oui: some("00-02-c9"),
        part_number: some("MCP1600-C002"),
        revision: some("A3"),
        serial: some("MT2018VS00123"),
        date_code: some("200502"),
        length_decimetres: Some(20),
    };
    let cases: [(&str, u8, Bytes, Transceiver); 3] = [
        (
            "100G passive cable of 2 m",
            0x11,
            &[(128, 0x11), (130, 0x23), (131, 1 << 7), (146, 2), (147, 0xa0), (192, 0x0b)],
            mellanox.clone(),
        ),
        (
            "40G optics; byte 146 is fibre's",
            0x0d,
            &[(128, 0x0d), (130, 0x0c), (131, 1 << 2), (146, 75)],
            Transceiver {
                kind: "QSFP+".into(),
                compliance: some("40GBASE-SR4"),
                length_decimetres: None,
                ..mellanox.clone()
            },
        ),
        (
            "100G active optical cable of 15 m",
            0x11,
            &[(128, 0x11), (130, 0x23), (131, 1 << 7), (146, 15), (192, 0x18)],
            Transceiver { compliance: some("100G AOC or 25G AOC"), length_decimetres: Some(150), ..mellanox },
        ),
    ];
    for (case, kind, bytes, expected) in cases {
        let lower = Page::new(0, &[(0, kind)]);
        assert!(needs_upper(&lower.bytes), "{case}");
        assert_eq!(decode(&lower.bytes, &qsfp(bytes).bytes), Ok(expected), "{case}");
    }
}

#[test]
fn cmis_modules_and_cables() {
    let finisar = Transceiver {
        kind: "QSFP-DD".into(),
        compliance: some("400GBASE-DR4"),
        vendor: some("FINISAR CORP."),
        vendor_oui: some("00-90-65"),
        part_number: some("FTCD4313E2PCL"),
        revision: some("A0"),
        serial: some("X47AB6P"),
        date_code: some("220117"),
        length_decimetres: None,
    };
    let cases: [(&str, Bytes, u8, Transceiver); 3] = [
        ("400G single-mode optics", &[(0, 0x18), (85, 2), (86, 0x11), (87, 0x1c)], 0, finisar.clone()),
        (
            "passive cable of 2.5 m",
            &[(0, 0x19), (85, 3), (86, 0x48), (87, 1)],
            25,
            Transceiver {
                kind: "OSFP".into(),
                compliance: some("400GBASE-CR4"),
                length_decimetres: Some(25),
                ..finisar.clone()
            },
        ),
        (
            "active cable of 30 m",
            &[(0, 0x18), (85, 4), (86, 0x11), (87, 3)],
            (1 << 6) | 30,
            Transceiver { compliance: some("active cable, 400GAUI-8"), length_decimetres: Some(300), ..finisar },
        ),
    ];
    for (case, lower, length, expected) in cases {
        let (lower, upper) = (Page::new(0, lower), cmis(&[(202, length)]));
        assert!(needs_upper(&lower.bytes), "{case}");
        assert_eq!(decode(&lower.bytes, &upper.bytes), Ok(expected), "{case}");
    }
}

#[test]
fn what_is_no_description_says_why() {
    let mut flipped = sfp(&[(0, 3)]).bytes;
    flipped[70] ^= 1;
    let qsfp_lower = Page::new(0, &[(0, 0x11)]).bytes;
    let cases = [
        ("nothing read", decode(&[], &[]), ModuleError::Short { what: "lower memory", found: 0 }),
        ("an empty bus", decode(&[0xff; 128], &[]), ModuleError::Kind(0xff)),
        ("no upper page", decode(&qsfp_lower, &[0; 12]), ModuleError::Short { what: "upper page 0", found: 12 }),
    ];
    for (case, decoded, expected) in cases {
        assert_eq!(decoded, Err(expected), "{case}");
    }
    let error = decode(&flipped, &[]).expect_err("a flipped bit");
    assert!(matches!(error, ModuleError::Checksum { what: "extended identification", .. }), "{error}");
}

proptest! {
    #[test]
    fn no_memory_panics(mut lower in prop::collection::vec(any::<u8>(), 0..200), kind in 0u8..0x24, upper in prop::collection::vec(any::<u8>(), 0..200)) {
        let _any = decode(&lower, &upper);
        if let Some(first) = lower.first_mut() {
            *first = kind;
        }
        let _any = decode(&lower, &upper);
    }

    #[test]
    fn every_flipped_bit_of_an_sfp_is_noticed(at in 0usize..95, bit in 0u8..8) {
        let whole = sfp(&[(0, 3), (3, 1 << 4)]).bytes;
        let mut flipped = whole;
        flipped[at] ^= 1 << bit;
        prop_assert!(decode(&whole, &[]).is_ok());
        prop_assert!(decode(&flipped, &[]).is_err(), "byte {} bit {}", at, bit);
    }
}
