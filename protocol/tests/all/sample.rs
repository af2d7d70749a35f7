//! One server of the demo rack, as its agent sees it and as Senzu expects it: everything passes. Tests change one thing.

use pious_protocol::{
    expectation::{
        CablingPlan, CpuProfile, DiskProfile, Expectation, HardwareProfile, MemoryProfile, NicProfile, PlannedLink,
    },
    facts::{
        Baseboard, Bios, Chassis, Cpu, Dhcp, Disk, Facts, FirmwareMode, Kernel, Link, LldpId, Memory, MemoryArray,
        MemoryDevice, Neighbour, Neighbours, Nic, Observed, Processor, RawTlv, Smbios, System, Vlan, VlanName,
    },
    ids::MacAddress,
};
use uuid::uuid;

pub fn mac(text: &str) -> MacAddress {
    text.parse().unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub fn dimm(locator: &str, size_mib: Option<u64>) -> MemoryDevice {
    MemoryDevice {
        locator: some(locator),
        size_bytes: size_mib.map(|mib| mib << 20),
        populated: size_mib.is_some(),
        kind: some("DDR4"),
        serial: size_mib.map(|_| format!("35A1-{locator}")),
        ..MemoryDevice::default()
    }
}

pub fn smbios() -> Smbios {
    Smbios {
        version: "3.2.0".into(),
        bios: Some(Bios {
            vendor: some("Acme"),
            version: some("1.4.2"),
            release_date: some("02/01/2026"),
            ..Bios::default()
        }),
        system: Some(System {
            manufacturer: some("Acme"),
            product: some("Rocket 9000"),
            serial: some("PIOUS-R1-U10"),
            uuid: Some(uuid!("4c4c4544-0053-3510-8039-b7c04f4e3033")),
            ..System::default()
        }),
        baseboards: vec![Baseboard { serial: some("B-0010"), ..Baseboard::default() }],
        chassis: vec![Chassis { kind: some("Rack Mount Chassis"), serial: some("C-0010"), ..Chassis::default() }],
        processors: vec![Processor {
            socket: some("CPU 0"),
            populated: true,
            cores: Some(32),
            cores_enabled: Some(32),
            threads: Some(64),
            ..Processor::default()
        }],
        memory_arrays: vec![MemoryArray { slots: Some(4), ..MemoryArray::default() }],
        memory_devices: vec![dimm("A1", Some(32_768)), dimm("A2", Some(32_768)), dimm("A3", None), dimm("A4", None)],
        ..Smbios::default()
    }
}

pub fn neighbour(switch: &str, port: &str) -> Neighbour {
    Neighbour {
        chassis_id: LldpId { subtype: "mac_address".into(), value: "00:1c:73:00:00:01".into() },
        port_id: LldpId { subtype: "interface_name".into(), value: port.into() },
        ttl_s: 120,
        port_description: some("server ports"),
        system_name: some(switch),
        management_addresses: vec!["10.77.0.2".into()],
        native_vlan: Some(10),
        vlans: vec![VlanName { id: 10, name: "provisioning".into() }, VlanName { id: 30, name: "storage".into() }],
        other: vec![RawTlv { kind: 127, organization: some("00-12-0f/3"), value: "0100000000".into() }],
        ..Neighbour::default()
    }
}

pub fn nic(name: &str, address: &str, port: &str) -> Nic {
    Nic {
        name: name.into(),
        mac: Some(mac(address)),
        permanent_mac: Some(mac(address)),
        driver: some("ice"),
        pci_address: some("0000:31:00.0"),
        speed_mbps: Some(25_000),
        link: Link::Up,
        addresses: vec!["10.77.0.100".parse().unwrap()],
        dhcp: Dhcp::Bound {
            address: "10.77.0.100".parse().unwrap(),
            prefix_length: 24,
            server: "10.77.0.1".parse().unwrap(),
            lease_s: 120,
        },
        vlan: Vlan { announced_native: Some(10), dhcp_answers_untagged: true, ..Vlan::default() },
        neighbours: Neighbours::Heard(vec![neighbour("r1-sw1", port)]),
        ..Nic::default()
    }
}

pub fn disk(name: &str, transport: &str, gb: u64) -> Disk {
    Disk {
        name: name.into(),
        model: some("Acme Spin"),
        serial: Some(format!("D-{name}")),
        size_bytes: gb * 1_000_000_000,
        rotational: Some(false),
        transport: some(transport),
        ..Disk::default()
    }
}

pub fn facts() -> Facts {
    Facts {
        firmware_mode: FirmwareMode::Uefi,
        smbios: Observed::seen("/sys/firmware/dmi/tables", smbios()),
        cpu: Observed::seen(
            "/proc/cpuinfo",
            Cpu {
                model: "Acme Xylo(R) 6338 CPU @ 2.00GHz".into(),
                vendor: "AcmeInc".into(),
                sockets: 1,
                cores: 32,
                threads: 64,
                microcode: some("0xd0003a5"),
                ..Cpu::default()
            },
        ),
        memory: Observed::seen("/proc/meminfo", Memory { total_bytes: 67_000_000_000, ..Memory::default() }),
        nics: vec![nic("eth0", "52:54:00:01:10:01", "Ethernet1"), nic("eth1", "52:54:00:01:10:02", "Ethernet2")],
        disks: vec![disk("nvme0n1", "nvme", 960), disk("nvme1n1", "nvme", 960), disk("sda", "sata", 240)],
        kernel: Kernel { release: "6.1.0-40-cloud-amd64".into(), ..Kernel::default() },
        ..Facts::default()
    }
}

pub fn profile() -> HardwareProfile {
    HardwareProfile {
        name: "demo".into(),
        version: 1,
        manufacturer: some("Acme"),
        product: some("Rocket 9000"),
        firmware_mode: Some(FirmwareMode::Uefi),
        cpu: Some(CpuProfile { model_contains: some("Xylo(R) 6338"), sockets: Some(1), cores: Some(32) }),
        memory: Some(MemoryProfile {
            total_mib: Some(65_536),
            dimms: Some(2),
            populated_locators: vec!["A1".into(), "A2".into()],
        }),
        nics: Some(NicProfile { count: Some(2) }),
        disks: vec![
            DiskProfile { count: 2, min_gb: Some(960), transport: some("nvme") },
            DiskProfile { count: 1, min_gb: Some(240), transport: None },
        ],
    }
}

pub fn planned(number: u8, port: &str) -> PlannedLink {
    PlannedLink {
        nic: mac(&format!("52:54:00:01:10:{number:02x}")),
        label: Some(format!("NIC {number}")),
        switch: "r1-sw1".into(),
        port: port.into(),
        native_vlan: Some(10),
        tagged_vlans: vec![30],
        min_speed_mbps: Some(10_000),
        group: None,
    }
}

pub fn expectation() -> Expectation {
    Expectation {
        profile: Some(profile()),
        cabling: Some(CablingPlan { links: vec![planned(1, "Ethernet1"), planned(2, "Ethernet2")] }),
    }
}
