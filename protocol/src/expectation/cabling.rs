//! The cabling plan: where each cable of one asset belongs, and which network its BMC is reached in.

use crate::ids::MacAddress;
use serde::{Deserialize, Serialize};

/// Where each cable of one asset belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct CablingPlan {
    /// One entry per cable.
    pub links: Vec<PlannedLink>,
}

/// One planned cable: this NIC into that switch's port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedLink {
    /// The NIC, by its permanent MAC (the one in use, where the driver does not tell the permanent one).
    pub nic: MacAddress,
    /// What is printed on the server beside the socket, for people: `NIC 1`.
    #[serde(default)]
    pub label: Option<String>,
    /// The switch's LLDP system name, in either case; with or without its domain. For a switch that announces no name,
    /// its chassis id.
    pub switch: String,
    /// The switch's port: its LLDP port id, or its port description; in either case, and in full (`Ethernet1`, not `Et1`).
    pub port: String,
    /// The port's native VLAN, as it announces it (Port VLAN ID).
    #[serde(default)]
    pub native_vlan: Option<u16>,
    /// VLANs that the port carries tagged: announced (VLAN Name), or seen as tags on the wire.
    #[serde(default)]
    pub tagged_vlans: Vec<u16>,
    /// The least speed, in Mb/s.
    #[serde(default)]
    pub min_speed_mbps: Option<u32>,
    /// What it stands in for others with, as a bond's name: links of one group end in different switches.
    #[serde(default)]
    pub group: Option<String>,
}

/// The network that a BMC is reached in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ManagementNetwork {
    /// The subnet that its address is in: `10.77.20.0/24`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub subnet: ipnet::IpNet,
    /// The VLAN that it tags its frames with; 0 for none, where its port is untagged; left out, it is not judged.
    #[serde(default)]
    pub vlan: Option<u16>,
}
