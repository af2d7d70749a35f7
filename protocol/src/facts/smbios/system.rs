//! The machine as a whole: types 0 to 3.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// BIOS information: DSP0134 §7.1, type 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Bios {
    pub vendor: Option<String>,
    pub version: Option<String>,
    pub release_date: Option<String>,
    /// What the whole ROM holds.
    pub rom_bytes: Option<u64>,
    /// The system BIOS's release, e.g. `5.14`.
    pub release: Option<String>,
    /// The release of the embedded controller's firmware; some makers put the BMC's here.
    pub controller_release: Option<String>,
    /// It can boot by UEFI.
    pub uefi: Option<bool>,
    /// It says that the machine is virtual.
    pub virtual_machine: Option<bool>,
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
    /// What switched the machine on, by its name in §7.2.2, e.g. `Power Switch`, `LAN Remote`.
    pub wake_up: Option<String>,
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
    /// Where it sits in its enclosure.
    pub location: Option<String>,
    /// By its name in §7.3.2, e.g. `Motherboard`, `Server Blade`.
    pub kind: Option<String>,
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
    /// By their names in §7.4.2, e.g. `Safe`, `Critical`: as the firmware found them when it started.
    pub boot_up_state: Option<String>,
    pub power_supply_state: Option<String>,
    pub thermal_state: Option<String>,
    /// How many rack units it takes.
    pub height_units: Option<u32>,
    pub power_cords: Option<u32>,
    pub sku: Option<String>,
}
