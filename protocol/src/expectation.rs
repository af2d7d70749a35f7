//! What Senzu expects of an asset: a hardware profile (from the purchase order) and a cabling plan.

use crate::{facts::FirmwareMode, ids::MacAddress};
use serde::{Deserialize, Serialize};

/// All that is expected of one asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Expectation {
    /// The hardware; `None`: nobody said, so hardware is judged unknown.
    pub profile: Option<HardwareProfile>,
    /// The cables; `None`: nobody said, so cabling is judged unknown.
    pub cabling: Option<CablingPlan>,
}

/// A versioned description of hardware. A field left out is not judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct HardwareProfile {
    /// The profile's name.
    pub name: String,
    /// Counts the profile's editions.
    pub version: u32,
    /// SMBIOS type 1 manufacturer: exactly, but for blanks at either end.
    pub manufacturer: Option<String>,
    /// SMBIOS type 1 product: exactly, but for blanks at either end.
    pub product: Option<String>,
    /// How it must boot.
    pub firmware_mode: Option<FirmwareMode>,
    /// Processors.
    pub cpu: Option<CpuProfile>,
    /// Memory.
    pub memory: Option<MemoryProfile>,
    /// Network interfaces.
    pub nics: Option<NicProfile>,
    /// Disks, by kind. A disk counts for the first kind it fits, so write the narrower kind first; disks that fit none are
    /// not judged.
    pub disks: Vec<DiskProfile>,
}

/// Expected processors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct CpuProfile {
    /// Text that the model's name, as the kernel tells it, contains; in either case.
    pub model_contains: Option<String>,
    /// Processors that work, as the kernel counts them: a dead one in its socket is one too few.
    pub sockets: Option<u32>,
    /// Cores in all, without hyper-threads.
    pub cores: Option<u32>,
}

/// Expected memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct MemoryProfile {
    /// What is installed, in MiB: the sum over SMBIOS type 17, neither less nor more.
    pub total_mib: Option<u64>,
    /// Populated slots, neither fewer nor more.
    pub dimms: Option<u32>,
    /// Slots that must hold a DIMM, by locator.
    pub populated_locators: Vec<String>,
}

/// Expected network interfaces: physical ones, cabled or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct NicProfile {
    /// How many, neither fewer nor more.
    pub count: Option<u32>,
}

/// An expected kind of disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DiskProfile {
    /// How many of the kind, neither fewer nor more.
    pub count: u32,
    /// Each at least this large, in GB (10⁹ bytes, as disks are sold).
    pub min_gb: Option<u64>,
    /// `nvme`, `sata`, `sas`, `virtio`, …
    pub transport: Option<String>,
}

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
