//! PCI functions, from `/sys/bus/pci/devices`: what each is, whether a driver has it, how its link was trained, and where
//! it sits.

mod driver;
mod link;
mod location;
mod names;

pub(super) use location::Locations;

use super::{Host, sysfs};
use driver::Modules;
use pious_protocol::facts::{Gaps, Observed, PciDevice, PcieLink};

const DEVICES: &str = "/sys/bus/pci/devices";

/// Every function, by address.
pub(super) fn read(host: &dyn Host, locations: &Locations<'_>) -> Observed<Vec<PciDevice>> {
    let addresses = match host.list(DEVICES) {
        Ok(addresses) => addresses,
        Err(error) => return Observed::absent(format!("{DEVICES} can't be read: {error}")),
    };
    let functions: Vec<Function> = addresses.into_iter().map(|address| Function::read(host, address)).collect();
    let modules = Modules::of(host);
    let devices = functions.into_iter().map(|function| function.device(host, locations, &modules));
    Observed::seen(DEVICES, devices.collect())
}

/// What a function's registers say it is.
struct Function {
    address: String,
    id: Option<names::DeviceId>,
    class: Option<u32>,
}

impl Function {
    fn read(host: &dyn Host, address: String) -> Self {
        let number = |attribute: &str| hex(host, &format!("{DEVICES}/{address}/{attribute}"));
        let id = |attribute: &str| number(attribute).and_then(|number| u16::try_from(number).ok());
        Self { id: id("vendor").zip(id("device")), class: number("class"), address }
    }

    fn device(self, host: &dyn Host, locations: &Locations<'_>, modules: &Modules) -> PciDevice {
        let device = format!("{DEVICES}/{}", self.address);
        let mut gaps = Gaps::default();
        let mut lacking =
            |member: &str, attribute: &str| gaps.note(member, format!("{device}/{attribute} can't be read"));
        if self.id.is_none() {
            lacking("id", "vendor or device");
        }
        if self.class.is_none() {
            lacking("class", "class");
        }
        let name = self.id.and_then(names::device);
        if let (None, Some((vendor, _))) = (&name, self.id) {
            gaps.note("name", format!("pci.ids knows no vendor {vendor:04x}"));
        }
        let subsystem = |attribute: &str| hex(host, &format!("{device}/{attribute}"));
        let subsystem = subsystem("subsystem_vendor").zip(subsystem("subsystem_device"));
        PciDevice {
            id: self.id.map(|(vendor, device)| format!("{vendor:04x}:{device:04x}")).unwrap_or_default(),
            // Registers that nobody wrote.
            subsystem_id: subsystem
                .filter(|(vendor, _)| !matches!(vendor, 0 | 0xffff))
                .map(|(vendor, device)| format!("{vendor:04x}:{device:04x}")),
            class: self.class.map(|class| format!("{class:06x}")).unwrap_or_default(),
            class_name: self.class.and_then(|class| names::class(subclass(class))).map(str::to_owned),
            name,
            revision: hex(host, &format!("{device}/revision")).and_then(|it| u8::try_from(it).ok()).unwrap_or_default(),
            driver: modules.driver(host, &device, self.class),
            link: read_link(host, &device),
            location: locations.of(host, &self.address),
            // -1 where the machine has one node, or the firmware does not tell.
            numa_node: sysfs::number(host, &format!("{device}/numa_node")),
            address: self.address,
            gaps,
        }
    }
}

fn read_link(host: &dyn Host, device: &str) -> Option<PcieLink> {
    let text = |attribute: &str| sysfs::text(host, &format!("{device}/{attribute}"));
    link::link(
        &text("current_link_width")?,
        &text("max_link_width")?,
        &text("current_link_speed")?,
        &text("max_link_speed")?,
    )
}

/// An attribute written as `0x8086`.
fn hex(host: &dyn Host, path: &str) -> Option<u32> {
    u32::from_str_radix(sysfs::text(host, path)?.strip_prefix("0x")?, 16).ok()
}

/// Base class and subclass of the three bytes.
fn subclass(class: u32) -> names::Class {
    let [_, base, sub, _interface] = class.to_be_bytes();
    (base, sub)
}

#[cfg(test)]
mod tests;
