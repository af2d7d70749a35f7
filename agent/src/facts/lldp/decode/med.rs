//! LLDP-MED's TLVs: ANSI/TIA-1057 §10.2.

use super::{
    draft::{SetAside, once},
    location,
    text::words,
};
use pious_protocol::facts::{Med, MedPolicy, MedPower, Neighbour};

/// The TIA's.
pub(super) const OUI: [u8; 3] = [0x00, 0x12, 0xbb];

/// Subtypes (table 6).
const CAPABILITIES: u8 = 1;
const NETWORK_POLICY: u8 = 2;
const LOCATION: u8 = 3;
const POWER: u8 = 4;
const HARDWARE_REVISION: u8 = 5;
const FIRMWARE_REVISION: u8 = 6;
const SOFTWARE_REVISION: u8 = 7;
const SERIAL: u8 = 8;
const MANUFACTURER: u8 = 9;
const MODEL: u8 = 10;
const ASSET_ID: u8 = 11;

/// Takes one TLV; `value` is what stands behind the subtype. What is set aside makes nobody an LLDP-MED device.
pub(super) fn read(subtype: u8, value: &[u8], neighbour: &mut Neighbour) -> Result<(), SetAside> {
    let mut med = neighbour.med.take().unwrap_or_default();
    let taken = read_into(subtype, value, &mut med);
    neighbour.med = (med != Med::default() || taken.is_ok()).then_some(med);
    taken
}

fn read_into(subtype: u8, value: &[u8], med: &mut Med) -> Result<(), SetAside> {
    match subtype {
        CAPABILITIES => match *value {
            [high, low, class, ..] => {
                (med.capabilities, med.device_class) = (u16::from_be_bytes([high, low]), class);
                Ok(())
            }
            _ => Err(SetAside::short("LLDP-MED capabilities", value.len())),
        },
        NETWORK_POLICY => {
            med.policies.push(policy(value)?);
            Ok(())
        }
        LOCATION => {
            med.locations.push(location::read(value)?);
            Ok(())
        }
        POWER => once(&mut med.power, "LLDP-MED power", power(value)?),
        HARDWARE_REVISION => inventory(&mut med.hardware_revision, "hardware revision", value),
        FIRMWARE_REVISION => inventory(&mut med.firmware_revision, "firmware revision", value),
        SOFTWARE_REVISION => inventory(&mut med.software_revision, "software revision", value),
        SERIAL => inventory(&mut med.serial, "serial number", value),
        MANUFACTURER => inventory(&mut med.manufacturer, "manufacturer", value),
        MODEL => inventory(&mut med.model, "model", value),
        ASSET_ID => inventory(&mut med.asset_id, "asset id", value),
        _ => Err(SetAside::Unknown),
    }
}

/// §10.2.6: text, of a fixed size filled up with NULs or not. An empty one tells nothing.
fn inventory(place: &mut Option<String>, tlv: &str, value: &[u8]) -> Result<(), SetAside> {
    let told = words(value);
    if told.is_empty() { Ok(()) } else { once(place, tlv, told) }
}

/// §10.2.3: one byte of application, then U, T, a reserved bit, 12 of VLAN, 3 of priority and 6 of DSCP.
fn policy(value: &[u8]) -> Result<MedPolicy, SetAside> {
    let [application, a, b, c, ..] = *value else {
        return Err(SetAside::short("network policy", value.len()));
    };
    let bits = u32::from_be_bytes([0, a, b, c]);
    // Each is masked to fewer bits than its type has.
    Ok(MedPolicy {
        application,
        unknown: bits >> 23 & 1 != 0,
        tagged: bits >> 22 & 1 != 0,
        vlan: (bits >> 9 & 0xfff) as u16,
        priority: (bits >> 6 & 0x7) as u8,
        dscp: (bits & 0x3f) as u8,
    })
}

/// §10.2.5: two bits of type, two of source, four of priority; then tenths of a watt.
fn power(value: &[u8]) -> Result<MedPower, SetAside> {
    match *value {
        [kind, high, low, ..] => Ok(MedPower {
            kind: kind >> 6,
            source: kind >> 4 & 0b11,
            priority: kind & 0b1111,
            deciwatts: u16::from_be_bytes([high, low]),
        }),
        _ => Err(SetAside::short("LLDP-MED power", value.len())),
    }
}
