//! What must be true of this machine: its interfaces and addresses, looked at before dnsmasq is started, because
//! dnsmasq would only wait in silence for an interface that does not exist.

use crate::{
    config::Config,
    dnsmasq::Surroundings,
    network::{Network, Reach},
};
use nix::{ifaddrs::getifaddrs, unistd::geteuid};
use std::net::{IpAddr, Ipv6Addr};
use thiserror::Error;

/// An address of an interface.
pub type Address = (String, IpAddr);

/// What is wrong with this machine's interfaces.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum HostError {
    /// No such interface.
    #[error(
        "network {network:?}: there is no interface {interface:?} (there are {present}); correct interface, or bring it up"
    )]
    NoInterface {
        /// The network.
        network: String,
        /// As configured.
        interface: String,
        /// What there is.
        present: String,
    },
    /// An interface without its address.
    #[error(
        "network {network:?}: interface {interface:?} does not have {address}; add it: ip address add {address}/{prefix} dev {interface}"
    )]
    NoAddress {
        /// The network.
        network: String,
        /// The interface.
        interface: String,
        /// As configured.
        address: std::net::Ipv4Addr,
        /// The subnet's prefix length.
        prefix: u8,
    },
    /// The interfaces can't be listed.
    #[error("list this machine's interfaces")]
    List(#[source] nix::Error),
}

/// What dnsmasq's configuration must suit.
pub fn surroundings() -> Surroundings {
    Surroundings { root: geteuid().is_root(), ipv6: std::path::Path::new("/proc/net/if_inet6").exists() }
}

/// The interfaces' names, and their addresses.
pub fn interfaces() -> Result<(Vec<String>, Vec<Address>), HostError> {
    let mut names = Vec::new();
    let mut addresses = Vec::new();
    for entry in getifaddrs().map_err(HostError::List)? {
        if !names.contains(&entry.interface_name) {
            names.push(entry.interface_name.clone());
        }
        let Some(storage) = entry.address else { continue };
        if let Some(v4) = storage.as_sockaddr_in() {
            addresses.push((entry.interface_name, IpAddr::V4(v4.ip())));
        } else if let Some(v6) = storage.as_sockaddr_in6() {
            addresses.push((entry.interface_name, IpAddr::V6(v6.ip())));
        }
    }
    Ok((names, addresses))
}

/// Checks that each network's interface is there and has its address. Pure.
pub fn check(config: &Config, names: &[String], addresses: &[Address]) -> Result<(), HostError> {
    for network in &config.networks {
        let Reach::Interface { name, address, .. } = &network.reach else { continue };
        if !names.contains(name) {
            return Err(HostError::NoInterface {
                network: network.name.clone(),
                interface: name.clone(),
                present: names.join(", "),
            });
        }
        if !addresses.iter().any(|(interface, one)| interface == name && *one == IpAddr::V4(*address)) {
            return Err(HostError::NoAddress {
                network: network.name.clone(),
                interface: name.clone(),
                address: *address,
                prefix: network.subnet.prefix_len(),
            });
        }
    }
    Ok(())
}

/// What is not wrong, but slow: networks whose router can't be advertised, with what to do. Pure.
pub fn warnings(config: &Config, surroundings: Surroundings, addresses: &[Address]) -> Vec<String> {
    config.networks.iter().filter_map(|network| advertising_trouble(network, surroundings, addresses)).collect()
}

fn advertising_trouble(network: &Network, surroundings: Surroundings, addresses: &[Address]) -> Option<String> {
    let Reach::Interface { name, advertise: true, .. } = &network.reach else { return None };
    // dnsmasq makes the advertised prefix from an address that is more than link-local.
    let prefix = |address: &IpAddr| match address {
        IpAddr::V6(v6) => !v6.is_loopback() && !is_link_local(*v6),
        IpAddr::V4(_) => false,
    };
    let why = match surroundings.ipv6 {
        false => "the kernel has no IPv6".to_owned(),
        true if addresses.iter().any(|(interface, address)| interface == name && prefix(address)) => return None,
        true => format!("{name} has no IPv6 prefix; give it one: ip address add fd00:77::1/64 dev {name}"),
    };
    let network = &network.name;
    Some(format!("network {network:?}: no router is advertised, so each iPXE waits 15 s for one: {why}"))
}

fn is_link_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config() -> Config {
        Config::parse(include_str!("../example.toml"), Path::new("rack.toml")).unwrap()
    }

    fn addresses(list: &[(&str, &str)]) -> Vec<Address> {
        list.iter().map(|(name, address)| ((*name).to_owned(), address.parse().unwrap())).collect()
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_machine_as_it_should_be() {
        let addresses = addresses(&[("prov", "10.77.0.1"), ("bmc", "10.78.0.1"), ("prov", "fd00:77::1")]);
        assert_eq!(check(&config(), &names(&["lo", "prov", "bmc"]), &addresses), Ok(()));
        let surroundings = Surroundings { root: true, ipv6: true };
        assert_eq!(warnings(&config(), surroundings, &addresses), Vec::<String>::new());
    }

    #[test]
    fn an_interface_that_is_not_there() {
        let error = check(&config(), &names(&["lo", "eth0"]), &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "network \"provisioning\": there is no interface \"prov\" (there are lo, eth0); correct interface, or bring it up"
        );
    }

    #[test]
    fn an_address_that_is_not_there() {
        let addresses = addresses(&[("prov", "10.77.0.2"), ("bmc", "10.77.0.1")]);
        let error = check(&config(), &names(&["prov", "bmc"]), &addresses).unwrap_err();
        assert_eq!(
            error.to_string(),
            "network \"provisioning\": interface \"prov\" does not have 10.77.0.1; add it: ip address add 10.77.0.1/24 dev prov"
        );
    }

    #[test]
    fn no_prefix_to_advertise() {
        let words = |ipv6, list: &[(&str, &str)]| {
            warnings(&config(), Surroundings { root: true, ipv6 }, &addresses(list)).join("\n")
        };
        let slow = "network \"provisioning\": no router is advertised, so each iPXE waits 15 s for one: ";
        assert_eq!(
            words(true, &[("prov", "fe80::1"), ("bmc", "fd00::1")]),
            format!("{slow}prov has no IPv6 prefix; give it one: ip address add fd00:77::1/64 dev prov")
        );
        assert_eq!(words(false, &[]), format!("{slow}the kernel has no IPv6"));
    }
}
