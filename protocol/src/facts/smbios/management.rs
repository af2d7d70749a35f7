//! What watches and feeds the machine: the ways to its BMC, power supplies, the TPM: types 38, 39, 42 and 43.

use crate::ids::MacAddress;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use uuid::Uuid;

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
    /// The BMC's address on the I2C bus, seven bits: 0x10 for what IPMI writes 0x20.
    pub i2c_address: Option<u8>,
    /// Of the memory for its records.
    pub nv_storage_address: Option<u32>,
    /// Of its registers; of an SSIF, its address on the SMBus.
    pub base_address: Option<u64>,
    /// Whether the base address is in I/O space, not in memory; `None` for an SSIF.
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
    /// Supplies of one number stand in for each other.
    pub group: Option<u32>,
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
    /// How it takes other voltages, by its name in §7.40.1, e.g. `Auto-switch`.
    pub input_range: Option<String>,
    pub present: Option<bool>,
    /// Its cord is in.
    pub plugged: Option<bool>,
    pub hot_replaceable: Option<bool>,
}

/// Management controller host interface: DSP0134 §7.43, type 42, with what DSP0270 §8 puts into it for Redfish.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct HostInterface {
    /// By its name in DSP0239 or §7.43.1, e.g. `Network Host Interface`, `KCS: Keyboard Controller Style`.
    pub kind: Option<String>,
    /// `usb`, `pci`, `usb_v2`, `pci_v2` or `oem`: how the network interface is attached (DSP0270 §8.3).
    pub device: Option<String>,
    /// The attached interface: USB vendor and product, or PCI vendor and device.
    pub vendor_id: Option<u16>,
    pub product_id: Option<u16>,
    /// The PCI function, where the record tells it.
    pub pci_address: Option<String>,
    /// The interface's address on the host, where the record tells it.
    pub mac: Option<MacAddress>,
    /// The BMC gives out a Redfish account by an IPMI command (DSP0270 §9).
    pub credential_bootstrapping: Option<bool>,
    /// What is spoken over it, by its name in §7.43.2, e.g. `Redfish over IP`.
    pub protocols: Vec<String>,
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
    /// By their names in §7.44.1.
    pub characteristics: Vec<String>,
}
