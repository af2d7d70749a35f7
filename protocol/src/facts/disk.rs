//! Whole disks, each counted once.

use super::{Gaps, Observed};
use serde::{Deserialize, Serialize};

/// One whole disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Disk {
    /// The kernel's name, e.g. `sda`, `nvme0n1`.
    pub name: String,
    /// The device's model.
    pub model: Option<String>,
    /// The device's serial.
    pub serial: Option<String>,
    /// The device's firmware revision.
    pub firmware: Option<String>,
    /// Size.
    pub size_bytes: u64,
    /// Whether it spins.
    pub rotational: Option<bool>,
    /// `nvme`, `sata`, `sas`, `virtio`, `usb`, …
    pub transport: Option<String>,
    /// The PCI function it hangs off.
    pub pci_address: Option<String>,
    /// Where it sits: the enclosure's slot, the NVMe slot's designation, or the port of its controller (`ata1`).
    pub slot: Option<String>,
    /// The name that it has wherever it is plugged: `naa.5000c500…`, `eui.0025388…`, `t10.ATA …` (`wwid` of sysfs).
    pub wwid: Option<String>,
    /// The smallest unit that can be addressed.
    pub logical_block_bytes: Option<u32>,
    /// The smallest unit that it writes at once.
    pub physical_block_bytes: Option<u32>,
    /// Whether the kernel refuses to write to it.
    pub read_only: Option<bool>,
    /// Other names of the same disk, where several ways lead to it: it is counted once.
    pub other_paths: Vec<String>,
    /// Arrays and maps that it is a member of, e.g. `md127`, `dm-0`: those are not counted beside it.
    pub member_of: Vec<String>,
    /// What its NVMe controller says of itself.
    pub nvme: Option<NvmeController>,
    /// What it says of its health.
    pub health: Observed<DiskHealth>,
    /// Where all this was read.
    pub source: String,
    /// What is lacking, and why.
    pub gaps: Gaps,
}

/// Identify Controller: NVM Express Base 2.0 §5.17.2.1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct NvmeController {
    pub pci_vendor_id: u16,
    pub pci_subsystem_vendor_id: u16,
    pub controller_id: u16,
    /// The specification's version, e.g. `1.4.0`.
    pub version: String,
    /// The whole capacity, where namespaces can be managed.
    pub total_capacity_bytes: Option<u64>,
    pub namespaces: u32,
    pub firmware_slots: u8,
    /// Whether firmware can be activated without a reset.
    pub activates_without_reset: bool,
}

/// What a disk says of its own health: NVMe's SMART log (Base 2.0 §5.16.1.3), ATA's SMART attributes, or SCSI's
/// informational exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DiskHealth {
    /// Its own verdict; `None` where it gives none.
    pub passed: Option<bool>,
    /// What it warns of, by the standard's words: `available spare below threshold`, `read-only mode`, …
    pub warnings: Vec<String>,
    /// Now.
    pub temperature_celsius: Option<i32>,
    /// How long it was powered.
    pub power_on_hours: Option<u64>,
    /// How often it was powered up.
    pub power_cycles: Option<u64>,
    /// How often it lost power without being told.
    pub unsafe_shutdowns: Option<u64>,
    /// How much of its life is used; may exceed 100.
    pub wear_percent: Option<u32>,
    /// What is left of the spare blocks.
    pub spare_percent: Option<u32>,
    /// What the vendor takes for too little of them.
    pub spare_threshold_percent: Option<u32>,
    /// Errors that its media could not mend.
    pub media_errors: Option<u64>,
    /// Blocks that were replaced by spare ones.
    pub reallocated_sectors: Option<u64>,
    /// Blocks that wait for being replaced.
    pub pending_sectors: Option<u64>,
    /// Written by hosts in its life.
    pub written_bytes: Option<u64>,
    /// Read by hosts in its life.
    pub read_bytes: Option<u64>,
}
