//! One LLDP frame, decoded: IEEE 802.1AB-2016 §8 and, for the 802.1 TLVs, IEEE 802.1Q-2018 Annex D.
//!
//! The three mandatory TLVs must come first, in order, well-formed and once (§9.2.7.7.1), or the frame is refused. All
//! else is optional: what is malformed there is set aside and named in [`Lldpdu::problems`], and the rest still counts.
//! Knows nothing of who heard the frame, or when.

use super::tlv::{Overrun, Tlv, Tlvs, kind};
use pious_protocol::{
    facts::{LldpId, Neighbour, RawTlv, VlanName},
    ids::MacAddress,
};
use pnet_packet::{
    Packet,
    ethernet::{EtherType, EtherTypes, EthernetPacket},
    vlan::VlanPacket,
};
use std::{
    fmt::{self, Write},
    net::{Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};
use thiserror::Error;

/// An 802.1ad frame carries two tags; no LLDP frame of the field carries more.
const MAX_TAGS: usize = 2;

/// A chassis or port id: one byte of subtype, 1 to 255 of id (§8.5.2, §8.5.3).
const ID_BYTES: RangeInclusive<usize> = 2..=256;

/// The OUI of IEEE 802.1 (802.1Q-2018 Annex D).
const OUI_802_1: [u8; 3] = [0x00, 0x80, 0xc2];

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

/// A TLV without which there is no LLDPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum MandatoryTlv {
    ChassisId,
    PortId,
    TimeToLive,
}

impl MandatoryTlv {
    /// In the order in which they must come.
    const ALL: [Self; 3] = [Self::ChassisId, Self::PortId, Self::TimeToLive];

    fn kind(self) -> u8 {
        match self {
            Self::ChassisId => kind::CHASSIS_ID,
            Self::PortId => kind::PORT_ID,
            Self::TimeToLive => kind::TIME_TO_LIVE,
        }
    }
}

impl fmt::Display for MandatoryTlv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChassisId => "chassis id",
            Self::PortId => "port id",
            Self::TimeToLive => "time to live",
        })
    }
}

/// Why a frame is no LLDPDU to believe.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LldpError {
    /// Too short for an Ethernet header and its tags.
    #[error("the frame is {bytes} bytes, too short for an Ethernet header")]
    ShortFrame {
        /// The frame's length.
        bytes: usize,
    },
    /// Another protocol's frame.
    #[error("the frame is not LLDP: its EtherType is {ethertype:#06x}, not 0x88cc")]
    NotLldp {
        /// The EtherType behind any tags.
        ethertype: u16,
    },
    /// The first three TLVs are not the mandatory ones in order.
    #[error("the {expected} TLV is missing: a TLV of type {found} stands in its place")]
    WrongOrder {
        /// What had to come here.
        expected: MandatoryTlv,
        /// The TLV type that came.
        found: u8,
    },
    /// The LLDPDU ended before the mandatory TLVs were complete.
    #[error("the LLDPDU ends before its {expected} TLV")]
    Missing {
        /// What had to come here.
        expected: MandatoryTlv,
    },
    /// A mandatory TLV claims more bytes than the frame has.
    #[error("the {tlv} TLV claims {claimed} bytes, and the frame has {present} left")]
    Truncated {
        /// The TLV.
        tlv: MandatoryTlv,
        /// Bytes claimed.
        claimed: usize,
        /// Bytes there.
        present: usize,
    },
    /// A mandatory TLV of impossible length.
    #[error("the {tlv} TLV is {bytes} bytes long, which the standard does not allow")]
    BadLength {
        /// The TLV.
        tlv: MandatoryTlv,
        /// Its value's length.
        bytes: usize,
    },
    /// A mandatory TLV came twice.
    #[error("the {tlv} TLV comes twice")]
    Duplicate {
        /// The TLV.
        tlv: MandatoryTlv,
    },
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
    let mut neighbour = Neighbour {
        chassis_id: id(MandatoryTlv::ChassisId, mandatory(MandatoryTlv::ChassisId)?)?,
        port_id: id(MandatoryTlv::PortId, mandatory(MandatoryTlv::PortId)?)?,
        ttl_s: match *mandatory(MandatoryTlv::TimeToLive)? {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            ref short => {
                return Err(LldpError::BadLength { tlv: MandatoryTlv::TimeToLive, bytes: short.len() });
            }
        },
        ..Neighbour::default()
    };
    let mut problems = Vec::new();
    for tlv in tlvs {
        match tlv {
            Ok(tlv) => {
                if let Some(&tlv) = MandatoryTlv::ALL.iter().find(|m| m.kind() == tlv.kind) {
                    return Err(LldpError::Duplicate { tlv });
                }
                optional(tlv, &mut neighbour, &mut problems);
            }
            Err(Overrun { kind: Some(kind), claimed, present }) => {
                problems.push(format!("a TLV of type {kind} claims {claimed} bytes, and the frame has {present} left"));
            }
            Err(Overrun { kind: None, .. }) => problems.push("a lone byte stands where a TLV should begin".into()),
        }
    }
    // In an order of our own: the set is the fact, and a sender may shuffle it from frame to frame.
    neighbour.vlans.sort();
    neighbour.vlans.dedup();
    Ok((neighbour, problems))
}

fn optional(tlv: Tlv<'_>, neighbour: &mut Neighbour, problems: &mut Vec<String>) {
    let outcome = match tlv.kind {
        kind::PORT_DESCRIPTION => once(&mut neighbour.port_description, "port description", tlv.value),
        kind::SYSTEM_NAME => once(&mut neighbour.system_name, "system name", tlv.value),
        kind::SYSTEM_DESCRIPTION => once(&mut neighbour.system_description, "system description", tlv.value),
        kind::MANAGEMENT_ADDRESS => management_address(tlv.value)
            .map(|address| neighbour.management_addresses.push(address))
            .ok_or_else(|| "a management address TLV is shorter than the address it announces".to_owned()),
        kind::ORGANIZATION => return organization(tlv.value, neighbour, problems),
        kind => {
            neighbour.other.push(RawTlv { kind, organization: None, value: hex(tlv.value) });
            return;
        }
    };
    if let Err(problem) = outcome {
        problems.push(problem);
        neighbour.other.push(RawTlv { kind: tlv.kind, organization: None, value: hex(tlv.value) });
    }
}

/// The first of a TLV that may come once stands (§9.2.7.7.2). An empty one tells nothing.
fn once(place: &mut Option<String>, name: &str, value: &[u8]) -> Result<(), String> {
    if place.is_some() {
        return Err(format!("the {name} TLV comes twice; the first stands"));
    }
    let told = words(value);
    *place = (!told.is_empty()).then_some(told);
    Ok(())
}

/// Organizationally specific TLVs (§8.6): those of 802.1 that name VLANs; others stay raw.
fn organization(value: &[u8], neighbour: &mut Neighbour, problems: &mut Vec<String>) {
    let raw = |organization, value| RawTlv { kind: kind::ORGANIZATION, organization, value: hex(value) };
    let [a, b, c, subtype, information @ ..] = value else {
        problems.push(format!("an organizationally specific TLV of {} bytes has no OUI and subtype", value.len()));
        neighbour.other.push(raw(None, value));
        return;
    };
    let problem = match ([*a, *b, *c], *subtype, information) {
        // D.2.1; 0 says that the sender has no port VLAN.
        (OUI_802_1, 1, [high, low, ..]) => {
            let native = u16::from_be_bytes([*high, *low]);
            neighbour.native_vlan = (native != 0).then_some(native);
            return;
        }
        // D.2.3
        (OUI_802_1, 3, [high, low, length, name @ ..]) if name.len() >= usize::from(*length) => {
            let name = words(name.get(..usize::from(*length)).unwrap_or(name));
            neighbour.vlans.push(VlanName { id: u16::from_be_bytes([*high, *low]), name });
            return;
        }
        (OUI_802_1, 1, _) => Some("the port VLAN id TLV is shorter than a VLAN id"),
        (OUI_802_1, 3, _) => Some("a VLAN name TLV is shorter than the name it announces"),
        _ => None,
    };
    problems.extend(problem.map(str::to_owned));
    neighbour.other.push(raw(Some(format!("{a:02x}-{b:02x}-{c:02x}/{subtype}")), information));
}

fn id(tlv: MandatoryTlv, value: &[u8]) -> Result<LldpId, LldpError> {
    let bad = || LldpError::BadLength { tlv, bytes: value.len() };
    if !ID_BYTES.contains(&value.len()) {
        return Err(bad());
    }
    let (&number, id) = value.split_first().ok_or_else(bad)?;
    let subtype = match tlv {
        MandatoryTlv::ChassisId => chassis_subtype(number),
        MandatoryTlv::PortId | MandatoryTlv::TimeToLive => port_subtype(number),
    };
    let value = match subtype {
        Some("mac_address") => <[u8; 6]>::try_from(id).map_or_else(|_| hex(id), |mac| MacAddress(mac).to_string()),
        Some("network_address") => network_address(id).unwrap_or_else(|| hex(id)),
        Some(_) => text(id),
        // What a reserved subtype means is not ours to guess, not even whether it is text.
        None => hex(id),
    };
    Ok(LldpId { subtype: subtype.map_or_else(|| format!("reserved_{number}"), str::to_owned), value })
}

/// Table 8-2.
fn chassis_subtype(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "chassis_component",
        2 => "interface_alias",
        3 => "port_component",
        4 => "mac_address",
        5 => "network_address",
        6 => "interface_name",
        7 => "local",
        _ => return None,
    })
}

/// Table 8-3.
fn port_subtype(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "interface_alias",
        2 => "port_component",
        3 => "mac_address",
        4 => "network_address",
        5 => "interface_name",
        6 => "agent_circuit_id",
        7 => "local",
        _ => return None,
    })
}

/// §8.5.9: length of subtype and address, then those; the interface number and OID behind them are not read.
fn management_address(value: &[u8]) -> Option<String> {
    let (&length, rest) = value.split_first()?;
    network_address(rest.get(..usize::from(length))?)
}

/// An address family number of IANA's, and an address. `None` without an address.
fn network_address(bytes: &[u8]) -> Option<String> {
    const IPV4: u8 = 1;
    const IPV6: u8 = 2;
    let (&family, address) = bytes.split_first()?;
    if address.is_empty() {
        return None;
    }
    let ip = match family {
        IPV4 => <[u8; 4]>::try_from(address).ok().map(|octets| Ipv4Addr::from(octets).to_string()),
        IPV6 => <[u8; 16]>::try_from(address).ok().map(|octets| Ipv6Addr::from(octets).to_string()),
        _ => None,
    };
    Some(ip.unwrap_or_else(|| format!("afi {family}: {}", hex(address))))
}

/// An id's text; hex where the bytes are no text. Some senders end their strings the C way: that NUL is no part of it.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(without_nul(bytes)) {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => text.to_owned(),
        Ok(_) | Err(_) => hex(bytes),
    }
}

/// A description: always shown as text. Control characters other than line breaks and tabs are replaced: the text comes
/// from the wire and ends on a console, where an escape sequence would act.
fn words(bytes: &[u8]) -> String {
    let allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let text = String::from_utf8_lossy(without_nul(bytes));
    text.chars().map(|c| if allowed(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

fn without_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
