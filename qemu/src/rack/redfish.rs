//! A BMC's Redfish service, as the rack file describes it: whose it is like, the two ways that lead to it, what it runs.

use super::{BmcSpec, NicModel, NicSpec, PortRef};
use crate::bmc::redfish::Style;
use pious_protocol::ids::MacAddress;
use serde::Deserialize;
use std::net::Ipv4Addr;

/// The BMC's address on the wire to its own server, and the server's: link-local, as iDRAC has them.
pub const HOST_INTERFACE_SERVICE: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);
/// The server's.
pub const HOST_INTERFACE_HOST: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 2);
/// How long their network's prefix is.
pub const HOST_INTERFACE_PREFIX: u8 = 24;

/// A BMC's Redfish service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedfishSpec {
    /// Whose BMC it is like.
    #[serde(default)]
    pub style: Style,
    /// Where the cable of its management port is plugged; none: no cable.
    #[serde(default)]
    pub cable: Option<PortRef>,
    /// Whether a wire leads to it from its own server (DSP0270).
    #[serde(default)]
    pub host_interface: bool,
    /// The model that firmware must be for; the server's product unless given.
    #[serde(default)]
    pub model: Option<String>,
    /// The version of its own firmware; what IPMI tells of it unless given.
    #[serde(default)]
    pub bmc_version: Option<String>,
    /// The version of the server's firmware, which its SMBIOS tells too.
    #[serde(default = "default_bios")]
    pub bios_version: String,
    /// The version of its network card's.
    #[serde(default = "default_nic")]
    pub nic_version: String,
    /// The version of its power supplies'.
    #[serde(default = "default_psu")]
    pub psu_version: String,
    /// How long writing an image takes.
    #[serde(default = "default_flash_ms")]
    pub flash_ms: u64,
    /// How long it is away when it restarts.
    #[serde(default = "default_restart_ms")]
    pub restart_ms: u64,
}

impl BmcSpec {
    /// The server's network card on the wire to its BMC, if there is one. Its name can be no other card's.
    pub fn host_nic(&self) -> Option<NicSpec> {
        let has_one = self.redfish.as_ref().is_some_and(|redfish| redfish.host_interface);
        has_one.then(|| NicSpec {
            name: "host.interface".into(),
            mac: variant(self.mac, 0x40),
            model: NicModel::VirtioNetPci,
            cable: None,
            planned: None,
            speed_mbps: None,
            planned_min_mbps: None,
            boot: false,
        })
    }

    /// The BMC's own address at the other end of that wire.
    pub fn host_interface_mac(&self) -> MacAddress {
        variant(self.mac, 0x80)
    }
}

/// An address that goes with another.
fn variant(mac: MacAddress, flip: u8) -> MacAddress {
    let mut bytes = mac.0;
    bytes[2] ^= flip;
    MacAddress(bytes)
}

fn default_bios() -> String {
    "1.0.0".into()
}

fn default_nic() -> String {
    "22.31.6".into()
}

fn default_psu() -> String {
    "1.3".into()
}

fn default_flash_ms() -> u64 {
    3_000
}

fn default_restart_ms() -> u64 {
    2_000
}
