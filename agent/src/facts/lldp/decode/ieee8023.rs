//! The TLVs of IEEE 802.3: what the port negotiates, power, frame size (IEEE 802.3-2018 §79.3).

use super::{
    draft::{Draft, SetAside, once},
    ieee8021::link_aggregation,
};
use pious_protocol::facts::{MacPhy, PortPower};

/// IEEE 802.3's.
pub(super) const OUI: [u8; 3] = [0x00, 0x12, 0x0f];

/// Subtypes (table 79-1; 3 as IEEE 802.3-2012 §79.3.3 had it).
const MAC_PHY: u8 = 1;
const POWER: u8 = 2;
const OLD_LINK_AGGREGATION: u8 = 3;
const MAX_FRAME: u8 = 4;

/// Autonegotiation's bits (table 79-2).
const NEGOTIATION_SUPPORTED: u8 = 0x01;
const NEGOTIATION_ENABLED: u8 = 0x02;

/// The bits of MDI power support (table 79-3).
const IS_SOURCE: u8 = 0x01;
const POWER_SUPPORTED: u8 = 0x02;
const POWER_ENABLED: u8 = 0x04;
const PAIRS_SELECTABLE: u8 = 0x08;

/// Takes one TLV; `value` is what stands behind the subtype.
pub(super) fn read(subtype: u8, value: &[u8], draft: &mut Draft) -> Result<(), SetAside> {
    let neighbour = &mut draft.neighbour;
    match subtype {
        MAC_PHY => once(&mut neighbour.mac_phy, "MAC/PHY", mac_phy(value)?),
        POWER => once(&mut neighbour.power, "power", power(value)?),
        OLD_LINK_AGGREGATION => {
            once(&mut draft.old_link_aggregation, "802.3 link aggregation", link_aggregation(value)?)
        }
        MAX_FRAME => {
            let bytes = value.first_chunk().ok_or_else(|| SetAside::short("maximum frame size", value.len()))?;
            once(&mut neighbour.max_frame_bytes, "maximum frame size", u16::from_be_bytes(*bytes))
        }
        _ => Err(SetAside::Unknown),
    }
}

/// §79.3.1.
fn mac_phy(value: &[u8]) -> Result<MacPhy, SetAside> {
    match *value {
        [negotiation, a, b, c, d, ..] => Ok(MacPhy {
            autonegotiation_supported: negotiation & NEGOTIATION_SUPPORTED != 0,
            autonegotiation_enabled: negotiation & NEGOTIATION_ENABLED != 0,
            advertised: u16::from_be_bytes([a, b]),
            mau_type: u16::from_be_bytes([c, d]),
        }),
        _ => Err(SetAside::short("MAC/PHY", value.len())),
    }
}

/// §79.3.2: three bytes since 2005, five more since 802.3at. What 802.3bt adds behind those is not read.
fn power(value: &[u8]) -> Result<PortPower, SetAside> {
    let [support, pair, class, extension @ ..] = value else {
        return Err(SetAside::short("power", value.len()));
    };
    let basic = PortPower {
        is_source: support & IS_SOURCE != 0,
        supported: support & POWER_SUPPORTED != 0,
        enabled: support & POWER_ENABLED != 0,
        pairs_selectable: support & PAIRS_SELECTABLE != 0,
        pair: *pair,
        class: *class,
        ..PortPower::default()
    };
    match *extension {
        [kind, a, b, c, d, ..] => Ok(PortPower {
            // §79.3.2.4: two bits each of type and source, two reserved, two of priority.
            kind: Some(kind >> 6),
            source: Some(kind >> 4 & 0b11),
            priority: Some(kind & 0b11),
            requested_deciwatts: Some(u16::from_be_bytes([a, b])),
            allocated_deciwatts: Some(u16::from_be_bytes([c, d])),
            ..basic
        }),
        // The TLV as it was before 802.3at.
        [] => Ok(basic),
        _ => Err(SetAside::short("power", value.len())),
    }
}
