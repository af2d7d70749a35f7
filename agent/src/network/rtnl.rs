//! rtnetlink(7): the few requests that links, addresses, routes and rules need, and nothing about why.

use super::links::{Link, LinkState};
use ipnet::Ipv4Net;
use neli::{
    attr::Attribute,
    consts::{
        nl::{NlmF, Nlmsg},
        rtnl::{
            Arphrd, FrAct, Frattr, Ifa, Iff, Ifla, RtAddrFamily, RtScope, RtTable, Rta, RtaType, Rtm, RtmF, Rtn, Rtprot,
        },
        socket::NlFamily,
    },
    nl::{NlPayload, NlmsghdrBuilder},
    rtnl::{
        Fibmsg, FibmsgBuilder, Ifaddrmsg, IfaddrmsgBuilder, Ifinfomsg, IfinfomsgBuilder, Rtattr, RtattrBuilder,
        RtmsgBuilder,
    },
    socket::synchronous::NlSocketHandle,
    types::{Buffer, RtBuffer},
    utils::Groups,
    {FromBytesWithInput, Size, ToBytes},
};
use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket},
};
use pious_protocol::{facts, ids::MacAddress};
use std::{
    fmt::Debug,
    io,
    net::Ipv4Addr,
    os::fd::{AsRawFd, OwnedFd},
};

/// The set that holds the multicast group of link changes (RTMGRP_LINK, linux/rtnetlink.h).
const LINK_GROUP: u32 = 1;

/// The protocol number of routes that DHCP asked for (RTPROT_DHCP, linux/rtnetlink.h).
const BY_DHCP: u8 = 16;

/// The gateway is on this link though no route says so (RTNH_F_ONLINK, linux/rtnetlink.h).
const ON_LINK: u32 = 4;

/// The address comes without a route: routes are ours to make (IFA_F_NOPREFIXROUTE, linux/if_addr.h).
const NO_PREFIX_ROUTE: u32 = 0x200;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RtnlError {
    #[error("cannot {what}: {}", errno.desc())]
    Refused { what: String, errno: Errno },
    #[error("cannot {what}: {why}")]
    Broken { what: String, why: String },
}

/// A route as the kernel is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) table: u32,
    pub(super) to: Ipv4Net,
    pub(super) via: Option<Ipv4Addr>,
    /// Whether the gateway lies outside the address's subnet.
    pub(super) on_link: bool,
    pub(super) source: Ipv4Addr,
    pub(super) interface: u32,
    pub(super) metric: u32,
}

/// Answers from this address go by this table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) from: Ipv4Addr,
    pub(super) table: u32,
    pub(super) priority: u32,
}

/// An address and how long it is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) interface: u32,
    pub(super) address: Ipv4Addr,
    pub(super) prefix_length: u8,
    /// `u32::MAX` is for ever, here as in DHCP (RFC 2131 §3.3) and in the kernel.
    pub(super) valid_s: u32,
}

/// A socket that asks.
pub(super) struct Rtnl {
    socket: NlSocketHandle,
    sequence: u32,
}

/// A socket that is told of link changes; not blocking.
pub(super) fn link_changes() -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, LINK_GROUP))?;
    Ok(socket)
}

impl Rtnl {
    pub(super) fn connect() -> Result<Self, RtnlError> {
        let socket = NlSocketHandle::connect(NlFamily::Route, None, Groups::empty())
            .map_err(|error| broken("open a netlink socket", &error))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// All Ethernet interfaces.
    pub(super) fn links(&mut self) -> Result<Vec<Link>, RtnlError> {
        let what = "list the links";
        let request = IfinfomsgBuilder::default()
            .ifi_family(RtAddrFamily::Unspecified)
            .build()
            .map_err(|error| broken(what, &error))?;
        let mut found = Vec::new();
        self.dump(what, Rtm::Getlink, request, |info: &Ifinfomsg| {
            if *info.ifi_type() == Arphrd::Ether {
                found.push(link(info));
            }
        })?;
        Ok(found)
    }

    pub(super) fn set_up(&mut self, interface: u32) -> Result<(), RtnlError> {
        let what = format!("bring interface {interface} up");
        let request = IfinfomsgBuilder::default()
            .ifi_family(RtAddrFamily::Unspecified)
            .ifi_index(i32::try_from(interface).unwrap_or_default())
            .up()
            .build()
            .map_err(|error| broken(&what, &error))?;
        self.ask(&what, Rtm::Newlink, NlmF::empty(), request)
    }

    /// Adds an address, or prolongs it.
    pub(super) fn put_address(&mut self, address: &Address) -> Result<(), RtnlError> {
        let what = format!("set the address {}/{}", address.address, address.prefix_length);
        // struct ifa_cacheinfo: preferred, valid, created, updated.
        let lifetime = [address.valid_s, address.valid_s, 0, 0].map(u32::to_ne_bytes).concat();
        let attributes = [
            (Ifa::Local, address.address.octets().to_vec()),
            (Ifa::Address, address.address.octets().to_vec()),
            (Ifa::Broadcast, broadcast(address).octets().to_vec()),
            (Ifa::Cacheinfo, lifetime),
            (Ifa::Flags, NO_PREFIX_ROUTE.to_ne_bytes().to_vec()),
        ];
        let request = address_message(address, &what, attributes.into())?;
        self.ask(&what, Rtm::Newaddr, NlmF::CREATE | NlmF::REPLACE, request)
    }

    pub(super) fn remove_address(&mut self, address: &Address) -> Result<(), RtnlError> {
        let what = format!("remove the address {}", address.address);
        let request = address_message(address, &what, vec![(Ifa::Local, address.address.octets().to_vec())])?;
        self.ask(&what, Rtm::Deladdr, NlmF::empty(), request)
    }

    /// The IPv4 addresses of an interface, whoever set them.
    pub(super) fn addresses(&mut self, interface: u32) -> Result<Vec<Address>, RtnlError> {
        let what = "list the addresses";
        let none = Address { interface, address: Ipv4Addr::UNSPECIFIED, prefix_length: 0, valid_s: 0 };
        let request = address_message(&none, what, Vec::new())?;
        let mut found = Vec::new();
        self.dump(what, Rtm::Getaddr, request, |info: &Ifaddrmsg| {
            let local = info.rtattrs().iter().find(|attribute| *attribute.rta_type() == Ifa::Local);
            let octets = local.and_then(|local| <[u8; 4]>::try_from(local.rta_payload().as_ref()).ok());
            if let (Some(octets), true) = (octets, *info.ifa_index() == interface) {
                found.push(Address { address: octets.into(), prefix_length: *info.ifa_prefixlen(), ..none });
            }
        })?;
        Ok(found)
    }

    pub(super) fn put_route(&mut self, route: &Route) -> Result<(), RtnlError> {
        self.route("set", Rtm::Newroute, NlmF::CREATE | NlmF::REPLACE, route)
    }

    pub(super) fn remove_route(&mut self, route: &Route) -> Result<(), RtnlError> {
        self.route("remove", Rtm::Delroute, NlmF::empty(), route)
    }

    fn route(&mut self, verb: &str, kind: Rtm, flags: NlmF, route: &Route) -> Result<(), RtnlError> {
        let what = format!("{verb} the route to {} in table {}", route.to, route.table);
        let mut list = vec![
            (Rta::Dst, route.to.network().octets().to_vec()),
            (Rta::Oif, route.interface.to_ne_bytes().to_vec()),
            (Rta::Prefsrc, route.source.octets().to_vec()),
            (Rta::Priority, route.metric.to_ne_bytes().to_vec()),
            (Rta::Table, route.table.to_ne_bytes().to_vec()),
        ];
        list.extend(route.via.map(|via| (Rta::Gateway, via.octets().to_vec())));
        let request = RtmsgBuilder::default()
            .rtm_family(RtAddrFamily::Inet)
            .rtm_dst_len(route.to.prefix_len())
            .rtm_src_len(0)
            .rtm_tos(0)
            .rtm_table(RtTable::Unspec)
            .rtm_protocol(Rtprot::from(BY_DHCP))
            .rtm_scope(if route.via.is_some() { RtScope::Universe } else { RtScope::Link })
            .rtm_type(Rtn::Unicast)
            .rtm_flags(if route.on_link { RtmF::from_bits_retain(ON_LINK) } else { RtmF::empty() })
            .rtattrs(attributes(&what, list)?)
            .build()
            .map_err(|error| broken(&what, &error))?;
        self.ask(&what, kind, flags, request)
    }

    pub(super) fn add_rule(&mut self, rule: &Rule) -> Result<(), RtnlError> {
        match self.rule("add", Rtm::Newrule, NlmF::CREATE | NlmF::EXCL, rule) {
            Err(RtnlError::Refused { errno: Errno::EEXIST, .. }) => Ok(()),
            outcome => outcome,
        }
    }

    pub(super) fn remove_rule(&mut self, rule: &Rule) -> Result<(), RtnlError> {
        self.rule("remove", Rtm::Delrule, NlmF::empty(), rule)
    }

    fn rule(&mut self, verb: &str, kind: Rtm, flags: NlmF, rule: &Rule) -> Result<(), RtnlError> {
        let what = format!("{verb} the rule for answers from {}", rule.from);
        let list = vec![
            (Frattr::Src, rule.from.octets().to_vec()),
            (Frattr::Priority, rule.priority.to_ne_bytes().to_vec()),
            (Frattr::Table, rule.table.to_ne_bytes().to_vec()),
        ];
        let request = rule_message(&what, 32, attributes(&what, list)?)?;
        self.ask(&what, kind, flags, request)
    }

    /// The rules of one priority.
    pub(super) fn rules(&mut self, priority: u32) -> Result<Vec<Rule>, RtnlError> {
        let what = "list the rules";
        let mut found = Vec::new();
        let request = rule_message(what, 0, RtBuffer::new())?;
        self.dump(what, Rtm::Getrule, request, |info: &Fibmsg| {
            found.extend(rule(info).filter(|rule| rule.priority == priority));
        })?;
        Ok(found)
    }

    fn ask<P>(&mut self, what: &str, kind: Rtm, flags: NlmF, payload: P) -> Result<(), RtnlError>
    where
        P: Size + ToBytes + Debug,
    {
        let sequence = self.send(what, kind, flags | NlmF::ACK, payload)?;
        loop {
            let (answers, _) = self.socket.recv::<u16, Buffer>().map_err(|error| broken(what, &error))?;
            for answer in answers {
                let answer = answer.map_err(|error| broken(what, &error))?;
                if *answer.nl_seq() != sequence {
                    continue;
                }
                match answer.nl_payload() {
                    NlPayload::Ack(_) => return Ok(()),
                    NlPayload::Err(error) => return Err(refused(what, *error.error())),
                    NlPayload::DumpExtAck(_) | NlPayload::Payload(_) | NlPayload::Empty => {}
                }
            }
        }
    }

    fn dump<P, R>(&mut self, what: &str, kind: Rtm, payload: P, mut each: impl FnMut(&R)) -> Result<(), RtnlError>
    where
        P: Size + ToBytes + Debug,
        R: Size + FromBytesWithInput<Input = usize> + Debug,
    {
        let sequence = self.send(what, kind, NlmF::DUMP, payload)?;
        loop {
            let (answers, _) = self.socket.recv::<u16, R>().map_err(|error| broken(what, &error))?;
            for answer in answers {
                let answer = answer.map_err(|error| broken(what, &error))?;
                if *answer.nl_seq() != sequence {
                    continue;
                }
                if *answer.nl_type() == u16::from(Nlmsg::Done) {
                    return Ok(());
                }
                match answer.nl_payload() {
                    NlPayload::Payload(payload) => each(payload),
                    NlPayload::Err(error) => return Err(refused(what, *error.error())),
                    NlPayload::Ack(_) | NlPayload::DumpExtAck(_) | NlPayload::Empty => {}
                }
            }
        }
    }

    fn send<P>(&mut self, what: &str, kind: Rtm, flags: NlmF, payload: P) -> Result<u32, RtnlError>
    where
        P: Size + ToBytes + Debug,
    {
        self.sequence = self.sequence.wrapping_add(1);
        let message = NlmsghdrBuilder::default()
            .nl_type(kind)
            .nl_flags(flags | NlmF::REQUEST)
            .nl_seq(self.sequence)
            .nl_payload(NlPayload::Payload(payload))
            .build()
            .map_err(|error| broken(what, &error))?;
        self.socket.send(&message).map_err(|error| broken(what, &error))?;
        Ok(self.sequence)
    }
}

fn link(info: &Ifinfomsg) -> Link {
    let attributes = info.rtattrs().get_attr_handle();
    let mac = |which: Ifla| {
        let octets = <[u8; 6]>::try_from(attributes.get_attribute(which)?.payload().as_ref()).ok()?;
        (octets != [0; 6]).then_some(MacAddress(octets))
    };
    let flags = *info.ifi_flags();
    Link {
        state: LinkState {
            index: u32::try_from(*info.ifi_index()).unwrap_or_default(),
            name: attributes.get_attr_payload_as_with_len::<String>(Ifla::Ifname).unwrap_or_default(),
            mac: mac(Ifla::Address),
            permanent_mac: mac(Ifla::PermAddress),
            link: match (flags.contains(Iff::UP), flags.contains(Iff::LOWERUP)) {
                (false, _) => facts::Link::Disabled,
                (true, true) => facts::Link::Up,
                (true, false) => facts::Link::NoCarrier,
            },
            speed_mbps: None,
            role: facts::NicRole::Data,
            lldp_agent: None,
        },
        carrier_losses: attributes.get_attr_payload_as(Ifla::CarrierDownCount).unwrap_or_default(),
        record: None,
    }
}

fn rule(info: &Fibmsg) -> Option<Rule> {
    let octets = |kind: Frattr| {
        let attribute = info.rtattrs().iter().find(|attribute| *attribute.rta_type() == kind)?;
        <[u8; 4]>::try_from(attribute.rta_payload().as_ref()).ok()
    };
    Some(Rule {
        from: octets(Frattr::Src)?.into(),
        table: u32::from_ne_bytes(octets(Frattr::Table)?),
        priority: u32::from_ne_bytes(octets(Frattr::Priority)?),
    })
}

fn address_message(address: &Address, what: &str, list: Vec<(Ifa, Vec<u8>)>) -> Result<Ifaddrmsg, RtnlError> {
    IfaddrmsgBuilder::default()
        .ifa_family(RtAddrFamily::Inet)
        .ifa_prefixlen(address.prefix_length)
        .ifa_scope(RtScope::Universe)
        .ifa_index(address.interface)
        .rtattrs(attributes(what, list)?)
        .build()
        .map_err(|error| broken(what, &error))
}

fn rule_message(what: &str, source_length: u8, attributes: RtBuffer<Frattr, Buffer>) -> Result<Fibmsg, RtnlError> {
    FibmsgBuilder::default()
        .fib_family(RtAddrFamily::Inet)
        .fib_dst_len(0)
        .fib_src_len(source_length)
        .fib_tos(0)
        .fib_table(RtTable::Unspec)
        .fib_action(FrAct::FrActToTbl)
        .rtattrs(attributes)
        .build()
        .map_err(|error| broken(what, &error))
}

fn attributes<T: RtaType + Size + Debug>(
    what: &str,
    list: Vec<(T, Vec<u8>)>,
) -> Result<RtBuffer<T, Buffer>, RtnlError> {
    let attribute = |(kind, payload): (T, Vec<u8>)| -> Result<Rtattr<T, Buffer>, RtnlError> {
        let builder = RtattrBuilder::default().rta_type(kind).rta_payload(Buffer::from(payload));
        builder.build().map_err(|error| broken(what, &error))
    };
    list.into_iter().map(attribute).collect()
}

fn broadcast(address: &Address) -> Ipv4Addr {
    Ipv4Net::new(address.address, address.prefix_length).map_or(Ipv4Addr::BROADCAST, |net| net.broadcast())
}

fn broken(what: &str, error: &dyn std::error::Error) -> RtnlError {
    RtnlError::Broken { what: what.to_owned(), why: error.to_string() }
}

fn refused(what: &str, code: i32) -> RtnlError {
    RtnlError::Refused { what: what.to_owned(), errno: Errno::from_raw(-code) }
}
