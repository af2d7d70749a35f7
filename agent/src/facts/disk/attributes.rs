//! What one disk is, from the kernel's files, and from the disk's own identification where those cut it short: libata
//! gives SCSI's 16 characters of an ATA disk's model, and 4 of its firmware's 8.

use super::{
    BLOCK,
    ata::{self, Identity},
    bytes::u16_be,
    command::{AtaRead, NvmeRead, ScsiRead},
    nvme, place,
};
use crate::facts::{Host, Locations, sysfs};
use pious_protocol::facts::{Disk, Gaps, NvmeController};

/// `/sys/block/*/size` counts these, whatever the disk's own block size.
const SECTOR_BYTES: u64 = 512;

/// Whether SCSI speaks to it through a translation: SAT-4 §8.2.2 gives each such disk this vendor.
pub(super) fn is_ata(host: &dyn Host, name: &str) -> bool {
    sysfs::text(host, &format!("{BLOCK}/{name}/device/vendor")).as_deref() == Some("ATA")
}

/// The names on a disk's label.
#[derive(Debug, Default)]
struct Label {
    model: Option<String>,
    serial: Option<String>,
    firmware: Option<String>,
    wwid: Option<String>,
}

pub(super) fn read(host: &dyn Host, locations: &Locations<'_>, name: String) -> Disk {
    let device = format!("{BLOCK}/{name}");
    let number = |attribute: &str| sysfs::number::<u32>(host, &format!("{device}/{attribute}"));
    let flag = |attribute: &str| number(attribute).map(|flag| flag != 0);
    let transport = place::transport(host, &name, is_ata(host, &name));
    let pci_address = place::pci_address(host, &name);
    let mut gaps = Gaps::default();
    let mut source = device.clone();
    let mut label = label(host, &device);
    let mut controller = None;
    match transport.as_deref() {
        Some("sata") => match identify_ata(host, &name) {
            Ok((identity, from)) => {
                label.model = identity.model.or(label.model);
                label.serial = identity.serial.or(label.serial);
                label.firmware = identity.firmware.or(label.firmware);
                source = format!("{source}, {from}");
            }
            Err(why) => {
                gaps.note("model", format!("cut to 16 characters: {why}"));
                gaps.note("firmware", format!("cut to 4 characters: {why}"));
            }
        },
        Some("nvme") => {
            controller = gaps.keep("nvme", identify_nvme(host, &name));
            if controller.is_some() {
                source.push_str(", NVMe Identify Controller");
            }
        }
        Some(_) | None => {}
    }
    for (member, value) in
        [("model", &label.model), ("serial", &label.serial), ("firmware", &label.firmware), ("wwid", &label.wwid)]
    {
        if value.is_none() {
            gaps.note(member, format!("{device} tells none"));
        }
    }
    let size = sysfs::number::<u64>(host, &format!("{device}/size"));
    Disk {
        model: label.model,
        serial: label.serial,
        firmware: label.firmware,
        size_bytes: gaps
            .keep("size_bytes", size.ok_or_else(|| format!("{device}/size can't be read")))
            .unwrap_or_default()
            .saturating_mul(SECTOR_BYTES),
        rotational: flag("queue/rotational"),
        slot: place::slot(host, locations, &name, pci_address.as_deref()),
        transport,
        pci_address,
        wwid: label.wwid,
        logical_block_bytes: number("queue/logical_block_size"),
        physical_block_bytes: number("queue/physical_block_size"),
        read_only: flag("ro"),
        member_of: place::member_of(host, &name),
        nvme: controller,
        source,
        gaps,
        name,
        ..Disk::default()
    }
}

/// What the kernel's files tell.
fn label(host: &dyn Host, device: &str) -> Label {
    let text = |attribute: &str| sysfs::text(host, &format!("{device}/{attribute}"));
    Label {
        // SCSI splits vendor and model; ATA disks behind libata call their vendor "ATA", which tells nothing.
        model: match (text("device/vendor"), text("device/model")) {
            (Some(vendor), Some(model)) if vendor != "ATA" && !vendor.starts_with("0x") => {
                Some(format!("{vendor} {model}"))
            }
            (_, model) => model,
        },
        // virtio's is on the disk itself, NVMe's on its controller, SCSI's in page 80h of its vital product data.
        serial: text("serial").or_else(|| text("device/serial")).or_else(|| scsi_serial(host, device)),
        firmware: text("device/firmware_rev").or_else(|| text("device/rev")),
        wwid: text("wwid").or_else(|| text("device/wwid")),
    }
}

/// The unit serial number page (SPC-5 §7.7.18): four bytes of header, then ASCII.
fn scsi_serial(host: &dyn Host, device: &str) -> Option<String> {
    const HEADER_BYTES: usize = 4;
    let page = host.read(&format!("{device}/device/vpd_pg80")).ok()?;
    let length = usize::from(u16_be(&page, 2)?);
    let serial = page.get(HEADER_BYTES..)?;
    let serial = String::from_utf8_lossy(serial.get(..length).unwrap_or(serial));
    let serial = serial.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!serial.is_empty()).then(|| serial.to_owned())
}

/// An ATA disk's own identification, and whence: the disk, or what the kernel kept of it when it found the disk (the ATA
/// Information page, SAT-4 §12.4.2), which everybody may read.
fn identify_ata(host: &dyn Host, name: &str) -> Result<(Identity, &'static str), String> {
    const IDENTIFY_IN_PAGE: usize = 60;
    let asked = host.scsi(name, ScsiRead::Ata(AtaRead::Identify));
    let cut = |bytes: &[u8]| format!("the answer to IDENTIFY DEVICE ends after {} bytes", bytes.len());
    match asked {
        Ok(answer) => {
            ata::identity(&answer.data).map(|is| (is, "ATA IDENTIFY DEVICE")).ok_or_else(|| cut(&answer.data))
        }
        Err(error) => {
            let kept = host.read(&format!("{BLOCK}/{name}/device/vpd_pg89")).ok();
            let identity = kept.and_then(|page| ata::identity(page.get(IDENTIFY_IN_PAGE..)?));
            identity.map(|is| (is, "page 89h")).ok_or_else(|| error.to_string())
        }
    }
}

fn identify_nvme(host: &dyn Host, name: &str) -> Result<NvmeController, String> {
    let page = host.nvme(name, NvmeRead::IdentifyController).map_err(|error| error.to_string())?;
    nvme::identify(&page).ok_or_else(|| format!("the answer to Identify Controller ends after {} bytes", page.len()))
}
