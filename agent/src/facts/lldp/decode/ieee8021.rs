//! The TLVs of IEEE 802.1: VLANs, protocols and link aggregation (IEEE 802.1Q-2018 Annex D.2).

use super::{
    draft::{Draft, SetAside, once},
    text::{hex, words},
};
use pious_protocol::facts::{LinkAggregation, ProtocolVlan, VlanName};

/// IEEE 802.1's.
pub(super) const OUI: [u8; 3] = [0x00, 0x80, 0xc2];

/// Subtypes (table D-1; link aggregation moved to IEEE 802.1AX, and kept its number).
const PORT_VLAN: u8 = 1;
const PROTOCOL_VLAN: u8 = 2;
const VLAN_NAME: u8 = 3;
const PROTOCOL_IDENTITY: u8 = 4;
const VID_USAGE_DIGEST: u8 = 5;
const MANAGEMENT_VLAN: u8 = 6;
const LINK_AGGREGATION: u8 = 7;

/// The flags of a port and protocol VLAN (D.2.2.1).
const SUPPORTED: u8 = 0x02;
const ENABLED: u8 = 0x04;

/// The status bits of link aggregation (IEEE 802.1AX-2014 §F.2, as IEEE 802.3-2012 §79.3.3.1 had them).
const CAPABLE: u8 = 0x01;
const AGGREGATED: u8 = 0x02;

/// Takes one TLV; `value` is what stands behind the subtype.
pub(super) fn read(subtype: u8, value: &[u8], draft: &mut Draft) -> Result<(), SetAside> {
    let neighbour = &mut draft.neighbour;
    match subtype {
        PORT_VLAN => {
            let vlan = vlan_id(value, "port VLAN id")?;
            // D.2.1.1: 0 says that the sender has no port VLAN, or does not tell.
            if vlan == 0 { Ok(()) } else { once(&mut neighbour.native_vlan, "port VLAN id", vlan) }
        }
        PROTOCOL_VLAN => {
            neighbour.protocol_vlans.push(protocol_vlan(value)?);
            Ok(())
        }
        VLAN_NAME => {
            neighbour.vlans.push(vlan_name(value)?);
            Ok(())
        }
        PROTOCOL_IDENTITY => {
            let identity = counted(value)
                .ok_or_else(|| SetAside::Malformed("a protocol identity TLV is shorter than it claims".into()))?;
            neighbour.protocols.push(hex(identity));
            Ok(())
        }
        VID_USAGE_DIGEST => {
            let digest = value.first_chunk().ok_or_else(|| SetAside::short("VID usage digest", value.len()))?;
            once(&mut neighbour.vid_usage_digest, "VID usage digest", u32::from_be_bytes(*digest))
        }
        MANAGEMENT_VLAN => {
            let vlan = vlan_id(value, "management VLAN id")?;
            // D.2.6.1: as with the port VLAN.
            if vlan == 0 { Ok(()) } else { once(&mut neighbour.management_vlan, "management VLAN id", vlan) }
        }
        LINK_AGGREGATION => once(&mut neighbour.link_aggregation, "link aggregation", link_aggregation(value)?),
        _ => Err(SetAside::Unknown),
    }
}

/// A status byte and the aggregate's number; the same in 802.1's TLV and in 802.3's older one.
pub(super) fn link_aggregation(value: &[u8]) -> Result<LinkAggregation, SetAside> {
    match *value {
        [status, a, b, c, d, ..] => Ok(LinkAggregation {
            capable: status & CAPABLE != 0,
            enabled: status & AGGREGATED != 0,
            port_id: u32::from_be_bytes([a, b, c, d]),
        }),
        _ => Err(SetAside::short("link aggregation", value.len())),
    }
}

fn vlan_id(value: &[u8], tlv: &str) -> Result<u16, SetAside> {
    value.first_chunk().map(|id| u16::from_be_bytes(*id)).ok_or_else(|| SetAside::short(tlv, value.len()))
}

fn protocol_vlan(value: &[u8]) -> Result<ProtocolVlan, SetAside> {
    match *value {
        [flags, high, low, ..] => Ok(ProtocolVlan {
            id: u16::from_be_bytes([high, low]),
            supported: flags & SUPPORTED != 0,
            enabled: flags & ENABLED != 0,
        }),
        _ => Err(SetAside::short("port and protocol VLAN", value.len())),
    }
}

/// D.2.3: the VLAN's id, its name's length, its name.
fn vlan_name(value: &[u8]) -> Result<VlanName, SetAside> {
    let short = || SetAside::Malformed("a VLAN name TLV is shorter than the name it announces".into());
    let (id, name) = value.split_first_chunk().ok_or_else(short)?;
    let name = counted(name).ok_or_else(short)?;
    Ok(VlanName { id: u16::from_be_bytes(*id), name: words(name) })
}

/// A byte of length, and so many bytes.
fn counted(value: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = value.split_first()?;
    rest.get(..usize::from(length))
}
