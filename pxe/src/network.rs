//! One network that DHCP is served on: its subnet, and a range of addresses for each lease tier.

use crate::config::{ConfigError, SHORTEST_LEASE_S, check_interface_name};
use ipnet::Ipv4Net;
use pious_protocol::message::LeaseTier;
use serde::Deserialize;
use std::net::Ipv4Addr;

/// The longest prefix that leaves room for the server, a router and clients of two tiers.
const LONGEST_PREFIX: u8 = 29;

/// A network, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name; also its tag in dnsmasq.
    pub name: String,
    /// Who lives there.
    pub kind: Kind,
    /// How it is reached.
    pub reach: Reach,
    /// Its subnet.
    pub subnet: Ipv4Net,
    /// The default router of its clients; without one they get none.
    pub router: Option<Ipv4Addr>,
    /// Name servers.
    pub dns: Vec<Ipv4Addr>,
    /// Time servers.
    pub ntp: Vec<Ipv4Addr>,
    /// For those that Senzu does not recognize.
    pub unrecognized: Range,
    /// For those that it does; the same addresses as `unrecognized` when the file gives none.
    pub recognized: Range,
}

/// Who lives on a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Servers, which boot from it.
    Provisioning,
    /// Their BMCs, which only want an address.
    Bmc,
}

/// How a network is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This machine has an interface on it.
    Interface {
        /// The interface.
        name: String,
        /// This machine's address there.
        address: Ipv4Addr,
        /// Whether to advertise an IPv6 router, which spares each iPXE 15 s of waiting for one.
        advertise: bool,
    },
    /// Through a DHCP relay (RFC 2131 §4.1, giaddr).
    Relay,
}

/// The addresses and the lease of one tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last address.
    pub last: Ipv4Addr,
    /// How long a lease holds, in seconds.
    pub lease_s: u32,
}

/// A network as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkSection {
    name: String,
    kind: Kind,
    #[serde(default)]
    interface: Option<String>,
    #[serde(default)]
    address: Option<Ipv4Net>,
    #[serde(default)]
    relay: bool,
    #[serde(default)]
    subnet: Option<Ipv4Net>,
    /// Router advertisements; by default on a provisioning network with an interface.
    #[serde(default)]
    advertise: Option<bool>,
    #[serde(default)]
    router: Option<Ipv4Addr>,
    #[serde(default)]
    dns: Vec<Ipv4Addr>,
    #[serde(default)]
    ntp: Vec<Ipv4Addr>,
    unrecognized: RangeSection,
    recognized: SharedRangeSection,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeSection {
    first: Ipv4Addr,
    last: Ipv4Addr,
    lease_s: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedRangeSection {
    #[serde(default)]
    first: Option<Ipv4Addr>,
    #[serde(default)]
    last: Option<Ipv4Addr>,
    lease_s: u32,
}

impl Network {
    /// Whether its clients boot.
    pub fn boots(&self) -> bool {
        match self.kind {
            Kind::Provisioning => true,
            Kind::Bmc => false,
        }
    }

    /// The interface, unless it is relayed.
    pub fn interface(&self) -> Option<&str> {
        match &self.reach {
            Reach::Interface { name, .. } => Some(name),
            Reach::Relay => None,
        }
    }

    /// A tier's range.
    pub fn range(&self, tier: LeaseTier) -> Range {
        match tier {
            LeaseTier::Unrecognized => self.unrecognized,
            LeaseTier::Recognized => self.recognized,
        }
    }

    /// How many addresses it can lease in all.
    pub fn capacity(&self) -> u64 {
        let shared = self.unrecognized.same_addresses(&self.recognized);
        self.unrecognized.len() + if shared { 0 } else { self.recognized.len() }
    }

    /// Checks what the file says of one network.
    pub(crate) fn check(section: NetworkSection) -> Result<Self, ConfigError> {
        let name = section.name.clone();
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || !name.bytes().all(fits) {
            return Err(ConfigError::Name(name));
        }
        let (reach, subnet) = check_reach(&section)?;
        if subnet.prefix_len() > LONGEST_PREFIX {
            return Err(ConfigError::Prefix(name, subnet.prefix_len()));
        }
        if let Some(router) = section.router.filter(|router| !is_host(subnet, *router)) {
            return Err(ConfigError::RouterOutside { network: name, router, subnet });
        }
        if reach == Reach::Relay && section.router.is_none() {
            return Err(ConfigError::RelayWithoutRouter(name));
        }
        let RangeSection { first, last, lease_s } = section.unrecognized;
        let unrecognized = Range { first, last, lease_s };
        let lease_s = section.recognized.lease_s;
        let recognized = match (section.recognized.first, section.recognized.last) {
            (Some(first), Some(last)) => Range { first, last, lease_s },
            (None, None) => Range { lease_s, ..unrecognized },
            (Some(_), None) | (None, Some(_)) => return Err(ConfigError::HalfRange(name)),
        };
        let network = Self {
            name,
            kind: section.kind,
            reach,
            subnet,
            router: section.router,
            dns: section.dns,
            ntp: section.ntp,
            unrecognized,
            recognized,
        };
        network.check_ranges()?;
        Ok(network)
    }

    fn check_ranges(&self) -> Result<(), ConfigError> {
        self.check_range("unrecognized", self.unrecognized)?;
        self.check_range("recognized", self.recognized)?;
        if self.unrecognized.overlaps(&self.recognized) && !self.unrecognized.same_addresses(&self.recognized) {
            return Err(ConfigError::TiersOverlap(self.name.clone()));
        }
        let (short, long) = (self.unrecognized.lease_s, self.recognized.lease_s);
        if short > long {
            return Err(ConfigError::TiersSwapped(self.name.clone(), short, long));
        }
        Ok(())
    }

    fn check_range(&self, tier: &'static str, range: Range) -> Result<(), ConfigError> {
        let network = self.name.clone();
        let Range { first, last, lease_s } = range;
        if first > last {
            return Err(ConfigError::RangeBackwards { network, tier, first, last });
        }
        if let Some(address) = [first, last].into_iter().find(|address| !is_host(self.subnet, *address)) {
            return Err(ConfigError::RangeOutside { network, tier, address, subnet: self.subnet });
        }
        let own = match &self.reach {
            Reach::Interface { address, .. } => Some(("server", *address)),
            Reach::Relay => None,
        };
        let taken = own.into_iter().chain(self.router.map(|router| ("router", router)));
        for (owner, address) in taken {
            if range.holds(address) {
                return Err(ConfigError::RangeHolds { network, tier, address, owner });
            }
        }
        if lease_s < SHORTEST_LEASE_S {
            return Err(ConfigError::LeaseTooShort { network, tier, lease_s });
        }
        Ok(())
    }
}

fn check_reach(section: &NetworkSection) -> Result<(Reach, Ipv4Net), ConfigError> {
    let wrong = |why| Err(ConfigError::Reach(section.name.clone(), why));
    match (&section.interface, section.relay) {
        (None, false) => wrong("it has neither"),
        (Some(_), true) => wrong("it has both"),
        (None, true) => match (section.subnet, section.address) {
            (Some(subnet), None) => Ok((Reach::Relay, subnet.trunc())),
            (None, None) => wrong("it has no subnet"),
            (_, Some(_)) => wrong("this machine has no address on a relayed network"),
        },
        (Some(interface), false) => {
            check_interface_name(interface)?;
            let address = match (section.address, section.subnet) {
                (Some(address), None) => address,
                (None, _) => return wrong("it has no address"),
                (Some(_), Some(_)) => return wrong("its subnet is the address's own"),
            };
            if !is_host(address, address.addr()) {
                return wrong("its address is not a host's, but the subnet's own or its broadcast address");
            }
            let advertise = section.advertise.unwrap_or(section.kind == Kind::Provisioning);
            let reach = Reach::Interface { name: interface.clone(), address: address.addr(), advertise };
            Ok((reach, address.trunc()))
        }
    }
}

/// In the subnet, and neither its network nor its broadcast address.
fn is_host(subnet: Ipv4Net, address: Ipv4Addr) -> bool {
    subnet.contains(&address) && address != subnet.network() && address != subnet.broadcast()
}

impl Range {
    fn holds(&self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Whether two tiers share their addresses and differ in the lease only.
    pub fn same_addresses(&self, other: &Self) -> bool {
        (self.first, self.last) == (other.first, other.last)
    }

    fn len(&self) -> u64 {
        u64::from(u32::from(self.last).saturating_sub(u32::from(self.first))) + 1
    }
}
