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
    /// SMBIOS type 1 manufacturer, exactly.
    pub manufacturer: Option<String>,
    /// SMBIOS type 1 product, exactly.
    pub product: Option<String>,
    /// How it must boot.
    pub firmware_mode: Option<FirmwareMode>,
    /// Processors.
    pub cpu: Option<CpuProfile>,
    /// Memory.
    pub memory: Option<MemoryProfile>,
    /// Network interfaces.
    pub nics: Option<NicProfile>,
    /// Disks, by kind. A disk counts for the first kind it fits.
    pub disks: Vec<DiskProfile>,
}

/// Expected processors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct CpuProfile {
    /// Text that the model's name contains.
    pub model_contains: Option<String>,
    /// Populated sockets.
    pub sockets: Option<u32>,
    /// Cores in all.
    pub cores: Option<u32>,
}

/// Expected memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct MemoryProfile {
    /// What is installed, in MiB: the sum over SMBIOS type 17.
    pub total_mib: Option<u64>,
    /// Populated slots.
    pub dimms: Option<u32>,
    /// Slots that must hold a DIMM, by locator.
    pub populated_locators: Vec<String>,
}

/// Expected network interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct NicProfile {
    /// How many.
    pub count: Option<u32>,
}

/// An expected kind of disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DiskProfile {
    /// How many of the kind.
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
    /// The NIC, by its permanent MAC.
    pub nic: MacAddress,
    /// What is printed on the server beside the socket, for people: `NIC 1`.
    #[serde(default)]
    pub label: Option<String>,
    /// The switch's LLDP system name.
    pub switch: String,
    /// The switch's port: its LLDP port id, or its port description.
    pub port: String,
    /// The port's native VLAN.
    #[serde(default)]
    pub native_vlan: Option<u16>,
    /// VLANs that the port carries tagged.
    #[serde(default)]
    pub tagged_vlans: Vec<u16>,
    /// The least speed.
    #[serde(default)]
    pub min_speed_mbps: Option<u32>,
}
