//! PCI functions recorded by hand.

use super::*;
use crate::facts::tests::Recording;
use pious_protocol::facts::{PciDriver, Slot, Smbios};
use std::fs;

/// A function at its place, as sysfs shows its registers.
fn put(host: &Recording, place: &str, id: [&str; 4], class: &str, attributes: &[(&str, &str)]) {
    host.device("bus/pci/devices", place, attributes);
    let [vendor, device, subsystem_vendor, subsystem_device] = id;
    for (attribute, value) in [
        ("vendor", vendor),
        ("device", device),
        ("subsystem_vendor", subsystem_vendor),
        ("subsystem_device", subsystem_device),
        ("class", class),
    ] {
        host.file(&format!("sys/devices/{place}/{attribute}"), &format!("{value}\n"));
    }
}

fn link_attributes(width: &'static str, speed: &'static str) -> [(&'static str, &'static str); 4] {
    [
        ("current_link_width", width),
        ("max_link_width", "16\n"),
        ("current_link_speed", speed),
        ("max_link_speed", "16.0 GT/s PCIe\n"),
    ]
}

const PORT: &str = "pci0000:00/0000:3a:00.0";

fn machine(host: &Recording) {
    host.file("proc/version", "Linux version 6.1.0-49-amd64\n");
    host.file("lib/modules/6.1.0-49-amd64/modules.alias", "alias pci:v00008086d00001593sv*sd*bc*sc*i* ice\n");
    let down = link_attributes("255\n", "Unknown\n");
    put(host, PORT, ["0x8086", "0x347a", "0x0000", "0x0000"], "0x060400", &down);
    let nic = format!("{PORT}/0000:3b:00.0");
    let trained: Vec<_> = link_attributes("8\n", "8.0 GT/s PCIe\n")
        .into_iter()
        .chain([("revision", "0x02\n"), ("numa_node", "1\n")])
        .collect();
    put(host, &nic, ["0x8086", "0x1593", "0x8086", "0x0005"], "0x020000", &trained);
    fs::create_dir_all(host.path("sys/bus/pci/drivers/ice/x")).expect("a driver");
    host.link(&format!("sys/devices/{nic}/driver"), "bus/pci/drivers/ice");
    let lost = [("modalias", "pci:v00008086d00001593sv00008086sd00000005bc02sc00i00\n"), ("numa_node", "-1\n")];
    put(host, &format!("{PORT}/0000:3b:00.1"), ["0x8086", "0x1593", "0x8086", "0x0005"], "0x020000", &lost);
    let unknown = [("modalias", "pci:v00000BADd00000001sv00000000sd00000000bc12sc00i00\n")];
    put(host, "pci0000:00/0000:40:00.0", ["0x0bad", "0x0001", "0xffff", "0xffff"], "0x120000", &unknown);
    fs::create_dir_all(host.path("sys/devices/pci0000:00/0000:41:00.0")).expect("a folder");
    host.link("sys/bus/pci/devices/0000:41:00.0", "devices/pci0000:00/0000:41:00.0");
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn expected() -> [PciDevice; 5] {
    let e810 = |address: &str| PciDevice {
        address: address.into(),
        id: "8086:1593".into(),
        subsystem_id: some("8086:0005"),
        class: "020000".into(),
        class_name: some("Ethernet controller"),
        name: some("Intel Corporation Ethernet Controller E810-C for SFP"),
        location: some("PCIe Slot 3"),
        ..PciDevice::default()
    };
    let mut no_maker = Gaps::default();
    no_maker.note("name", "pci.ids knows no vendor 0bad");
    let mut nothing = Gaps::default();
    nothing.note("id", "/sys/bus/pci/devices/0000:41:00.0/vendor or device can't be read");
    nothing.note("class", "/sys/bus/pci/devices/0000:41:00.0/class can't be read");
    [
        PciDevice {
            address: "0000:3a:00.0".into(),
            id: "8086:347a".into(),
            class: "060400".into(),
            class_name: some("PCI bridge"),
            name: some("Intel Corporation Ice Lake PCI Express Root Port A"),
            driver: PciDriver::NotNeeded,
            ..PciDevice::default()
        },
        PciDevice {
            revision: 2,
            driver: PciDriver::Bound { name: "ice".into() },
            link: Some(PcieLink { width: 8, max_width: 16, speed_mtps: 8000, max_speed_mtps: 16_000 }),
            numa_node: Some(1),
            ..e810("0000:3b:00.0")
        },
        PciDevice {
            driver: PciDriver::Missing { reason: "module ice knows it and is not loaded".into() },
            ..e810("0000:3b:00.1")
        },
        PciDevice {
            address: "0000:40:00.0".into(),
            id: "0bad:0001".into(),
            class: "120000".into(),
            class_name: some("Processing accelerators"),
            driver: PciDriver::Missing {
                reason: "no module in /lib/modules/6.1.0-49-amd64/modules.alias knows it".into(),
            },
            gaps: no_maker,
            ..PciDevice::default()
        },
        PciDevice { address: "0000:41:00.0".into(), driver: PciDriver::Unknown, gaps: nothing, ..PciDevice::default() },
    ]
}

fn slot_3() -> Smbios {
    let slot = Slot { designation: some("PCIe Slot 3"), pci_address: some("0000:3b:00.0"), ..Slot::default() };
    Smbios { slots: vec![slot], ..Smbios::default() }
}

#[test]
fn functions_with_and_without_drivers() {
    let recording = Recording::new();
    machine(&recording);
    let (host, smbios) = (recording.host(), slot_3());
    let told = read(&host, &Locations::read(&host, Some(&smbios)));
    assert_eq!(told, Observed::seen(DEVICES, expected().to_vec()));
}

#[test]
fn a_module_that_did_not_take_its_device_is_told_from_one_that_is_not_loaded() {
    let recording = Recording::new();
    machine(&recording);
    recording.file("sys/module/ice/refcnt", "0\n");
    let host = recording.host();
    let told = read(&host, &Locations::read(&host, None));
    let reason = "module ice knows it, is loaded, and did not take it: see the kernel's log";
    let driver = told.value().ok().and_then(|devices| devices.get(2)).map(|device| &device.driver);
    assert_eq!(driver, Some(&PciDriver::Missing { reason: reason.into() }));
}

#[test]
fn without_a_table_the_hot_plug_slot_tells_and_without_aliases_that_is_said() {
    let recording = Recording::new();
    machine(&recording);
    recording.file("sys/bus/pci/slots/12/address", "0000:3b:00\n");
    fs::remove_file(recording.path("lib/modules/6.1.0-49-amd64/modules.alias")).expect("a file");
    let host = recording.host();
    let told = read(&host, &Locations::read(&host, None));
    let device = told.value().ok().and_then(|devices| devices.get(2));
    let reason = "/lib/modules/6.1.0-49-amd64/modules.alias can't be read: No such file or directory (os error 2)";
    let expected = (some("slot 12"), PciDriver::Missing { reason: reason.into() });
    assert_eq!(device.map(|device| (device.location.clone(), device.driver.clone())), Some(expected));
}
