//! What an agent observed. Facts carry no opinion: each says where it was read, or why it could not be.

use crate::ids::MacAddress;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use uuid::Uuid;

/// One fact: seen, with its source, or absent, with the reason.
///
/// On the wire an object with one member: `{"seen": {"source": …, "value": …}}` or `{"absent": {"reason": …}}`. A member
/// that is newer than this build is read as absent.
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
}

/// An [`Observed`] as it is read: what is newer than this build must not cost all the other facts.
#[derive(Deserialize)]
struct ObservedOnWire<T> {
    seen: Option<SeenOnWire<T>>,
    absent: Option<AbsentOnWire>,
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
        match (wire.seen, wire.absent) {
            (Some(SeenOnWire { source, value }), _) => Self::Seen { source, value },
            (None, Some(AbsentOnWire { reason })) => Self::Absent { reason },
            (None, None) => Self::absent("told in a way that is newer than this build"),
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

    /// The value, or the reason of its absence.
    pub fn value(&self) -> Result<&T, &str> {
        match self {
            Self::Seen { value, .. } => Ok(value),
            Self::Absent { reason } => Err(reason),
        }
    }
}

impl<T> Default for Observed<T> {
    fn default() -> Self {
        Self::absent("not looked at yet")
    }
}

/// All that an agent observed of its machine at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Facts {
    /// How the machine booted.
    pub firmware_mode: FirmwareMode,
    /// The SMBIOS table.
    pub smbios: Observed<Smbios>,
    /// The processors, as the kernel sees them.
    pub cpu: Observed<Cpu>,
    /// The memory, as the kernel sees it.
    pub memory: Observed<Memory>,
    /// Physical network interfaces, by name.
    pub nics: Vec<Nic>,
    /// Whole disks, by name.
    pub disks: Vec<Disk>,
    /// The running kernel and what it lacks.
    pub kernel: Kernel,
}

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

/// The SMBIOS table (DMTF DSP0134). Strings are as the firmware wrote them, placeholders included; they are
/// judged where identity is. A field that the table does not have is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Smbios {
    /// The specification's version that the entry point claims, as `3.2` or `3.2.0`.
    pub version: String,
    /// Type 0.
    pub bios: Option<Bios>,
    /// Type 1.
    pub system: Option<System>,
    /// Type 2, each.
    pub baseboards: Vec<Baseboard>,
    /// Type 3, each.
    pub chassis: Vec<Chassis>,
    /// Type 4, each socket, populated or not.
    pub processors: Vec<Processor>,
    /// Type 16, each.
    pub memory_arrays: Vec<MemoryArray>,
    /// Type 17, each slot, populated or not.
    pub memory_devices: Vec<MemoryDevice>,
    /// What could not be decoded: one sentence each. Empty for a clean table.
    pub problems: Vec<String>,
}

/// BIOS information: DSP0134 §7.1, type 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Bios {
    pub vendor: Option<String>,
    pub version: Option<String>,
    pub release_date: Option<String>,
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
}

/// Processor socket: DSP0134 §7.5, type 4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct Processor {
    pub socket: Option<String>,
    pub populated: bool,
    pub manufacturer: Option<String>,
    pub version: Option<String>,
    pub serial: Option<String>,
    pub max_speed_mhz: Option<u32>,
    pub cores: Option<u32>,
    pub cores_enabled: Option<u32>,
    pub threads: Option<u32>,
}

/// Physical memory array: DSP0134 §7.17, type 16.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct MemoryArray {
    pub location: Option<String>,
    pub usage: Option<String>,
    pub error_correction: Option<String>,
    pub max_capacity_bytes: Option<u64>,
    pub slots: Option<u32>,
}

/// Memory device, one slot: DSP0134 §7.18, type 17.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct MemoryDevice {
    pub locator: Option<String>,
    pub bank: Option<String>,
    /// `None` for an empty slot, or one whose size is unknown: see `populated`.
    pub size_bytes: Option<u64>,
    pub populated: bool,
    pub form_factor: Option<String>,
    pub kind: Option<String>,
    pub speed_mts: Option<u32>,
    pub configured_speed_mts: Option<u32>,
    pub manufacturer: Option<String>,
    pub serial: Option<String>,
    pub asset_tag: Option<String>,
    pub part_number: Option<String>,
    pub rank: Option<u32>,
}

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
}

/// The memory, as the kernel sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Memory {
    /// MemTotal: what the kernel has to give, less than what is installed.
    pub total_bytes: u64,
}

/// One physical network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Nic {
    /// The kernel's name, e.g. `eth0`.
    pub name: String,
    /// The address in use.
    pub mac: Option<MacAddress>,
    /// The address burnt into the hardware, where the driver tells it.
    pub permanent_mac: Option<MacAddress>,
    /// The kernel driver's name.
    pub driver: Option<String>,
    /// As sysfs writes it, e.g. `0000:00:02.0`.
    pub pci_address: Option<String>,
    /// Negotiated speed; `None` without carrier, or where the driver does not tell.
    pub speed_mbps: Option<u32>,
    /// Whether the link works.
    pub link: Link,
    /// The interface's addresses.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub addresses: Vec<IpAddr>,
    /// DHCP's progress on this link.
    pub dhcp: Dhcp,
    /// What was learnt of VLANs on this link.
    pub vlan: Vlan,
    /// LLDP neighbours heard on this link.
    pub neighbours: Neighbours,
}

impl Nic {
    /// The address that names this NIC for good: the permanent one where the driver tells it, else the one in use.
    pub fn lasting_mac(&self) -> Option<MacAddress> {
        self.permanent_mac.or(self.mac)
    }
}

/// Whether a link works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Carrier.
    Up,
    /// The interface is up and has no carrier: no cable, or a dead other end.
    NoCarrier,
    /// The interface is administratively down.
    Disabled,
    /// Not told.
    #[default]
    #[serde(other)]
    Unknown,
}

/// DHCP's progress on one link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Dhcp {
    /// Not started: no carrier yet, or not ours to configure.
    #[default]
    Idle,
    /// Asking; no answer yet.
    Asking {
        /// For how long, in seconds.
        for_s: u64,
        /// How many discovers went unanswered.
        attempts: u32,
    },
    /// A lease is held.
    Bound {
        /// Our address.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address: IpAddr,
        /// Length of the subnet's prefix.
        prefix_length: u8,
        /// The server that gave it.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        server: IpAddr,
        /// The lease's whole length in seconds.
        lease_s: u32,
    },
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

/// What was learnt of VLANs on one link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Vlan {
    /// The native VLAN that the neighbour announces (IEEE 802.1Q Annex D.2.1, Port VLAN ID).
    pub announced_native: Option<u16>,
    /// The VLANs that the neighbour announces by name (Annex D.2.3), sorted.
    pub announced: Vec<VlanName>,
    /// 802.1Q tags seen on the wire, sorted.
    pub tags_seen: Vec<u16>,
    /// Whether a DHCP server answered untagged.
    pub dhcp_answers_untagged: bool,
}

/// A VLAN and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)]
pub struct VlanName {
    pub id: u16,
    pub name: String,
}

/// What LLDP told of a link's other end.
///
/// On the wire an object with one member: `{"heard": […]}` or `{"silent": {"reason": …}}`. A member that is newer than
/// this build is read as silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", from = "NeighboursOnWire")]
pub enum Neighbours {
    /// At least one neighbour, by chassis and port.
    Heard(Vec<Neighbour>),
    /// None, and why: no carrier; silent for so many seconds; the NIC's firmware keeps LLDP to itself.
    Silent {
        /// Why.
        reason: String,
    },
}

/// [`Neighbours`] as they are read.
#[derive(Deserialize)]
struct NeighboursOnWire {
    heard: Option<Vec<Neighbour>>,
    silent: Option<AbsentOnWire>,
}

impl From<NeighboursOnWire> for Neighbours {
    fn from(wire: NeighboursOnWire) -> Self {
        match (wire.heard, wire.silent) {
            (Some(neighbours), _) => Self::Heard(neighbours),
            (None, Some(AbsentOnWire { reason })) => Self::Silent { reason },
            (None, None) => Self::Silent { reason: "told in a way that is newer than this build".into() },
        }
    }
}

impl Default for Neighbours {
    fn default() -> Self {
        Self::Silent { reason: "not listened yet".into() }
    }
}

impl Neighbours {
    /// The neighbours heard; none where the link is silent.
    pub fn heard(&self) -> &[Neighbour] {
        match self {
            Self::Heard(neighbours) => neighbours,
            Self::Silent { .. } => &[],
        }
    }
}

/// One LLDP neighbour: IEEE 802.1AB-2016.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Neighbour {
    /// §8.5.2.
    pub chassis_id: LldpId,
    /// §8.5.3.
    pub port_id: LldpId,
    /// §8.5.4: how long this stays true, in seconds; 0 says goodbye.
    pub ttl_s: u16,
    /// §8.5.5.
    pub port_description: Option<String>,
    /// §8.5.6.
    pub system_name: Option<String>,
    /// §8.5.7.
    pub system_description: Option<String>,
    /// §8.5.9: addresses; IPv4 and IPv6 as such, others as `afi N: hex`.
    pub management_addresses: Vec<String>,
    /// Port VLAN ID (IEEE 802.1Q-2018 Annex D.2.1).
    pub native_vlan: Option<u16>,
    /// VLAN names (Annex D.2.3).
    pub vlans: Vec<VlanName>,
    /// TLVs that this build does not decode.
    pub other: Vec<RawTlv>,
}

/// A chassis or port id: its subtype's name and its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct LldpId {
    /// `mac_address`, `network_address`, `interface_name`, `interface_alias`, `local`, `chassis_component`,
    /// `port_component`, `agent_circuit_id`, or `reserved_N`.
    pub subtype: String,
    /// Text as it stands; MAC and network addresses in their usual forms; bytes that are no text as hex.
    pub value: String,
}

/// A TLV that was not decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RawTlv {
    /// The TLV's type, 0–127.
    pub kind: u8,
    /// `00-80-c2/1` for an organizationally specific one (type 127): OUI and subtype.
    pub organization: Option<String>,
    /// The value (behind OUI and subtype, for type 127), as hex.
    pub value: String,
}

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
}

/// The running kernel and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Kernel {
    /// `uname -r`.
    pub release: String,
    /// Firmware files that packed drivers may ask for and that the image does not carry.
    pub missing_firmware: Vec<String>,
}
