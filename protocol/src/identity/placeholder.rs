//! What firmware writes where a serial or UUID belongs and nobody entered one.

use uuid::Uuid;

/// Texts that name no machine, as letters and digits in lower case: vendors differ in dots, blanks and case.
const TEXTS: [&str; 43] = [
    "tobefilledbyoem",
    "tobefilled",
    "defaultstring",
    "default",
    "notspecified",
    "notsettable",
    "notavailable",
    "notapplicable",
    "notpresent",
    "notprovided",
    "notused",
    "nodimm",
    "none",
    "null",
    "nullstring",
    "nil",
    "na",
    "unknown",
    "unknow",
    "undefined",
    "unspecified",
    "invalid",
    "empty",
    "blank",
    "oem",
    "oemstring",
    "oemserial",
    "serial",
    "serialnumber",
    "serialno",
    "sn",
    "systemserialnumber",
    "systemserialnumb",
    "baseboardserialnumber",
    "boardserialnumber",
    "mbserialnumber",
    "chassisserialnumber",
    "chassisserialnumb",
    "systemserial",
    "chassisserial",
    "eval",
    "asset",
    "assettag",
];

/// Prefixes in front of digits that count up: `SYS-1234567890`, `BSN12345678901234567`.
const PREFIXES: [&str; 7] = ["sys", "sn", "mb", "ch", "bss", "bsn", "csn"];

/// UUIDs that vendors shipped on more than one machine, each in one byte order; the other is meant too.
const UUIDS: [Uuid; 6] = [
    // AMI's default.
    Uuid::from_u128(0x03000200_0400_0500_0006_000700080009),
    // Samples that counted up.
    Uuid::from_u128(0x12345678_1234_5678_90ab_cddeefaabbcc),
    Uuid::from_u128(0x00112233_4455_6677_8899_aabbccddeeff),
    Uuid::from_u128(0x11111111_2222_3333_4444_555555555555),
    // Dell's, made of a service tag that is blank.
    Uuid::from_u128(0x4c4c4544_0000_2010_8020_80c04f202020),
    // Shipped on a batch of boards.
    Uuid::from_u128(0x6ab5b300_538d_1014_9fb5_b0684d007b53),
];

/// Whether a serial names no machine: blank, a vendor's filling, one character repeated, or digits that count up.
pub fn is_placeholder(text: &str) -> bool {
    let text: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let counted = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(&text);
    // AMI fills DIMM slots in with `A1_SerNum0` and the like.
    let by_slot = text.contains("sernum");
    // Also what has no letter and no digit at all: "........", "-", "".
    by_slot || is_one_character(&text) || counts_up(counted) || TEXTS.contains(&text.as_str())
}

/// Whether a UUID names no machine: one octet repeated (all 00, all FF, …), or a vendor's default, in either byte order.
pub fn is_placeholder_uuid(uuid: Uuid) -> bool {
    let turned = super::in_other_byte_order(uuid);
    let octets = uuid.as_bytes();
    octets.iter().all(|octet| *octet == octets[0]) || UUIDS.contains(&uuid) || UUIDS.contains(&turned)
}

fn is_one_character(text: &str) -> bool {
    text.chars().all(|c| text.starts_with(c))
}

/// `0123456789`, `12345`, `1234567890123`: nobody's serial in earnest. Shorter ones might be.
fn counts_up(text: &str) -> bool {
    const SHORTEST: usize = 4;
    let digits = text.as_bytes();
    let next = |pair: &[u8]| matches!(pair, [a, b] if *b == if *a == b'9' { b'0' } else { a + 1 });
    digits.len() >= SHORTEST && digits.iter().all(u8::is_ascii_digit) && digits.windows(2).all(next)
}
