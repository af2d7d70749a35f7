//! Why a rack file, or a name that somebody asks for, is not believed. Every error names the objects.

use super::{
    NicRef, PortRef,
    check::{MAX_NAME_BYTES, MIN_MEMORY_MIB},
};
use pious_protocol::ids::MacAddress;
use std::fmt;
use thiserror::Error;

/// Names that exist, for whoever used one that does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<T: IntoIterator<Item = &'a str>>(names: T) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A switch of 48 ports is told by its ends.
        const MOST: usize = 12;
        match self.0.as_slice() {
            [] => f.write_str("none"),
            [first, second, .., last] if self.0.len() > MOST => write!(f, "{first}, {second}, … {last}"),
            names => f.write_str(&names.join(", ")),
        }
    }
}

/// Why a rack file is not believed.
#[derive(Debug, Error)]
pub enum RackError {
    /// No TOML, or not a rack's.
    #[error("rack file can't be read")]
    Syntax(#[source] toml::de::Error),
    /// Text that is no port.
    #[error("{0:?} is no switch port; write switch.port, as in r1-sw1.Ethernet1")]
    NotAPort(String),
    /// Text that is no NIC.
    #[error("{0:?} is no server's NIC; write server.nic, as in r1-u10.nic1")]
    NotANic(String),
    /// A switch that the rack does not have.
    #[error("the rack has no switch {:?} (in {port}); it has {present}", port.switch)]
    UnknownSwitch {
        /// The port that was asked for.
        port: PortRef,
        /// The switches that there are.
        present: Names,
    },
    /// A port that the switch does not have.
    #[error("switch {:?} has no port {:?}; it has {present}", port.switch, port.port)]
    UnknownPort {
        /// The port that was asked for.
        port: PortRef,
        /// The ports that there are.
        present: Names,
    },
    /// A server that the rack does not have.
    #[error("the rack has no server {server:?}; it has {present}")]
    UnknownServer {
        /// The server that was asked for.
        server: String,
        /// The servers that there are.
        present: Names,
    },
    /// A NIC that the server does not have.
    #[error("server {:?} has no NIC {:?}; it has {present}", nic.server, nic.nic)]
    UnknownNic {
        /// The NIC that was asked for.
        nic: NicRef,
        /// The NICs that there are.
        present: Names,
    },
    /// Two cables in one port.
    #[error("two cables in port {port}: {first} and {second}")]
    PortTaken {
        /// The port.
        port: PortRef,
        /// The cable's other end.
        first: String,
        /// The other cable's other end.
        second: String,
    },
    /// Two plans for one port.
    #[error("two cables are planned for port {port}: {first} and {second}")]
    PlanTaken {
        /// The port.
        port: PortRef,
        /// The cable's other end.
        first: String,
        /// The other cable's other end.
        second: String,
    },
    /// Something that must be there once is there twice.
    #[error("{what} {value} belongs to both {first} and {second}")]
    Duplicate {
        /// `MAC address`, `serial`, …
        what: &'static str,
        /// Its value.
        value: String,
        /// Who has it.
        first: String,
        /// Who has it too.
        second: String,
    },
    /// A name that can't be part of a path or of an LLDP identity.
    #[error(
        "{what} {name:?} is not a usable name: 1 to {MAX_NAME_BYTES} letters, digits, hyphens, underscores{}",
        if *.what == "port" || *.what == "switch" { ", slashes (ports), dots (switches)" } else { "" }
    )]
    BadName {
        /// What is called so.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A VLAN id outside 1–4094.
    #[error("port {port}: VLAN {vlan} is not between 1 and 4094")]
    BadVlan {
        /// The port.
        port: PortRef,
        /// The id.
        vlan: u16,
    },
    /// A VLAN that is native and tagged at once.
    #[error("port {port}: VLAN {vlan} is both native and tagged")]
    NativeAndTagged {
        /// The port.
        port: PortRef,
        /// The id.
        vlan: u16,
    },
    /// A loss of more than everything.
    #[error("port {port}: loss of {percent} % is more than 100 %")]
    BadLoss {
        /// The port.
        port: PortRef,
        /// The percentage.
        percent: u8,
    },
    /// An interface that the lab does not have.
    #[error("uplink {0:?}: the lab's interfaces are prov and bmc")]
    UnknownInterface(String),
    /// Text that is no firmware version.
    #[error("{0:?} is no BMC's firmware version; write major.minor with two digits behind the point, as in 2.10")]
    BadFirmwareVersion(String),
    /// A BMC that can't be as it is described.
    #[error("server {server}: its BMC: {why}")]
    BadBmc {
        /// The server.
        server: String,
        /// What can't be.
        why: String,
    },
    /// A profile that the rack does not have.
    #[error("server {server}: the rack has no hardware profile {profile:?}")]
    UnknownProfile {
        /// The server.
        server: String,
        /// The profile.
        profile: String,
    },
    /// Too little memory to start.
    #[error(
        "server {server}: {mib} MiB of memory are fewer than the {MIN_MEMORY_MIB} MiB that firmware and kernel need"
    )]
    TooLittleMemory {
        /// The server.
        server: String,
        /// Its memory.
        mib: u64,
    },
    /// A server without a processor.
    #[error("server {0}: sockets and cores must be at least 1")]
    NoProcessor(String),
    /// `undionly.kpxe` is a BIOS program.
    #[error("server {0}: chainload = true is for BIOS servers; UEFI servers load snponly.efi by themselves")]
    ChainloadUefi(String),
    /// QEMU's e1000e has one speed.
    #[error("NIC {nic}: an e1000e's link always comes up with 1 Gb/s; speed_mbps is for virtio-net-pci")]
    FixedSpeed {
        /// The NIC.
        nic: NicRef,
    },
    /// A NIC's address with the multicast bit.
    #[error("{owner}: {mac} is a multicast address")]
    MulticastMac {
        /// Whose.
        owner: String,
        /// The address.
        mac: MacAddress,
    },
}
