//! The rack file: switches, servers, cables. Pure: text in, a checked [`Rack`] out.
//!
//! A rack says where each cable *is* (`cable`) and where it *belongs* (`planned`); where the two differ, the cable is
//! miswired on purpose. It must not know how any of it is run.

mod bmc;
mod check;
mod check_bmc;
mod error;
mod plan;
pub mod redfish;

pub use bmc::{BmcSpec, FirmwareVersion, Measure, PowerSupplySpec, PowerSupplyState, SensorSpec};
pub use error::{Names, RackError};
pub use redfish::RedfishSpec;

use pious_protocol::{expectation::HardwareProfile, ids::MacAddress};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::{fmt, net::IpAddr, str::FromStr};
use uuid::Uuid;

/// The provisioning VLAN of every rack: what the lab's `prov` interface sits in.
pub const PROVISIONING_VLAN: u16 = 10;

/// A whole rack.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rack {
    /// The rack's name; its run directory is called so too.
    pub name: String,
    /// Top-of-rack switches.
    #[serde(default)]
    pub switches: Vec<SwitchSpec>,
    /// The lab's own interfaces (`prov`, `bmc`) and the ports they are cabled to.
    #[serde(default)]
    pub uplinks: Vec<Uplink>,
    /// Cables between switches.
    #[serde(default)]
    pub trunks: Vec<Trunk>,
    /// Servers.
    #[serde(default)]
    pub servers: Vec<ServerSpec>,
    /// Hardware profiles for Senzu, as its import file has them.
    #[serde(default)]
    pub profiles: Vec<HardwareProfile>,
}

/// One switch.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchSpec {
    /// Its LLDP system name.
    pub name: String,
    /// Its LLDP chassis id.
    pub chassis: MacAddress,
    /// Its LLDP management address.
    #[serde(default)]
    pub management: Option<IpAddr>,
    /// Its LLDP system description.
    #[serde(default)]
    pub description: Option<String>,
    /// Its ports.
    pub ports: Vec<PortSpec>,
}

/// One port of a switch.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortSpec {
    /// Its LLDP port id.
    pub name: String,
    /// Its LLDP port description; none unless given.
    #[serde(default)]
    pub description: Option<String>,
    /// The VLAN of untagged frames; without one, untagged frames are dropped.
    #[serde(default)]
    pub native: Option<u16>,
    /// The VLANs carried tagged.
    #[serde(default)]
    pub tagged: Vec<u16>,
    /// Who speaks LLDP on it.
    #[serde(default)]
    pub lldp: LldpSpeaker,
    /// How many of a hundred frames are lost, each way.
    #[serde(default)]
    pub loss_percent: u8,
    /// How long each frame takes, each way.
    #[serde(default)]
    pub delay_ms: u64,
    /// Whether the port starts shut.
    #[serde(default)]
    pub down: bool,
}

/// Who speaks LLDP on a switch port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LldpSpeaker {
    /// The switch announces the identity that the rack file gives it.
    #[default]
    Announce,
    /// Nobody.
    Silent,
    /// A real `lldpd`.
    Lldpd,
    /// A captured frame (a pcap file, beside the rack file), sent again and again as it is.
    Replay(String),
}

/// One of the lab's own interfaces on a switch port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uplink {
    /// `prov` or `bmc`.
    pub interface: String,
    /// Where it is plugged.
    pub cable: PortRef,
}

/// A cable between two switches.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// Its two ends.
    pub ports: [PortRef; 2],
}

/// One server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// Its name among people, and in Senzu.
    pub name: String,
    /// BIOS or UEFI.
    pub firmware: Firmware,
    /// SMBIOS type 1 manufacturer.
    #[serde(default = "default_manufacturer")]
    pub manufacturer: String,
    /// SMBIOS type 1 product.
    #[serde(default = "default_product")]
    pub product: String,
    /// SMBIOS type 1 serial.
    pub serial: String,
    /// SMBIOS type 1 UUID.
    pub uuid: Uuid,
    /// Installed memory.
    #[serde(default = "default_memory_mib")]
    pub memory_mib: u64,
    /// Processor sockets.
    #[serde(default = "one")]
    pub sockets: u32,
    /// Cores in each socket.
    #[serde(default = "one")]
    pub cores: u32,
    /// BIOS only: the first stage loads `undionly.kpxe` by TFTP, as a NIC with a vendor's PXE ROM would.
    #[serde(default)]
    pub chainload: bool,
    /// The name of the hardware profile that Senzu judges it by; none: Senzu expects nothing of its hardware.
    #[serde(default)]
    pub profile: Option<String>,
    /// The MAC of a BMC that the lab does not run, for Senzu.
    #[serde(default)]
    pub bmc_mac: Option<MacAddress>,
    /// The BMC that the lab runs beside it.
    #[serde(default)]
    pub bmc: Option<BmcSpec>,
    /// Held for use by somebody from the beginning.
    #[serde(default)]
    pub held: Option<String>,
    /// Whether Senzu has never heard of it: it is left out of the import.
    #[serde(default)]
    pub unknown_to_senzu: bool,
    /// Network interfaces, in PCI order.
    #[serde(default)]
    pub nics: Vec<NicSpec>,
    /// Empty disks.
    #[serde(default)]
    pub disks: Vec<DiskSpec>,
}

/// A server's firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Firmware {
    /// SeaBIOS.
    Bios,
    /// OVMF.
    Uefi,
}

/// One network interface of a server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NicSpec {
    /// What is printed beside the socket, without spaces: `nic1`.
    pub name: String,
    /// Its burnt-in address.
    pub mac: MacAddress,
    /// The emulated device.
    #[serde(default)]
    pub model: NicModel,
    /// Where its cable is plugged; none: no cable.
    #[serde(default)]
    pub cable: Option<PortRef>,
    /// Where its cable belongs, for Senzu; `cable` where not given.
    #[serde(default)]
    pub planned: Option<PortRef>,
    /// The speed that its link comes up with; virtio's only, which tells none unless given.
    #[serde(default)]
    pub speed_mbps: Option<u32>,
    /// The least speed that the plan wants of its link, for Senzu.
    #[serde(default)]
    pub planned_min_mbps: Option<u32>,
    /// Whether the firmware may boot from it.
    #[serde(default = "yes")]
    pub boot: bool,
}

/// The emulated network device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NicModel {
    /// `virtio-net-pci`.
    #[default]
    VirtioNetPci,
    /// `e1000e`.
    E1000e,
}

/// One empty disk.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskSpec {
    /// Its size in GB (10⁹ bytes, as disks are sold).
    pub gb: u64,
    /// What it hangs off.
    #[serde(default)]
    pub bus: DiskBus,
    /// Its serial, for the devices that have one.
    #[serde(default)]
    pub serial: Option<String>,
}

/// What a disk hangs off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskBus {
    /// `virtio-blk-pci`.
    #[default]
    Virtio,
    /// `nvme`.
    Nvme,
    /// SATA, on q35's own AHCI.
    Sata,
}

/// A switch port, written `switch.port`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRef {
    /// The switch's name.
    pub switch: String,
    /// The port's name.
    pub port: String,
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.switch, self.port)
    }
}

impl FromStr for PortRef {
    type Err = RackError;

    /// The last dot divides, so a switch may be called `sw1.example.net`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.rsplit_once('.') {
            Some((switch, port)) if !switch.is_empty() && !port.is_empty() => {
                Ok(Self { switch: switch.to_owned(), port: port.to_owned() })
            }
            Some(_) | None => Err(RackError::NotAPort(text.to_owned())),
        }
    }
}

/// A server's NIC, written `server.nic`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NicRef {
    /// The server's name.
    pub server: String,
    /// The NIC's name.
    pub nic: String,
}

impl fmt::Display for NicRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.server, self.nic)
    }
}

impl FromStr for NicRef {
    type Err = RackError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.rsplit_once('.') {
            Some((server, nic)) if !server.is_empty() && !nic.is_empty() => {
                Ok(Self { server: server.to_owned(), nic: nic.to_owned() })
            }
            Some(_) | None => Err(RackError::NotANic(text.to_owned())),
        }
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}
as_text!(PortRef);
as_text!(NicRef);

impl Rack {
    /// Reads and checks a rack file.
    pub fn parse(text: &str) -> Result<Self, RackError> {
        let rack: Self = toml::from_str(text).map_err(RackError::Syntax)?;
        check::check(&rack)?;
        Ok(rack)
    }

    /// The cables of BMCs' management ports.
    pub fn bmc_cables(&self) -> impl Iterator<Item = (&ServerSpec, &PortRef)> {
        self.servers.iter().filter_map(|server| {
            let port = server.bmc.as_ref()?.redfish.as_ref()?.cable.as_ref()?;
            Some((server, port))
        })
    }

    /// The server of that name.
    pub fn server(&self, name: &str) -> Result<&ServerSpec, RackError> {
        self.servers.iter().find(|server| server.name == name).ok_or_else(|| RackError::UnknownServer {
            server: name.to_owned(),
            present: self.servers.iter().map(|server| server.name.as_str()).collect(),
        })
    }

    /// The NIC of that name.
    pub fn nic(&self, nic: &NicRef) -> Result<&NicSpec, RackError> {
        let nics = &self.server(&nic.server)?.nics;
        nics.iter().find(|spec| spec.name == nic.nic).ok_or_else(|| RackError::UnknownNic {
            nic: nic.clone(),
            present: nics.iter().map(|spec| spec.name.as_str()).collect(),
        })
    }

    /// The port of that name.
    pub fn port(&self, port: &PortRef) -> Result<&PortSpec, RackError> {
        let switch = self.switches.iter().find(|switch| switch.name == port.switch);
        let ports = &switch
            .ok_or_else(|| RackError::UnknownSwitch {
                port: port.clone(),
                present: self.switches.iter().map(|switch| switch.name.as_str()).collect(),
            })?
            .ports;
        ports.iter().find(|spec| spec.name == port.port).ok_or_else(|| RackError::UnknownPort {
            port: port.clone(),
            present: ports.iter().map(|spec| spec.name.as_str()).collect(),
        })
    }
}

fn default_manufacturer() -> String {
    "PIOUS".into()
}

fn default_product() -> String {
    "Lab Server".into()
}

/// What the whole story must fit into.
fn default_memory_mib() -> u64 {
    256
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}
