//! The BMC's door to its host: it gets an address, so that the BMC's Redfish service can be reached, and nothing else. It
//! leads nowhere: no route beyond its subnet, no name server, no time, no name of ours comes from it. Pure.

use super::lease::Lease;
use ipnet::Ipv4Net;
use pious_protocol::facts::HostInterface;
use std::net::{IpAddr, Ipv4Addr};

/// The widest subnet that is believed: that of link-local addresses (RFC 3927), which most BMCs use. A wider one would
/// draw the server's own traffic into the BMC.
const WIDEST_SUBNET: u8 = 16;

/// `u32::MAX` is for ever.
const FOR_EVER: u32 = u32::MAX;

/// What is left of a lease that the BMC's own DHCP server gave.
pub(super) fn confined(lease: Lease) -> Lease {
    let address = lease.address.addr();
    Lease {
        address: if lease.address.prefix_len() < WIDEST_SUBNET { alone(address) } else { lease.address },
        server: lease.server,
        lease_s: lease.lease_s,
        routes: Vec::new(),
        name_servers: Vec::new(),
        search: Vec::new(),
        ntp_servers: Vec::new(),
        host_name: None,
    }
}

/// The address that SMBIOS type 42 says the host is to have (DSP0270 §8.6, "host IP assignment type"), as a lease that never
/// ends: static, or of its own configuration where the record tells that address; one beside the service's where the host
/// is to select it. `None`: by DHCP, or in a way that only the BMC's firmware knows; the answer is asked for.
pub(super) fn fixed(record: &HostInterface) -> Option<Lease> {
    let v4 = |address: Option<IpAddr>| match address {
        Some(IpAddr::V4(v4)) if !v4.is_unspecified() => Some(v4),
        Some(IpAddr::V4(_) | IpAddr::V6(_)) | None => None,
    };
    let (address, mask) = match record.host_assignment.as_deref()? {
        "static" | "auto_configure" => (v4(record.host_address)?, record.host_mask),
        "host_selected" => {
            let service = Ipv4Net::with_netmask(v4(record.service_address)?, v4(record.service_mask)?).ok()?;
            (beside(service)?, record.service_mask)
        }
        _ => return None,
    };
    let subnet = v4(mask).and_then(|mask| Ipv4Net::with_netmask(address, mask).ok());
    Some(confined(Lease {
        address: subnet.unwrap_or_else(|| alone(address)),
        server: v4(record.service_address).unwrap_or(Ipv4Addr::UNSPECIFIED),
        lease_s: FOR_EVER,
        ..Lease::default()
    }))
}

/// Another address of a subnet: the next one, or the one before.
fn beside(service: Ipv4Net) -> Option<Ipv4Addr> {
    let own = u32::from(service.addr());
    let near = [own.checked_add(1), own.checked_sub(1)].into_iter().flatten().map(Ipv4Addr::from);
    let is_host =
        |near: &Ipv4Addr| service.contains(near) && *near != service.broadcast() && *near != service.network();
    near.into_iter().find(is_host)
}

fn alone(address: Ipv4Addr) -> Ipv4Net {
    Ipv4Net::from(address)
}

#[cfg(test)]
mod tests {
    use super::{confined, fixed};
    use crate::network::lease::{Lease, Via};
    use pious_protocol::facts::HostInterface;

    #[test]
    fn a_bmcs_lease_leads_nowhere() {
        let router = Some([169, 254, 1, 1].into());
        let given = |address: &str| Lease {
            address: address.parse().unwrap(),
            server: [169, 254, 1, 1].into(),
            lease_s: 600,
            routes: vec![Via { to: "0.0.0.0/0".parse().unwrap(), router }],
            name_servers: vec![[169, 254, 1, 1].into()],
            search: vec!["bmc.example".into()],
            ntp_servers: vec![[169, 254, 1, 1].into()],
            host_name: Some("bmc".into()),
        };
        let kept = |address: &str| Lease {
            address: address.parse().unwrap(),
            server: [169, 254, 1, 1].into(),
            lease_s: 600,
            ..Lease::default()
        };
        assert_eq!(confined(given("169.254.1.2/24")), kept("169.254.1.2/24"));
        assert_eq!(confined(given("169.254.1.2/16")), kept("169.254.1.2/16"));
        assert_eq!(confined(given("10.0.0.2/8")), kept("10.0.0.2/32"), "it would swallow the server's own network");
        let routes = confined(given("169.254.1.2/24")).configuration(7).routes;
        let told: Vec<_> = routes.iter().map(|route| (route.to.to_string(), route.via)).collect();
        assert_eq!(told, [("169.254.1.0/24".to_owned(), None), ("169.254.1.0/24".to_owned(), None)]);
    }

    #[test]
    fn a_fixed_address_by_the_record() {
        let record = HostInterface {
            host_assignment: Some("static".into()),
            host_address: Some([169, 254, 0, 18].into()),
            host_mask: Some([255, 255, 0, 0].into()),
            service_address: Some([169, 254, 0, 17].into()),
            ..HostInterface::default()
        };
        let expected = Lease {
            address: "169.254.0.18/16".parse().unwrap(),
            server: [169, 254, 0, 17].into(),
            lease_s: u32::MAX,
            ..Lease::default()
        };
        assert_eq!(fixed(&record), Some(expected.clone()));
        let maskless = HostInterface { host_mask: None, ..record.clone() };
        assert_eq!(fixed(&maskless), Some(Lease { address: "169.254.0.18/32".parse().unwrap(), ..expected }));
        let configured = HostInterface { host_assignment: Some("auto_configure".into()), ..record.clone() };
        assert_eq!(fixed(&configured).map(|lease| lease.address.to_string()), Some("169.254.0.18/16".into()));
        for (service, mask, selected) in [
            ([169, 254, 0, 17], [255, 255, 255, 0], Some("169.254.0.18/24")),
            ([169, 254, 0, 254], [255, 255, 255, 0], Some("169.254.0.253/24")),
            ([169, 254, 0, 17], [255, 255, 255, 255], None),
        ] {
            let record = HostInterface {
                host_assignment: Some("host_selected".into()),
                service_address: Some(service.into()),
                service_mask: Some(mask.into()),
                ..HostInterface::default()
            };
            let address = fixed(&record).map(|lease| lease.address.to_string());
            assert_eq!(address.as_deref(), selected, "{service:?}");
        }
        let cases = [
            ("by DHCP", HostInterface { host_assignment: Some("dhcp".into()), ..record.clone() }),
            ("unset", HostInterface { host_address: Some([0, 0, 0, 0].into()), ..record.clone() }),
            ("IPv6", HostInterface { host_address: Some("fe80::1".parse().unwrap()), ..record }),
            ("nothing told", HostInterface::default()),
        ];
        for (case, record) in cases {
            assert_eq!(fixed(&record), None, "{case}");
        }
    }
}
