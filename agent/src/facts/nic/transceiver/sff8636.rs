//! QSFP, QSFP+, QSFP28, QSFP56: SFF-8636 rev 2.11, table 6-14 (upper page 00h).

use super::{ModuleError, half::Half, names};
use pious_protocol::facts::Transceiver;

/// Bit 7 of byte 131: the extended code in byte 192 says it (table 6-17).
const SEE_EXTENDED: u8 = 1 << 7;

/// The upper four bits of byte 147 (table 6-22): from here on, copper.
const FIRST_COPPER: u8 = 0xa;

/// SFF-8024 table 4-3: the cable can't be parted from the module, as of an active optical one.
const NO_SEPARABLE_CONNECTOR: u8 = 0x23;

const DECIMETRES_PER_METRE: u32 = 10;

pub(super) fn decode(memory: &Half) -> Result<Transceiver, ModuleError> {
    memory.check("base identification", 128..191)?;
    memory.check("extended identification", 192..223)?;
    let is_cable = memory.byte(147) >> 4 >= FIRST_COPPER || memory.byte(130) == NO_SEPARABLE_CONNECTOR;
    // Byte 146 is the cable's length in metres; of a module with a socket, what OM4 fibre would carry (§6.3.12).
    let length_m = Some(u32::from(memory.byte(146))).filter(|length| is_cable && *length > 0);
    Ok(Transceiver {
        compliance: compliance(memory),
        vendor: memory.text(148..164),
        vendor_oui: memory.oui(165..168),
        part_number: memory.text(168..184),
        revision: memory.text(184..186),
        serial: memory.text(196..212),
        date_code: memory.text(212..220),
        length_decimetres: length_m.map(|metres| metres * DECIMETRES_PER_METRE),
        ..Transceiver::default()
    })
}

fn compliance(memory: &Half) -> Option<String> {
    let bits = memory.byte(131);
    let code = memory.byte(192);
    if bits & SEE_EXTENDED != 0 && code != 0 {
        return Some(names::extended_compliance(code));
    }
    let table = [
        (0, "40G active cable (XLPPI)"),
        (1, "40GBASE-LR4"),
        (2, "40GBASE-SR4"),
        (3, "40GBASE-CR4"),
        (4, "10GBASE-SR"),
        (5, "10GBASE-LR"),
        (6, "10GBASE-LRM"),
    ];
    table.iter().find(|(bit, _)| bits & (1 << bit) != 0).map(|(_, name)| (*name).to_owned())
}
