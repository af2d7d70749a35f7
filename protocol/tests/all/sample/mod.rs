//! One server of the demo rack, as its agent sees it and as Senzu expects it (`expected`): everything passes. Tests change
//! one thing.

use pious_protocol::{
    facts::{
        Baseboard, Bios, Bmc, BmcDevice, BmcLan, BmcPowerSupply, BootEntry, Chassis, ChassisStatus, Cpu, Dhcp,
        DimmErrors, Disk, DiskHealth, Duplex, EventLog, EventLogEntry, Facts, FieldReplaceableUnit, Firmware,
        FirmwareMode, IpmiDevice, Kernel, Link, LldpAgent, LldpId, Memory, MemoryArray, MemoryDevice, MemoryErrors,
        Neighbour, Neighbours, Nic, NicCounters, NicRole, NumaNode, Observed, OnboardDevice, PciDevice, PciDriver,
        PcieLink, PowerSupply, Processor, RawTlv, SecureBoot, Sensor, SensorKind, Slot, Smbios, Sriov, System, Tpm,
        Transceiver, Vlan, VlanName,
    },
    ids::MacAddress,
};
use uuid::uuid;

mod expected;

pub use expected::{expectation, planned, profile};

pub fn mac(text: &str) -> MacAddress {
    text.parse().unwrap()
}

pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub fn dimm(locator: &str, size_mib: Option<u64>) -> MemoryDevice {
    MemoryDevice {
        locator: some(locator),
        size_bytes: size_mib.map(|mib| mib << 20),
        populated: size_mib.is_some(),
        kind: some("DDR4"),
        speed_mts: size_mib.map(|_| 3200),
        configured_speed_mts: size_mib.map(|_| 3200),
        part_number: size_mib.map(|_| "M393A4K40DB3-CWE".into()),
        serial: size_mib.map(|_| format!("35A1-{locator}")),
        ..MemoryDevice::default()
    }
}

fn psu(location: &str) -> PowerSupply {
    PowerSupply {
        location: some(location),
        max_power_watts: Some(800),
        status: some("OK"),
        present: Some(true),
        plugged: Some(true),
        ..PowerSupply::default()
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
        slots: vec![Slot {
            designation: some("OCP 3.0"),
            usage: some("In Use"),
            pci_address: some("0000:31:00.0"),
            ..Slot::default()
        }],
        ipmi: Some(IpmiDevice { specification: some("2.0"), is_io: Some(true), ..IpmiDevice::default() }),
        power_supplies: vec![psu("PSU 1"), psu("PSU 2")],
        onboard_devices: vec![OnboardDevice {
            designation: some("VGA"),
            kind: some("Video"),
            ..OnboardDevice::default()
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
        pci_id: some("8086:1593"),
        location: some("OCP 3.0"),
        firmware_version: some("4.40 0x8001c967 1.3534.0"),
        duplex: Some(Duplex::Full),
        autonegotiation: Some(true),
        supported_modes: vec!["10000baseCR/Full".into(), "25000baseCR/Full".into()],
        carrier_changes: Some(1),
        transceiver: Observed::seen(
            "ethtool",
            Transceiver { kind: "SFP28".into(), compliance: some("25GBASE-CR CA-N"), ..Transceiver::default() },
        ),
        sriov: Some(Sriov { max_functions: 64, functions: 0 }),
        lldp_agent: Observed::seen(
            "ethtool",
            LldpAgent {
                running: false,
                switched_off_by_us: true,
                control: "fw-lldp-agent".into(),
                ..LldpAgent::default()
            },
        ),
        counters: Some(NicCounters { rx_packets: 12, ..NicCounters::default() }),
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
        slot: Some(format!("bay of {name}")),
        health: Observed::seen(
            "SMART",
            DiskHealth {
                passed: Some(true),
                temperature_celsius: Some(31),
                power_on_hours: Some(12),
                wear_percent: Some(0),
                media_errors: Some(0),
                ..DiskHealth::default()
            },
        ),
        ..Disk::default()
    }
}

/// The BMC's door to its host: in none of the counts, in no fingerprint.
pub fn host_interface() -> Nic {
    Nic {
        name: "usb0".into(),
        mac: Some(mac("02:00:00:00:00:01")),
        driver: some("cdc_ether"),
        role: NicRole::HostInterface,
        link: Link::Up,
        ..Nic::default()
    }
}

fn function(address: &str, id: &str, class: &str, name: &str, driver: &str, width: u32) -> PciDevice {
    PciDevice {
        address: address.into(),
        id: id.into(),
        class: class.into(),
        name: some(name),
        driver: PciDriver::Bound { name: driver.into() },
        link: Some(PcieLink { width, max_width: width, speed_mtps: 16_000, max_speed_mtps: 16_000 }),
        ..PciDevice::default()
    }
}

pub fn pci() -> Vec<PciDevice> {
    let gpu = PciDevice {
        driver: PciDriver::Missing { reason: "no module of the image knows it".into() },
        location: some("slot 3"),
        ..function("0000:ca:00.0", "10de:20b5", "030200", "NVIDIA A100 PCIe 80GB", "", 16)
    };
    let bridge = PciDevice {
        driver: PciDriver::NotNeeded,
        link: Some(PcieLink { width: 0, max_width: 16, ..PcieLink::default() }),
        ..function("0000:00:01.0", "8086:352a", "060400", "PCI bridge", "", 0)
    };
    vec![
        bridge,
        function("0000:31:00.0", "8086:1593", "020000", "E810-C for SFP", "ice", 16),
        function("0000:31:00.1", "8086:1593", "020000", "E810-C for SFP", "ice", 16),
        function("0000:65:00.0", "144d:a824", "010802", "PM173X", "nvme", 4),
        gpu,
    ]
}

pub fn sensor(chip: &str, name: &str, kind: SensorKind, value_milli: i64, critical_high_milli: i64) -> Sensor {
    Sensor {
        chip: chip.into(),
        name: name.into(),
        kind,
        value_milli: Some(value_milli),
        critical_high_milli: Some(critical_high_milli),
        ..Sensor::default()
    }
}

pub fn bmc() -> Bmc {
    let supply = |name: &str| BmcPowerSupply { name: name.into(), present: true, ..BmcPowerSupply::default() };
    let fan = Sensor {
        critical_high_milli: None,
        critical_low_milli: Some(600_000),
        state: some("ok"),
        ..sensor("bmc", "Fan1", SensorKind::Fan, 7_200_000, 0)
    };
    let entry = EventLogEntry {
        id: 1,
        at_unix_s: Some(1_795_400_000),
        sensor: "Event Logging Disabled".into(),
        sensor_number: 0x72,
        event: "log cleared".into(),
        asserted: true,
        critical: false,
        name: some("SEL"),
    };
    Bmc {
        device: Observed::seen(
            "/dev/ipmi0",
            BmcDevice { firmware_version: "2.10".into(), ipmi_version: "2.0".into(), ..BmcDevice::default() },
        ),
        lan: Observed::seen(
            "/dev/ipmi0",
            vec![BmcLan {
                channel: 1,
                address: Some("10.77.20.110".parse().unwrap()),
                address_source: some("dhcp"),
                mac: Some(mac("52:54:00:ff:10:01")),
                vlan: Some(20),
                ..BmcLan::default()
            }],
        ),
        frus: Observed::seen(
            "/dev/ipmi0",
            vec![FieldReplaceableUnit { name: some("Builtin FRU"), ..Default::default() }],
        ),
        event_log: Observed::seen("/dev/ipmi0", EventLog { entries: 1, latest: vec![entry], ..EventLog::default() }),
        sensors: Observed::seen(
            "/dev/ipmi0",
            vec![sensor("bmc", "Inlet Temp", SensorKind::Temperature, 23_000, 47_000), fan],
        ),
        chassis: Observed::seen("/dev/ipmi0", ChassisStatus { power_on: true, ..ChassisStatus::default() }),
        power_supplies: Observed::seen("/dev/ipmi0", vec![supply("PS1 Status"), supply("PS2 Status")]),
    }
}

pub fn memory_errors() -> MemoryErrors {
    let dimm = |label: &str| DimmErrors { label: label.into(), controller: "mc0".into(), ..DimmErrors::default() };
    MemoryErrors { dimms: vec![dimm("A1"), dimm("A2")], machine_checks: Some(0), ..MemoryErrors::default() }
}

fn firmware() -> Firmware {
    let entry =
        BootEntry { name: "Boot0003".into(), description: "PXE IPv4".into(), active: true, ..BootEntry::default() };
    Firmware {
        secure_boot: Observed::seen("efivarfs", SecureBoot { enabled: true, setup_mode: false }),
        boot_order: Observed::seen("efivarfs", vec![entry.clone()]),
        booted_by: Observed::seen("efivarfs", entry),
        tpm: Observed::seen("/sys/class/tpm", Tpm { version: 2, description: some("MSFT0101:00") }),
    }
}

pub fn facts() -> Facts {
    Facts {
        firmware_mode: FirmwareMode::Uefi,
        firmware: firmware(),
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
                flags: vec!["aes".into(), "vmx".into()],
                numa: vec![NumaNode { id: 0, threads: 64, memory_bytes: 67_000_000_000 }],
                ..Cpu::default()
            },
        ),
        memory: Observed::seen("/proc/meminfo", Memory { total_bytes: 67_000_000_000, ..Memory::default() }),
        memory_errors: Observed::seen("/sys/devices/system/edac", memory_errors()),
        nics: vec![
            nic("eth0", "52:54:00:01:10:01", "Ethernet1"),
            nic("eth1", "52:54:00:01:10:02", "Ethernet2"),
            host_interface(),
        ],
        disks: vec![disk("nvme0n1", "nvme", 960), disk("nvme1n1", "nvme", 960), disk("sda", "sata", 240)],
        pci: Observed::seen("/sys/bus/pci/devices", pci()),
        bmc: Observed::seen("/dev/ipmi0", bmc()),
        sensors: Observed::seen(
            "/sys/class/hwmon",
            vec![sensor("coretemp", "Package id 0", SensorKind::Temperature, 41_000, 95_000)],
        ),
        kernel: Kernel { release: "6.1.0-40-cloud-amd64".into(), ..Kernel::default() },
    }
}
