use super::*;
use pious_protocol::{
    expectation::{DiskProfile, Expectation, HardwareProfile},
    facts::{
        Cpu, Disk, DiskHealth, Facts, FirmwareMode, Kernel, MemoryDevice, Nic, NicRole, Observed, PciDevice, PciDriver,
        PcieLink, Smbios, System,
    },
    finding::Verdict,
    verify,
};

fn dimm(locator: &str, gib: u64) -> MemoryDevice {
    MemoryDevice {
        locator: Some(locator.into()),
        populated: gib > 0,
        size_bytes: (gib > 0).then_some(gib << 30),
        configured_speed_mts: (gib > 0).then_some(3200),
        ..MemoryDevice::default()
    }
}

fn disk(name: &str, bytes: u64) -> Disk {
    Disk {
        name: name.into(),
        size_bytes: bytes,
        transport: Some("nvme".into()),
        rotational: Some(false),
        health: Observed::seen("SMART", DiskHealth { passed: Some(true), media_errors: Some(0), ..Default::default() }),
        ..Disk::default()
    }
}

fn nic(name: &str) -> Nic {
    Nic {
        name: name.into(),
        driver: Some("ice".into()),
        pci_id: Some("8086:1593".into()),
        supported_modes: vec!["25000baseCR/Full".into()],
        ..Nic::default()
    }
}

/// A machine as it should be: two DIMMs, three disks of two sizes, a card in a narrow slot, and nobody to count errors.
fn golden() -> Facts {
    let hba = PciDevice {
        address: "0000:01:00.0".into(),
        id: "1000:00e6".into(),
        class: "010700".into(),
        name: Some("SAS39xx".into()),
        driver: PciDriver::Bound { name: "mpt3sas".into() },
        link: Some(PcieLink { width: 4, max_width: 8, speed_mtps: 16_000, max_speed_mtps: 16_000 }),
        ..PciDevice::default()
    };
    let gpu = PciDevice {
        address: "0000:ca:00.0".into(),
        id: "10de:20b5".into(),
        class: "030200".into(),
        name: Some("A100".into()),
        ..PciDevice::default()
    };
    Facts {
        firmware_mode: FirmwareMode::Uefi,
        smbios: Observed::seen(
            "test",
            Smbios {
                system: Some(System {
                    manufacturer: Some("Acme ".into()),
                    product: Some("Rocket 9000".into()),
                    ..System::default()
                }),
                memory_devices: vec![dimm("A1", 32), dimm("A2", 32), dimm("A3", 0)],
                ..Smbios::default()
            },
        ),
        cpu: Observed::seen(
            "test",
            Cpu { model: "Xylo 6338".into(), sockets: 1, cores: 32, threads: 64, ..Cpu::default() },
        ),
        memory: Observed::seen("test", pious_protocol::facts::Memory { total_bytes: 63 << 30, ..Default::default() }),
        memory_errors: Observed::absent("no driver counts errors"),
        nics: vec![nic("eth0"), nic("eth1"), Nic { role: NicRole::HostInterface, ..nic("usb0") }],
        disks: vec![
            disk("nvme0n1", 960_197_124_096),
            disk("nvme1n1", 959_119_884_288),
            disk("nvme2n1", 480_103_981_056),
        ],
        pci: Observed::seen("test", vec![hba, gpu]),
        bmc: Observed::nothing("no BMC"),
        sensors: Observed::nothing("a virtual machine"),
        kernel: Kernel { release: "6.1.0".into(), ..Kernel::default() },
        ..Facts::default()
    }
}

fn troubles(profile: &HardwareProfile, facts: &Facts) -> Vec<String> {
    let expectation = Expectation { profile: Some(profile.clone()), ..Expectation::default() };
    let of_hardware = |check: &str| !check.starts_with("cabling.");
    verify(&expectation, facts)
        .into_iter()
        .filter(|finding| finding.verdict != Verdict::Pass && of_hardware(&finding.check))
        .map(|finding| format!("{} {:?}", finding.check, finding.verdict))
        .collect()
}

#[test]
fn a_golden_machine_in_words() {
    let Golden { profile, notes } = from_facts("rocket", &golden());
    let words: Vec<String> = describe(&profile).into_iter().map(|(topic, words)| format!("{topic}: {words}")).collect();
    assert_eq!(
        words,
        [
            "manufacturer: Acme",
            "product: Rocket 9000",
            "boot mode: UEFI",
            "processor: Xylo 6338",
            "sockets: 1",
            "cores: 32",
            "threads: 64",
            "memory: 2 DIMMs of 32 GiB, at least 3200 MT/s",
            "memory in all: 64 GiB",
            "memory slots: A1, A2",
            "network interfaces: 2",
            "network: 2 × ice, 8086:1593, at least 25000 Mb/s",
            "disks: 2 × nvme, solid state, at least 940 GB; 1 × nvme, solid state, at least 470 GB",
            "PCI: SAS39xx (1000:00e6), at least x4; 1 × A100 (10de:20b5)",
            "skipped: health.memory",
            "edition: rocket@1",
        ]
    );
    assert_eq!(notes, ["health.memory is skipped: no driver counts errors"]);
}

#[test]
fn the_golden_machine_passes_its_own_profile() {
    assert_eq!(troubles(&from_facts("rocket", &golden()).profile, &golden()), Vec::<String>::new());
}

#[test]
fn a_sibling_with_other_makers_parts_passes_and_one_with_less_does_not() {
    let profile = from_facts("rocket", &golden()).profile;
    let mut sibling = golden();
    sibling.disks[0].model = Some("another maker's".into());
    sibling.disks[0].size_bytes = 945_000_000_000;
    assert_eq!(troubles(&profile, &sibling), Vec::<String>::new());
    sibling.disks.pop();
    sibling.nics.remove(1);
    assert_eq!(troubles(&profile, &sibling), ["nics.count Fail", "nics.kind Fail", "disks.count Fail"]);
}

#[test]
fn what_is_wrong_with_the_golden_machine_is_noted_and_not_skipped() {
    let mut facts = golden();
    if let Observed::Seen { value, .. } = &mut facts.disks[0].health {
        value.media_errors = Some(7);
    }
    let Golden { profile, notes } = from_facts("rocket", &facts);
    assert_eq!(
        notes,
        ["it fails health.disk of nvme0n1 itself: 7 media errors", "health.memory is skipped: no driver counts errors"]
    );
    assert_eq!(profile.skip, ["health.memory"]);
}

#[test]
fn a_machine_of_which_nothing_is_known_makes_a_profile_that_says_so() {
    let Golden { profile, notes } = from_facts("empty", &Facts::default());
    assert_eq!(troubles(&profile, &Facts::default()), Vec::<String>::new());
    assert_eq!(notes.len(), profile.skip.len());
    assert!(!notes.is_empty());
}

#[test]
fn two_profiles_differ_in_words() {
    let before = from_facts("rocket", &golden()).profile;
    let mut facts = golden();
    if let Observed::Seen { value, .. } = &mut facts.smbios {
        value.memory_devices = vec![dimm("A1", 64)];
    }
    facts.disks.truncate(2);
    facts.firmware_mode = FirmwareMode::Unknown;
    let after = from_facts("rocket", &facts).profile;
    assert_eq!(
        diff(&before, &after),
        [
            "boot mode: UEFI → not judged",
            "memory: 2 DIMMs of 32 GiB, at least 3200 MT/s → 1 DIMM of 64 GiB, at least 3200 MT/s",
            "memory slots: A1, A2 → A1",
            "disks: 2 × nvme, solid state, at least 940 GB; 1 × nvme, solid state, at least 470 GB → 2 × nvme, solid state, at least 940 GB",
        ]
    );
    assert_eq!(diff(&before, &before), Vec::<String>::new());
    let added =
        HardwareProfile { disks: vec![DiskProfile { count: 1, ..DiskProfile::default() }], ..Default::default() };
    assert_eq!(diff(&HardwareProfile::default(), &added), ["disks: not judged → 1 × any"]);
}
