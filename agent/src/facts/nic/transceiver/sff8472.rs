//! SFP, SFP+, SFP28, SFP56: SFF-8472 rev 12.4, table 4-1 (address A0h).

use super::{ModuleError, half::Half, names};
use pious_protocol::facts::Transceiver;

/// Byte 8, "cable technology" (§5.4.5): bits 2 and 3.
const PASSIVE_COPPER: u8 = 1 << 2;
const ACTIVE_COPPER: u8 = 1 << 3;

const DECIMETRES_PER_METRE: u32 = 10;

pub(super) fn decode(memory: &Half) -> Result<Transceiver, ModuleError> {
    memory.check("base identification", 0..63)?;
    memory.check("extended identification", 64..95)?;
    let is_copper = memory.byte(8) & (PASSIVE_COPPER | ACTIVE_COPPER) != 0;
    // Byte 18 is a copper cable's length in metres; of an optical module it is what OM4 fibre would carry (§6.5).
    let length_m = Some(u32::from(memory.byte(18))).filter(|length| is_copper && *length > 0);
    Ok(Transceiver {
        compliance: compliance(memory, is_copper),
        vendor: memory.text(20..36),
        vendor_oui: memory.oui(37..40),
        part_number: memory.text(40..56),
        revision: memory.text(56..60),
        serial: memory.text(68..84),
        date_code: memory.text(84..92),
        length_decimetres: length_m.map(|metres| metres * DECIMETRES_PER_METRE),
        ..Transceiver::default()
    })
}

/// The extended code (byte 36) says most where it is there; then 10G's bits (byte 3), then 1G's (byte 6), then the cable.
fn compliance(memory: &Half, is_copper: bool) -> Option<String> {
    let code = memory.byte(36);
    if code != 0 {
        return Some(names::extended_compliance(code));
    }
    let named = |bits: u8, table: &[(u8, &'static str)]| {
        table.iter().find(|(bit, _)| bits & (1 << bit) != 0).map(|(_, name)| (*name).to_owned())
    };
    let ten = named(memory.byte(3), &[(7, "10GBASE-ER"), (6, "10GBASE-LRM"), (5, "10GBASE-LR"), (4, "10GBASE-SR")]);
    let one = || {
        let table = [
            (0, "1000BASE-SX"),
            (1, "1000BASE-LX"),
            (2, "1000BASE-CX"),
            (3, "1000BASE-T"),
            (4, "100BASE-LX"),
            (5, "100BASE-FX"),
        ];
        named(memory.byte(6), &table)
    };
    let cable = || match memory.byte(8) {
        bits if bits & PASSIVE_COPPER != 0 => Some("passive copper cable".to_owned()),
        _ if is_copper => Some("active copper cable".to_owned()),
        _ => None,
    };
    ten.or_else(one).or_else(cable)
}
