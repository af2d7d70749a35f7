//! The parts that facts are read in: an event says which of them it may have changed, and a part that no event tells of
//! is read again from time to time. Pure: what is read, and how, is the other files' business.

use pious_protocol::facts::{Bmc, Disk, Facts, Observed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One part of the facts, read at once and by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The SMBIOS table.
    Smbios,
    /// How the machine booted, Secure Boot, the boot order, the TPM.
    Firmware,
    /// Processors.
    Cpu,
    /// Memory.
    Memory,
    /// Corrected and uncorrected errors of the memory.
    MemoryErrors,
    /// Network interfaces, without what is listened for (DHCP, VLANs, neighbours).
    Nics,
    /// Disks, without their health.
    Disks,
    /// What disks say of their health.
    DiskHealth,
    /// PCI functions.
    Pci,
    /// Who the BMC is: device, LAN, FRUs.
    Bmc,
    /// How the BMC's machine is: chassis, event log, sensors, power supplies.
    BmcHealth,
    /// The kernel's own sensors.
    Sensors,
    /// The kernel, and the firmware files it lacks.
    Kernel,
}

/// A set of parts.
pub type Parts = BTreeSet<Part>;

impl Part {
    /// Every part.
    pub const ALL: [Self; 13] = [
        Self::Smbios,
        Self::Firmware,
        Self::Cpu,
        Self::Memory,
        Self::MemoryErrors,
        Self::Nics,
        Self::Disks,
        Self::DiskHealth,
        Self::Pci,
        Self::Bmc,
        Self::BmcHealth,
        Self::Sensors,
        Self::Kernel,
    ];

    /// Whether drivers that are loaded after the kernel started can change it.
    pub fn needs_drivers(self) -> bool {
        match self {
            Self::Smbios | Self::Cpu => false,
            Self::Firmware
            | Self::Memory
            | Self::MemoryErrors
            | Self::Nics
            | Self::Disks
            | Self::DiskHealth
            | Self::Pci
            | Self::Bmc
            | Self::BmcHealth
            | Self::Sensors
            | Self::Kernel => true,
        }
    }

    /// The parts that a device event of this subsystem (`SUBSYSTEM` of a uevent) may have changed.
    pub fn of_subsystem(subsystem: &str) -> &'static [Self] {
        match subsystem {
            "net" => &[Self::Nics],
            "block" | "nvme" | "nvme-subsystem" | "scsi" | "scsi_disk" => &[Self::Disks, Self::DiskHealth],
            "pci" => &[Self::Pci, Self::Kernel],
            "ipmi" => &[Self::Bmc, Self::BmcHealth],
            "hwmon" => &[Self::Sensors],
            "edac" => &[Self::MemoryErrors],
            "memory" => &[Self::Memory],
            "tpm" => &[Self::Firmware],
            _ => &[],
        }
    }

    /// Takes this part of newly read facts; all else stays.
    pub fn take(self, into: &mut Facts, from: &mut Facts) {
        use std::mem::take;
        match self {
            Self::Firmware => {
                into.firmware_mode = from.firmware_mode;
                into.firmware = take(&mut from.firmware);
            }
            Self::Smbios => into.smbios = take(&mut from.smbios),
            Self::Cpu => into.cpu = take(&mut from.cpu),
            Self::Memory => into.memory = take(&mut from.memory),
            Self::MemoryErrors => into.memory_errors = take(&mut from.memory_errors),
            Self::Nics => into.nics = take(&mut from.nics),
            Self::Disks => {
                let known = std::mem::replace(&mut into.disks, take(&mut from.disks));
                each_same_disk(&mut into.disks, known, |disk, known| disk.health = known.health);
            }
            Self::DiskHealth => {
                let read = from.disks.clone();
                each_same_disk(&mut into.disks, read, |disk, read| disk.health = read.health);
            }
            Self::Pci => into.pci = take(&mut from.pci),
            Self::Bmc => take_bmc(&mut into.bmc, &from.bmc, |into, from| {
                into.device = from.device;
                into.lan = from.lan;
                into.frus = from.frus;
            }),
            Self::BmcHealth => take_bmc(&mut into.bmc, &from.bmc, |into, from| {
                into.chassis = from.chassis;
                into.event_log = from.event_log;
                into.sensors = from.sensors;
                into.power_supplies = from.power_supplies;
            }),
            Self::Sensors => into.sensors = take(&mut from.sensors),
            Self::Kernel => into.kernel = take(&mut from.kernel),
        }
    }
}

/// Pairs the disks that are the same in both lists: a name alone may be another disk's by now.
fn each_same_disk(disks: &mut [Disk], others: Vec<Disk>, mut each: impl FnMut(&mut Disk, Disk)) {
    for other in others {
        let is_same =
            |disk: &&mut Disk| (&disk.name, &disk.serial, &disk.wwid) == (&other.name, &other.serial, &other.wwid);
        if let Some(disk) = disks.iter_mut().find(is_same) {
            each(disk, other);
        }
    }
}

fn take_bmc(into: &mut Observed<Bmc>, from: &Observed<Bmc>, part: impl FnOnce(&mut Bmc, Bmc)) {
    match (into, from) {
        (Observed::Seen { source, value }, Observed::Seen { source: new_source, value: new }) => {
            source.clone_from(new_source);
            part(value, new.clone());
        }
        (into @ (Observed::Absent { .. } | Observed::Nothing { .. } | Observed::Seen { .. }), from) => {
            *into = from.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pious_protocol::facts::{ChassisStatus, DiskHealth, Kernel};

    fn disk(name: &str, serial: &str, hours: Option<u64>) -> Disk {
        let health = match hours {
            Some(hours) => Observed::seen("SMART", DiskHealth { power_on_hours: Some(hours), ..DiskHealth::default() }),
            None => Observed::default(),
        };
        Disk { name: name.into(), serial: Some(serial.into()), health, ..Disk::default() }
    }

    fn taken(part: Part, known: Facts, mut read: Facts) -> Facts {
        let mut facts = known;
        part.take(&mut facts, &mut read);
        facts
    }

    #[test]
    fn a_part_takes_nothing_but_itself() {
        let known = Facts { kernel: Kernel { release: "6.1".into(), ..Kernel::default() }, ..Facts::default() };
        for part in Part::ALL {
            let facts = taken(part, known.clone(), Facts::default());
            assert_eq!(facts.kernel.release.is_empty(), part == Part::Kernel, "{part:?}");
        }
    }

    #[test]
    fn a_disk_keeps_its_health_and_another_in_its_place_does_not_get_it() {
        let known = Facts { disks: vec![disk("sda", "A", Some(7)), disk("sdb", "B", Some(8))], ..Facts::default() };
        let listed = Facts { disks: vec![disk("sda", "A", None), disk("sdb", "C", None)], ..Facts::default() };
        let facts = taken(Part::Disks, known, listed);
        assert_eq!(facts.disks, [disk("sda", "A", Some(7)), disk("sdb", "C", None)]);

        let asked = Facts { disks: vec![disk("sda", "A", Some(9)), disk("sdb", "B", Some(1))], ..Facts::default() };
        assert_eq!(taken(Part::DiskHealth, facts, asked).disks, [disk("sda", "A", Some(9)), disk("sdb", "C", None)]);
    }

    #[test]
    fn the_bmcs_two_parts_do_not_wipe_each_other_out() {
        let chassis = || Observed::seen("ipmi", ChassisStatus { power_on: true, ..ChassisStatus::default() });
        let seen = |bmc| Facts { bmc: Observed::seen("/dev/ipmi0", bmc), ..Facts::default() };
        let health = seen(Bmc { chassis: chassis(), ..Bmc::default() });
        let log = Observed::absent("no log");
        let identity = seen(Bmc { event_log: log, lan: Observed::absent("no LAN"), ..Bmc::default() });
        let facts = taken(Part::Bmc, taken(Part::BmcHealth, Facts::default(), health), identity);
        let expected = Bmc { chassis: chassis(), lan: Observed::absent("no LAN"), ..Bmc::default() };
        assert_eq!(facts.bmc, Observed::seen("/dev/ipmi0", expected));

        let gone = Facts { bmc: Observed::absent("no /dev/ipmi0"), ..Facts::default() };
        assert_eq!(taken(Part::BmcHealth, facts, gone).bmc, Observed::absent("no /dev/ipmi0"));
    }

    #[test]
    fn device_events_touch_what_they_are_about() {
        let cases: [(&str, &[Part]); 4] = [
            ("net", &[Part::Nics]),
            ("block", &[Part::Disks, Part::DiskHealth]),
            ("pci", &[Part::Pci, Part::Kernel]),
            ("module", &[]),
        ];
        for (subsystem, expected) in cases {
            assert_eq!(Part::of_subsystem(subsystem), expected, "{subsystem}");
        }
    }
}
