//! Disks recorded by hand: what is a disk, what each tells, and what it answers.

use super::*;
use crate::facts::tests::Recording;
use pious_protocol::facts::{DiskHealth, Gaps, NvmeController, Observed};
use std::fs;

/// A disk at its place, whose `device` is above it and of a subsystem.
fn put(host: &Recording, place: &str, subsystem: &str, attributes: &[(&str, &str)]) {
    host.device("block", place, attributes);
    let above = place.rsplit_once("/block/").or_else(|| place.rsplit_once('/')).expect("a parent").0;
    host.link(&format!("sys/devices/{place}/device"), &format!("devices/{above}"));
    host.link(&format!("sys/devices/{above}/subsystem"), subsystem);
}

fn write_all(host: &Recording, place: &str, attributes: &[(&str, &str)]) {
    for (attribute, value) in attributes {
        host.file(&format!("sys/devices/{place}/{attribute}"), value);
    }
}

/// What a disk answers to a command: zeros, with these bytes at these offsets.
fn answer(host: &Recording, name: &str, length: usize, parts: &[(usize, &[u8])]) {
    let mut page = vec![0; length];
    for (offset, bytes) in parts {
        page[*offset..*offset + bytes.len()].copy_from_slice(bytes);
    }
    fs::write(host.path(&format!("dev/{name}")), page).expect("a file");
}

fn all(host: &Recording) -> Vec<Disk> {
    let host = host.host();
    let mut disks = read(&host, &Locations::read(&host, None));
    read_health(&host, &mut disks);
    disks
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn gaps(reasons: &[(&str, &str)]) -> Gaps {
    let mut gaps = Gaps::default();
    for (member, reason) in reasons {
        gaps.note(member, *reason);
    }
    gaps
}

#[test]
fn an_nvme_disk_with_its_controller_and_its_health() {
    let host = Recording::new();
    let nvme = "pci0000:00/0000:5e:00.0/nvme/nvme0";
    put(
        &host,
        &format!("{nvme}/nvme0n1"),
        "class/nvme",
        &[
            ("size", "3750748848\n"),
            ("queue/rotational", "0\n"),
            ("queue/logical_block_size", "512\n"),
            ("queue/physical_block_size", "4096\n"),
            ("ro", "0\n"),
            ("wwid", "eui.00253845b00000af\n"),
            ("nvme0n1p1/holders/md127", ""),
            ("holders/x", ""),
        ],
    );
    write_all(&host, nvme, &[("model", "KXG60ZNV  \n"), ("serial", " S1\n"), ("firmware_rev", "10604104\n")]);
    // One path, which is no other way.
    host.device("block", &format!("{nvme}/nvme0c0n1"), &[("hidden", "1\n"), ("device/x", "")]);
    host.link("sys/bus/pci/devices/0000:5e:00.0", "devices/pci0000:00/0000:5e:00.0");
    host.file("sys/bus/pci/slots/7/address", "0000:5e:00\n");
    answer(
        &host,
        "nvme0n1/nvme-identify-controller",
        4096,
        &[(0, &[0x79, 0x11]), (80, &[0, 3, 1, 0]), (260, &[0b10]), (516, &[1])],
    );
    answer(&host, "nvme0n1/nvme-smart-log", 512, &[(1, &[0x2c, 0x01]), (3, &[100, 10, 2]), (128, &[9])]);
    let expected = Disk {
        name: "nvme0n1".into(),
        model: some("KXG60ZNV"),
        serial: some("S1"),
        firmware: some("10604104"),
        size_bytes: 3_750_748_848 * 512,
        rotational: Some(false),
        transport: some("nvme"),
        pci_address: some("0000:5e:00.0"),
        slot: some("slot 7"),
        wwid: some("eui.00253845b00000af"),
        logical_block_bytes: Some(512),
        physical_block_bytes: Some(4096),
        read_only: Some(false),
        member_of: vec!["md127".into(), "x".into()],
        nvme: Some(NvmeController {
            pci_vendor_id: 0x1179,
            version: "1.3.0".into(),
            namespaces: 1,
            firmware_slots: 1,
            ..NvmeController::default()
        }),
        health: Observed::seen(
            "NVMe SMART log",
            DiskHealth {
                passed: Some(true),
                temperature_celsius: Some(27),
                spare_percent: Some(100),
                spare_threshold_percent: Some(10),
                wear_percent: Some(2),
                power_on_hours: Some(9),
                power_cycles: Some(0),
                unsafe_shutdowns: Some(0),
                media_errors: Some(0),
                read_bytes: Some(0),
                written_bytes: Some(0),
                ..DiskHealth::default()
            },
        ),
        source: "/sys/block/nvme0n1, NVMe Identify Controller".into(),
        ..Disk::default()
    };
    assert_eq!(all(&host), [expected]);
}

const SATA: &str = "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0";

fn sata(host: &Recording) {
    put(host, &format!("{SATA}/block/sda"), "bus/scsi", &[("size", "2048\n"), ("queue/rotational", "1\n")]);
    let attributes =
        [("vendor", "ATA     \n"), ("model", "ST1000NM0055-1V4\n"), ("rev", "TN02\n"), ("wwid", "naa.5\n")];
    write_all(host, SATA, &attributes);
    host.file(&format!("sys/devices/{SATA}/vpd_pg80"), "\0\u{1}\0\u{8}  Z1D3XY");
}

/// IDENTIFY DEVICE: text with the bytes of each word swapped, and the words that tell of SMART: supported (82), enabled
/// (85).
fn identify(host: &Recording, enabled: u8) {
    let swapped = |text: &str| text.as_bytes().chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect::<Vec<u8>>();
    let [serial, firmware, model] = ["Z1D3XY", "SATATN02", "ST1000NM0055-1V410C "].map(swapped);
    let parts: [(usize, &[u8]); 5] = [(20, &serial), (46, &firmware), (54, &model), (164, &[1]), (170, &[enabled])];
    answer(host, "sda/ata-identify", 512, &parts);
}

fn sata_disk() -> Disk {
    Disk {
        name: "sda".into(),
        size_bytes: 2048 * 512,
        rotational: Some(true),
        transport: some("sata"),
        pci_address: some("0000:00:1f.2"),
        slot: some("ata1"),
        wwid: some("naa.5"),
        ..Disk::default()
    }
}

#[test]
fn a_sata_disk_that_fails() {
    let host = Recording::new();
    sata(&host);
    identify(&host, 1);
    answer(
        &host,
        "sda/ata-smart-data",
        512,
        &[(2, &[5, 0x33, 0, 3, 3, 0x40, 1]), (14, &[9, 0x32, 0, 90, 90, 0x10, 0x27])],
    );
    answer(&host, "sda/ata-smart-thresholds", 512, &[(2, &[5, 36])]);
    answer(&host, "sda/ata-smart-status", 0, &[]);
    let registers: &[u8] = &[0x72, 1, 0, 0x1d, 0, 0, 0, 14, 9, 12, 0, 0, 0, 0, 0, 0, 0, 0xf4, 0, 0x2c, 0, 0x50];
    answer(&host, "sda/ata-smart-status.sense", 22, &[(0, registers)]);
    let expected = Disk {
        model: some("ST1000NM0055-1V410C"),
        serial: some("Z1D3XY"),
        firmware: some("SATATN02"),
        source: "/sys/block/sda, ATA IDENTIFY DEVICE".into(),
        health: Observed::seen(
            "ATA SMART",
            DiskHealth {
                passed: Some(false),
                warnings: vec!["attribute 5 (reallocated sectors) is at 3, its threshold is 36".into()],
                power_on_hours: Some(10_000),
                reallocated_sectors: Some(320),
                ..DiskHealth::default()
            },
        ),
        ..sata_disk()
    };
    assert_eq!(all(&host), [expected]);
}

#[test]
fn a_sata_disk_whose_smart_is_disabled_and_one_that_is_not_asked() {
    let host = Recording::new();
    sata(&host);
    identify(&host, 0);
    assert_eq!(all(&host).first().map(|disk| &disk.health), Some(&Observed::absent("SMART is disabled")));

    let host = Recording::new();
    sata(&host);
    let unasked = "the host is a recording without sda's answer to ata-identify";
    let expected = Disk {
        model: some("ST1000NM0055-1V4"),
        serial: some("Z1D3XY"),
        firmware: some("TN02"),
        source: "/sys/block/sda".into(),
        gaps: gaps(&[
            ("model", &format!("cut to 16 characters: {unasked}")),
            ("firmware", &format!("cut to 4 characters: {unasked}")),
        ]),
        health: Observed::absent(unasked),
        ..sata_disk()
    };
    assert_eq!(all(&host), [expected]);
}

/// A SAS disk of `port`, whose links climb through its end device.
fn sas(host: &Recording, name: &str, port: u32, wwid: &str) {
    let device =
        format!("pci0000:00/0000:02:00.0/host1/port-1:{port}/end_device-1:{port}/target1:0:{port}/1:0:{port}:0");
    put(host, &format!("{device}/block/{name}"), "bus/scsi", &[("size", "8\n"), ("holders/dm-0", "")]);
    write_all(host, &device, &[("vendor", "SEAGATE \n"), ("model", "ST600\n"), ("rev", "0003\n"), ("wwid", wwid)]);
}

#[test]
fn a_disk_with_two_ways_to_it_is_one_disk() {
    let host = Recording::new();
    sas(&host, "sdb", 0, "naa.5000c500a1b2c3d4\n");
    sas(&host, "sdc", 1, "naa.5000c500a1b2c3d4\n");
    sas(&host, "sdd", 2, "t10.ATA cheap\n");
    sas(&host, "sde", 3, "t10.ATA cheap\n");
    host.file("sys/class/sas_device/end_device-1:0/bay_identifier", "4\n");
    host.file("sys/devices/pci0000:00/0000:02:00.0/host1/port-1:2/end_device-1:2/target1:0:2/1:0:2:0/enclosure_device:Slot 03/x", "");
    let told: Vec<_> =
        all(&host).into_iter().map(|d| (d.name, d.other_paths, d.member_of, d.slot, d.transport)).collect();
    let disk = |name: &str, others: &[&str], slot: Option<&str>| {
        let others: Vec<String> = others.iter().map(|other| (*other).to_owned()).collect();
        (name.to_owned(), others, vec!["dm-0".to_owned()], slot.map(str::to_owned), some("sas"))
    };
    let expected = [disk("sdb", &["sdc"], Some("bay 4")), disk("sdd", &[], Some("Slot 03")), disk("sde", &[], None)];
    assert_eq!(told, expected);
}

#[test]
fn a_sas_disk_tells_by_its_log_pages() {
    let host = Recording::new();
    sas(&host, "sdb", 0, "naa.5000c500a1b2c3d4\n");
    answer(&host, "sdb/scsi-log-2f", 12, &[(0, &[0x2f, 0, 0, 8, 0, 0, 3, 4, 0x5d, 0x62, 40, 0])]);
    answer(&host, "sdb/scsi-log-03", 10, &[(0, &[3, 0, 0, 6, 0, 6, 3, 2, 1, 4])]);
    let expected = DiskHealth {
        passed: Some(false),
        warnings: vec!["failure predicted (5dh/62h)".into()],
        temperature_celsius: Some(40),
        media_errors: Some(260),
        ..DiskHealth::default()
    };
    let health: Vec<_> = all(&host).into_iter().map(|disk| disk.health).collect();
    assert_eq!(health, [Observed::seen("SCSI log pages", expected)]);
}

#[test]
fn a_namespace_with_two_controllers_names_both_paths() {
    let host = Recording::new();
    host.device("block", "virtual/nvme-subsystem/nvme-subsys1/nvme1n2", &[("size", "8\n"), ("device/x", "")]);
    for path in ["nvme1c1n2", "nvme1c2n2", "nvme1c1n1", "nvme11c1n2"] {
        host.device("block", &format!("virtual/{path}"), &[("hidden", "1\n"), ("device/x", "")]);
    }
    let told: Vec<_> = all(&host).into_iter().map(|disk| (disk.name, disk.other_paths)).collect();
    assert_eq!(told, [("nvme1n2".to_owned(), vec!["nvme1c1n2".to_owned(), "nvme1c2n2".to_owned()])]);
}

#[test]
fn disks_without_smart_say_so_and_what_is_no_disk_is_left_out() {
    let host = Recording::new();
    let virtio = "pci0000:00/0000:00:05.0/virtio2";
    put(&host, &format!("{virtio}/block/vda"), "bus/virtio", &[("size", "16\n"), ("serial", "lab-1"), ("ro", "1\n")]);
    let usb = "pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/host2/target2:0:0/2:0:0:0";
    put(&host, &format!("{usb}/block/sdc"), "bus/scsi", &[]);
    write_all(&host, usb, &[("vendor", "ATA\n"), ("model", "Stick\n")]);
    let cdrom = "pci0000:00/0000:00:1f.2/ata2/host3/target3:0:0/3:0:0:0";
    put(&host, &format!("{cdrom}/block/sr0"), "bus/scsi", &[("size", "8\n")]);
    for name in ["loop0", "ram0", "dm-0", "md127", "zram0"] {
        host.device("block", &format!("virtual/block/{name}"), &[("size", "8\n")]);
    }
    let tells_none = |name: &str, members: &[&str]| {
        let reason = format!("/sys/block/{name} tells none");
        gaps(&members.iter().map(|member| (*member, reason.as_str())).collect::<Vec<_>>())
    };
    let mut usb_gaps = tells_none("sdc", &["serial", "firmware", "wwid"]);
    usb_gaps.note("size_bytes", "/sys/block/sdc/size can't be read");
    let expected = [
        Disk {
            name: "sdc".into(),
            model: some("Stick"),
            transport: some("usb"),
            pci_address: some("0000:00:14.0"),
            source: "/sys/block/sdc".into(),
            health: Observed::absent("USB disks are not asked: some bridges hang"),
            gaps: usb_gaps,
            ..Disk::default()
        },
        Disk {
            name: "vda".into(),
            serial: some("lab-1"),
            size_bytes: 16 * 512,
            transport: some("virtio"),
            pci_address: some("0000:00:05.0"),
            read_only: Some(true),
            source: "/sys/block/vda".into(),
            health: Observed::nothing("virtio disks have no SMART"),
            gaps: tells_none("vda", &["model", "firmware", "wwid"]),
            ..Disk::default()
        },
    ];
    assert_eq!(all(&host), expected);
}
