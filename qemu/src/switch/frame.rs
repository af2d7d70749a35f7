//! Ethernet frames as a switch sees them: addresses and one 802.1Q tag. Bytes in, bytes out.

use pious_protocol::ids::MacAddress;

/// The two addresses and a type: nothing shorter is a frame.
const HEADER_BYTES: usize = 14;

/// IEEE 802.1Q-2018 §9.6, table 9-1: the customer VLAN tag's type.
const TYPE_VLAN: [u8; 2] = [0x81, 0x00];

/// LLDP's EtherType: IEEE 802.1AB-2016 §8.3.
pub const TYPE_LLDP: u16 = 0x88cc;

/// The VLAN id's twelve bits of a tag's control information; the others are priority and drop eligibility.
const VLAN_MASK: u16 = 0x0fff;

/// A frame taken apart: tag removed, if it had one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The frame without its tag.
    pub untagged: Vec<u8>,
    /// Its tag's control information: priority, drop eligibility, VLAN id.
    pub tag: Option<u16>,
}

impl Frame {
    /// Takes a frame apart; `None` for bytes too short to be one.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < HEADER_BYTES {
            return None;
        }
        if bytes[12..14] != TYPE_VLAN {
            return Some(Self { untagged: bytes.to_vec(), tag: None });
        }
        if bytes.len() < HEADER_BYTES + 4 {
            return None;
        }
        let untagged = [&bytes[..12], &bytes[16..]].concat();
        Some(Self { untagged, tag: Some(u16::from_be_bytes([bytes[14], bytes[15]])) })
    }

    /// The frame as it goes out tagged with `vlan`, keeping the priority it came with.
    pub fn tagged(&self, vlan: u16) -> Vec<u8> {
        let control = (self.tag.unwrap_or(0) & !VLAN_MASK) | (vlan & VLAN_MASK);
        [&self.untagged[..12], &TYPE_VLAN, &control.to_be_bytes(), &self.untagged[12..]].concat()
    }

    /// The VLAN id of its tag. 0 means "priority only" (§9.6) and counts as untagged.
    pub fn vlan(&self) -> Option<u16> {
        self.tag.map(|control| control & VLAN_MASK).filter(|&vlan| vlan != 0)
    }

    /// Whom it is for.
    pub fn destination(&self) -> MacAddress {
        self.address(0)
    }

    /// Who sent it.
    pub fn source(&self) -> MacAddress {
        self.address(6)
    }

    /// The type of what it carries.
    pub fn ether_type(&self) -> u16 {
        u16::from_be_bytes([self.untagged[12], self.untagged[13]])
    }

    fn address(&self, at: usize) -> MacAddress {
        let mut octets = [0; 6];
        octets.copy_from_slice(&self.untagged[at..at + 6]);
        MacAddress(octets)
    }
}

/// Whether an address is for a group (IEEE 802-2014 §8.2.2).
pub fn is_group(mac: MacAddress) -> bool {
    mac.0[0] & 1 == 1
}

/// Whether a bridge must never forward frames to this address: 01-80-C2-00-00-00 to -0F (IEEE 802.1Q-2018 §8.6.3,
/// table 8-1). LLDP's nearest-bridge address is one of them.
pub fn is_link_local(mac: MacAddress) -> bool {
    mac.0[..5] == [0x01, 0x80, 0xc2, 0x00, 0x00] && mac.0[5] <= 0x0f
}
