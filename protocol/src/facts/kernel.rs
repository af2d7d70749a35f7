//! The running kernel.

use super::Gaps;
use serde::{Deserialize, Serialize};

/// The running kernel and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Kernel {
    /// `uname -r`.
    pub release: String,
    /// Firmware files that packed drivers may ask for and that the image does not carry.
    pub missing_firmware: Vec<String>,
    /// Firmware files that a driver asked for and did not get, by the kernel's log.
    pub failed_firmware: Vec<FirmwareFailure>,
    /// Why the kernel's log can't be read, where it can't.
    pub gaps: Gaps,
}

/// A firmware file that a driver asked for in vain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct FirmwareFailure {
    pub driver: String,
    /// The device, e.g. a PCI address.
    pub device: String,
    pub file: String,
    /// The kernel's error number, e.g. -2: no such file.
    pub error: i32,
}
