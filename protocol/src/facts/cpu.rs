//! The processors, as the kernel sees them.

use super::Gaps;
use serde::{Deserialize, Serialize};

/// The processors, as the kernel sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Cpu {
    pub model: String,
    pub vendor: String,
    pub sockets: u32,
    pub cores: u32,
    pub threads: u32,
    pub microcode: Option<String>,
    /// What the processor can do, by the kernel's words, of those that matter here: `vmx` and `ept`, `svm` and `npt`,
    /// `sgx`, `tdx_host_platform`, `sev`, `sev_es`, `sev_snp`, `sme`, `avx2`, `avx512f`, `amx_tile`, `aes`; and
    /// `hypervisor` in a virtual machine. Sorted.
    pub flags: Vec<String>,
    /// Memory and threads by their nearness.
    pub numa: Vec<NumaNode>,
    /// What is lacking, and why.
    pub gaps: Gaps,
}

/// One NUMA node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct NumaNode {
    pub id: u32,
    pub threads: u32,
    pub memory_bytes: u64,
}
