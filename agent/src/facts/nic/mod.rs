//! Physical network interfaces: those with a device behind them (virtio's count; bridges, VLANs and tunnels don't).
//!
//! netlink tells more (the permanent address, the addresses, the counters, ethtool's modes) and is believed first; sysfs
//! fills what it does not tell and stands alone for a recorded host.

mod ethtool;
mod lldp_agent;
mod place;
pub(crate) mod role;
mod transceiver;

use super::{Host, HostError, LinkReport, driver_info, sysfs};
use ethtool::{LinkModes, ModuleHalf};
use nix::errno::Errno;
use pious_protocol::{
    facts::{Duplex, Gaps, Link, LldpAgent, Nic, Observed, Smbios, Transceiver},
    ids::MacAddress,
};
use role::Attachment;

const CLASS: &str = "/sys/class/net";

/// IFF_UP of <linux/if.h>, as `/sys/class/net/*/flags` shows it.
const IFF_UP: u32 = 0x1;

/// NET_ADDR_PERM of <linux/netdevice.h>: the address in use is the one that the hardware came with.
const ADDRESS_IS_PERMANENT: u8 = 0;

/// A network interface is a function of a USB device, which is its parent.
const LEVELS_TO_USB: usize = 1;

/// Every physical interface. `smbios` names places and tells the BMC's interface from the server's.
pub(super) fn read(host: &dyn Host, smbios: Option<&Smbios>) -> Vec<Nic> {
    let reports = host.links().unwrap_or_default();
    let names = host.list(CLASS).unwrap_or_default();
    names
        .into_iter()
        .filter(|name| has_device(host, name))
        .map(|name| {
            let report = reports.iter().find(|report| report.name == name).cloned();
            nic(host, smbios, name, report)
        })
        .collect()
}

/// How an interface hangs on its machine; `macs` are what netlink told of it.
pub(crate) fn attachment(host: &dyn Host, name: &str, macs: Vec<MacAddress>) -> Attachment {
    let device = format!("{CLASS}/{name}");
    Attachment {
        macs,
        driver: sysfs::link_name(host, &format!("{device}/device/driver")),
        usb: sysfs::usb_id(host, &device, LEVELS_TO_USB),
        pci: sysfs::pci_address(host, &device),
    }
}

/// Switches the LLDP agent in a NIC's firmware off, where there is one that can be. Changes the NIC: only on machines
/// that are ours.
pub(crate) fn switch_lldp_agent_off(host: &dyn Host, name: &str) -> Observed<LldpAgent> {
    let driver = sysfs::link_name(host, &format!("{CLASS}/{name}/device/driver"));
    lldp_agent::switch_off(host, name, driver.as_deref())
}

/// Whether the LLDP agent in a NIC's firmware runs.
pub(crate) fn lldp_agent(host: &dyn Host, name: &str) -> Observed<LldpAgent> {
    let driver = sysfs::link_name(host, &format!("{CLASS}/{name}/device/driver"));
    lldp_agent::read(host, name, driver.as_deref())
}

fn has_device(host: &dyn Host, name: &str) -> bool {
    let device = format!("{CLASS}/{name}/device");
    host.link(&device).is_ok() || host.list(&device).is_ok()
}

fn nic(host: &dyn Host, smbios: Option<&Smbios>, name: String, report: Option<LinkReport>) -> Nic {
    let device = format!("{CLASS}/{name}");
    let source = match &report {
        Some(_) => format!("rtnetlink, ethtool, {device}"),
        None => device.clone(),
    };
    let mut nic = Nic { name, source, ..of_link(host, &device, report.unwrap_or_default()) };
    let attachment = attachment(host, &nic.name, nic.mac.into_iter().chain(nic.permanent_mac).collect());
    nic.role = role::role(&attachment, smbios.map(|smbios| smbios.host_interfaces.as_slice()).unwrap_or_default());
    nic.driver = attachment.driver;
    if nic.driver.is_none() {
        nic.gaps.note("driver", format!("{device}/device/driver does not name one"));
    }
    place::find(host, &device, smbios, &mut nic);
    ask_driver(host, &device, &mut nic);
    nic
}

/// What rtnetlink tells of the link, or sysfs in its place.
fn of_link(host: &dyn Host, device: &str, report: LinkReport) -> Nic {
    let attribute = |attribute: &str| format!("{device}/{attribute}");
    let mac = report.mac.or_else(|| sysfs::number::<MacAddress>(host, &attribute("address")));
    let permanent_here = sysfs::number(host, &attribute("addr_assign_type")) == Some(ADDRESS_IS_PERMANENT);
    let link = match report.link {
        Link::Unknown => link_in_sysfs(host, device),
        told @ (Link::Up | Link::NoCarrier | Link::Disabled) => told,
    };
    let mut gaps = Gaps::default();
    let permanent_mac = report.permanent_mac.or(mac.filter(|_| permanent_here));
    Nic {
        mac: gaps.keep("mac", mac.ok_or("the kernel tells none")),
        permanent_mac: gaps.keep("permanent_mac", permanent_mac.ok_or("the driver tells no address that was burnt in")),
        link,
        addresses: report.addresses,
        carrier_changes: report.carrier_changes.or_else(|| sysfs::number(host, &attribute("carrier_changes"))),
        counters: gaps.keep("counters", report.counters.ok_or("rtnetlink told none")),
        gaps,
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

/// What only the driver knows.
fn ask_driver(host: &dyn Host, device: &str, nic: &mut Nic) {
    let driver = nic.driver.clone().unwrap_or_else(|| "the driver".to_owned());
    let firmware = host.driver_info(&nic.name).map_err(|error| refusal(&driver, "versions", &error));
    let firmware = firmware.and_then(|info| {
        driver_info::firmware_version(&info).ok_or_else(|| format!("{driver} tells no firmware version"))
    });
    nic.firmware_version = nic.gaps.keep("firmware_version", firmware);
    let modes = host.generic_netlink(&ethtool::ask_link_modes(&nic.name));
    let modes =
        modes.map(|answer| ethtool::link_modes(&answer)).map_err(|error| refusal(&driver, "link modes", &error));
    speed_and_modes(host, device, nic, &driver, modes);
    nic.transceiver = transceiver(host, &nic.name, &driver);
    nic.lldp_agent = lldp_agent::read(host, &nic.name, nic.driver.as_deref());
}

/// Without carrier a driver tells the last speed, or -1, or nothing: what is not negotiated is no fact.
fn speed_and_modes(host: &dyn Host, device: &str, nic: &mut Nic, driver: &str, modes: Result<LinkModes, String>) {
    let LinkModes { speed_mbps, duplex, autonegotiation, supported } = modes.clone().unwrap_or_default();
    if nic.link == Link::Up {
        let speed = speed_mbps.or_else(|| sysfs::number(host, &format!("{device}/speed")).filter(|&speed| speed != 0));
        let duplex = duplex.or_else(|| duplex_in_sysfs(host, device));
        nic.speed_mbps = nic.gaps.keep("speed_mbps", speed.ok_or(format!("{driver} tells no speed")));
        nic.duplex = nic.gaps.keep("duplex", duplex.ok_or(format!("{driver} tells no duplex")));
    }
    nic.supported_modes = supported;
    match modes {
        Ok(_) => {
            let told = autonegotiation.ok_or(format!("{driver} does not tell"));
            nic.autonegotiation = nic.gaps.keep("autonegotiation", told);
            if nic.supported_modes.is_empty() {
                nic.gaps.note("supported_modes", format!("{driver} tells no modes"));
            }
        }
        Err(reason) => {
            nic.gaps.note("autonegotiation", reason.clone());
            nic.gaps.note("supported_modes", reason);
        }
    }
}

fn duplex_in_sysfs(host: &dyn Host, device: &str) -> Option<Duplex> {
    match sysfs::text(host, &format!("{device}/duplex"))?.as_str() {
        "full" => Some(Duplex::Full),
        "half" => Some(Duplex::Half),
        _ => None,
    }
}

fn transceiver(host: &dyn Host, name: &str, driver: &str) -> Observed<Transceiver> {
    let half =
        |half| host.generic_netlink(&ethtool::ask_module(name, half)).map(|answer| ethtool::module_bytes(&answer));
    let memory = half(ModuleHalf::Lower).and_then(|lower| {
        let upper = if transceiver::needs_upper(&lower) { half(ModuleHalf::Upper)? } else { Vec::new() };
        Ok((lower, upper))
    });
    match memory {
        Ok((lower, upper)) => match transceiver::decode(&lower, &upper) {
            Ok(module) => Observed::seen("ethtool netlink, module EEPROM", module),
            Err(error) => Observed::absent(error.to_string()),
        },
        // What drivers with a cage say of an empty one.
        Err(HostError::Refused {
            errno: errno @ (Errno::EIO | Errno::ENODEV | Errno::ENXIO | Errno::EINVAL), ..
        }) => Observed::absent(format!("no module in the cage, or one that does not answer ({errno:?})")),
        Err(error) => Observed::absent(refusal(driver, "module information", &error)),
    }
}

/// In the words of who looks for it: a driver that does not support a question has no answer.
fn refusal(driver: &str, what: &str, error: &HostError) -> String {
    match error {
        HostError::Refused { errno: errno @ (Errno::EOPNOTSUPP | Errno::ENOENT), .. } => {
            format!("{driver} has no {what} ({errno:?})")
        }
        HostError::Refused { .. } | HostError::Recorded(_) | HostError::Netlink { .. } => error.to_string(),
    }
}

#[cfg(test)]
mod kernel;
#[cfg(test)]
mod tests;
