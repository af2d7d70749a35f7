//! What an agent observed. Facts carry no opinion: each says where it was read, or why it could not be.
//!
//! Two ways to say so: a whole fact is an [`Observed`], seen with its source, or absent with the reason, or nothing with
//! how that is known; a flat record (a NIC, a disk) has one `source`, and names each member that it lacks, and why, in its
//! [`Gaps`].
//!
//! One file for each thing that is observed. Integers only, with the unit in the name: facts are compared.

mod bmc;
mod cpu;
mod disk;
mod firmware;
mod kernel;
mod lldp;
mod memory;
mod nic;
mod pci;
mod sensors;
mod smbios;
mod vlan;

pub use bmc::{Bmc, BmcDevice, BmcLan, BmcPowerSupply, ChassisStatus, EventLog, EventLogEntry, FieldReplaceableUnit};
pub use cpu::{Cpu, NumaNode};
pub use disk::{Disk, DiskHealth, NvmeController};
pub use firmware::{BootEntry, Firmware, FirmwareMode, SecureBoot, Tpm};
pub use kernel::{FirmwareFailure, Kernel};
pub use lldp::{
    LinkAggregation, LldpId, MacPhy, Med, MedPolicy, MedPower, Neighbour, Neighbours, PortPower, ProtocolVlan, RawTlv,
    VlanName,
};
pub use memory::{DimmErrors, Memory, MemoryErrors};
pub use nic::{Dhcp, Duplex, Link, LldpAgent, Nic, NicCounters, NicRole, Sriov, Transceiver};
pub use pci::{PciDevice, PciDriver, PcieLink};
pub use sensors::{Sensor, SensorKind};
pub use smbios::{
    Baseboard, Bios, Cache, Chassis, HostInterface, IpmiDevice, MappedRange, MemoryArray, MemoryDevice, OnboardDevice,
    PortConnector, PowerSupply, Processor, Slot, SlotPeer, Smbios, System, TpmDevice,
};
pub use vlan::Vlan;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One fact: seen, with its source; or absent, with the reason; or nothing, where the machine has no such thing.
///
/// On the wire an object with one member: `{"seen": {"source": …, "value": …}}`, `{"absent": {"reason": …}}` or
/// `{"nothing": {"reason": …}}`. A member that is newer than this build is read as absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", from = "ObservedOnWire<T>")]
pub enum Observed<T> {
    /// The fact, and where it was read (a path, a netlink family, a packet).
    Seen {
        /// Where it was read.
        source: String,
        /// What was read.
        value: T,
    },
    /// The fact could not be read.
    Absent {
        /// Why.
        reason: String,
    },
    /// There is nothing to read, and that is known: a virtio disk keeps no record of its health, a virtual machine has no
    /// memory controller of its own. Never said for want of a driver, a permission or an answer: those are `Absent`.
    Nothing {
        /// How that is known.
        reason: String,
    },
}

/// An [`Observed`] as it is read: what is newer than this build must not cost all the other facts.
#[derive(Deserialize)]
struct ObservedOnWire<T> {
    seen: Option<SeenOnWire<T>>,
    absent: Option<AbsentOnWire>,
    nothing: Option<AbsentOnWire>,
}

#[derive(Deserialize)]
struct SeenOnWire<T> {
    #[serde(default)]
    source: String,
    value: T,
}

#[derive(Deserialize)]
struct AbsentOnWire {
    reason: String,
}

impl<T> From<ObservedOnWire<T>> for Observed<T> {
    fn from(wire: ObservedOnWire<T>) -> Self {
        match (wire.seen, wire.absent, wire.nothing) {
            (Some(SeenOnWire { source, value }), _, _) => Self::Seen { source, value },
            (None, Some(AbsentOnWire { reason }), _) => Self::Absent { reason },
            (None, None, Some(AbsentOnWire { reason })) => Self::Nothing { reason },
            (None, None, None) => Self::absent("told in a way that is newer than this build"),
        }
    }
}

impl<T> Observed<T> {
    /// A fact that was read.
    pub fn seen(source: impl Into<String>, value: T) -> Self {
        Self::Seen { source: source.into(), value }
    }

    /// A fact that could not be read.
    pub fn absent(reason: impl Into<String>) -> Self {
        Self::Absent { reason: reason.into() }
    }

    /// A fact of which there is nothing to read; `reason` says how that is known.
    pub fn nothing(reason: impl Into<String>) -> Self {
        Self::Nothing { reason: reason.into() }
    }

    /// The value, or the reason of its absence.
    pub fn value(&self) -> Result<&T, &str> {
        match self {
            Self::Seen { value, .. } => Ok(value),
            Self::Absent { reason } | Self::Nothing { reason } => Err(reason),
        }
    }

    /// As [`Observed::value`]; `None` where there is nothing to read.
    pub fn reading(&self) -> Option<Result<&T, &str>> {
        match self {
            Self::Seen { .. } | Self::Absent { .. } => Some(self.value()),
            Self::Nothing { .. } => None,
        }
    }
}

impl<T> Default for Observed<T> {
    fn default() -> Self {
        Self::absent("not looked at yet")
    }
}

/// Why a flat record lacks some of its members: a member's name → the reason. What is neither there nor named here was
/// not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Gaps(#[serde(deserialize_with = "reasons")] BTreeMap<String, String>);

impl Gaps {
    /// The value; or none, with the reason noted under the member's name.
    pub fn keep<T>(&mut self, member: &str, value: Result<T, impl Into<String>>) -> Option<T> {
        value.map_err(|reason| self.note(member, reason)).ok()
    }

    /// Notes why a member is lacking.
    pub fn note(&mut self, member: &str, reason: impl Into<String>) {
        self.0.insert(member.to_owned(), reason.into());
    }

    /// Why a member is lacking.
    pub fn reason(&self, member: &str) -> Option<&str> {
        self.0.get(member).map(String::as_str)
    }

    /// Every lacking member with its reason, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(member, reason)| (member.as_str(), reason.as_str()))
    }
}

/// A reason that is no text is newer than this build, and left out.
fn reasons<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let members = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
    let text = |(member, reason)| match reason {
        serde_json::Value::String(reason) => Some((member, reason)),
        _ => None,
    };
    Ok(members.into_iter().filter_map(text).collect())
}

/// All that an agent observed of its machine at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Facts {
    /// How the machine booted.
    pub firmware_mode: FirmwareMode,
    /// What its firmware tells beside: Secure Boot, the boot order, the TPM.
    pub firmware: Firmware,
    /// The SMBIOS table.
    pub smbios: Observed<Smbios>,
    /// The processors, as the kernel sees them.
    pub cpu: Observed<Cpu>,
    /// The memory, as the kernel sees it.
    pub memory: Observed<Memory>,
    /// Memory errors since the kernel started.
    pub memory_errors: Observed<MemoryErrors>,
    /// Physical network interfaces, by name.
    pub nics: Vec<Nic>,
    /// Whole disks, by name.
    pub disks: Vec<Disk>,
    /// PCI functions, by address.
    pub pci: Observed<Vec<PciDevice>>,
    /// The management controller.
    pub bmc: Observed<Bmc>,
    /// Sensors that the kernel reads itself (hwmon); the BMC's are in `bmc`.
    pub sensors: Observed<Vec<Sensor>>,
    /// The running kernel and what it lacks.
    pub kernel: Kernel,
}

impl Facts {
    /// The interfaces that carry the server's traffic, and get cables. The BMC's door to its host is none of them, nor is
    /// one whose role is newer than this build.
    pub fn data_nics(&self) -> impl Iterator<Item = &Nic> {
        self.nics.iter().filter(|nic| match nic.role {
            NicRole::Data => true,
            NicRole::HostInterface | NicRole::Unknown => false,
        })
    }
}
