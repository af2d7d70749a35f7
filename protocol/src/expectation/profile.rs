//! The hardware profile: what was ordered, and which of its health is judged.

use crate::facts::FirmwareMode;
use serde::{Deserialize, Serialize};

/// A versioned description of hardware. A member left out is not judged, but for what needs no expectation: health, PCI
/// links and drivers are judged by every profile, unless it says to `skip` them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct HardwareProfile {
    /// The profile's name.
    pub name: String,
    /// Counts the profile's editions.
    pub version: u32,
    /// SMBIOS type 1 manufacturer: exactly, but for blanks at either end.
    pub manufacturer: Option<String>,
    /// SMBIOS type 1 product: exactly, but for blanks at either end.
    pub product: Option<String>,
    /// How it must boot.
    pub firmware_mode: Option<FirmwareMode>,
    /// The system's firmware (BIOS or UEFI).
    pub firmware: Option<FirmwareProfile>,
    /// The trusted platform module.
    pub tpm: Option<TpmProfile>,
    /// Processors.
    pub cpu: Option<CpuProfile>,
    /// Memory.
    pub memory: Option<MemoryProfile>,
    /// Network interfaces.
    pub nics: Option<NicProfile>,
    /// Disks, by kind. A disk counts for the first kind it fits, so write the narrower kind first; disks that fit none are
    /// not judged.
    pub disks: Vec<DiskProfile>,
    /// PCI functions by id: GPUs, host adapters, and links that are narrower by design than the card could do.
    pub pci: Vec<PciProfile>,
    /// The management controller.
    pub bmc: Option<BmcProfile>,
    /// Power supplies.
    pub power: Option<PowerProfile>,
    /// What health is good enough.
    pub health: HealthProfile,
    /// Checks that this hardware is not judged by, by name: `health.event_log`. For what needs no expectation; leave the
    /// others' members out instead.
    pub skip: Vec<String>,
}

/// Expected firmware of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct FirmwareProfile {
    /// The oldest version (SMBIOS type 0) that will do, written as the firmware writes it: see [`crate::version`].
    pub min_version: Option<String>,
    /// Whether UEFI Secure Boot is on.
    pub secure_boot: Option<bool>,
}

/// The expected trusted platform module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct TpmProfile {
    /// The major version of its specification: 1 or 2.
    pub version: u32,
}

/// Expected processors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct CpuProfile {
    /// Text that the model's name, as the kernel tells it, contains; in either case.
    pub model_contains: Option<String>,
    /// Processors that work, as the kernel counts them: a dead one in its socket is one too few.
    pub sockets: Option<u32>,
    /// Cores in all, without hyper-threads.
    pub cores: Option<u32>,
    /// Threads in all.
    pub threads: Option<u32>,
    /// NUMA nodes: the firmware's setup decides how many a socket shows.
    pub numa_nodes: Option<u32>,
    /// What the processor must be able to do, by the kernel's words: `vmx`, `sev_snp`.
    pub flags: Vec<String>,
}

/// Expected memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct MemoryProfile {
    /// What is installed, in MiB: the sum over SMBIOS type 17, neither less nor more. The kernel must see it too.
    pub total_mib: Option<u64>,
    /// Populated slots, neither fewer nor more.
    pub dimms: Option<u32>,
    /// Slots that must hold a DIMM, by locator.
    pub populated_locators: Vec<String>,
    /// Slots that must hold a certain DIMM.
    pub slots: Vec<DimmProfile>,
}

/// The DIMM that one slot must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DimmProfile {
    /// The slot, as printed on the board.
    pub locator: String,
    /// Its size, exactly.
    pub size_mib: Option<u64>,
    /// It runs at least this fast, in MT/s.
    pub min_speed_mts: Option<u32>,
    /// Text that its part number contains; in either case.
    pub part_contains: Option<String>,
}

/// Expected network interfaces: the server's own, cabled or not. The BMC's door to its host is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct NicProfile {
    /// How many, neither fewer nor more.
    pub count: Option<u32>,
    /// By kind. An interface counts for the first kind it fits, so write the narrower kind first; those that fit none are
    /// not judged but by `count`.
    pub kinds: Vec<NicKindProfile>,
}

/// An expected kind of network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct NicKindProfile {
    /// How many of the kind, neither fewer nor more.
    pub count: u32,
    /// The kernel driver's name.
    pub driver: Option<String>,
    /// Vendor and device: `8086:1593`.
    pub pci_id: Option<String>,
    /// Each can do at least this, in Mb/s, whatever it is plugged into.
    pub min_speed_mbps: Option<u32>,
    /// Where it sits: text that the slot's or the onboard device's designation contains; in either case.
    pub location_contains: Option<String>,
}

/// An expected kind of disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DiskProfile {
    /// How many of the kind, neither fewer nor more.
    pub count: u32,
    /// Each at least this large, in GB (10⁹ bytes, as disks are sold).
    pub min_gb: Option<u64>,
    /// `nvme`, `sata`, `sas`, `virtio`, …
    pub transport: Option<String>,
    /// Text that the model contains; in either case.
    pub model_contains: Option<String>,
    /// Whether it spins.
    pub rotational: Option<bool>,
}

/// Expected PCI functions of one id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct PciProfile {
    /// Vendor and device: `10de:20b5`.
    pub id: String,
    /// What people call it: `A100`.
    pub label: Option<String>,
    /// How many, neither fewer nor more.
    pub count: Option<u32>,
    /// Each one's link has at least so many lanes; left out, as many as the function can do.
    pub min_width: Option<u32>,
    /// Each one's link runs at least this fast, in thousandths of a GT/s: 8000; left out, as fast as the function can do.
    pub min_speed_mtps: Option<u32>,
}

/// The expected management controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct BmcProfile {
    /// The oldest firmware that will do, as `2.10`: see [`crate::version`].
    pub min_firmware: Option<String>,
}

/// Expected power supplies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct PowerProfile {
    /// How many are in their bays, neither fewer nor more.
    pub supplies: u32,
}

/// What health is good enough: a part that dies, or says that it will, is never.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct HealthProfile {
    /// How much of a disk's life may be used.
    pub max_wear_percent: u32,
    /// How many of a disk's blocks may have been replaced by spare ones.
    pub max_reallocated_sectors: u64,
    /// How many memory errors may have been corrected since the kernel started.
    pub max_corrected_errors: u64,
}

impl Default for HealthProfile {
    fn default() -> Self {
        Self {
            // What is left is a year or two of most workloads: time to order another.
            max_wear_percent: 80,
            // A disk from its maker has none, and the first foretells more.
            max_reallocated_sectors: 0,
            // PIOUS has run for minutes, in which a healthy DIMM has none.
            max_corrected_errors: 0,
        }
    }
}
