//! What a DHCP lease means: an address, routes so that an answer leaves by the NIC that owns the address, name servers,
//! a name. Pure.

use super::rtnl::{Address, Route, Rule};
use ipnet::Ipv4Net;
use std::{collections::BTreeSet, fmt::Write, net::Ipv4Addr};

/// Each NIC has a routing table of its own, numbered by its interface; 0 to 255 are the kernel's and the host's.
const FIRST_TABLE: u32 = 1000;

/// The main table (rt_tables, linux/rtnetlink.h RT_TABLE_MAIN): for what we ask of the world ourselves.
const MAIN_TABLE: u32 = 254;

/// Before the main table's rule, which has 32766.
pub(super) const RULE_PRIORITY: u32 = 1000;

/// In the main table the first NIC wins: metric by the interface's number.
const FIRST_METRIC: u32 = 100;

/// The resolver reads no more (MAXNS, resolv.h).
const MOST_NAME_SERVERS: usize = 3;

/// Longer names are refused by the kernel (__NEW_UTS_LEN).
const LONGEST_HOST_NAME: usize = 64;

/// A destination and the router to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Via {
    pub(super) to: Ipv4Net,
    /// `None`: on this link.
    pub(super) router: Option<Ipv4Addr>,
}

/// A lease, as far as we use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) address: Ipv4Net,
    pub(super) server: Ipv4Addr,
    pub(super) lease_s: u32,
    pub(super) routes: Vec<Via>,
    pub(super) name_servers: Vec<Ipv4Addr>,
    pub(super) search: Vec<String>,
    pub(super) ntp_servers: Vec<Ipv4Addr>,
    pub(super) host_name: Option<String>,
}

impl Default for Lease {
    fn default() -> Self {
        Self {
            address: Ipv4Net::from(Ipv4Addr::UNSPECIFIED),
            server: Ipv4Addr::UNSPECIFIED,
            lease_s: 0,
            routes: Vec::new(),
            name_servers: Vec::new(),
            search: Vec::new(),
            ntp_servers: Vec::new(),
            host_name: None,
        }
    }
}

impl From<&mozim::DhcpV4Lease> for Lease {
    fn from(lease: &mozim::DhcpV4Lease) -> Self {
        // A server that names no mask has told of one address only.
        let prefix_length = match lease.prefix_length() {
            0 => 32,
            length => length,
        };
        Self {
            address: Ipv4Net::new_assert(lease.yiaddr, prefix_length.min(32)),
            server: lease.srv_id,
            lease_s: lease.lease_time_sec,
            routes: routes(lease),
            name_servers: lease.dns_srvs.clone().unwrap_or_default(),
            search: lease.domain_search.clone().unwrap_or_else(|| lease.domain_name.iter().cloned().collect()),
            ntp_servers: lease.ntp_srvs.clone().unwrap_or_default(),
            host_name: lease.host_name.clone(),
        }
    }
}

/// Classless routes (option 121), where given, replace the router (option 3): RFC 3442.
fn routes(lease: &mozim::DhcpV4Lease) -> Vec<Via> {
    match &lease.classless_routes {
        Some(routes) => routes
            .iter()
            .filter_map(|route| {
                let to = Ipv4Net::new(route.destination, route.prefix_length).ok()?.trunc();
                Some(Via { to, router: (!route.router.is_unspecified()).then_some(route.router) })
            })
            .collect(),
        None => {
            let router = lease.gateways.iter().flatten().next().copied();
            router.map(|router| Via { to: Ipv4Net::default(), router: Some(router) }).into_iter().collect()
        }
    }
}

/// What the kernel is told for one lease on one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configuration {
    pub(super) address: Address,
    pub(super) routes: Vec<Route>,
    pub(super) rule: Rule,
}

impl Lease {
    pub(super) fn configuration(&self, interface: u32) -> Configuration {
        let source = self.address.addr();
        let table = FIRST_TABLE.saturating_add(interface);
        let metric = FIRST_METRIC.saturating_add(interface);
        let own_subnet = Via { to: self.address.trunc(), router: None };
        let ways: Vec<&Via> = std::iter::once(&own_subnet).chain(&self.routes).collect();
        let routes = [MAIN_TABLE, table].into_iter().flat_map(|table| {
            ways.iter().map(move |way| Route {
                table,
                to: way.to,
                via: way.router,
                on_link: way.router.is_some_and(|router| !self.address.contains(&router)),
                source,
                interface,
                metric,
            })
        });
        Configuration {
            address: Address {
                interface,
                address: source,
                prefix_length: self.address.prefix_len(),
                valid_s: self.lease_s,
            },
            routes: routes.collect(),
            rule: Rule { from: source, table, priority: RULE_PRIORITY },
        }
    }

    /// The name that the server gave, if the kernel will take it.
    pub(super) fn valid_host_name(&self) -> Option<&str> {
        self.host_name.as_deref().filter(|name| is_host_name(name))
    }
}

/// Whether a name is one that the kernel takes and that everybody can read.
pub(super) fn is_host_name(name: &str) -> bool {
    name.len() <= LONGEST_HOST_NAME && is_domain(name)
}

/// resolv.conf(5) of all leases, the first NIC's first.
pub(super) fn resolv_conf<'a>(leases: impl Iterator<Item = &'a Lease> + Clone) -> String {
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    let search: Vec<&str> =
        leases.clone().flat_map(|lease| &lease.search).filter(|name| is_domain(name)).map(String::as_str).collect();
    if !search.is_empty() {
        let _infallible = writeln!(text, "search {}", search.join(" "));
    }
    let servers = leases.flat_map(|lease| &lease.name_servers).filter(|server| seen.insert(**server));
    for server in servers.take(MOST_NAME_SERVERS) {
        let _infallible = writeln!(text, "nameserver {server}");
    }
    text
}

/// The server's words go into a file that a parser reads: nothing but a domain name may.
fn is_domain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{Lease, Via, resolv_conf};
    use crate::network::rtnl::{Address, Route, Rule};

    fn lease() -> Lease {
        Lease {
            address: "10.77.0.130/24".parse().unwrap(),
            server: [10, 77, 0, 1].into(),
            lease_s: 120,
            routes: vec![Via { to: "0.0.0.0/0".parse().unwrap(), router: Some([10, 77, 0, 1].into()) }],
            name_servers: vec![[10, 77, 0, 1].into(), [10, 77, 0, 2].into()],
            search: vec!["rack.example".into()],
            ntp_servers: vec![],
            host_name: Some("r1-u10".into()),
        }
    }

    #[test]
    fn an_answer_leaves_by_the_nic_that_owns_the_address() {
        let configuration = lease().configuration(3);
        let route = |table, to: &str, via: Option<[u8; 4]>| Route {
            table,
            to: to.parse().unwrap(),
            via: via.map(Into::into),
            on_link: false,
            source: [10, 77, 0, 130].into(),
            interface: 3,
            metric: 103,
        };
        assert_eq!(
            configuration.address,
            Address { interface: 3, address: [10, 77, 0, 130].into(), prefix_length: 24, valid_s: 120 }
        );
        assert_eq!(configuration.rule, Rule { from: [10, 77, 0, 130].into(), table: 1003, priority: 1000 });
        assert_eq!(
            configuration.routes,
            [
                route(254, "10.77.0.0/24", None),
                route(254, "0.0.0.0/0", Some([10, 77, 0, 1])),
                route(1003, "10.77.0.0/24", None),
                route(1003, "0.0.0.0/0", Some([10, 77, 0, 1])),
            ]
        );
    }

    #[test]
    fn a_router_outside_the_subnet_is_on_the_link_all_the_same() {
        let far = Lease { address: "203.0.113.7/32".parse().unwrap(), ..lease() };
        let told: Vec<_> =
            far.configuration(2).routes.iter().map(|route| (route.to.to_string(), route.on_link)).collect();
        let expected = [("203.0.113.7/32", false), ("0.0.0.0/0", true)].map(|(to, on_link)| (to.to_owned(), on_link));
        assert_eq!(told, [expected.clone(), expected].concat());
    }

    #[test]
    fn name_servers_of_all_leases_each_once_and_no_more_than_are_read() {
        let second = Lease {
            name_servers: vec![[10, 77, 0, 1].into(), [8, 8, 8, 8].into(), [9, 9, 9, 9].into()],
            search: vec!["evil\nnameserver 6.6.6.6".into()],
            ..lease()
        };
        assert_eq!(
            resolv_conf([lease(), second].iter()),
            "search rack.example\nnameserver 10.77.0.1\nnameserver 10.77.0.2\nnameserver 8.8.8.8\n"
        );
    }

    #[test]
    fn host_names() {
        let named = |name: &str| Lease { host_name: Some(name.into()), ..lease() }.valid_host_name().map(str::to_owned);
        assert_eq!(named("r1-u10.rack"), Some("r1-u10.rack".to_owned()));
        assert_eq!(named("two words"), None);
        assert_eq!(named(&"x".repeat(65)), None);
    }
}
