//! The SMBIOS table: DMTF DSP0134 3.9.

use crate::ids::MacAddress;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use uuid::Uuid;

/// The SMBIOS table (DMTF DSP0134). Strings are as the firmware wrote them, placeholders included; they are
/// judged where identity is. A field that the table does not have is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Smbios {
    /// The specification's version that the entry point claims, as `3.2` or `3.2.0`.
    pub version: String,
    /// Type 0.
    pub bios: Option<Bios>,
    /// Type 1.
    pub system: Option<System>,
    /// Type 2, each.
    pub baseboards: Vec<Baseboard>,
    /// Type 3, each.
    pub chassis: Vec<Chassis>,
    /// Type 4, each socket, populated or not.
    pub processors: Vec<Processor>,
    /// Type 16, each.
    pub memory_arrays: Vec<MemoryArray>,
    /// Type 17, each slot, populated or not.
    pub memory_devices: Vec<MemoryDevice>,
    /// Type 7, each.
    pub caches: Vec<Cache>,
    /// Type 8, each.
    pub ports: Vec<PortConnector>,
    /// Type 9, each.
    pub slots: Vec<Slot>,
    /// Type 11: the maker's own strings, in order.
    pub oem_strings: Vec<String>,
    /// Type 19, each.
    pub mapped_ranges: Vec<MappedRange>,
    /// Type 38.
    pub ipmi: Option<IpmiDevice>,
    /// Type 39, each.
    pub power_supplies: Vec<PowerSupply>,
    /// Type 41, each.
    pub onboard_devices: Vec<OnboardDevice>,
    /// Type 42, each: ways to a BMC from its own host.
    pub host_interfaces: Vec<HostInterface>,
    /// Type 43.
    pub tpm: Option<TpmDevice>,
    /// What could not be decoded: one sentence each. Empty for a clean table.
    pub problems: Vec<String>,
}

/// BIOS information: DSP0134 §7.1, type 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Bios {
    pub vendor: Option<String>,
    pub version: Option<String>,
    pub release_date: Option<String>,
}

/// System information: DSP0134 §7.2, type 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct System {
    pub manufacturer: Option<String>,
    pub product: Option<String>,
    pub version: Option<String>,
    pub serial: Option<String>,
    /// In the byte order of the table's own version (little-endian fields from 2.6 on, §7.2.1). `None` where the table
    /// says "not present" (all FF) or "not set" (all 00).
    pub uuid: Option<Uuid>,
    pub sku: Option<String>,
    pub family: Option<String>,
}

/// Baseboard: DSP0134 §7.3, type 2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Baseboard {
    pub manufacturer: Option<String>,
    pub product: Option<String>,
    pub version: Option<String>,
    pub serial: Option<String>,
    pub asset_tag: Option<String>,
}

/// System enclosure: DSP0134 §7.4, type 3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Chassis {
    pub manufacturer: Option<String>,
    /// The enclosure's type by its name in §7.4.1, e.g. `Rack Mount Chassis`.
    pub kind: Option<String>,
    pub version: Option<String>,
    pub serial: Option<String>,
    pub asset_tag: Option<String>,
}

/// Processor socket: DSP0134 §7.5, type 4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Processor {
    pub socket: Option<String>,
    pub populated: bool,
    pub manufacturer: Option<String>,
    pub version: Option<String>,
    pub serial: Option<String>,
    pub max_speed_mhz: Option<u32>,
    pub cores: Option<u32>,
    pub cores_enabled: Option<u32>,
    pub threads: Option<u32>,
}

/// Physical memory array: DSP0134 §7.17, type 16.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct MemoryArray {
    pub location: Option<String>,
    pub usage: Option<String>,
    pub error_correction: Option<String>,
    pub max_capacity_bytes: Option<u64>,
    pub slots: Option<u32>,
}

/// Memory device, one slot: DSP0134 §7.18, type 17.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct MemoryDevice {
    pub locator: Option<String>,
    pub bank: Option<String>,
    /// `None` for an empty slot, or one whose size is unknown: see `populated`.
    pub size_bytes: Option<u64>,
    pub populated: bool,
    pub form_factor: Option<String>,
    pub kind: Option<String>,
    pub speed_mts: Option<u32>,
    pub configured_speed_mts: Option<u32>,
    pub manufacturer: Option<String>,
    pub serial: Option<String>,
    pub asset_tag: Option<String>,
    pub part_number: Option<String>,
    pub rank: Option<u32>,
}

/// Processor cache: DSP0134 §7.8, type 7.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Cache {
    pub designation: Option<String>,
    /// 1 for L1, and so on.
    pub level: Option<u32>,
    pub enabled: Option<bool>,
    pub installed_bytes: Option<u64>,
    pub maximum_bytes: Option<u64>,
    /// By its name in §7.8.5, e.g. `Unified`.
    pub kind: Option<String>,
    /// By its name in §7.8.6, e.g. `8-way Set-associative`.
    pub associativity: Option<String>,
    /// By its name in §7.8.4.
    pub error_correction: Option<String>,
}

/// Port connector: DSP0134 §7.9, type 8.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct PortConnector {
    pub internal: Option<String>,
    pub internal_connector: Option<String>,
    pub external: Option<String>,
    pub external_connector: Option<String>,
    pub kind: Option<String>,
}

/// System slot: DSP0134 §7.10, type 9.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Slot {
    pub designation: Option<String>,
    /// By its name in §7.10.1, e.g. `x16 PCI Express 4`.
    pub kind: Option<String>,
    /// By its name in §7.10.2, e.g. `x16`.
    pub width: Option<String>,
    /// By its name in §7.10.3, e.g. `Available`, `In Use`.
    pub usage: Option<String>,
    pub length: Option<String>,
    pub id: Option<u32>,
    /// As sysfs writes it, e.g. `0000:3b:00.0`; `None` where the table does not tell (§7.10.8).
    pub pci_address: Option<String>,
}

/// Memory array mapped address: DSP0134 §7.20, type 19. Both ends are inclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct MappedRange {
    pub start_bytes: u64,
    pub end_bytes: u64,
    /// How many memory devices form a row of it.
    pub partition_width: Option<u32>,
}

/// IPMI device: DSP0134 §7.39, type 38.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct IpmiDevice {
    /// By its name in §7.39.1, e.g. `KCS (Keyboard Control Style)`.
    pub interface: Option<String>,
    /// The specification's version, e.g. `2.0`.
    pub specification: Option<String>,
    /// The BMC's slave address on the I2C bus.
    pub i2c_address: Option<u8>,
    pub base_address: Option<u64>,
    /// Whether the base address is in I/O space, not in memory.
    pub is_io: Option<bool>,
    /// Bytes from one register to the next.
    pub register_spacing_bytes: Option<u32>,
    pub interrupt: Option<u32>,
}

/// System power supply: DSP0134 §7.40, type 39.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct PowerSupply {
    pub location: Option<String>,
    pub name: Option<String>,
    pub manufacturer: Option<String>,
    pub serial: Option<String>,
    pub asset_tag: Option<String>,
    pub model: Option<String>,
    pub revision: Option<String>,
    pub max_power_watts: Option<u32>,
    /// By its name in §7.40.1, e.g. `Switching`.
    pub kind: Option<String>,
    /// By its name in §7.40.1, e.g. `OK`, `Non-critical`.
    pub status: Option<String>,
    pub present: Option<bool>,
    pub plugged: Option<bool>,
    pub hot_replaceable: Option<bool>,
}

/// Onboard device, extended: DSP0134 §7.42, type 41.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct OnboardDevice {
    /// What is printed beside the socket.
    pub designation: Option<String>,
    /// By its name in §7.42.2, e.g. `Ethernet`.
    pub kind: Option<String>,
    pub enabled: Option<bool>,
    /// Counts the devices of one kind, from 1 on: the number of `eno1`.
    pub instance: Option<u32>,
    /// As sysfs writes it, e.g. `0000:19:00.0`.
    pub pci_address: Option<String>,
}

/// Management controller host interface: DSP0134 §7.43, type 42, with what DSP0270 §8 puts into it for Redfish.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct HostInterface {
    /// By its name in DSP0239, e.g. `Network Host Interface`, `KCS: Keyboard Controller Style`.
    pub kind: Option<String>,
    /// `usb`, `pci`, `usb_v2`, `pci_v2`, …: how the network interface is attached (DSP0270 §8.3).
    pub device: Option<String>,
    /// The attached interface: USB vendor and product, or PCI vendor and device.
    pub vendor_id: Option<u16>,
    pub product_id: Option<u16>,
    /// The interface's address on the host, where the record tells it.
    pub mac: Option<MacAddress>,
    /// The Redfish service's UUID (DSP0270 §8.6).
    pub service_uuid: Option<Uuid>,
    /// How the host's own end gets its address: `static`, `dhcp`, `auto_configure`, `host_selected`, `unknown`.
    pub host_assignment: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub host_address: Option<IpAddr>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub host_mask: Option<IpAddr>,
    /// How the service's address is found.
    pub service_discovery: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub service_address: Option<IpAddr>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub service_mask: Option<IpAddr>,
    pub service_port: Option<u16>,
    pub service_vlan: Option<u16>,
    pub service_host: Option<String>,
}

/// TPM device: DSP0134 §7.44, type 43.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct TpmDevice {
    /// The vendor's four letters.
    pub vendor: Option<String>,
    /// The specification's version, e.g. `2.0`.
    pub specification: Option<String>,
    /// The firmware's version as the specification's part of it writes it.
    pub firmware: Option<String>,
    pub description: Option<String>,
}
