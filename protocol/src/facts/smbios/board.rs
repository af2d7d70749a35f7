//! What a board has places for: ports, slots, devices on it: types 8, 9 and 41.

use serde::{Deserialize, Serialize};

/// Port connector: DSP0134 §7.9, type 8.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct PortConnector {
    /// What is printed inside the enclosure.
    pub internal: Option<String>,
    /// By its name in §7.9.2, e.g. `RJ-45`.
    pub internal_connector: Option<String>,
    /// What is printed outside.
    pub external: Option<String>,
    pub external_connector: Option<String>,
    /// By its name in §7.9.3, e.g. `Network Port`.
    pub kind: Option<String>,
}

/// System slot: DSP0134 §7.10, type 9.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Slot {
    pub designation: Option<String>,
    /// By its name in §7.10.1, e.g. `PCI Express 4 x16`.
    pub kind: Option<String>,
    /// How many lanes or bits reach it, by its name in §7.10.2, e.g. `x16`, `64-bit`.
    pub width: Option<String>,
    /// By its name in §7.10.3, e.g. `Available`, `In Use`.
    pub usage: Option<String>,
    /// By its name in §7.10.4.
    pub length: Option<String>,
    /// The number printed beside it, of a type that has one (§7.10.5).
    pub id: Option<u32>,
    /// As sysfs writes it, e.g. `0000:3b:00.0`; `None` where the table does not tell (§7.10.8).
    pub pci_address: Option<String>,
    /// The lanes of the device at `pci_address`.
    pub base_width: Option<u32>,
    /// The other devices of a slot whose lanes are shared out.
    pub peers: Vec<SlotPeer>,
    /// The highest generation of PCI Express that it takes.
    pub generation: Option<u32>,
    /// How wide a card fits, where that is more than `width`.
    pub physical_width: Option<String>,
    pub pitch_hundredths_mm: Option<u32>,
    /// By its name in §7.10.13, e.g. `Low-profile`.
    pub height: Option<String>,
    /// By their names in §7.10.6 and §7.10.7, e.g. `Hot-plug devices are supported`.
    pub characteristics: Vec<String>,
}

/// One device more of a slot: DSP0134 §7.10.9.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct SlotPeer {
    /// As sysfs writes it.
    pub pci_address: Option<String>,
    /// Its lanes.
    pub width: u32,
}

/// Onboard device, extended: DSP0134 §7.42, type 41.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct OnboardDevice {
    /// What is printed beside the socket.
    pub designation: Option<String>,
    /// By its name in §7.42.2, e.g. `Ethernet`.
    pub kind: Option<String>,
    pub enabled: Option<bool>,
    /// Counts the devices of one kind, from 1 on: the number of `eno1`.
    pub instance: Option<u32>,
    /// As sysfs writes it, e.g. `0000:19:00.0`.
    pub pci_address: Option<String>,
}
