//! What can be wrong with the file. Each names the object and the remedy, because whoever reads it has a rack of servers
//! waiting.

use super::SHORTEST_LEASE_S;
use std::{net::Ipv4Addr, path::PathBuf};
use thiserror::Error;

/// What is wrong with a configuration, and what to do about it.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("read the configuration {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no such TOML.
    #[error("{path} is not a pious-pxe configuration")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// Nothing to serve.
    #[error("no network is configured; add a [[networks]] table with name, kind, interface, address and unrecognized")]
    NoNetworks,
    /// Two networks of one name.
    #[error("two networks are named {0:?}; rename one")]
    DuplicateName(String),
    /// Two networks on one interface.
    #[error(
        "networks {0:?} and {1:?} are both on interface {2:?}; give each its own interface, or make one a relayed one (relay = true)"
    )]
    DuplicateInterface(String, String, String),
    /// A name that dnsmasq can't use as a tag.
    #[error("network name {0:?} can't be used; use lower-case letters, digits and hyphens")]
    Name(String),
    /// A network that says nothing, or two things, about how it is reached.
    #[error(
        "network {0:?} needs either interface = \"…\" with address = \"A.B.C.D/N\", or relay = true with subnet = \"A.B.C.0/N\"; {1}"
    )]
    Reach(String, &'static str),
    /// A subnet without room.
    #[error("network {0:?}: a /{1} has no room for a server and its clients; the longest prefix is /29")]
    Prefix(String, u8),
    /// A relayed network whose clients would find no way here.
    #[error(
        "network {0:?} is relayed and has no router, so its clients could not reach this service; set router to the relay's address in that subnet"
    )]
    RelayWithoutRouter(String),
    /// A router that the clients can't reach.
    #[error("network {network:?}: router {router} is not in {subnet}; correct one of them")]
    RouterOutside {
        /// The network.
        network: String,
        /// The router.
        router: Ipv4Addr,
        /// The subnet.
        subnet: ipnet::Ipv4Net,
    },
    /// A range with one end.
    #[error(
        "network {0:?}: the recognized range has only one of first and last; give both, or neither to share the unrecognized range"
    )]
    HalfRange(String),
    /// A range that runs backwards.
    #[error("network {network:?}: the {tier} range {first}–{last} runs backwards; swap first and last")]
    RangeBackwards {
        /// The network.
        network: String,
        /// The tier.
        tier: &'static str,
        /// As configured.
        first: Ipv4Addr,
        /// As configured.
        last: Ipv4Addr,
    },
    /// A range outside of its subnet.
    #[error(
        "network {network:?}: {address} of the {tier} range is not a host address of {subnet}; move the range inside"
    )]
    RangeOutside {
        /// The network.
        network: String,
        /// The tier.
        tier: &'static str,
        /// The range's end.
        address: Ipv4Addr,
        /// The subnet.
        subnet: ipnet::Ipv4Net,
    },
    /// A range that would give away an address in use.
    #[error(
        "network {network:?}: the {tier} range holds {address}, the {owner}'s own address; move the range beside it"
    )]
    RangeHolds {
        /// The network.
        network: String,
        /// The tier.
        tier: &'static str,
        /// The address.
        address: Ipv4Addr,
        /// Whose.
        owner: &'static str,
    },
    /// Tiers that overlap without being one range.
    #[error(
        "network {0:?}: the unrecognized and the recognized range overlap; keep them apart, or leave first and last out of recognized to share one range"
    )]
    TiersOverlap(String),
    /// Subnets that overlap.
    #[error("networks {0:?} ({1}) and {2:?} ({3}) overlap; an address may belong to one network only")]
    SubnetsOverlap(String, ipnet::Ipv4Net, String, ipnet::Ipv4Net),
    /// A lease that dnsmasq would silently lengthen.
    #[error(
        "network {network:?}: the {tier} lease of {lease_s} s is shorter than dnsmasq allows; use at least {SHORTEST_LEASE_S}"
    )]
    LeaseTooShort {
        /// The network.
        network: String,
        /// The tier.
        tier: &'static str,
        /// As configured.
        lease_s: u32,
    },
    /// Tiers the wrong way round.
    #[error("network {0:?}: unrecognized servers get longer leases ({1} s) than recognized ones ({2} s); swap them")]
    TiersSwapped(String, u32, u32),
    /// A URL that can't be used.
    #[error("{key} = {value:?} can't be used: {why}")]
    Url {
        /// The key in the file.
        key: &'static str,
        /// As configured.
        value: String,
        /// What is wrong, and what to write.
        why: &'static str,
    },
    /// A URL whose host's name nobody would resolve.
    #[error(
        "url = {0:?} has a host name, but network {1:?} gives its clients no dns; write the IP address, or set dns there"
    )]
    UrlNeedsDns(String, String),
    /// No address of Senzu's for this service.
    #[error("[senzu] url is an empty list, so nobody could be asked what servers boot; list at least one https URL")]
    NoSenzu,
    /// No address of Senzu's for the agents.
    #[error("[senzu] agents is empty, so the agents would not know whom to report to; list at least one https URL")]
    NoAgents,
    /// No authority to check Senzu's certificate by.
    #[error(
        "[senzu] url is https and ca is missing; set ca to the PEM file of the authority that signed Senzu's certificate"
    )]
    NoCa,
    /// Command line words that iPXE or the kernel would take for something else.
    #[error("cmdline = {0:?} holds {1}; leave it out: iPXE reads the line before the kernel does")]
    Cmdline(String, &'static str),
    /// An interface that can't be one.
    #[error("{0:?} is no interface name: 1 to 15 letters, digits, dots, hyphens or underscores")]
    Interface(String),
    /// A file that is needed.
    #[error("{what} {path} can't be read; {remedy}")]
    Missing {
        /// What it is for.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
        /// Why it can't be.
        source: std::io::Error,
    },
}
