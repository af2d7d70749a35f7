//! Types 7, 8, 9, 19, 38, 39 and 41: every field that dmidecode has is compared, or named with the reason.

use crate::dmidecode::{Fields, either, fields, list, number, size};
use pious_protocol::facts::{Cache, IpmiDevice, MappedRange, OnboardDevice, PortConnector, PowerSupply, Slot};

const SRAM: &str = "how the chips of a cache work is of no use since caches are in the processor";
const HANDLE: &str = "a handle says which structure, not what it says";
const WIRE: &str = "how the interrupt is wired is for the kernel's driver, which reads it from ACPI";

pub const CACHE_LEFT_OUT: [(&str, &str); 3] =
    [("Supported SRAM Types", SRAM), ("Installed SRAM Type", SRAM), ("Speed", SRAM)];
pub const RANGE_LEFT_OUT: [(&str, &str); 1] = [("Physical Array Handle", HANDLE)];
pub const IPMI_LEFT_OUT: [(&str, &str); 2] = [("Interrupt Polarity", WIRE), ("Interrupt Trigger Mode", WIRE)];
pub const SUPPLY_LEFT_OUT: [(&str, &str); 3] =
    [("Input Voltage Probe Handle", HANDLE), ("Cooling Device Handle", HANDLE), ("Input Current Probe Handle", HANDLE)];

pub fn cache(cache: &Cache) -> Fields {
    let configuration = cache.enabled.zip(cache.socketed).zip(cache.level).map(|((enabled, socketed), level)| {
        let enabled = if enabled { "Enabled" } else { "Disabled" };
        let socketed = if socketed { "Socketed" } else { "Not Socketed" };
        format!("{enabled}, {socketed}, Level {level}")
    });
    fields([
        ("Socket Designation", cache.designation.clone()),
        ("Configuration", configuration),
        ("Operational Mode", cache.operation.clone()),
        ("Location", cache.location.clone()),
        ("Installed Size", size(cache.installed_bytes)),
        ("Maximum Size", size(cache.maximum_bytes)),
        ("Error Correction Type", cache.error_correction.clone()),
        ("System Type", cache.kind.clone()),
        ("Associativity", cache.associativity.clone()),
    ])
}

pub fn port(port: &PortConnector) -> Fields {
    fields([
        ("Internal Reference Designator", port.internal.clone()),
        ("Internal Connector Type", port.internal_connector.clone()),
        ("External Reference Designator", port.external.clone()),
        ("External Connector Type", port.external_connector.clone()),
        ("Port Type", port.kind.clone()),
    ])
}

pub fn slot(slot: &Slot) -> Fields {
    // dmidecode 3.4 puts the width before the type, unless it is not known.
    let width = match slot.width.as_deref() {
        Some("Other" | "Unknown") => String::new(),
        Some(width) => format!("{width} "),
        None => "<OUT OF SPEC>".to_owned(),
    };
    let mut told = fields([
        ("Designation", slot.designation.clone()),
        ("Type", Some(format!("{width}{}", slot.kind.as_deref().unwrap_or("<OUT OF SPEC>")))),
        ("Current Usage", slot.usage.clone()),
        ("Length", slot.length.clone()),
        ("ID", number(slot.id, "")),
        ("Characteristics", list(&slot.characteristics)),
        ("Bus Address", slot.pci_address.clone()),
        ("Data Bus Width", number(slot.base_width, "")),
        ("PCI Express Generation", number(slot.generation, "")),
        ("Slot Physical Width", slot.physical_width.clone()),
        ("Pitch", slot.pitch_hundredths_mm.map(|pitch| format!("{}.{:02} mm", pitch / 100, pitch % 100))),
        ("Height", slot.height.clone()),
    ]);
    if slot.base_width.is_some() {
        told.insert("Peer Devices".to_owned(), Some(slot.peers.len().to_string()));
    }
    for (index, peer) in slot.peers.iter().enumerate() {
        let address = peer.pci_address.as_deref().unwrap_or("0000:ff:1f.7");
        told.insert(format!("Peer Device {}", index + 1), Some(format!("{address} (Width {})", peer.width)));
    }
    told
}

pub fn mapped_range(range: &MappedRange) -> Fields {
    /// What the first fields can say, in KiB. dmidecode adds a "k" to an address from the extended fields, which are in
    /// bytes all the same.
    const FIRST_FIELDS_BITS: u32 = 32 + 10;
    let is_extended = range.end_bytes >> FIRST_FIELDS_BITS != 0;
    let address = |bytes: u64| if is_extended { format!("0x{bytes:016X}k") } else { format!("0x{bytes:011X}") };
    fields([
        ("Starting Address", Some(address(range.start_bytes))),
        ("Ending Address", Some(address(range.end_bytes))),
        ("Range Size", size((range.end_bytes - range.start_bytes).checked_add(1))),
        ("Partition Width", number(range.partition_width, "")),
    ])
}

pub fn ipmi(ipmi: &IpmiDevice) -> Fields {
    let spacing = ipmi.register_spacing_bytes.map(|bytes| match bytes {
        1 => "Successive Byte Boundaries".to_owned(),
        4 => "32-bit Boundaries".to_owned(),
        bytes => format!("{bytes}-byte Boundaries"),
    });
    let base = ipmi.base_address.map(|base| match ipmi.is_io {
        Some(is_io) => format!("0x{base:016X} ({})", if is_io { "I/O" } else { "Memory-mapped" }),
        None => format!("0x{base:02X} (SMBus)"),
    });
    fields([
        ("Interface Type", ipmi.interface.clone()),
        ("Specification Version", ipmi.specification.clone()),
        ("I2C Slave Address", ipmi.i2c_address.map(|address| format!("{address:#04x}"))),
        ("NV Storage Device", None),
        ("NV Storage Device Address", number(ipmi.nv_storage_address, "")),
        ("Base Address", base),
        ("Register Spacing", spacing),
        ("Interrupt Number", number(ipmi.interrupt, "")),
    ])
}

pub fn power_supply(supply: &PowerSupply) -> Fields {
    let status = supply.status.as_deref().unwrap_or("<OUT OF SPEC>");
    fields([
        ("Power Unit Group", number(supply.group, "")),
        ("Location", supply.location.clone()),
        ("Name", supply.name.clone()),
        ("Manufacturer", supply.manufacturer.clone()),
        ("Serial Number", supply.serial.clone()),
        ("Asset Tag", supply.asset_tag.clone()),
        ("Model Part Number", supply.model.clone()),
        ("Revision", supply.revision.clone()),
        ("Max Power Capacity", number(supply.max_power_watts, " W")),
        ("Status", supply.present.and_then(|present| present.then(|| format!("Present, {status}")))),
        ("Type", supply.kind.clone()),
        ("Input Voltage Range Switching", supply.input_range.clone()),
        ("Plugged", either(supply.plugged, "Yes", "No")),
        ("Hot Replaceable", either(supply.hot_replaceable, "Yes", "No")),
    ])
}

pub fn onboard_device(device: &OnboardDevice) -> Fields {
    fields([
        ("Reference Designation", device.designation.clone()),
        ("Type", device.kind.clone()),
        ("Status", either(device.enabled, "Enabled", "Disabled")),
        ("Type Instance", number(device.instance, "")),
        ("Bus Address", device.pci_address.clone()),
    ])
}
