//! Does to the kernel what leases mean: addresses, routes, rules, resolv.conf, the host name. Says in the log what the
//! kernel refused, and goes on: one bad route must not cost the others.

use super::{
    lease::{self, Configuration, Lease},
    rtnl::{Rtnl, RtnlError},
};
use std::{fs, io, path::Path};

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// What an interface is told before it comes up, below /proc/sys/net (Documentation/networking/ip-sysctl.rst). With
/// several NICs in one subnet: answer ARP only for the address of the NIC that was asked, and ask from it; accept what
/// comes back by another NIC. An address that stands in for another of its subnet stays when that one goes: a lease of
/// the other tier is another address beside the first for a moment. No router advertisement is listened to.
const SYSCTLS: [(&str, &str, &str); 5] = [
    ("ipv4", "arp_ignore", "1"),
    ("ipv4", "arp_announce", "2"),
    ("ipv4", "rp_filter", "2"),
    ("ipv4", "promote_secondaries", "1"),
    ("ipv6", "accept_ra", "0"),
];

/// Prepares an interface and brings it up. Blocks for as long as its driver takes.
pub(super) fn bring_up(interface: u32, name: &str) -> Result<(), RtnlError> {
    for (family, key, value) in SYSCTLS {
        let path = format!("/proc/sys/net/{family}/conf/{name}/{key}");
        if let Err(error) = fs::write(&path, value)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("cannot write {value} to {path}: {error}");
        }
    }
    Rtnl::connect()?.set_up(interface)
}

/// Takes away what an earlier life of the session left on an interface: a lease that nobody renews is nobody's.
pub(super) fn forget_earlier_life(rtnl: &mut Rtnl, interface: u32) {
    let addresses = rtnl.addresses(interface);
    for address in said(addresses).into_iter().flatten() {
        said(rtnl.remove_address(&address));
    }
}

/// Takes away the rules that an earlier life left.
pub(super) fn forget_earlier_rules(rtnl: &mut Rtnl) {
    let rules = rtnl.rules(lease::RULE_PRIORITY);
    for rule in said(rules).into_iter().flatten() {
        said(rtnl.remove_rule(&rule));
    }
}

/// Makes `new` true where `old` was: what is the same is prolonged, what is gone is removed, in this order, so that a
/// renewal interrupts nothing.
pub(super) fn replace(rtnl: &mut Rtnl, old: Option<&Configuration>, new: Option<&Configuration>) {
    if let Some(new) = new {
        said(rtnl.put_address(&new.address));
        for route in &new.routes {
            said(rtnl.put_route(route));
        }
        said(rtnl.add_rule(&new.rule));
    }
    let Some(old) = old else { return };
    if new.is_none_or(|new| new.rule != old.rule) {
        said(rtnl.remove_rule(&old.rule));
    }
    for route in old.routes.iter().filter(|route| new.is_none_or(|new| !new.routes.contains(route))) {
        gone(rtnl.remove_route(route));
    }
    let is_kept = new.is_some_and(|new| {
        (new.address.address, new.address.prefix_length) == (old.address.address, old.address.prefix_length)
    });
    if !is_kept {
        gone(rtnl.remove_address(&old.address));
    }
}

/// Name servers and the host's name, from all leases, the first NIC's first. `called` is the name that we know ourselves.
pub(super) fn name_services<'a>(leases: impl Iterator<Item = &'a Lease> + Clone, called: &str) {
    if let Err(error) = write_whole(Path::new(RESOLV_CONF), &lease::resolv_conf(leases.clone())) {
        tracing::warn!("cannot write {RESOLV_CONF}: {error}");
    }
    let mut told = leases.filter_map(Lease::valid_host_name);
    if let Some(name) = told.next().or(Some(called).filter(|name| lease::is_host_name(name)))
        && let Err(errno) = nix::unistd::sethostname(name)
    {
        tracing::warn!("cannot set the host name {name}: {}", errno.desc());
    }
}

/// By rename: a resolver never reads half a file.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|known| known == text) {
        return Ok(());
    }
    let next = path.with_extension("conf.next");
    fs::write(&next, text)?;
    fs::rename(&next, path)
}

fn said<T>(outcome: Result<T, RtnlError>) -> Option<T> {
    outcome.inspect_err(|error| tracing::warn!("{error}")).ok()
}

/// For what the kernel may have taken away by itself: an address takes its routes with it, a lease's end the address.
fn gone(outcome: Result<(), RtnlError>) {
    if let Err(error) = outcome {
        tracing::debug!("{error}");
    }
}
