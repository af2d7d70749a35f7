//! Whole disks, each once: what they are ([`read`]), and how well they are ([`read_health`]), which is asked again and
//! again while the list stands.
//!
//! The kernel's files tell most. The disks themselves are asked for the rest, and facts never write to one: `command`
//! lists all that they are ever sent, and `device` opens them to read.

mod ata;
mod attributes;
mod bytes;
mod command;
mod device;
mod health;
mod nvme;
mod place;
mod scsi;
mod sense;

pub use command::{AtaRead, LogPage, NvmeRead, ScsiRead, StatisticsPage};
pub use device::{DeviceError, ScsiAnswer};
pub(crate) use device::{ask_nvme, opened};
pub(super) use device::{nvme as send_nvme, scsi as send_scsi};
pub(super) use health::read as read_health;
pub use sense::Sense;

use super::{Host, Locations, sysfs};
use pious_protocol::facts::Disk;

const BLOCK: &str = "/sys/block";

/// Every disk, by name; their health is not asked for.
pub(super) fn read(host: &dyn Host, locations: &Locations<'_>) -> Vec<Disk> {
    let names = host.list(BLOCK).unwrap_or_default();
    let (hidden, shown): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| is_hidden(host, name));
    let mut disks: Vec<Disk> = Vec::new();
    for name in shown.into_iter().filter(|name| is_disk(host, name)) {
        let mut disk = attributes::read(host, locations, name);
        disk.other_paths = nvme_paths(&disk.name, &hidden);
        match disks.iter_mut().find(|known| is_same(known, &disk)) {
            Some(known) => {
                known.other_paths.push(disk.name);
                known.member_of.extend(disk.member_of);
                known.member_of.sort();
                known.member_of.dedup();
            }
            None => disks.push(disk),
        }
    }
    disks
}

/// One path of several to an NVMe namespace: the namespace itself is another entry.
fn is_hidden(host: &dyn Host, name: &str) -> bool {
    sysfs::number::<u8>(host, &format!("{BLOCK}/{name}/hidden")).is_some_and(|hidden| hidden != 0)
}

/// Block devices with a device behind them. Loop, RAM, device-mapper, md and zram devices have none; optical and floppy
/// drives have one and are no disks.
fn is_disk(host: &dyn Host, name: &str) -> bool {
    let device = format!("{BLOCK}/{name}/device");
    let is_drive_of_media = name.starts_with("sr") || name.starts_with("fd");
    !is_drive_of_media && (host.link(&device).is_ok() || host.list(&device).is_ok())
}

/// Whether two SCSI disks are two ways to one. Only names that a standards body gave the maker a range of are believed:
/// cheap disks make their own up, and share them.
fn is_same(one: &Disk, other: &Disk) -> bool {
    let is_unique = |wwid: &str| {
        let digits = wwid.strip_prefix("naa.").or_else(|| wwid.strip_prefix("eui."));
        digits.is_some_and(|digits| digits.bytes().any(|digit| digit != b'0'))
    };
    let (Some(wwid), Some(others)) = (&one.wwid, &other.wwid) else { return false };
    wwid == others && is_unique(wwid) && one.size_bytes == other.size_bytes
}

/// The paths to an NVMe namespace, where there are several: `nvme0c0n1` and `nvme0c1n1` lead to `nvme0n1`.
fn nvme_paths(name: &str, hidden: &[String]) -> Vec<String> {
    let Some((subsystem, namespace)) = name.strip_prefix("nvme").and_then(|rest| rest.split_once('n')) else {
        return Vec::new();
    };
    let leads_here = |path: &&String| {
        let rest = path.strip_prefix("nvme").and_then(|rest| rest.strip_prefix(subsystem)?.strip_prefix('c'));
        rest.and_then(|rest| rest.split_once('n')).is_some_and(|(_, of)| of == namespace)
    };
    let paths: Vec<String> = hidden.iter().filter(leads_here).cloned().collect();
    if paths.len() > 1 { paths } else { Vec::new() }
}

#[cfg(test)]
mod tests;
