//! The SMBIOS table: DMTF DSP0134 3.9.

mod board;
mod management;
mod memory;
mod processor;
mod system;

pub use board::{OnboardDevice, PortConnector, Slot, SlotPeer};
pub use management::{HostInterface, IpmiDevice, PowerSupply, TpmDevice};
pub use memory::{MappedRange, MemoryArray, MemoryDevice};
pub use processor::{Cache, Processor};
pub use system::{Baseboard, Bios, Chassis, System};

use serde::{Deserialize, Serialize};

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
