//! The memory, as the kernel sees it, and its errors. What is installed, by slot, is SMBIOS's to tell.

use super::Gaps;
use serde::{Deserialize, Serialize};

/// The memory, as the kernel sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Memory {
    /// MemTotal: what the kernel has to give, less than what is installed.
    pub total_bytes: u64,
    /// What the firmware gave to the kernel: the memory blocks that are online, kernel and reservations included. To be
    /// held against what SMBIOS says is installed.
    pub online_bytes: Option<u64>,
    /// What is lacking, and why.
    pub gaps: Gaps,
}

/// Errors of the memory since the kernel started: EDAC's count, by controller and DIMM, and machine checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct MemoryErrors {
    /// Corrected errors, all together.
    pub corrected: u64,
    /// Uncorrected errors, all together.
    pub uncorrected: u64,
    /// The DIMMs that EDAC knows, with errors or without.
    pub dimms: Vec<DimmErrors>,
    /// Machine check exceptions, over all processors, whatever they were about.
    pub machine_checks: Option<u64>,
}

/// One DIMM's errors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct DimmErrors {
    /// As EDAC or the firmware calls it, e.g. `CPU_SrcID#0_MC#0_Chan#1_DIMM#0`.
    pub label: String,
    /// The controller that counts, e.g. `mc0`.
    pub controller: String,
    pub size_bytes: Option<u64>,
    pub corrected: u64,
    pub uncorrected: u64,
}
