//! What the live kernel tells of its network interfaces by rtnetlink(7): links and addresses.

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
use pious_protocol::{
    facts::{Link, NicCounters},
    ids::MacAddress,
};
use std::{collections::BTreeMap, fmt::Display, net::IpAddr};

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
    Ok(links.into_values().collect())
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
        carrier_changes: attributes.get_attr_payload_as::<u32>(Ifla::CarrierChanges).ok().map(u64::from),
        counters: attributes.get_attribute(Ifla::Stats64).and_then(|stats| counters(stats.payload().as_ref())),
        addresses: Vec::new(),
    }
}

/// `struct rtnl_link_stats64` (linux/if_link.h): the first 16 of its numbers are as old as it.
fn counters(bytes: &[u8]) -> Option<NicCounters> {
    let mut numbers = [0; 16];
    for (at, number) in numbers.iter_mut().enumerate() {
        *number = u64::from_ne_bytes(bytes.get(8 * at..8 * at + 8)?.try_into().ok()?);
    }
    let [
        rx_packets,
        tx_packets,
        rx_bytes,
        tx_bytes,
        rx_errors,
        tx_errors,
        rx_dropped,
        tx_dropped,
        _multicast,
        _collisions,
        _rx_length_errors,
        _rx_over_errors,
        rx_crc_errors,
        _rx_frame_errors,
        _rx_fifo_errors,
        rx_missed_errors,
    ] = numbers;
    Some(NicCounters {
        rx_packets,
        tx_packets,
        rx_bytes,
        tx_bytes,
        rx_errors,
        tx_errors,
        rx_dropped,
        tx_dropped,
        rx_crc_errors,
        rx_missed_errors,
    })
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

#[cfg(test)]
mod tests {
    use super::counters;
    use pious_protocol::facts::NicCounters;

    #[test]
    fn counters_are_taken_each_from_its_place() {
        let bytes: Vec<u8> = (1..=25u64).flat_map(u64::to_ne_bytes).collect();
        let expected = NicCounters {
            rx_packets: 1,
            tx_packets: 2,
            rx_bytes: 3,
            tx_bytes: 4,
            rx_errors: 5,
            tx_errors: 6,
            rx_dropped: 7,
            tx_dropped: 8,
            rx_crc_errors: 13,
            rx_missed_errors: 16,
        };
        assert_eq!(counters(&bytes), Some(expected));
        assert_eq!(counters(&bytes[..127]), None, "cut");
    }
}
