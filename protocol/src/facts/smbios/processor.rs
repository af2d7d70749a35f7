//! Processor sockets and caches: types 4 and 7.

use serde::{Deserialize, Serialize};

/// Processor socket: DSP0134 §7.5, type 4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Processor {
    pub socket: Option<String>,
    /// By its name in §7.5.1, e.g. `Central Processor`.
    pub kind: Option<String>,
    pub populated: bool,
    /// A populated socket's, by its name in §7.5, e.g. `Enabled`, `Disabled By BIOS`.
    pub status: Option<String>,
    pub manufacturer: Option<String>,
    pub version: Option<String>,
    pub serial: Option<String>,
    pub asset_tag: Option<String>,
    pub part_number: Option<String>,
    /// CPUID leaf 1's EAX of an x86 processor: family, model, stepping.
    pub signature: Option<u32>,
    /// The socket's type, by its name in §7.5.5, e.g. `Socket LGA4189`.
    pub upgrade: Option<String>,
    pub voltage_millivolts: Option<u32>,
    pub external_clock_mhz: Option<u32>,
    pub max_speed_mhz: Option<u32>,
    /// As the firmware set it when it started.
    pub current_speed_mhz: Option<u32>,
    pub cores: Option<u32>,
    pub cores_enabled: Option<u32>,
    pub threads: Option<u32>,
    pub threads_enabled: Option<u32>,
    /// By their names in §7.5.9, e.g. `Enhanced Virtualization`.
    pub characteristics: Vec<String>,
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
    /// It is a module of its own that can be exchanged.
    pub socketed: Option<bool>,
    /// `Internal` to the processor, or `External`.
    pub location: Option<String>,
    /// `Write Back`, `Write Through`, `Varies With Memory Address`.
    pub operation: Option<String>,
    pub installed_bytes: Option<u64>,
    pub maximum_bytes: Option<u64>,
    /// By its name in §7.8.4, e.g. `Unified`.
    pub kind: Option<String>,
    /// By its name in §7.8.5, e.g. `8-way Set-associative`.
    pub associativity: Option<String>,
    /// By its name in §7.8.3, e.g. `Single-bit ECC`.
    pub error_correction: Option<String>,
}
