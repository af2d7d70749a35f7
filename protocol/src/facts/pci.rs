//! PCI functions.

use super::Gaps;
use serde::{Deserialize, Serialize};

/// One PCI function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct PciDevice {
    /// As sysfs writes it, e.g. `0000:3b:00.0`.
    pub address: String,
    /// Vendor and device, as `8086:1593`.
    pub id: String,
    /// Those of the board's maker; `None` where it names none.
    pub subsystem_id: Option<String>,
    /// Base class, subclass and programming interface, six hex digits: `020000`.
    pub class: String,
    /// The class in words, e.g. `Ethernet controller`.
    pub class_name: Option<String>,
    /// Maker and model in words, from pci.ids.
    pub name: Option<String>,
    /// Revision.
    pub revision: u8,
    /// Whether a driver has it.
    pub driver: PciDriver,
    /// The link to it, for PCI Express.
    pub link: Option<PcieLink>,
    /// The slot's designation (SMBIOS type 9), or the onboard device's (type 41).
    pub location: Option<String>,
    /// The nearest NUMA node.
    pub numa_node: Option<u32>,
    /// What is lacking, and why.
    pub gaps: Gaps,
}

/// Whether a driver has a PCI function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum PciDriver {
    /// One has.
    Bound {
        /// Its name.
        name: String,
    },
    /// None has, and its class does nothing without.
    Missing {
        /// Why: no module of the image knows it, or one does and did not take it.
        reason: String,
    },
    /// None has, and its class needs none: bridges, system peripherals.
    NotNeeded,
    /// Not told.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A PCI Express link as it was trained, and what the function could do (PCI Express Base 5.0 §7.5.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct PcieLink {
    pub width: u32,
    pub max_width: u32,
    /// In thousandths of a gigatransfer per second: 16000 for `16.0 GT/s`.
    pub speed_mtps: u32,
    pub max_speed_mtps: u32,
}
