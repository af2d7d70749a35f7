//! One LLDP frame, decoded: IEEE 802.1AB-2016 §8; each organization's own TLVs in a file of their own.
//!
//! The three mandatory TLVs must come first, in order, well-formed and once (§9.2.7.7.1), or the frame is refused. All
//! else is optional: what is malformed there is set aside and named in [`Lldpdu::problems`], and the rest still counts.
//! Knows nothing of who heard the frame, or when.

mod draft;
mod error;
mod id;
mod ieee8021;
mod ieee8023;
mod location;
mod med;
mod organization;
mod text;

pub use error::{LldpError, MandatoryTlv};

use super::tlv::{Overrun, Tlv, Tlvs, kind};
use draft::{Draft, SetAside, once};
use pious_protocol::{
    facts::{Neighbour, RawTlv},
    ids::MacAddress,
};
use pnet_packet::{
    Packet,
    ethernet::{EtherType, EtherTypes, EthernetPacket},
    vlan::VlanPacket,
};
use std::collections::BTreeSet;
use text::{hex, words};

/// An 802.1ad frame carries two tags; no LLDP frame of the field carries more.
const MAX_TAGS: usize = 2;

/// The bits of system capabilities (table 8-4), from the lowest.
const CAPABILITIES: [&str; 11] = [
    "other",
    "repeater",
    "bridge",
    "wlan_access_point",
    "router",
    "telephone",
    "docsis_cable_device",
    "station_only",
    "c_vlan",
    "s_vlan",
    "two_port_mac_relay",
];

/// One frame's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lldpdu {
    /// The frame's sender.
    pub source: MacAddress,
    /// The 802.1Q tags that the frame carried, outermost first; empty, as it should be, for an untagged frame.
    pub tags: Vec<u16>,
    /// What the sender says of itself.
    pub neighbour: Neighbour,
    /// What was malformed among the optional TLVs and set aside: one sentence each.
    pub problems: Vec<String>,
}

impl Lldpdu {
    /// Which of these NICs the frame is from, by its sender's address or by the chassis that it names. The server's own
    /// NICs speak LLDP too: some by their firmware, with their own address for a chassis.
    pub fn is_from(&self, nics: &BTreeSet<MacAddress>) -> Option<MacAddress> {
        let chassis = || match self.neighbour.chassis_id.subtype.as_str() {
            "mac_address" => self.neighbour.chassis_id.value.parse().ok(),
            _ => None,
        };
        [Some(self.source), chassis()].into_iter().flatten().find(|mac| nics.contains(mac))
    }
}

/// Decodes one whole Ethernet frame, tagged or not, without its FCS or with: what follows End Of LLDPDU is not read.
///
/// # Errors
/// [`LldpError`], when the frame is no LLDP or its mandatory TLVs are not as §9.2.7.7.1 wants them.
pub fn decode(frame: &[u8]) -> Result<Lldpdu, LldpError> {
    let short = || LldpError::ShortFrame { bytes: frame.len() };
    let ethernet = EthernetPacket::new(frame).ok_or_else(short)?;
    let source = ethernet.get_source();
    let source = MacAddress([source.0, source.1, source.2, source.3, source.4, source.5]);
    let mut tags = Vec::new();
    let mut ethertype = ethernet.get_ethertype();
    let mut rest = ethernet.payload().to_vec();
    while is_tag(ethertype) && tags.len() < MAX_TAGS {
        let tag = VlanPacket::new(&rest).ok_or_else(short)?;
        tags.push(tag.get_vlan_identifier());
        ethertype = tag.get_ethertype();
        rest = tag.payload().to_vec();
    }
    if ethertype != EtherTypes::Lldp {
        return Err(LldpError::NotLldp { ethertype: ethertype.0 });
    }
    let (neighbour, problems) = lldpdu(&rest)?;
    Ok(Lldpdu { source, tags, neighbour, problems })
}

fn is_tag(ethertype: EtherType) -> bool {
    ethertype == EtherTypes::Vlan || ethertype == EtherTypes::PBridge || ethertype == EtherTypes::QinQ
}

fn lldpdu(bytes: &[u8]) -> Result<(Neighbour, Vec<String>), LldpError> {
    let mut tlvs = Tlvs::new(bytes);
    let mut mandatory = |expected: MandatoryTlv| match tlvs.next() {
        None | Some(Err(Overrun { kind: None, .. })) => Err(LldpError::Missing { expected }),
        Some(Err(Overrun { kind: Some(found), .. }) | Ok(Tlv { kind: found, .. })) if found != expected.kind() => {
            Err(LldpError::WrongOrder { expected, found })
        }
        Some(Err(Overrun { claimed, present, .. })) => Err(LldpError::Truncated { tlv: expected, claimed, present }),
        Some(Ok(tlv)) => Ok(tlv.value),
    };
    let mut draft = Draft::of(Neighbour {
        chassis_id: id::id(MandatoryTlv::ChassisId, mandatory(MandatoryTlv::ChassisId)?)?,
        port_id: id::id(MandatoryTlv::PortId, mandatory(MandatoryTlv::PortId)?)?,
        ttl_s: match *mandatory(MandatoryTlv::TimeToLive)? {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            ref short => {
                return Err(LldpError::BadLength { tlv: MandatoryTlv::TimeToLive, bytes: short.len() });
            }
        },
        ..Neighbour::default()
    });
    for tlv in tlvs {
        match tlv {
            Ok(tlv) => {
                if let Some(&tlv) = MandatoryTlv::ALL.iter().find(|m| m.kind() == tlv.kind) {
                    return Err(LldpError::Duplicate { tlv });
                }
                optional(tlv, &mut draft);
            }
            Err(Overrun { kind: Some(kind), claimed, present }) => draft
                .problems
                .push(format!("a TLV of type {kind} claims {claimed} bytes, and the frame has {present} left")),
            Err(Overrun { kind: None, .. }) => {
                draft.problems.push("a lone byte stands where a TLV should begin".into());
            }
        }
    }
    Ok(draft.finish())
}

fn optional(tlv: Tlv<'_>, draft: &mut Draft) {
    let neighbour = &mut draft.neighbour;
    let taken = match tlv.kind {
        kind::PORT_DESCRIPTION => description(&mut neighbour.port_description, "port description", tlv.value),
        kind::SYSTEM_NAME => description(&mut neighbour.system_name, "system name", tlv.value),
        kind::SYSTEM_DESCRIPTION => description(&mut neighbour.system_description, "system description", tlv.value),
        kind::SYSTEM_CAPABILITIES => capabilities(tlv.value, neighbour),
        kind::MANAGEMENT_ADDRESS => {
            id::management_address(tlv.value).map(|address| neighbour.management_addresses.push(address)).ok_or_else(
                || SetAside::Malformed("a management address TLV is shorter than the address it announces".into()),
            )
        }
        kind::ORGANIZATION => return organization::read(tlv.value, draft),
        _ => Err(SetAside::Unknown),
    };
    draft.take(taken, || RawTlv { kind: tlv.kind, organization: None, value: hex(tlv.value) });
}

/// An empty one tells nothing.
fn description(place: &mut Option<String>, tlv: &str, value: &[u8]) -> Result<(), SetAside> {
    let told = words(value);
    if told.is_empty() && place.is_none() { Ok(()) } else { once(place, tlv, told) }
}

/// §8.5.8: what the sender can be, then what of that it is.
fn capabilities(value: &[u8], neighbour: &mut Neighbour) -> Result<(), SetAside> {
    let [a, b, c, d, ..] = *value else {
        return Err(SetAside::short("system capabilities", value.len()));
    };
    if !neighbour.capabilities.is_empty() {
        return Err(SetAside::Malformed("the system capabilities TLV comes twice; the first stands".into()));
    }
    neighbour.capabilities = capability_names(u16::from_be_bytes([a, b]));
    neighbour.enabled_capabilities = capability_names(u16::from_be_bytes([c, d]));
    Ok(())
}

fn capability_names(bits: u16) -> Vec<String> {
    let set = (0..u16::BITS as usize).filter(|bit| bits >> bit & 1 != 0);
    set.map(|bit| CAPABILITIES.get(bit).map_or_else(|| format!("reserved_{bit}"), |&name| name.to_owned())).collect()
}

#[cfg(test)]
mod tests;
