//! What the machine's firmware tells: how it booted us, and what it would boot next.

use super::{Gaps, Observed};
use serde::{Deserialize, Serialize};

/// How the machine's firmware booted us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FirmwareMode {
    /// Legacy BIOS.
    Bios,
    /// UEFI.
    Uefi,
    /// Neither could be told.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What the firmware tells beside its mode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Firmware {
    /// UEFI Secure Boot (UEFI 2.10 §3.3: the variables `SecureBoot` and `SetupMode`).
    pub secure_boot: Observed<SecureBoot>,
    /// What the firmware tries, in order (UEFI 2.10 §3.3: `BootOrder`).
    pub boot_order: Observed<Vec<BootEntry>>,
    /// The entry that booted us (`BootCurrent`).
    pub booted_by: Observed<BootEntry>,
    /// The trusted platform module.
    pub tpm: Observed<Tpm>,
}

/// UEFI Secure Boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct SecureBoot {
    /// Only signed programs are started.
    pub enabled: bool,
    /// No platform key is enrolled, so anybody may enrol one.
    pub setup_mode: bool,
}

/// One entry of the firmware's boot menu (UEFI 2.10 §3.1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct BootEntry {
    /// The variable's name, e.g. `Boot0003`.
    pub name: String,
    /// What the menu calls it.
    pub description: String,
    /// Whether the firmware tries it at all.
    pub active: bool,
    /// The device path as text (§10.6), as far as it can be read:
    /// `PciRoot(0x0)/Pci(0x2,0x0)/MAC(525400011001,0x1)/IPv4(0.0.0.0)`. A node that is not known is
    /// `Path(type,subtype,data)`.
    pub device_path: Option<String>,
    /// What is lacking, and why.
    pub gaps: Gaps,
}

/// A trusted platform module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Tpm {
    /// The major version of the specification it follows: 1 or 2.
    pub version: u32,
    /// What the kernel calls its interface, e.g. `MSFT0101:00`.
    pub description: Option<String>,
}
