//! dnsmasq: its configuration as text (pure), and its process in [`process`].
//!
//! For dnsmasq 2.90; options are as in dnsmasq(8). Whoever is recognized is in the hosts file, by which dnsmasq tags it
//! `known`; each range asks for that tag or for its absence. The file is read again at SIGHUP, so a tier changes without
//! a restart (a `dhcp-hostsdir` would not do: what is taken out of its files stays until SIGHUP anyway).
//!
//! Not a tag of our own (`MAC,set:recognized`): 2.90 then dies of SIGABRT when it reads a changed file after such a
//! client was served; the same was reported of 2.86 (github.com/imp/dnsmasq, pull request 20).

pub mod process;

use crate::{
    config::{Config, Loaders},
    network::{Network, Reach},
};
use pious_protocol::message::{BootTarget, LeaseTier};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// The tag of whoever is in the hosts file; dnsmasq's own word.
const RECOGNIZED: &str = "known";

/// TFTP transfers at once. A rack row that comes back from a power cut asks together; each costs one descriptor of the
/// usual 1024.
const TFTP_TRANSFERS: u32 = 400;

/// What the configuration must suit besides the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether we are root. dnsmasq then stays root too: giving up its user would also clear the signal that ends it
    /// when we die (`PR_SET_PDEATHSIG` in prctl(2)). Started with CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE
    /// as ambient capabilities instead, neither of us is root.
    pub root: bool,
    /// Whether the kernel has IPv6.
    pub ipv6: bool,
}

/// Where things are in the state folder.
#[derive(Clone, Debug)]
pub struct Places {
    /// The configuration.
    pub configuration: PathBuf,
    /// Leases, dnsmasq's own.
    pub leases: PathBuf,
    /// The hosts file.
    pub hosts: PathBuf,
    /// The process id, dnsmasq's own.
    pub pid: PathBuf,
    /// The TFTP root.
    pub tftp: PathBuf,
}

impl Places {
    /// In this state folder.
    pub fn new(state: &Path) -> Self {
        Self {
            configuration: state.join("dnsmasq.conf"),
            leases: state.join("leases"),
            hosts: state.join("dhcp-hosts"),
            pid: state.join("dnsmasq.pid"),
            tftp: state.join("tftp"),
        }
    }
}

/// The names by which TFTP serves the loaders.
pub fn loader_names(loaders: &Loaders) -> (String, String) {
    let name = |path: &Path, default: &str| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(default);
        // A comma would end the option.
        if name.contains(',') { default.to_owned() } else { name.to_owned() }
    };
    (name(&loaders.bios, "undionly.kpxe"), name(&loaders.uefi, "snponly.efi"))
}

/// The hosts file: whoever is recognized, in the targets' order.
pub fn hosts<'a>(targets: impl IntoIterator<Item = &'a BootTarget>) -> String {
    let mut text = String::new();
    for target in targets {
        match target.tier {
            LeaseTier::Recognized => writeln!(text, "{}", target.mac).ok(),
            LeaseTier::Unrecognized => None,
        };
    }
    text
}

/// The whole configuration.
pub fn configuration(config: &Config, surroundings: Surroundings) -> String {
    let places = Places::new(&config.state);
    let mut text = String::new();
    general(&mut text, config, &places, surroundings);
    for network in &config.networks {
        text.push('\n');
        one_network(&mut text, config, network, surroundings);
    }
    text
}

fn general(text: &mut String, config: &Config, places: &Places, surroundings: Surroundings) {
    let leases: u64 = config.networks.iter().map(Network::capacity).sum();
    let Places { leases: leasefile, hosts, pid, tftp, .. } = places;
    write!(
        text,
        "# Written by pious-pxe at each start.\n\
         port=0\n\
         no-hosts\n\
         no-resolv\n\
         bind-dynamic\n\
         except-interface=lo\n\
         log-facility=-\n\
         pid-file={}\n\
         dhcp-leasefile={}\n\
         dhcp-hostsfile={}\n\
         dhcp-lease-max={leases}\n\
         # The only DHCP server there is: it answers for leases that it does not know, too, and does not wait for a ping.\n\
         dhcp-authoritative\n\
         no-ping\n\
         # Firmware, iPXE and agent name themselves differently; the MAC address makes them one client.\n\
         dhcp-ignore-clid\n\
         # The file name in its own field: the oldest network ROMs look nowhere else.\n\
         dhcp-no-override\n",
        pid.display(),
        leasefile.display(),
        hosts.display(),
    )
    .ok();
    if surroundings.root {
        text.push_str("user=root\ngroup=root\n");
    }
    let booting: Vec<&Network> = config.networks.iter().filter(|network| network.boots()).collect();
    if !booting.is_empty() {
        let interfaces: Vec<&str> = booting.iter().filter_map(|network| network.interface()).collect();
        match interfaces.len() == booting.len() {
            true => writeln!(text, "enable-tftp={}", interfaces.join(",")).ok(),
            // Relayed clients come to whichever address is routed here.
            false => writeln!(text, "enable-tftp").ok(),
        };
        write!(
            text,
            "tftp-root={}\n\
             tftp-max={TFTP_TRANSFERS}\n\
             # iPXE tells itself by option 175, or by its user class.\n\
             dhcp-match=set:ipxe,175\n\
             dhcp-userclass=set:ipxe,iPXE\n\
             # Architectures (RFC 4578 §2.1 with its errata, and IANA's list): there is no loader for 6, 32-bit UEFI.\n\
             dhcp-match=set:bios,option:client-arch,0\n\
             dhcp-match=set:uefi,option:client-arch,7\n\
             dhcp-match=set:uefi,option:client-arch,9\n\
             # iPXE's no-pxedhcp: it does not wait for a proxyDHCP server.\n\
             dhcp-option-force=tag:ipxe,encap:175,176,1b\n",
            tftp.display()
        )
        .ok();
    }
    if surroundings.ipv6 && config.networks.iter().any(advertises) {
        text.push_str("enable-ra\n");
    }
    for interface in &config.extra_interfaces {
        writeln!(text, "interface={interface}").ok();
    }
}

fn advertises(network: &Network) -> bool {
    match network.reach {
        Reach::Interface { advertise, .. } => advertise,
        Reach::Relay => false,
    }
}

fn one_network(text: &mut String, config: &Config, network: &Network, surroundings: Surroundings) {
    let Network { name, subnet, .. } = network;
    let tag = format!("net-{name}");
    match &network.reach {
        Reach::Interface { name: interface, .. } => {
            writeln!(text, "# {name}: {subnet} on {interface}").ok();
            writeln!(text, "interface={interface}").ok();
        }
        Reach::Relay => {
            writeln!(text, "# {name}: {subnet}, relayed").ok();
        }
    }
    for (tier, asked) in [(LeaseTier::Unrecognized, "!"), (LeaseTier::Recognized, "")] {
        let range = network.range(tier);
        writeln!(
            text,
            "dhcp-range=tag:{asked}{RECOGNIZED},set:{tag},{},{},{},{}",
            range.first,
            range.last,
            subnet.netmask(),
            range.lease_s
        )
        .ok();
    }
    // Without a value the option is kept back; by default dnsmasq would name itself.
    let router = network.router.map(|router| format!(",{router}")).unwrap_or_default();
    writeln!(text, "dhcp-option=tag:{tag},option:router{router}").ok();
    for (option, servers) in [("dns-server", &network.dns), ("ntp-server", &network.ntp)] {
        if !servers.is_empty() {
            let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
            writeln!(text, "dhcp-option=tag:{tag},option:{option},{}", servers.join(",")).ok();
        }
    }
    if network.boots() {
        let (bios, uefi) = loader_names(&config.loaders);
        writeln!(text, "dhcp-boot=tag:{tag},tag:ipxe,{}/boot.ipxe", config.url).ok();
        writeln!(text, "dhcp-boot=tag:{tag},tag:!ipxe,tag:bios,{bios}").ok();
        writeln!(text, "dhcp-boot=tag:{tag},tag:!ipxe,tag:uefi,{uefi}").ok();
    }
    if let Reach::Interface { name: interface, advertise: true, .. } = &network.reach
        && surroundings.ipv6
    {
        write!(
            text,
            "# iPXE waits 15 s for an IPv6 router. One is advertised, of lifetime 0: nobody's default route.\n\
             dhcp-range=::,constructor:{interface},ra-only\n\
             ra-param={interface},0,0\n"
        )
        .ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pious_protocol::{ids::MacAddress, message::Boot};

    const RACK: &str = include_str!("../../example.toml");
    const RELAYED: &str = include_str!("../../tests/configs/relayed.toml");
    const ALL: Surroundings = Surroundings { root: true, ipv6: true };

    fn text(toml: &str, surroundings: Surroundings) -> String {
        configuration(&Config::parse(toml, Path::new("test.toml")).unwrap(), surroundings)
    }

    #[test]
    fn provisioning_and_bmc_network() {
        insta::assert_snapshot!(text(RACK, ALL));
    }

    #[test]
    fn relayed_networks_only_and_neither_root_nor_ipv6() {
        insta::assert_snapshot!(text(RELAYED, Surroundings { root: false, ipv6: false }));
    }

    #[test]
    fn without_ipv6_nothing_is_advertised() {
        let with = text(RACK, ALL);
        let without = text(RACK, Surroundings { ipv6: false, ..ALL });
        let advertising = |line: &&str| {
            line.starts_with("enable-ra") || line.contains("constructor:") || line.starts_with("ra-param")
        };
        assert_eq!(with.lines().filter(advertising).count(), 3);
        assert_eq!(without.lines().filter(advertising).count(), 0);
    }

    #[test]
    fn hosts_file_names_the_recognized() {
        let target = |last, tier| BootTarget {
            mac: MacAddress([0x52, 0x54, 0, 0, 0, last]),
            boot: Boot::Pious,
            tier,
            name: None,
        };
        let targets =
            [target(1, LeaseTier::Recognized), target(2, LeaseTier::Unrecognized), target(3, LeaseTier::Recognized)];
        assert_eq!(hosts(&targets), "52:54:00:00:00:01\n52:54:00:00:00:03\n");
    }
}
