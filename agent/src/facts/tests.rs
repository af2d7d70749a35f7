//! A host recorded by hand: what is a NIC, what is a disk, and what each tells.

use super::*;
use pious_protocol::facts::{Cpu, Disk, FirmwareMode, Kernel, Link, Memory, Nic, Observed};
use std::{fs, os::unix::fs::symlink, path::PathBuf};

/// A folder that stands for a host, gone when dropped.
struct Recording(tempfile::TempDir);

impl Recording {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, path: &str) -> PathBuf {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        path
    }

    fn file(&self, path: &str, content: &str) {
        fs::write(self.path(path), content).expect("a file");
    }

    /// A link as sysfs writes it: relative, climbing to /sys first.
    fn link(&self, path: &str, target_below_sys: &str) {
        let climb = "../".repeat(path.split('/').count() - 2);
        symlink(format!("{climb}{target_below_sys}"), self.path(path)).expect("a link");
    }

    /// A device of a class, at its place in the device tree, with its attributes.
    fn device(&self, class: &str, place: &str, attributes: &[(&str, &str)]) {
        let name = place.rsplit('/').next().expect("a name");
        for (attribute, value) in attributes {
            self.file(&format!("sys/devices/{place}/{attribute}"), value);
        }
        fs::create_dir_all(self.path(&format!("sys/devices/{place}"))).expect("a folder");
        self.link(&format!("sys/{class}/{name}"), &format!("devices/{place}"));
    }

    fn facts(&self) -> Facts {
        gather(&RootHost::new(self.0.path()).expect("a folder"))
    }
}

fn nics(host: &Recording) {
    let pci = "pci0000:00/0000:00:1c.0/0000:3b:00.0";
    let up: &[_] = &[
        ("address", "3c:fd:fe:00:00:01\n"),
        ("addr_assign_type", "0\n"),
        ("flags", "0x1003\n"),
        ("carrier", "1\n"),
        ("speed", "25000\n"),
    ];
    host.device("class/net", &format!("{pci}/net/ens1f0"), up);
    host.link(&format!("sys/devices/{pci}/net/ens1f0/device"), &format!("devices/{pci}"));
    host.link(&format!("sys/devices/{pci}/driver"), "bus/pci/drivers/ice");
    fs::create_dir_all(host.path("sys/bus/pci/drivers/ice/x")).expect("a driver");

    let virtio = "pci0000:00/0000:00:03.0/virtio0";
    let down: &[_] =
        &[("address", "52:54:00:00:00:02\n"), ("addr_assign_type", "3\n"), ("flags", "0x1002\n"), ("speed", "-1\n")];
    host.device("class/net", &format!("{virtio}/net/eth1"), down);
    host.link(&format!("sys/devices/{virtio}/net/eth1/device"), &format!("devices/{virtio}"));

    let unplugged: &[_] = &[("flags", "0x1003\n"), ("carrier", "0\n"), ("speed", "10000\n")];
    host.device("class/net", "pci0000:00/0000:00:04.0/net/eth2", unplugged);
    host.link("sys/devices/pci0000:00/0000:00:04.0/net/eth2/device", "devices/pci0000:00/0000:00:04.0");

    for name in ["lo", "br0", "eth1.20"] {
        host.device("class/net", &format!("virtual/net/{name}"), &[("address", "00:00:00:00:00:00\n")]);
    }
}

#[test]
fn physical_nics_are_told_from_virtual_ones() {
    let host = Recording::new();
    nics(&host);
    let nic = |name: &str, pci: &str| Nic { name: name.into(), pci_address: Some(pci.into()), ..Nic::default() };
    let expected = [
        Nic {
            mac: Some("3c:fd:fe:00:00:01".parse().expect("a MAC")),
            permanent_mac: Some("3c:fd:fe:00:00:01".parse().expect("a MAC")),
            driver: Some("ice".into()),
            speed_mbps: Some(25000),
            link: Link::Up,
            ..nic("ens1f0", "0000:3b:00.0")
        },
        Nic {
            mac: Some("52:54:00:00:00:02".parse().expect("a MAC")),
            link: Link::Disabled,
            ..nic("eth1", "0000:00:03.0")
        },
        Nic { link: Link::NoCarrier, ..nic("eth2", "0000:00:04.0") },
    ];
    let mut nics = host.facts().nics;
    nics.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(nics, expected);
}

/// A disk at its place, whose `device` is `above` places up and of a subsystem.
fn disk(host: &Recording, place: &str, subsystem: &str, attributes: &[(&str, &str)]) {
    host.device("block", place, attributes);
    let above = place.rsplit_once("/block/").or_else(|| place.rsplit_once('/')).expect("a parent").0;
    host.link(&format!("sys/devices/{place}/device"), &format!("devices/{above}"));
    host.link(&format!("sys/devices/{above}/subsystem"), subsystem);
}

fn disks(host: &Recording) {
    let nvme = "pci0000:00/0000:5e:00.0/nvme/nvme0";
    disk(host, &format!("{nvme}/nvme0n1"), "class/nvme", &[("size", "3750748848\n"), ("queue/rotational", "0\n")]);
    for (attribute, value) in [("model", "KXG60ZNV  \n"), ("serial", " S1\n"), ("firmware_rev", "10604104\n")] {
        host.file(&format!("sys/devices/{nvme}/{attribute}"), value);
    }
    host.device("block", &format!("{nvme}/nvme0c0n1"), &[("hidden", "1\n"), ("device/x", "")]);

    let sata = "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0";
    disk(host, &format!("{sata}/block/sda"), "bus/scsi", &[("size", "2048\n"), ("queue/rotational", "1\n")]);
    for (attribute, value) in [("vendor", "ATA     \n"), ("model", "ST1000\n"), ("rev", "CC43\n")] {
        host.file(&format!("sys/devices/{sata}/{attribute}"), value);
    }
    host.file(&format!("sys/devices/{sata}/vpd_pg80"), "\0\u{1}\0\u{8}  Z1D3XY");

    let sas = "pci0000:00/0000:02:00.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0";
    disk(host, &format!("{sas}/block/sdb"), "bus/scsi", &[("size", "8\n")]);
    for (attribute, value) in [("vendor", "SEAGATE \n"), ("model", "ST600\n")] {
        host.file(&format!("sys/devices/{sas}/{attribute}"), value);
    }
    let virtio = "pci0000:00/0000:00:05.0/virtio2";
    disk(host, &format!("{virtio}/block/vda"), "bus/virtio", &[("size", "16\n"), ("serial", "lab-1")]);
    let usb = "pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/host2/target2:0:0/2:0:0:0";
    disk(host, &format!("{usb}/block/sdc"), "bus/scsi", &[("size", "0\n")]);
    let cdrom = "pci0000:00/0000:00:1f.2/ata2/host3/target3:0:0/3:0:0:0";
    disk(host, &format!("{cdrom}/block/sr0"), "bus/scsi", &[("size", "8\n")]);
    for name in ["loop0", "ram0", "dm-0", "md127", "zram0"] {
        host.device("block", &format!("virtual/block/{name}"), &[("size", "8\n")]);
    }
}

#[test]
fn whole_disks_are_told_from_virtual_ones_and_drives_of_media() {
    let host = Recording::new();
    disks(&host);
    let disk = |name: &str, transport: &str, pci: &str, sectors: u64| Disk {
        name: name.into(),
        transport: Some(transport.into()),
        pci_address: Some(pci.into()),
        size_bytes: sectors * 512,
        ..Disk::default()
    };
    let some = |text: &str| Some(text.to_owned());
    let expected = [
        Disk {
            model: some("KXG60ZNV"),
            serial: some("S1"),
            firmware: some("10604104"),
            rotational: Some(false),
            ..disk("nvme0n1", "nvme", "0000:5e:00.0", 3_750_748_848)
        },
        Disk {
            model: some("ST1000"),
            serial: some("Z1D3XY"),
            firmware: some("CC43"),
            rotational: Some(true),
            ..disk("sda", "sata", "0000:00:1f.2", 2048)
        },
        Disk { model: some("SEAGATE ST600"), ..disk("sdb", "sas", "0000:02:00.0", 8) },
        disk("sdc", "usb", "0000:00:14.0", 0),
        Disk { serial: some("lab-1"), ..disk("vda", "virtio", "0000:00:05.0", 16) },
    ];
    assert_eq!(host.facts().disks, expected);
}

#[test]
fn the_rest_of_a_recorded_host() {
    let host = Recording::new();
    host.file("proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: EPYC\n\n");
    host.file("proc/meminfo", super::memory::EXAMPLE);
    host.file("proc/version", "Linux version 6.1.0-49-amd64 (debian-kernel@lists.debian.org)\n");
    host.file("lib/modules/6.1.0-49-amd64/missing-firmware.json", r#"["intel/ice/ddp/ice.pkg"]"#);
    host.file("sys/firmware/efi/fw_platform_size", "64\n");
    let cpu =
        Cpu { model: "EPYC".into(), vendor: "AuthenticAMD".into(), sockets: 1, cores: 1, threads: 1, ..Cpu::default() };
    let no_table = "/sys/firmware/dmi/tables/smbios_entry_point can't be read: No such file or directory (os error 2)";
    let expected = Facts {
        firmware_mode: FirmwareMode::Uefi,
        smbios: Observed::absent(no_table),
        cpu: Observed::seen("/proc/cpuinfo", cpu),
        memory: Observed::seen("/proc/meminfo", Memory { total_bytes: 246_572 * 1024, ..Memory::default() }),
        nics: vec![],
        disks: vec![],
        kernel: Kernel {
            release: "6.1.0-49-amd64".into(),
            missing_firmware: vec!["intel/ice/ddp/ice.pkg".into()],
            ..Kernel::default()
        },
        ..Facts::default()
    };
    assert_eq!(host.facts(), expected);
}

#[test]
fn an_empty_recording_says_why_of_everything_and_never_answers_with_the_live_host() {
    let facts = Recording::new().facts();
    let absent = |what: &str| format!("{what} can't be read: No such file or directory (os error 2)");
    assert_eq!(facts.cpu, Observed::absent(absent("/proc/cpuinfo")));
    assert_eq!(facts.memory, Observed::absent(absent("/proc/meminfo")));
    assert_eq!((facts.nics, facts.disks), (vec![], vec![]));
    assert_eq!((facts.kernel, facts.firmware_mode), (Kernel::default(), FirmwareMode::Unknown));
}

#[test]
fn firmware_that_is_not_uefi_is_bios_where_sysfs_can_tell() {
    let host = Recording::new();
    host.file("sys/firmware/memmap/0/start", "0x0\n");
    assert_eq!(host.facts().firmware_mode, FirmwareMode::Bios);
}

#[test]
fn the_live_host_can_be_asked_by_anybody() {
    let facts = gather(&LiveHost);
    assert!(facts.cpu.value().is_ok_and(|cpu| cpu.threads > 0), "{:?}", facts.cpu);
    assert!(facts.memory.value().is_ok_and(|memory| memory.total_bytes > 0), "{:?}", facts.memory);
    assert!(!facts.kernel.release.is_empty());
    let links = LiveHost.links().expect("rtnetlink answers everybody");
    assert!(links.iter().any(|link| link.name == "lo"), "{links:?}");
}
