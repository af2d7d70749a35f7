//! Types that no real table of ours has (42, 43), and fields that came later than most: each whole value agrees with what
//! dmidecode 3.4 printed of the same bytes, but for the second versions of a host interface's devices, which it does not
//! know.

use super::{decoded, decoded_as, entry_32, structure};
use pious_protocol::facts::{
    Bios, Cache, Chassis, HostInterface, IpmiDevice, MappedRange, MemoryDevice, OnboardDevice, PowerSupply, Slot,
    SlotPeer, Smbios, TpmDevice,
};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A table of this one structure, and nothing wrong with it.
fn expect(name: &str, structure: Vec<u8>, facts: Smbios) {
    assert_eq!(decoded(&[structure]), Smbios { version: "3.2.1".into(), ..facts }, "{name}");
}

/// A slot of version 3.5: two peers, and what follows them.
fn wide_slot() -> Vec<u8> {
    let head = [1, 0xbd, 0x0d, 4, 4, 7, 0, 0x0c, 0x0b];
    let base = [0, 0, 0x3b, 0x00, 8, 2];
    let peers = [1, 0, 0x5e, 0x08, 4, 0xff, 0xff, 0xff, 0xff, 4];
    structure(9, 0x0900, &[&head[..], &base, &peers, &[5, 0x0e, 0xe2, 0x04, 4]].concat(), &["PCIe Slot 7"])
}

#[test]
fn a_slot_that_shares_its_lanes_out() {
    let slot = Slot {
        designation: some("PCIe Slot 7"),
        kind: some("PCI Express 4 x16"),
        width: some("x16"),
        usage: some("In Use"),
        length: some("Long"),
        id: Some(7),
        pci_address: some("0000:3b:00.0"),
        base_width: Some(8),
        peers: vec![SlotPeer { pci_address: some("0001:5e:01.0"), width: 4 }, SlotPeer { pci_address: None, width: 4 }],
        generation: Some(5),
        physical_width: some("x32"),
        pitch_hundredths_mm: Some(1250),
        height: some("Low-profile"),
        characteristics: vec![
            "3.3 V is provided".into(),
            "Opening is shared".into(),
            "PME signal is supported".into(),
            "Hot-plug devices are supported".into(),
            "PCIe slot bifurcation is supported".into(),
        ],
    };
    expect("whole", wide_slot(), Smbios { slots: vec![slot], ..Smbios::default() });
    let cut = structure(9, 0x0900, &[1, 0xbd, 0x0d, 4, 4, 7, 0, 0, 0, 0, 0, 0x3b, 0, 8, 3, 1, 0, 0x5e, 8, 4], &["S"]);
    let smbios = decoded(&[cut]);
    assert_eq!(smbios.problems, ["structure 0x0900 (type 9): 3 peer devices are promised, and 1 are there"]);
}

#[test]
fn a_device_without_an_address_whatever_its_segment() {
    let device = |segment: u8| structure(41, 0x2900, &[1, 0x85, 2, segment, segment, 0xff, 0xff], &["NIC 2"]);
    let facts = OnboardDevice {
        designation: some("NIC 2"),
        kind: some("Ethernet"),
        enabled: Some(true),
        instance: Some(2),
        pci_address: None,
    };
    for segment in [0x00, 0xff] {
        let onboard_devices = vec![facts.clone()];
        expect(&format!("segment {segment}"), device(segment), Smbios { onboard_devices, ..Smbios::default() });
    }
}

/// Service UUID, host at 169.254.1.2/16, service at 169.254.1.1/16 port 443 VLAN 12, and its name.
fn redfish_record(assignment: u8, host: &str) -> Vec<u8> {
    let padded = |address: [u8; 4]| [&address[..], &[0; 12]].concat();
    let mut data: Vec<u8> = (0..16).collect();
    data.extend([assignment, 1]);
    data.extend([padded([169, 254, 1, 2]), padded([255, 255, 0, 0])].concat());
    data.extend([assignment, 1]);
    data.extend([padded([169, 254, 1, 1]), padded([255, 255, 0, 0])].concat());
    data.extend([443u16.to_le_bytes(), 12u16.to_le_bytes(), [0, 0]].concat());
    data.push(host.len() as u8);
    data.extend(host.as_bytes());
    [&[4, data.len() as u8][..], &data].concat()
}

fn host_interface(kind: u8, device: &[u8], records: &[Vec<u8>]) -> Vec<u8> {
    let mut formatted = vec![kind, device.len() as u8];
    formatted.extend(device);
    formatted.push(records.len() as u8);
    formatted.extend(records.concat());
    structure(42, 0x2a00, &formatted, &[])
}

const USB: [u8; 8] = [2, 0x6b, 0x04, 0xb0, 0xff, 2, 3, 0];
const PCI: [u8; 9] = [3, 0x86, 0x80, 0x21, 0x15, 0x28, 0x10, 0x02, 0x00];
const USB_V2: [u8; 17] = [4, 17, 0x6b, 0x04, 0xb0, 0xff, 0, 0xd0, 0x94, 0x66, 0x01, 0x02, 0x03, 1, 0, 0x00, 0x26];
const PCI_V2: [u8; 20] =
    [5, 20, 0x86, 0x80, 0x21, 0x15, 0x28, 0x10, 0x02, 0x00, 0xd0, 0x94, 0x66, 1, 2, 4, 0, 0, 0x19, 0x01];

#[test]
fn a_redfish_host_interface_by_each_kind_of_device() {
    let service = HostInterface {
        kind: some("Network Host Interface"),
        protocols: vec!["Redfish over IP".into()],
        service_uuid: Some("03020100-0504-0706-0809-0a0b0c0d0e0f".parse().expect("a UUID")),
        host_assignment: some("static"),
        host_address: Some("169.254.1.2".parse().expect("an address")),
        host_mask: Some("255.255.0.0".parse().expect("a mask")),
        service_discovery: some("static"),
        service_address: Some("169.254.1.1".parse().expect("an address")),
        service_mask: Some("255.255.0.0".parse().expect("a mask")),
        service_port: Some(443),
        service_vlan: Some(12),
        service_host: some("bmc-7"),
        ..HostInterface::default()
    };
    let device = |device: &str, vendor, product| HostInterface {
        device: some(device),
        vendor_id: Some(vendor),
        product_id: Some(product),
        ..service.clone()
    };
    let mac = |text: &str| Some(text.parse().expect("a MAC"));
    let usb_v2 = HostInterface {
        mac: mac("d0:94:66:01:02:03"),
        credential_bootstrapping: Some(true),
        ..device("usb_v2", 0x046b, 0xffb0)
    };
    let pci_v2 = HostInterface {
        mac: mac("d0:94:66:01:02:04"),
        pci_address: some("0000:19:00.1"),
        ..device("pci_v2", 0x8086, 0x1521)
    };
    let oem = HostInterface { device: some("oem"), ..service.clone() };
    let cases: [(&[u8], HostInterface); 5] = [
        (&USB, device("usb", 0x046b, 0xffb0)),
        (&PCI, device("pci", 0x8086, 0x1521)),
        (&USB_V2, usb_v2),
        (&PCI_V2, pci_v2),
        (&[0x80, 0, 0, 2, 0xa2], oem),
    ];
    for (bytes, facts) in cases {
        let structure = host_interface(0x40, bytes, &[redfish_record(1, "bmc-7")]);
        let name = facts.device.clone().expect("a device");
        expect(&name, structure, Smbios { host_interfaces: vec![facts], ..Smbios::default() });
    }
}

#[test]
fn what_a_host_interface_does_not_tell_is_not_made_up() {
    let none = HostInterface { kind: some("Network Host Interface"), ..HostInterface::default() };
    let dhcp = HostInterface {
        protocols: vec!["Redfish over IP".into()],
        service_uuid: Some("03020100-0504-0706-0809-0a0b0c0d0e0f".parse().expect("a UUID")),
        host_assignment: some("dhcp"),
        service_discovery: some("dhcp"),
        ..none.clone()
    };
    let kcs = HostInterface {
        kind: some("KCS: Keyboard Controller Style"),
        protocols: vec!["IPMI".into(), "MCTP".into()],
        ..HostInterface::default()
    };
    let told = |name, structure, facts: HostInterface| {
        expect(name, structure, Smbios { host_interfaces: vec![facts], ..Smbios::default() });
    };
    told("an address by DHCP is not in the record", host_interface(0x40, &[], &[redfish_record(2, "")]), dhcp);
    told("KCS", host_interface(2, &[0xa2, 0x0c, 0, 0], &[vec![2, 1, 0], vec![3, 1, 0]]), kcs);
    let cut = host_interface(0x40, &USB_V2, &[redfish_record(1, "bmc")[..40].to_vec()]);
    let smbios = decoded(&[cut]);
    assert_eq!(smbios.problems, ["structure 0x2a00 (type 42): 1 protocol records are promised, and 0 are there"]);
    let short = host_interface(0x40, &[], &[vec![4, 3, 1, 2, 3]]);
    let problem = "structure 0x2a00 (type 42): the Redfish record has 3 bytes, and needs 91";
    assert_eq!(decoded(&[short]).problems, [problem]);
    // Before 3.2 nothing says where the records begin.
    // Before 3.2 there were no lengths: they are believed where they fit to the byte.
    let old = |formatted: &[u8]| {
        let structures = [structure(42, 0x2a00, formatted, &[])];
        decoded_as(|bytes| entry_32((3, 1), bytes, 2), &structures).host_interfaces
    };
    let whole = host_interface(0x40, &USB_V2, &[redfish_record(1, "b")]);
    let formatted = &whole[4..whole.len() - 2];
    assert_eq!(old(formatted)[0].service_host, some("b"));
    assert_eq!(old(&[formatted, &[0]].concat()), std::slice::from_ref(&none));
    assert_eq!(old(&formatted[..formatted.len() - 1]), [none]);
}

#[test]
fn tpms_of_both_versions() {
    let tpm = |vendor: &[u8; 4], version: [u8; 2], firmware: [u8; 4], characteristics: u8| {
        let numbers = [&vendor[..], &version, &firmware, &[0; 4], &[1, characteristics, 0, 0, 0, 0, 0, 0, 0]].concat();
        structure(43, 0x2b00, &[&numbers[..], &[0; 4]].concat(), &["TPM"])
    };
    let facts = |vendor, specification, firmware, characteristics: &[&str]| TpmDevice {
        vendor: some(vendor),
        specification: some(specification),
        firmware: some(firmware),
        description: some("TPM"),
        characteristics: characteristics.iter().map(|&name| name.to_owned()).collect(),
    };
    let by_update = ["Family configurable via firmware update"];
    let cases = [
        (tpm(b"NTC\0", [2, 0], [3, 0, 7, 0], 0x08), facts("NTC", "2.0", "7.3", &by_update)),
        (tpm(b"IFX\0", [1, 2], [1, 2, 4, 43], 0x00), facts("IFX", "1.2", "4.43", &[])),
    ];
    for (structure, facts) in cases {
        let name = format!("{facts:?}");
        expect(&name, structure, Smbios { tpm: Some(facts), ..Smbios::default() });
    }
}

#[test]
fn the_ipmi_base_address_is_put_together_from_two_fields() {
    let ipmi = |kind: u8, base: u64, modifier: u8| {
        let formatted = [&[kind, 0x20, 0x20, 0xff][..], &base.to_le_bytes(), &[modifier, 0]].concat();
        structure(38, 0x2600, &formatted, &[])
    };
    let facts = |interface, base_address, is_io, register_spacing_bytes| IpmiDevice {
        interface: some(interface),
        specification: some("2.0"),
        i2c_address: Some(0x10),
        nv_storage_address: None,
        base_address: Some(base_address),
        is_io,
        register_spacing_bytes,
        interrupt: None,
    };
    let (kcs, ssif) = ("KCS (Keyboard Control Style)", "SSIF (SMBus System Interface)");
    let cases = [
        (ipmi(1, 0x0ca3, 0x00), facts(kcs, 0x0ca2, Some(true), Some(1))),
        (ipmi(1, 0x0ca3, 0x50), facts(kcs, 0x0ca3, Some(true), Some(4))),
        (ipmi(1, 0xfe00_0000, 0x80), facts(kcs, 0xfe00_0000, Some(false), Some(16))),
        (ipmi(4, 0x20, 0x00), facts(ssif, 0x10, None, None)),
    ];
    for (structure, facts) in cases {
        let name = format!("{facts:?}");
        expect(&name, structure, Smbios { ipmi: Some(facts), ..Smbios::default() });
    }
}

#[test]
fn power_supplies_that_are_fed_unfed_and_missing() {
    let supply = |characteristics: u16| {
        let formatted = [&[1, 1, 0, 0, 2, 0, 0, 0][..], &750u16.to_le_bytes(), &characteristics.to_le_bytes()].concat();
        structure(39, 0x2700, &formatted, &["Bay 1", "PH1"])
    };
    let facts = |status, present, plugged| PowerSupply {
        group: Some(1),
        location: some("Bay 1"),
        serial: some("PH1"),
        max_power_watts: Some(750),
        kind: some("Switching"),
        status: some(status),
        input_range: some("Auto-switch"),
        present: Some(present),
        plugged: Some(plugged),
        hot_replaceable: Some(true),
        ..PowerSupply::default()
    };
    // Type 4, status, input 4, unplugged, present, hot replaceable.
    let bits =
        |status: u16, unplugged: u16, present: u16| 4 << 10 | status << 7 | 4 << 3 | unplugged << 2 | present << 1 | 1;
    let cases = [
        (supply(bits(3, 0, 1)), facts("OK", true, true)),
        (supply(bits(5, 1, 1)), facts("Critical", true, false)),
        (supply(bits(2, 1, 0)), facts("Unknown", false, false)),
    ];
    for (structure, facts) in cases {
        let name = format!("{facts:?}");
        expect(&name, structure, Smbios { power_supplies: vec![facts], ..Smbios::default() });
    }
}

#[test]
fn caches_and_ranges_beyond_their_first_fields() {
    // 72 MiB and 1.5 GiB do not fit the first field's 16 bits; the second is in units of 64 KiB, too.
    let cache = structure(
        7,
        0x0700,
        &[
            &[1, 0x82, 0x01, 0xff, 0xff, 0xff, 0xff, 2, 0, 2, 0, 0, 5, 5, 8][..],
            &0x8000_6000_u32.to_le_bytes(),
            &(72_u32 << 10).to_le_bytes(),
        ]
        .concat(),
        &["L3"],
    );
    let facts = Cache {
        designation: some("L3"),
        level: Some(3),
        enabled: Some(true),
        socketed: Some(false),
        location: some("Internal"),
        operation: some("Write Back"),
        installed_bytes: Some(72 << 20),
        maximum_bytes: Some(1536 << 20),
        kind: some("Unified"),
        associativity: some("16-way Set-associative"),
        error_correction: some("Single-bit ECC"),
    };
    expect("a cache", cache, Smbios { caches: vec![facts], ..Smbios::default() });
    let range =
        [&[0xff; 8][..], &[0, 0x10, 4], &(4_u64 << 40).to_le_bytes(), &((6_u64 << 40) - 1).to_le_bytes()].concat();
    let facts = MappedRange { start_bytes: 4 << 40, end_bytes: (6 << 40) - 1, partition_width: Some(4) };
    let facts = Smbios { mapped_ranges: vec![facts], ..Smbios::default() };
    expect("a range above 4 TiB", structure(19, 0x1300, &range, &[]), facts);
    let smbios = decoded(&[structure(19, 0x1300, &[0; 4], &[])]);
    assert_eq!(smbios.problems, ["structure 0x1300 (type 19): it is too short to say where the memory is mapped"]);
}

#[test]
fn what_later_versions_added_to_the_machine() {
    let characteristics = [0; 8];
    let bios = [&[1, 2, 0, 0xe0, 3, 0xff][..], &characteristics, &[0, 0x18, 5, 14, 0xff, 0xff, 0x20, 0x00]].concat();
    let facts = Bios {
        vendor: some("V"),
        version: some("1.0"),
        release_date: some("01/01/2020"),
        rom_bytes: Some(32 << 20),
        release: some("5.14"),
        controller_release: None,
        uefi: Some(true),
        virtual_machine: Some(true),
    };
    let bios = structure(0, 0, &bios, &["V", "1.0", "01/01/2020"]);
    expect("a BIOS of 32 MiB", bios, Smbios { bios: Some(facts), ..Smbios::default() });

    // One contained element of three bytes stands before the SKU.
    let chassis = [1, 23, 0, 0, 0, 3, 3, 5, 3, 0, 0, 0, 0, 2, 2, 1, 3, 0x8a, 0, 1, 2];
    let facts = Chassis {
        manufacturer: some("ACME"),
        kind: some("Rack Mount Chassis"),
        boot_up_state: some("Safe"),
        power_supply_state: some("Safe"),
        thermal_state: some("Critical"),
        height_units: Some(2),
        power_cords: Some(2),
        sku: some("R-2"),
        ..Chassis::default()
    };
    let chassis = structure(3, 0x0300, &chassis, &["ACME", "R-2"]);
    expect("a chassis", chassis, Smbios { chassis: vec![facts], ..Smbios::default() });

    let strings = |count: u8| structure(11, 0x0b00, &[count], &["Dell System", "5[0000]"]);
    let oem_strings = vec!["Dell System".to_owned(), "5[0000]".to_owned()];
    expect("OEM strings", strings(2), Smbios { oem_strings, ..Smbios::default() });
    let problem = "structure 0x0b00 (type 11): 3 OEM strings are promised, and 2 are there";
    assert_eq!(decoded(&[strings(3)]).problems, [problem]);
}

#[test]
fn a_module_that_remembers() {
    let mut f = vec![0; 0x54 - 4];
    f[0x08 - 4..0x0e - 4].copy_from_slice(&[72, 0, 64, 0, 0, 0x40]);
    f[0x0e - 4] = 9;
    f[0x10 - 4] = 1;
    f[0x12 - 4..0x15 - 4].copy_from_slice(&[0x1a, 0x80, 0x30]);
    f[0x22 - 4..0x29 - 4].copy_from_slice(&[0xb0, 0x04, 0xb0, 0x04, 0xb0, 0x04, 4]);
    f[0x2b - 4] = 2;
    f[0x34 - 4..0x44 - 4].copy_from_slice(&[(16_u64 << 30).to_le_bytes(), [0xff; 8]].concat());
    let facts = MemoryDevice {
        locator: some("A1"),
        populated: true,
        size_bytes: Some(16 << 30),
        form_factor: some("DIMM"),
        kind: some("DDR4"),
        details: vec!["Synchronous".into(), "Non-Volatile".into(), "Registered (Buffered)".into()],
        total_width_bits: Some(72),
        data_width_bits: Some(64),
        minimum_millivolts: Some(1200),
        maximum_millivolts: Some(1200),
        configured_millivolts: Some(1200),
        technology: some("NVDIMM-N"),
        firmware: some("2.1"),
        non_volatile_bytes: Some(16 << 30),
        volatile_bytes: None,
        ..MemoryDevice::default()
    };
    let module = structure(17, 0x1100, &f, &["A1", "2.1"]);
    expect("an NVDIMM", module, Smbios { memory_devices: vec![facts], ..Smbios::default() });
}

/// One of each structure, for those who cut and change tables.
pub(super) fn one_of_each() -> Vec<u8> {
    [
        structure(7, 0x10, &[1; 23], &["L1"]),
        structure(8, 0x11, &[1, 0x0b, 2, 0x0b, 0x1f], &["J1", "NIC 1"]),
        wide_slot(),
        structure(11, 0x12, &[1], &["a"]),
        structure(19, 0x13, &[0xff; 27], &[]),
        structure(38, 0x14, &[1; 14], &[]),
        structure(39, 0x15, &[1; 18], &["PSU"]),
        structure(41, 0x16, &[1, 0x85, 1, 0, 0, 1, 0], &["NIC"]),
        host_interface(0x40, &PCI_V2, &[redfish_record(1, "bmc"), vec![2, 1, 0]]),
        host_interface(0x40, &USB, &[redfish_record(3, "bmc")]),
        structure(43, 0x17, &[1; 27], &["TPM"]),
    ]
    .concat()
}
