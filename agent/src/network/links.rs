//! Links as the session sees them.

use crate::facts::{LiveHost, nic};
use pious_protocol::{
    facts::{self, HostInterface, LldpAgent, NicRole, Observed},
    ids::MacAddress,
};

/// One physical Ethernet interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// The kernel's number for it.
    pub index: u32,
    /// The kernel's name, e.g. `eth0`.
    pub name: String,
    /// The address in use.
    pub mac: Option<MacAddress>,
    /// The address burnt in, where the driver tells it.
    pub permanent_mac: Option<MacAddress>,
    /// Whether the link works.
    pub link: facts::Link,
    /// Negotiated speed, where there is carrier and the driver tells.
    pub speed_mbps: Option<u32>,
    /// Whose it is.
    pub role: NicRole,
    /// The LLDP agent in its firmware, once it was looked at.
    pub lldp_agent: Option<Observed<LldpAgent>>,
}

/// A link, and how often its carrier went: a cable that was moved faster than we looked is told by that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) state: LinkState,
    pub(super) carrier_losses: u32,
    /// What SMBIOS says of it, if it is the BMC's.
    pub(super) record: Option<HostInterface>,
}

impl Link {
    /// Whether the interface is hardware: bridges, tunnels and the like hang off no device.
    pub(super) fn is_physical(&self) -> bool {
        std::path::Path::new("/sys/class/net").join(&self.state.name).join("device").exists()
    }

    /// With the speed that sysfs tells: Mb/s, and -1 or an error without carrier (Documentation/ABI/testing/
    /// sysfs-class-net).
    pub(super) fn with_speed(mut self) -> Self {
        if self.has_carrier() {
            let text = std::fs::read_to_string(format!("/sys/class/net/{}/speed", self.state.name));
            self.state.speed_mbps = text.ok().and_then(|text| text.trim().parse().ok());
        }
        self
    }

    /// With whose it is; `records` are SMBIOS's.
    pub(super) fn with_role(mut self, records: &[HostInterface]) -> Self {
        let macs = self.state.mac.into_iter().chain(self.state.permanent_mac).collect();
        let attachment = nic::attachment(&LiveHost, &self.state.name, macs);
        self.state.role = nic::role::role(&attachment, records);
        self.record = nic::role::record(&attachment, records).cloned();
        self
    }

    pub(super) fn is_ours(&self) -> bool {
        match self.state.role {
            NicRole::Data => true,
            NicRole::HostInterface | NicRole::Unknown => false,
        }
    }

    pub(super) fn has_carrier(&self) -> bool {
        self.state.link == facts::Link::Up
    }
}
