//! Where a disk is: how it is attached, the PCI function it hangs off, its slot, and what is built on it. From where it
//! hangs in the kernel's device tree.

use super::BLOCK;
use crate::facts::{Host, Locations, sysfs};

/// How the disk is attached.
pub(super) fn transport(host: &dyn Host, name: &str, is_ata: bool) -> Option<String> {
    let device = format!("{BLOCK}/{name}");
    let path = host.link(&device).unwrap_or_default();
    let has = |prefix: &str| component(&path.to_string_lossy(), prefix).is_some();
    let subsystem = sysfs::link_name(host, &format!("{device}/device/subsystem"));
    let known = match subsystem.as_deref() {
        Some("nvme" | "nvme-subsystem") => Some("nvme"),
        Some("virtio") => Some("virtio"),
        Some("mmc") => Some("mmc"),
        // A SCSI disk may be anybody's: who stands above it tells.
        _ if has("usb") => Some("usb"),
        // Also a SATA disk behind a SAS controller.
        _ if has("ata") || is_ata => Some("sata"),
        _ if has("end_device-") => Some("sas"),
        _ if has("virtio") => Some("virtio"),
        _ if name.starts_with("nvme") => Some("nvme"),
        _ => None,
    };
    known.map(str::to_owned).or(subsystem)
}

/// The first component of a path that is this prefix and a number.
fn component<'path>(path: &'path str, prefix: &str) -> Option<&'path str> {
    let is_it = |part: &&str| {
        part.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    path.split('/').find(is_it)
}

/// The PCI function that it hangs off.
pub(super) fn pci_address(host: &dyn Host, name: &str) -> Option<String> {
    let device = format!("{BLOCK}/{name}");
    sysfs::pci_address(host, &device).or_else(|| nvme_controller(host, &device))
}

/// An NVMe namespace that several controllers may reach hangs off a virtual subsystem; its first controller tells.
fn nvme_controller(host: &dyn Host, device: &str) -> Option<String> {
    let subsystem = format!("{device}/device");
    let entries = host.list(&subsystem).ok()?;
    let is_controller = |entry: &&String| entry.strip_prefix("nvme").is_some_and(|n| n.parse::<u32>().is_ok());
    entries.iter().filter(is_controller).find_map(|entry| sysfs::pci_address(host, &format!("{subsystem}/{entry}")))
}

/// What is printed where it is plugged: the enclosure's slot, the SAS bay, the PCI slot of an NVMe disk; or else the
/// port of its SATA controller.
pub(super) fn slot(
    host: &dyn Host,
    locations: &Locations<'_>,
    name: &str,
    pci_address: Option<&str>,
) -> Option<String> {
    let device = format!("{BLOCK}/{name}/device");
    let entries = host.list(&device).unwrap_or_default();
    // The ses driver's link from a disk to its slot.
    if let Some(slot) = entries.iter().find_map(|entry| entry.strip_prefix("enclosure_device:")) {
        return Some(slot.trim().to_owned());
    }
    let path = host.link(&format!("{BLOCK}/{name}")).unwrap_or_default();
    let path = path.to_string_lossy();
    if let Some(end_device) = component(&path, "end_device-") {
        let bay = sysfs::number::<u32>(host, &format!("/sys/class/sas_device/{end_device}/bay_identifier"));
        return bay.map(|bay| format!("bay {bay}"));
    }
    if name.starts_with("nvme") {
        return locations.of(host, pci_address?);
    }
    component(&path, "ata").map(str::to_owned)
}

/// What is built on the disk or on its partitions, e.g. `md127`, `dm-0`.
pub(super) fn member_of(host: &dyn Host, name: &str) -> Vec<String> {
    let disk = format!("{BLOCK}/{name}");
    let partitions = host.list(&disk).unwrap_or_default().into_iter().filter(|entry| entry.starts_with(name));
    let folders = partitions.map(|partition| format!("{disk}/{partition}/holders")).chain([format!("{disk}/holders")]);
    let mut holders: Vec<String> = folders.flat_map(|folder| host.list(&folder).unwrap_or_default()).collect();
    holders.sort();
    holders.dedup();
    holders
}
