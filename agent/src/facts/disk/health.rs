//! Asks a disk for its health, by what it is: NVMe's SMART log, ATA's attributes and verdict, SCSI's log pages. Or says
//! why there is none to ask for.

use super::{
    ata::{self, Smart},
    command::{AtaRead, LogPage, NvmeRead, ScsiRead, StatisticsPage},
    device::DeviceError,
    nvme, scsi,
    sense::ata_lba,
};
use crate::facts::{Host, disk::attributes::is_ata};
use pious_protocol::facts::{Disk, DiskHealth, Observed};

/// The health of each disk, now.
pub(in crate::facts) fn read(host: &dyn Host, disks: &mut [Disk]) {
    for disk in disks {
        disk.health = of(host, disk);
    }
}

fn of(host: &dyn Host, disk: &Disk) -> Observed<DiskHealth> {
    match disk.transport.as_deref() {
        Some("nvme") => of_nvme(host, &disk.name),
        // Also a SCSI disk of virtio's: it is made up too.
        Some("virtio") => Observed::nothing("virtio disks have no SMART"),
        // Some bridges hang, with the disk, when asked for what they do not know.
        Some("usb") => Observed::absent("USB disks are not asked: some bridges hang"),
        Some(_) | None if !disk.name.starts_with("sd") => {
            Observed::absent(format!("there is no way to ask {} for its health", disk.name))
        }
        Some(_) | None if is_ata(host, &disk.name) => of_ata(host, disk),
        Some(_) | None => of_scsi(host, &disk.name),
    }
}

fn of_nvme(host: &dyn Host, name: &str) -> Observed<DiskHealth> {
    match host.nvme(name, NvmeRead::SmartLog) {
        Ok(page) => match nvme::smart(&page) {
            Some(health) => Observed::seen("NVMe SMART log", health),
            None => Observed::absent(format!("{name}'s SMART log is cut short after {} bytes", page.len())),
        },
        Err(error) => absent(&error),
    }
}

fn of_ata(host: &dyn Host, disk: &Disk) -> Observed<DiskHealth> {
    match ask_ata(host, disk) {
        Ok(health) => health,
        Err(error) => absent(&error),
    }
}

fn ask_ata(host: &dyn Host, disk: &Disk) -> Result<Observed<DiskHealth>, DeviceError> {
    let ask = |command| host.scsi(&disk.name, ScsiRead::Ata(command));
    let Some(identity) = ata::identity(&ask(AtaRead::Identify)?.data) else {
        return Ok(Observed::absent("its answer to IDENTIFY DEVICE is cut short"));
    };
    match identity.smart {
        Smart::Enabled => {}
        Smart::Disabled => return Ok(Observed::absent("SMART is disabled")),
        Smart::Unsupported => return Ok(Observed::nothing("the disk has no SMART")),
    }
    let attributes = ata::attributes(&ask(AtaRead::SmartData)?.data);
    // Obsolete in the standard: without them the disk's own verdict is left.
    let thresholds = ask(AtaRead::SmartThresholds).map(|answer| ata::thresholds(&answer.data)).unwrap_or_default();
    let is_solid_state = disk.rotational == Some(false);
    let mut health = ata::health(&attributes, &thresholds, is_solid_state);
    health.passed = ata_lba(&ask(AtaRead::SmartStatus)?.sense).and_then(ata::verdict);
    if identity.has_logs {
        let pages = [StatisticsPage::General, StatisticsPage::Temperature, StatisticsPage::SolidState];
        for page in pages.into_iter().filter(|page| is_solid_state || *page != StatisticsPage::SolidState) {
            // A disk need not have each page.
            if let Ok(answer) = ask(AtaRead::Statistics(page)) {
                ata::add_statistics(&mut health, &answer.data, u64::from(disk.logical_block_bytes.unwrap_or(512)));
            }
        }
    }
    Ok(Observed::seen("ATA SMART", health))
}

fn of_scsi(host: &dyn Host, name: &str) -> Observed<DiskHealth> {
    let ask = |page| host.scsi(name, ScsiRead::Log(page)).map(|answer| answer.data);
    let mut health = DiskHealth::default();
    match ask(LogPage::InformationalExceptions) {
        Ok(data) => scsi::add(&mut health, LogPage::InformationalExceptions, &data),
        Err(error) => return absent(&error),
    }
    for page in [
        LogPage::Temperature,
        LogPage::SolidState,
        LogPage::BackgroundScan,
        LogPage::WriteErrors,
        LogPage::ReadErrors,
        LogPage::VerifyErrors,
    ] {
        // A disk need not have each page.
        if let Ok(data) = ask(page) {
            scsi::add(&mut health, page, &data);
        }
    }
    Observed::seen("SCSI log pages", health)
}

fn absent(error: &DeviceError) -> Observed<DiskHealth> {
    Observed::absent(error.to_string())
}
