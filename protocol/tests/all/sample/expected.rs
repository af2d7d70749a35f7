//! What is expected of the sample server: all that can be.

use super::{mac, some};
use pious_protocol::{
    expectation::{
        BmcProfile, CablingPlan, CpuProfile, DimmProfile, DiskProfile, Expectation, FirmwareProfile, HardwareProfile,
        HealthProfile, ManagementNetwork, MemoryProfile, NicKindProfile, NicProfile, PciProfile, PlannedLink,
        PowerProfile, TpmProfile,
    },
    facts::FirmwareMode,
};

pub fn profile() -> HardwareProfile {
    HardwareProfile {
        name: "demo".into(),
        version: 1,
        manufacturer: some("Acme"),
        product: some("Rocket 9000"),
        firmware_mode: Some(FirmwareMode::Uefi),
        firmware: Some(FirmwareProfile { min_version: some("1.4.0"), secure_boot: Some(true) }),
        tpm: Some(TpmProfile { version: 2 }),
        cpu: Some(CpuProfile {
            model_contains: some("Xylo(R) 6338"),
            sockets: Some(1),
            cores: Some(32),
            threads: Some(64),
            numa_nodes: Some(1),
            flags: vec!["vmx".into()],
        }),
        memory: Some(MemoryProfile {
            total_mib: Some(65_536),
            dimms: Some(2),
            populated_locators: vec!["A1".into()],
            slots: vec![DimmProfile {
                locator: "A2".into(),
                size_mib: Some(32_768),
                min_speed_mts: Some(3200),
                part_contains: some("M393A4K40"),
            }],
        }),
        nics: Some(NicProfile {
            count: Some(2),
            kinds: vec![NicKindProfile {
                count: 2,
                driver: some("ice"),
                pci_id: some("8086:1593"),
                min_speed_mbps: Some(25_000),
                location_contains: some("OCP"),
            }],
        }),
        disks: vec![
            DiskProfile {
                count: 2,
                min_gb: Some(960),
                transport: some("nvme"),
                model_contains: some("acme"),
                rotational: Some(false),
            },
            DiskProfile { count: 1, min_gb: Some(240), ..DiskProfile::default() },
        ],
        pci: vec![PciProfile {
            id: "10de:20b5".into(),
            label: some("A100"),
            count: Some(1),
            min_width: Some(16),
            min_speed_mtps: Some(8_000),
        }],
        bmc: Some(BmcProfile { min_firmware: some("2.9") }),
        power: Some(PowerProfile { supplies: 2 }),
        health: HealthProfile::default(),
        skip: vec![],
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
        management: Some(ManagementNetwork { subnet: "10.77.20.0/24".parse().unwrap(), vlan: Some(20) }),
    }
}
