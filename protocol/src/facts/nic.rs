//! Physical network interfaces.

use super::{Gaps, Neighbours, Observed, Vlan};
use crate::ids::MacAddress;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// One physical network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Nic {
    /// The kernel's name, e.g. `eth0`.
    pub name: String,
    /// The address in use.
    pub mac: Option<MacAddress>,
    /// The address burnt into the hardware, where the driver tells it.
    pub permanent_mac: Option<MacAddress>,
    /// The kernel driver's name.
    pub driver: Option<String>,
    /// As sysfs writes it, e.g. `0000:00:02.0`.
    pub pci_address: Option<String>,
    /// Whose it is.
    pub role: NicRole,
    /// PCI vendor and device, and those of the subsystem, each as `8086:1593`.
    pub pci_id: Option<String>,
    /// As `pci_id`, of the board's maker.
    pub pci_subsystem_id: Option<String>,
    /// Where people find it: the slot's designation (SMBIOS type 9), or the onboard device's (type 41, or ACPI's label).
    pub location: Option<String>,
    /// The number that the firmware gave an onboard interface: that of `eno1`.
    pub onboard_index: Option<u32>,
    /// The version of its firmware, as the driver tells it.
    pub firmware_version: Option<String>,
    /// Negotiated duplex; `None` without carrier.
    pub duplex: Option<Duplex>,
    /// Whether the link negotiates.
    pub autonegotiation: Option<bool>,
    /// Link modes that the interface and its module can do, by the kernel's names: `10000baseT/Full`.
    pub supported_modes: Vec<String>,
    /// How often the carrier came or went since the interface appeared.
    pub carrier_changes: Option<u64>,
    /// The optical or copper module in its cage.
    pub transceiver: Observed<Transceiver>,
    /// Virtual functions.
    pub sriov: Option<Sriov>,
    /// Whether the NIC's own firmware speaks LLDP, and keeps the frames to itself.
    pub lldp_agent: Observed<LldpAgent>,
    /// Counters since the interface appeared.
    pub counters: Option<NicCounters>,
    /// Negotiated speed; `None` without carrier, or where the driver does not tell.
    pub speed_mbps: Option<u32>,
    /// Whether the link works.
    pub link: Link,
    /// The interface's addresses.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub addresses: Vec<IpAddr>,
    /// DHCP's progress on this link.
    pub dhcp: Dhcp,
    /// What was learnt of VLANs on this link.
    pub vlan: Vlan,
    /// LLDP neighbours heard on this link.
    pub neighbours: Neighbours,
    /// Where all this was read.
    pub source: String,
    /// What is lacking, and why.
    pub gaps: Gaps,
}

impl Nic {
    /// The address that names this NIC for good: the permanent one where the driver tells it, else the one in use.
    pub fn lasting_mac(&self) -> Option<MacAddress> {
        self.permanent_mac.or(self.mac)
    }
}

/// Whether a link works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Carrier.
    Up,
    /// The interface is up and has no carrier: no cable, or a dead other end.
    NoCarrier,
    /// The interface is administratively down.
    Disabled,
    /// Not told.
    #[default]
    #[serde(other)]
    Unknown,
}

/// DHCP's progress on one link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Dhcp {
    /// Not started: no carrier yet, or not ours to configure.
    #[default]
    Idle,
    /// Asking; no answer yet.
    Asking {
        /// For how long, in seconds.
        for_s: u64,
        /// How many discovers went unanswered.
        attempts: u32,
    },
    /// A lease is held.
    Bound {
        /// Our address.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address: IpAddr,
        /// Length of the subnet's prefix.
        prefix_length: u8,
        /// The server that gave it.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        server: IpAddr,
        /// The lease's whole length in seconds.
        lease_s: u32,
    },
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

/// Whose an interface is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NicRole {
    /// The server's own: it is cabled, and carries its traffic.
    #[default]
    Data,
    /// The BMC's door to its host (SMBIOS type 42): never cabled, never a way to anywhere else.
    HostInterface,
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

/// Whether both ends of a link may send at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Duplex {
    /// They may.
    Full,
    /// They take turns.
    Half,
    /// Not told.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A module in a cage: SFF-8472, SFF-8636 or CMIS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Transceiver {
    /// `SFP`, `QSFP28`, `QSFP-DD`, …: the identifier of SFF-8024 §4.1.
    pub kind: String,
    /// What it does, e.g. `10GBASE-SR`, `25GBASE-CR CA-N` (SFF-8024 §4.4, or the compliance bits).
    pub compliance: Option<String>,
    pub vendor: Option<String>,
    /// The vendor's IEEE OUI, as `00-02-c9`.
    pub vendor_oui: Option<String>,
    pub part_number: Option<String>,
    pub revision: Option<String>,
    pub serial: Option<String>,
    /// When it was made, as the vendor wrote it: `220314`.
    pub date_code: Option<String>,
    /// The length of a cable that can't be parted from it.
    pub length_decimetres: Option<u32>,
}

/// Single-root I/O virtualization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Sriov {
    pub max_functions: u32,
    pub functions: u32,
}

/// Whether a NIC's own firmware speaks LLDP: frames that it keeps never reach the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct LldpAgent {
    /// Whether it runs now.
    pub running: bool,
    /// Whether it ran and the agent of PIOUS switched it off.
    pub switched_off_by_us: bool,
    /// Why it could not be switched off, where that was tried.
    pub refusal: Option<String>,
    /// By what it is told: the private flag or devlink parameter, e.g. `disable-fw-lldp`, `fw-lldp-agent`.
    pub control: String,
}

/// Counters since an interface appeared (`struct rtnl_link_stats64`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct NicCounters {
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_errors: u64,
    pub tx_errors: u64,
    pub rx_dropped: u64,
    pub tx_dropped: u64,
    pub rx_crc_errors: u64,
    pub rx_missed_errors: u64,
}
