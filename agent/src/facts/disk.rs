//! Whole disks: block devices with a device behind them, from `/sys/block`. Loop, RAM, device-mapper, md and zram
//! devices have none; optical and floppy drives have one and are no disks.

use super::{Host, sysfs};
use pious_protocol::facts::Disk;

const BLOCK: &str = "/sys/block";

/// `/sys/block/*/size` counts these, whatever the disk's own sector size.
const SECTOR_BYTES: u64 = 512;

pub(super) fn read(host: &dyn Host) -> Vec<Disk> {
    let names = host.list(BLOCK).unwrap_or_default();
    names.into_iter().filter(|name| is_disk(host, name)).map(|name| disk(host, name)).collect()
}

fn is_disk(host: &dyn Host, name: &str) -> bool {
    // One path of several to an NVMe namespace: the namespace itself is another entry.
    if sysfs::number::<u8>(host, &format!("{BLOCK}/{name}/hidden")).is_some_and(|hidden| hidden != 0) {
        return false;
    }
    let device = format!("{BLOCK}/{name}/device");
    let is_drive_of_media = name.starts_with("sr") || name.starts_with("fd");
    !is_drive_of_media && (host.link(&device).is_ok() || host.list(&device).is_ok())
}

fn disk(host: &dyn Host, name: String) -> Disk {
    let device = format!("{BLOCK}/{name}");
    let text = |attribute: &str| sysfs::text(host, &format!("{device}/{attribute}"));
    let transport = transport(host, &device, &name);
    Disk {
        // SCSI splits vendor and model; ATA disks behind libata call their vendor "ATA", which tells nothing.
        model: match (text("device/vendor"), text("device/model")) {
            (Some(vendor), Some(model)) if vendor != "ATA" && !vendor.starts_with("0x") => {
                Some(format!("{vendor} {model}"))
            }
            (_, model) => model,
        },
        // virtio's is on the disk itself, NVMe's on its controller, SCSI's in page 80h of its vital product data.
        serial: text("serial").or_else(|| text("device/serial")).or_else(|| scsi_serial(host, &device)),
        firmware: text("device/firmware_rev").or_else(|| text("device/rev")),
        size_bytes: sysfs::number::<u64>(host, &format!("{device}/size"))
            .unwrap_or_default()
            .saturating_mul(SECTOR_BYTES),
        rotational: text("queue/rotational").map(|flag| flag != "0"),
        transport,
        pci_address: sysfs::pci_address(host, &device).or_else(|| nvme_controller(host, &device)),
        name,
        ..Disk::default()
    }
}

/// An NVMe namespace that several controllers may reach hangs off a virtual subsystem; its first controller tells.
fn nvme_controller(host: &dyn Host, device: &str) -> Option<String> {
    let subsystem = format!("{device}/device");
    let entries = host.list(&subsystem).ok()?;
    let is_controller = |entry: &&String| entry.strip_prefix("nvme").is_some_and(|n| n.parse::<u32>().is_ok());
    entries.iter().filter(is_controller).find_map(|entry| sysfs::pci_address(host, &format!("{subsystem}/{entry}")))
}

/// The unit serial number page (SPC-4 §7.8.15): four bytes of header, then ASCII.
fn scsi_serial(host: &dyn Host, device: &str) -> Option<String> {
    const HEADER_BYTES: usize = 4;
    let page = host.read(&format!("{device}/device/vpd_pg80")).ok()?;
    let length = usize::from(u16::from_be_bytes([*page.get(2)?, *page.get(3)?]));
    let serial = page.get(HEADER_BYTES..)?;
    let serial = String::from_utf8_lossy(serial.get(..length).unwrap_or(serial));
    let serial = serial.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!serial.is_empty()).then(|| serial.to_owned())
}

/// How the disk is attached, told from where it hangs in the device tree.
fn transport(host: &dyn Host, device: &str, name: &str) -> Option<String> {
    let path = host.link(device).unwrap_or_default();
    let path = path.to_string_lossy();
    let has = |prefix: &str| {
        path.split('/')
            .any(|part| part.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
    };
    let subsystem = sysfs::link_name(host, &format!("{device}/device/subsystem"));
    let known = match subsystem.as_deref() {
        Some("nvme" | "nvme-subsystem") => Some("nvme"),
        Some("virtio") => Some("virtio"),
        Some("mmc") => Some("mmc"),
        // A SCSI disk may be anybody's: who stands above it tells.
        _ if has("usb") => Some("usb"),
        _ if has("ata") => Some("sata"),
        _ if has("end_device-") => Some("sas"),
        _ if has("virtio") => Some("virtio"),
        _ if name.starts_with("nvme") => Some("nvme"),
        _ => None,
    };
    known.map(str::to_owned).or(subsystem)
}
