//! Memory slots, their arrays and where they are mapped: types 16, 17 and 19.

use serde::{Deserialize, Serialize};

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
    /// By their names in §7.18.3, e.g. `Registered (Buffered)`.
    pub details: Vec<String>,
    /// With the bits of error correction: 72 of a module whose `data_width_bits` are 64.
    pub total_width_bits: Option<u32>,
    pub data_width_bits: Option<u32>,
    pub speed_mts: Option<u32>,
    pub configured_speed_mts: Option<u32>,
    pub manufacturer: Option<String>,
    pub serial: Option<String>,
    pub asset_tag: Option<String>,
    pub part_number: Option<String>,
    pub rank: Option<u32>,
    pub minimum_millivolts: Option<u32>,
    pub maximum_millivolts: Option<u32>,
    pub configured_millivolts: Option<u32>,
    /// By its name in §7.18.6, e.g. `DRAM`, `NVDIMM-N`.
    pub technology: Option<String>,
    /// A module's that has firmware.
    pub firmware: Option<String>,
    /// What forgets, and what does not, when the power fails.
    pub volatile_bytes: Option<u64>,
    pub non_volatile_bytes: Option<u64>,
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
