//! What the live kernel tells of its network interfaces: rtnetlink for links and addresses, ethtool's generic netlink
//! for the negotiated speed.

use super::host::{HostError, LinkReport};
use neli::{
    attr::Attribute,
    consts::{
        nl::NlmF,
        rtnl::{Ifa, Iff, Ifla, RtAddrFamily, RtScope, Rtm},
        socket::NlFamily,
    },
    nl::NlPayload,
    router::synchronous::NlRouter,
    rtnl::{Ifaddrmsg, IfaddrmsgBuilder, Ifinfomsg, IfinfomsgBuilder},
    utils::Groups,
};
use netlink_bindings::ethtool;
use netlink_socket2::NetlinkSocket;
use pious_protocol::{facts::Link, ids::MacAddress};
use std::{collections::BTreeMap, fmt::Display, net::IpAddr};

/// ETHTOOL_MSG_LINKMODES_GET of <linux/ethtool_netlink.h>. netlink-bindings 0.3.5 numbers ethtool's requests wrongly from
/// the third on (this one 5, which sets; the kernel answers EOPNOTSUPP to a dump of that).
const LINKMODES_GET: u8 = 4;

/// ethtool's word for "not told" (SPEED_UNKNOWN, -1).
const SPEED_UNKNOWN: u32 = u32::MAX;

/// All interfaces, in the kernel's order.
pub(super) fn links() -> Result<Vec<LinkReport>, HostError> {
    let failed = |why: &dyn Display| HostError::Netlink { request: "connecting to rtnetlink", why: why.to_string() };
    let (route, _) = NlRouter::connect(NlFamily::Route, None, Groups::empty()).map_err(|e| failed(&e))?;
    let mut links = dump_links(&route)?;
    for (index, address) in dump_addresses(&route)? {
        if let Some(link) = links.get_mut(&index) {
            link.addresses.push(address);
        }
    }
    // A kernel without ethtool's netlink (before 5.6) or a driver that does not tell: sysfs may, and if not, nobody.
    let speeds = speeds().unwrap_or_default();
    let mut links: Vec<_> = links.into_values().collect();
    for link in &mut links {
        link.speed_mbps = speeds.get(&link.name).copied();
    }
    Ok(links)
}

fn dump_links(route: &NlRouter) -> Result<BTreeMap<u32, LinkReport>, HostError> {
    let failed = |why: &dyn Display| HostError::Netlink { request: "listing links", why: why.to_string() };
    let request = IfinfomsgBuilder::default().ifi_family(RtAddrFamily::Unspecified).build().map_err(|e| failed(&e))?;
    let answers = route
        .send::<_, _, Rtm, Ifinfomsg>(Rtm::Getlink, NlmF::DUMP, NlPayload::Payload(request))
        .map_err(|e| failed(&e))?;
    let mut links = BTreeMap::new();
    for answer in answers {
        let answer = answer.map_err(|e| failed(&e))?;
        let Some(info) = answer.get_payload() else { continue };
        let index = u32::try_from(*info.ifi_index()).unwrap_or_default();
        links.insert(index, link_report(info));
    }
    Ok(links)
}

fn link_report(info: &Ifinfomsg) -> LinkReport {
    let attributes = info.rtattrs().get_attr_handle();
    let mac = |which: Ifla| {
        let attribute = attributes.get_attribute(which)?;
        // Absent for InfiniBand (20 bytes); all zero where a virtual driver has none.
        let octets = <[u8; 6]>::try_from(attribute.payload().as_ref()).ok()?;
        (octets != [0; 6]).then_some(MacAddress(octets))
    };
    let flags = *info.ifi_flags();
    LinkReport {
        name: attributes.get_attr_payload_as_with_len::<String>(Ifla::Ifname).unwrap_or_default(),
        mac: mac(Ifla::Address),
        permanent_mac: mac(Ifla::PermAddress),
        link: match (flags.contains(Iff::UP), flags.contains(Iff::LOWERUP)) {
            (false, _) => Link::Disabled,
            (true, true) => Link::Up,
            (true, false) => Link::NoCarrier,
        },
        speed_mbps: None,
        addresses: Vec::new(),
    }
}

fn dump_addresses(route: &NlRouter) -> Result<Vec<(u32, IpAddr)>, HostError> {
    let failed = |why: &dyn Display| HostError::Netlink { request: "listing addresses", why: why.to_string() };
    let request = IfaddrmsgBuilder::default()
        .ifa_family(RtAddrFamily::Unspecified)
        .ifa_prefixlen(0)
        .ifa_scope(RtScope::Universe)
        .ifa_index(0)
        .build()
        .map_err(|e| failed(&e))?;
    let answers = route
        .send::<_, _, Rtm, Ifaddrmsg>(Rtm::Getaddr, NlmF::DUMP, NlPayload::Payload(request))
        .map_err(|e| failed(&e))?;
    let mut addresses = Vec::new();
    for answer in answers {
        let answer = answer.map_err(|e| failed(&e))?;
        let Some(info) = answer.get_payload() else { continue };
        let attributes = info.rtattrs().get_attr_handle();
        // IFA_LOCAL is ours on a point-to-point link, where IFA_ADDRESS is the peer's; IPv6 has IFA_ADDRESS alone.
        let address = attributes.get_attribute(Ifa::Local).or_else(|| attributes.get_attribute(Ifa::Address));
        addresses.extend(address.and_then(|a| ip_address(a.payload().as_ref())).map(|ip| (*info.ifa_index(), ip)));
    }
    Ok(addresses)
}

fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// The negotiated speed in Mb/s of each interface that tells one.
fn speeds() -> Option<BTreeMap<String, u32>> {
    let mut socket = NetlinkSocket::new();
    let mut request = ethtool::Request::new().op_linkmodes_get_dump();
    request.header_mut().cmd = LINKMODES_GET;
    request.encode().nested_header().end_nested();
    let mut answers = socket.request(&request).ok()?;
    let mut speeds = BTreeMap::new();
    while let Some(answer) = answers.recv() {
        let Ok(answer) = answer else { break };
        let name = answer.get_header().and_then(|header| header.get_dev_name());
        if let (Ok(name), Ok(speed)) = (name, answer.get_speed())
            && speed != SPEED_UNKNOWN
            && speed != 0
        {
            speeds.insert(name.to_string_lossy().into_owned(), speed);
        }
    }
    Some(speeds)
}
