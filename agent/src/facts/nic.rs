//! Physical network interfaces: those with a device behind them (virtio's count; bridges, VLANs and tunnels don't).
//!
//! netlink tells more (the permanent address, the addresses) and is believed first; sysfs fills what it does not tell
//! and stands alone for a recorded host.

use super::{Host, LinkReport, sysfs};
use pious_protocol::{
    facts::{Link, Nic},
    ids::MacAddress,
};

const CLASS: &str = "/sys/class/net";

/// IFF_UP of <linux/if.h>, as `/sys/class/net/*/flags` shows it.
const IFF_UP: u32 = 0x1;

/// NET_ADDR_PERM of <linux/netdevice.h>: the address in use is the one that the hardware came with.
const ADDRESS_IS_PERMANENT: u8 = 0;

pub(super) fn read(host: &dyn Host) -> Vec<Nic> {
    let reports = host.links().unwrap_or_default();
    let names = host.list(CLASS).unwrap_or_default();
    names
        .into_iter()
        .filter(|name| has_device(host, name))
        .map(|name| {
            let report = reports.iter().find(|report| report.name == name).cloned().unwrap_or_default();
            nic(host, name, report)
        })
        .collect()
}

fn has_device(host: &dyn Host, name: &str) -> bool {
    let device = format!("{CLASS}/{name}/device");
    host.link(&device).is_ok() || host.list(&device).is_ok()
}

fn nic(host: &dyn Host, name: String, report: LinkReport) -> Nic {
    let device = format!("{CLASS}/{name}");
    let attribute = |attribute: &str| format!("{device}/{attribute}");
    let mac = report.mac.or_else(|| sysfs::number::<MacAddress>(host, &attribute("address")));
    let permanent_here = sysfs::number(host, &attribute("addr_assign_type")) == Some(ADDRESS_IS_PERMANENT);
    let link = match report.link {
        Link::Unknown => link_in_sysfs(host, &device),
        told @ (Link::Up | Link::NoCarrier | Link::Disabled) => told,
    };
    // Without carrier a driver tells the last speed, or -1, or nothing.
    let speed_mbps = match link {
        Link::Up => report.speed_mbps.or_else(|| sysfs::number(host, &attribute("speed")).filter(|&speed| speed != 0)),
        Link::NoCarrier | Link::Disabled | Link::Unknown => None,
    };
    Nic {
        mac,
        permanent_mac: report.permanent_mac.or(mac.filter(|_| permanent_here)),
        driver: sysfs::link_name(host, &attribute("device/driver")),
        pci_address: sysfs::pci_address(host, &device),
        speed_mbps,
        link,
        addresses: report.addresses,
        name,
        ..Nic::default()
    }
}

fn link_in_sysfs(host: &dyn Host, device: &str) -> Link {
    let flags = sysfs::text(host, &format!("{device}/flags"));
    let flags = flags.and_then(|hex| u32::from_str_radix(hex.trim_start_matches("0x"), 16).ok());
    if flags.is_some_and(|flags| flags & IFF_UP == 0) {
        return Link::Disabled;
    }
    // Reading it is an error while the interface is down.
    match sysfs::number::<u8>(host, &format!("{device}/carrier")) {
        Some(1) => Link::Up,
        Some(_) => Link::NoCarrier,
        None => Link::Unknown,
    }
}
