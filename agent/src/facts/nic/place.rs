//! Where an interface is: its PCI function, who made it, the slot or socket that people see, its virtual functions.

use crate::facts::{Host, location, pci::Locations, sysfs};
use pious_protocol::facts::{Nic, Smbios, Sriov};

/// Fills in what sysfs and SMBIOS tell; `device` is the interface's folder in sysfs.
pub(super) fn find(host: &dyn Host, device: &str, smbios: Option<&Smbios>, nic: &mut Nic) {
    let addresses = sysfs::pci_addresses(host, device);
    let Some(own) = addresses.first() else {
        for member in ["pci_address", "pci_id", "pci_subsystem_id", "location", "onboard_index", "sriov"] {
            nic.gaps.note(member, format!("{} hangs on no PCI device", nic.name));
        }
        return;
    };
    let function = format!("/sys/bus/pci/devices/{own}");
    nic.pci_address = Some(own.clone());
    nic.pci_id = nic.gaps.keep("pci_id", id(host, &function, "vendor", "device"));
    nic.pci_subsystem_id =
        nic.gaps.keep("pci_subsystem_id", id(host, &function, "subsystem_vendor", "subsystem_device"));
    let nowhere = "neither ACPI nor SMBIOS names its place";
    let place = place(host, device, &function, &Locations::read(host, smbios), own);
    nic.location = nic.gaps.keep("location", place.ok_or(nowhere));
    let index = onboard_index(host, &function, smbios, &addresses);
    nic.onboard_index = nic.gaps.keep("onboard_index", index.ok_or("the firmware counts no such onboard device"));
    nic.sriov = nic.gaps.keep("sriov", sriov(host, &function).ok_or("the function has no SR-IOV capability"));
}

/// As `8086:1593`.
fn id(host: &dyn Host, function: &str, vendor: &str, device: &str) -> Result<String, String> {
    let part = |which: &str| {
        let path = format!("{function}/{which}");
        let text = sysfs::text(host, &path).ok_or_else(|| format!("{path} can't be read"))?;
        let digits = text.trim_start_matches("0x");
        let is_id = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if is_id { Ok(digits.to_owned()) } else { Err(format!("{path} says {text:?}")) }
    };
    Ok(format!("{}:{}", part(vendor)?, part(device)?))
}

/// ACPI's label or SMBIOS's, and which of a card's ports it is, where the driver names them.
fn place(host: &dyn Host, device: &str, function: &str, locations: &Locations<'_>, own: &str) -> Option<String> {
    let label = sysfs::text(host, &format!("{function}/label"));
    let label = label.or_else(|| locations.of(host, own))?;
    // The driver may have no such thing, which reading says as an error.
    Some(match sysfs::text(host, &format!("{device}/phys_port_name")) {
        Some(port) => format!("{label}, port {port}"),
        None => label,
    })
}

fn onboard_index(host: &dyn Host, function: &str, smbios: Option<&Smbios>, addresses: &[String]) -> Option<u32> {
    let in_sysfs = ["acpi_index", "index"];
    let index = in_sysfs.iter().find_map(|which| sysfs::number(host, &format!("{function}/{which}")));
    index.or_else(|| location::onboard(smbios?, addresses)?.instance)
}

fn sriov(host: &dyn Host, function: &str) -> Option<Sriov> {
    Some(Sriov {
        max_functions: sysfs::number(host, &format!("{function}/sriov_totalvfs"))?,
        functions: sysfs::number(host, &format!("{function}/sriov_numvfs"))?,
    })
}
