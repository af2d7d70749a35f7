//! QSFP-DD, OSFP and what came later: CMIS (OIF-CMIS-05.2), lower memory and upper page 00h (table 8-21).

use super::{ModuleError, half::Half, names};
use pious_protocol::facts::Transceiver;

/// Which table the first application's media code is of: byte 85 (table 8-14).
const MULTIMODE: u8 = 1;
const SINGLE_MODE: u8 = 2;
const PASSIVE_COPPER: u8 = 3;
const ACTIVE_CABLE: u8 = 4;
const BASE_T: u8 = 5;

pub(super) fn decode(lower: &Half, upper: &Half) -> Result<Transceiver, ModuleError> {
    upper.check("page 00h", 128..222)?;
    Ok(Transceiver {
        compliance: compliance(lower),
        vendor: upper.text(129..145),
        vendor_oui: upper.oui(145..148),
        part_number: upper.text(148..164),
        revision: upper.text(164..166),
        serial: upper.text(166..182),
        date_code: upper.text(182..190),
        length_decimetres: length_decimetres(upper.byte(202)),
        ..Transceiver::default()
    })
}

/// Of the first application (§8.2.10): a cable is named by its electrical end (byte 86), a module by its optical one
/// (byte 87).
fn compliance(lower: &Half) -> Option<String> {
    let (host, media) = (lower.byte(86), lower.byte(87));
    match lower.byte(85) {
        MULTIMODE => Some(names::multimode(media)),
        SINGLE_MODE => Some(names::single_mode(media)),
        PASSIVE_COPPER => Some(names::host_interface(host)),
        ACTIVE_CABLE => Some(format!("active cable, {}", names::host_interface(host))),
        BASE_T => Some("BASE-T".to_owned()),
        _ => None,
    }
}

/// Byte 202 (table 8-31): two bits of multiplier, six of base; in tenths of a metre as the multiplier is. Zero is a
/// module with a socket, all ones a cable longer than can be said.
fn length_decimetres(byte: u8) -> Option<u32> {
    let base = u32::from(byte & 0x3f);
    let length = match byte >> 6 {
        0 => base,
        1 => base * 10,
        2 => base * 100,
        _ => base * 1000,
    };
    (length > 0 && byte != u8::MAX).then_some(length)
}
