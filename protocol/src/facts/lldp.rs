//! What LLDP told of a link's other end: IEEE 802.1AB-2016, with the TLVs of 802.1, 802.3 and LLDP-MED.

use super::AbsentOnWire;
use serde::{Deserialize, Serialize};

/// What LLDP told of a link's other end.
///
/// On the wire an object with one member: `{"heard": […]}` or `{"silent": {"reason": …}}`. A member that is newer than
/// this build is read as silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", from = "NeighboursOnWire")]
pub enum Neighbours {
    /// At least one neighbour, by chassis and port.
    Heard(Vec<Neighbour>),
    /// None, and why: no carrier; silent for so many seconds; the NIC's firmware keeps LLDP to itself.
    Silent {
        /// Why.
        reason: String,
    },
}

/// [`Neighbours`] as they are read.
#[derive(Deserialize)]
struct NeighboursOnWire {
    heard: Option<Vec<Neighbour>>,
    silent: Option<AbsentOnWire>,
}

impl From<NeighboursOnWire> for Neighbours {
    fn from(wire: NeighboursOnWire) -> Self {
        match (wire.heard, wire.silent) {
            (Some(neighbours), _) => Self::Heard(neighbours),
            (None, Some(AbsentOnWire { reason })) => Self::Silent { reason },
            (None, None) => Self::Silent { reason: "told in a way that is newer than this build".into() },
        }
    }
}

impl Default for Neighbours {
    fn default() -> Self {
        Self::Silent { reason: "not listened yet".into() }
    }
}

impl Neighbours {
    /// The neighbours heard; none where the link is silent.
    pub fn heard(&self) -> &[Neighbour] {
        match self {
            Self::Heard(neighbours) => neighbours,
            Self::Silent { .. } => &[],
        }
    }
}

/// One LLDP neighbour: IEEE 802.1AB-2016.
///
/// The members that a person asks for are always there, `null` or empty where the neighbour does not send them; the many
/// TLVs that few switches send are left out where they were not sent, or every neighbour would be a page of `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Neighbour {
    /// §8.5.2.
    pub chassis_id: LldpId,
    /// §8.5.3.
    pub port_id: LldpId,
    /// §8.5.4: how long this stays true, in seconds; 0 says goodbye.
    pub ttl_s: u16,
    /// §8.5.5.
    pub port_description: Option<String>,
    /// §8.5.6.
    pub system_name: Option<String>,
    /// §8.5.7.
    pub system_description: Option<String>,
    /// §8.5.9: addresses; IPv4 and IPv6 as such, others as `afi N: hex`.
    pub management_addresses: Vec<String>,
    /// Port VLAN ID (IEEE 802.1Q-2018 Annex D.2.1).
    pub native_vlan: Option<u16>,
    /// VLAN names (Annex D.2.3).
    pub vlans: Vec<VlanName>,
    /// Port and protocol VLANs (Annex D.2.2).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocol_vlans: Vec<ProtocolVlan>,
    /// Protocols that the port speaks, each as hex of its identity (Annex D.2.4).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<String>,
    /// The VLAN that the switch is managed in (Annex D.2.6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management_vlan: Option<u16>,
    /// A checksum over which VLANs the sender uses: two ends that agree have the same (Annex D.2.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vid_usage_digest: Option<u32>,
    /// Link aggregation (Annex D.2.7; IEEE 802.3-2012 §79.3.3 before).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_aggregation: Option<LinkAggregation>,
    /// What the port negotiates (IEEE 802.3-2018 §79.3.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac_phy: Option<MacPhy>,
    /// Power over the cable (§79.3.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<PortPower>,
    /// The largest frame, header and checksum included (§79.3.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_frame_bytes: Option<u16>,
    /// LLDP-MED (ANSI/TIA-1057).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub med: Option<Med>,
    /// Capabilities that the sender has (IEEE 802.1AB-2016 §8.5.8): `bridge`, `router`, … in the standard's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Those of them that are switched on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enabled_capabilities: Vec<String>,
    /// TLVs that this build does not decode.
    pub other: Vec<RawTlv>,
}

/// A chassis or port id: its subtype's name and its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct LldpId {
    /// `mac_address`, `network_address`, `interface_name`, `interface_alias`, `local`, `chassis_component`,
    /// `port_component`, `agent_circuit_id`, or `reserved_N`.
    pub subtype: String,
    /// Text as it stands; MAC and network addresses in their usual forms; bytes that are no text as hex.
    pub value: String,
}

/// A TLV that was not decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RawTlv {
    /// The TLV's type, 0–127.
    pub kind: u8,
    /// `00-80-c2/1` for an organizationally specific one (type 127): OUI and subtype.
    pub organization: Option<String>,
    /// The value (behind OUI and subtype, for type 127), as hex.
    pub value: String,
}

/// A VLAN and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)]
pub struct VlanName {
    pub id: u16,
    pub name: String,
}

/// A port and protocol VLAN: IEEE 802.1Q-2018 Annex D.2.2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct ProtocolVlan {
    pub id: u16,
    pub supported: bool,
    pub enabled: bool,
}

/// Link aggregation: IEEE 802.1Q-2018 Annex D.2.7.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct LinkAggregation {
    pub capable: bool,
    pub enabled: bool,
    /// The aggregate's interface number; 0 where there is none.
    pub port_id: u32,
}

/// What a port negotiates: IEEE 802.3-2018 §79.3.1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct MacPhy {
    pub autonegotiation_supported: bool,
    pub autonegotiation_enabled: bool,
    /// The advertised capabilities' bits (IETF RFC 4836 ifMauAutoNegCapAdvertisedBits).
    pub advertised: u16,
    /// The operational MAU type (IANA-MAU-MIB dot3MauType).
    pub mau_type: u16,
}

/// Power over the cable: IEEE 802.3-2018 §79.3.2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct PortPower {
    /// Whether the sender gives power; else it takes it.
    pub is_source: bool,
    pub supported: bool,
    pub enabled: bool,
    /// Whether the source can choose which pairs carry the power.
    pub pairs_selectable: bool,
    /// The pairs that carry it: 1 those of the data, 2 the spare ones.
    pub pair: u8,
    /// The power class: 1 for class 0, as on the wire.
    pub class: u8,
    /// Since 802.3at (§79.3.2.4): 0 a type 2 source, 1 a type 2 taker, 2 a type 1 source, 3 a type 1 taker.
    pub kind: Option<u8>,
    /// As `kind`: for a source 0 unknown, 1 primary, 2 backup; for a taker 1 the source, 2 local, 3 both.
    pub source: Option<u8>,
    /// As `kind`: 0 unknown, 1 critical, 2 high, 3 low.
    pub priority: Option<u8>,
    /// What the taker asks for, in tenths of a watt.
    pub requested_deciwatts: Option<u16>,
    /// What the source gives, in tenths of a watt.
    pub allocated_deciwatts: Option<u16>,
}

/// LLDP-MED: ANSI/TIA-1057 §10.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Med {
    /// The capabilities' bits (§10.2.2.1).
    pub capabilities: u16,
    /// 0 unknown, 1 to 3 endpoint classes, 4 network connectivity (§10.2.2.2).
    pub device_class: u8,
    pub policies: Vec<MedPolicy>,
    /// Location identifications (§10.2.4): `civic: DE, city Berlin, building 42`, `elin: 112`, and what is no text as
    /// `coordinates: hex` or `format N: hex`.
    pub locations: Vec<String>,
    /// Extended power (§10.2.5).
    pub power: Option<MedPower>,
    pub hardware_revision: Option<String>,
    pub firmware_revision: Option<String>,
    pub software_revision: Option<String>,
    pub serial: Option<String>,
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    pub asset_id: Option<String>,
}

/// A network policy: ANSI/TIA-1057 §10.2.3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct MedPolicy {
    /// 1 voice, 2 voice signalling, …
    pub application: u8,
    pub unknown: bool,
    pub tagged: bool,
    pub vlan: u16,
    pub priority: u8,
    pub dscp: u8,
}

/// Power that an LLDP-MED device gives or takes: ANSI/TIA-1057 §10.2.5.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct MedPower {
    /// 0 a source, 1 a taker.
    pub kind: u8,
    /// As [`PortPower::source`].
    pub source: u8,
    /// As [`PortPower::priority`].
    pub priority: u8,
    /// In tenths of a watt.
    pub deciwatts: u16,
}
