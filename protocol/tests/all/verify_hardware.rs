//! The hardware's checks, case by case.

use crate::sample;
use pious_protocol::{
    expectation::{CablingPlan, DiskProfile, Expectation, HardwareProfile},
    facts::{Facts, FirmwareMode, Observed, Processor, Smbios, System},
    finding::{Finding, Severity, Verdict, evaluation},
    message::Evaluation,
    verify,
    verify::Check,
};

/// `check [subject]: verdict | seen | expected | remedy`, as a test can be read.
pub fn lines(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| {
        let subject = finding.subject.as_ref().map_or(String::new(), |subject| format!(" [{subject}]"));
        let Finding { check, verdict, seen, expected, remedy, .. } = finding;
        format!("{check}{subject}: {verdict:?} | {seen} | {expected} | {remedy}")
    };
    findings.iter().map(line).collect()
}

/// Judged by the sample's hardware profile alone.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    judge_by(sample::profile(), facts)
}

pub fn judge_by(profile: HardwareProfile, facts: &Facts) -> Vec<Finding> {
    verify(
        &Expectation { profile: Some(profile), cabling: Some(CablingPlan::default()), ..Expectation::default() },
        facts,
    )
}

/// What is not a pass.
fn troubles(facts: &Facts) -> Vec<String> {
    troubles_by(sample::profile(), facts)
}

pub fn troubles_by(profile: HardwareProfile, facts: &Facts) -> Vec<String> {
    lines(&judge_by(profile, facts).into_iter().filter(|finding| finding.verdict != Verdict::Pass).collect::<Vec<_>>())
}

fn with_smbios(change: impl FnOnce(&mut Smbios)) -> Facts {
    let mut smbios = sample::smbios();
    change(&mut smbios);
    Facts { smbios: Observed::seen("test", smbios), ..sample::facts() }
}

#[test]
fn a_healthy_server_passes_every_check_in_order() {
    let findings = verify(&sample::expectation(), &sample::facts());
    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Pass), "{findings:#?}");
    insta::assert_snapshot!("healthy", lines(&findings).join("\n"));
}

/// Names are stored, counted and alerted on: a change here breaks what others built.
#[test]
fn every_check_by_name_and_severity() {
    let line = |check: &Check| format!("{:24} {:?}", check.name(), check.severity());
    insta::assert_snapshot!("checks", Check::ALL.iter().map(line).collect::<Vec<_>>().join("\n"));
}

#[test]
fn nothing_expected_is_unknown_with_what_to_do() {
    assert_eq!(
        lines(&verify(&Expectation::default(), &sample::facts())),
        [
            "hardware.profile: Unknown | nobody said what was ordered | a hardware profile for this asset | import the asset with a hardware profile: what its purchase order says",
            "cabling.plan: Unknown | nobody said how this asset is cabled | a cabling plan for this asset | import the asset with its links: which interface goes to which switch port",
        ]
    );
}

#[test]
fn a_profile_without_fields_judges_what_needs_no_expectation() {
    let findings = judge_by(HardwareProfile::default(), &sample::facts());
    let checks: std::collections::BTreeSet<_> = findings.iter().map(|finding| finding.check.as_str()).collect();
    assert_eq!(
        Vec::from_iter(checks),
        [
            "bmc.device",
            "health.chassis",
            "health.disk",
            "health.disk_age",
            "health.event_log",
            "health.machine_checks",
            "health.memory",
            "health.memory_corrected",
            "health.power",
            "health.sensors",
            "health.temperature",
            "kernel.firmware",
            "pci.driver",
            "pci.link",
        ]
    );
}

#[test]
fn a_profile_skips_checks_by_name() {
    let mut facts = sample::facts();
    facts.memory_errors = Observed::absent("no driver counts errors");
    facts.sensors = Observed::absent("no driver reads sensors");
    let skip = vec!["health.memory".to_owned()];
    let profile = HardwareProfile { skip, ..sample::profile() };
    assert_eq!(
        troubles_by(profile, &facts),
        [
            "health.temperature [kernel]: Unknown | no driver reads sensors | every temperature within its limits | restart the server; if it stays, report it with the agent's version"
        ]
    );
}

#[test]
fn facts_not_looked_at_yet_never_pass() {
    let findings = judge(&Facts::default());
    assert!(findings.iter().all(|finding| finding.verdict != Verdict::Pass), "{findings:#?}");
    assert!(findings.iter().all(|finding| !finding.remedy.is_empty()), "{findings:#?}");
    let named = |finding: &Finding| format!("{} {:?}: {}", finding.check, finding.verdict, finding.seen);
    insta::assert_snapshot!("not_looked_at", findings.iter().map(named).collect::<Vec<_>>().join("\n"));
}

#[test]
fn another_model_fails() {
    let facts = with_smbios(|smbios| {
        smbios.system = Some(System {
            manufacturer: Some("Acme".into()),
            product: Some("Rocket 8000".into()),
            ..System::default()
        });
    });
    assert_eq!(
        troubles(&facts),
        [
            "hardware.model: Fail | Acme Rocket 8000 | Acme Rocket 9000 | put the ordered server here, or give this asset the profile of what was delivered"
        ]
    );
}

#[test]
fn a_model_that_differs_by_blanks_only_passes() {
    let facts = with_smbios(|smbios| {
        smbios.system = Some(System {
            manufacturer: Some("Acme  ".into()),
            product: Some(" Rocket 9000".into()),
            ..System::default()
        });
    });
    assert_eq!(troubles(&facts), Vec::<String>::new());
}

#[test]
fn a_model_half_told_is_unknown() {
    let facts = with_smbios(|smbios| {
        smbios.system = Some(System { manufacturer: Some("Acme".into()), ..System::default() });
    });
    assert_eq!(
        troubles(&facts),
        [
            "hardware.model: Unknown | SMBIOS tells only \"Acme\" | Acme Rocket 9000 | update the system's firmware, or ask its vendor why the SMBIOS table can't be read"
        ]
    );
}

#[test]
fn legacy_boot_on_a_uefi_profile_fails() {
    let facts = Facts { firmware_mode: FirmwareMode::Bios, ..sample::facts() };
    assert_eq!(
        troubles(&facts),
        ["firmware.mode: Fail | legacy BIOS | UEFI | set the boot mode to UEFI in the firmware's setup, then restart"]
    );
}

#[test]
fn a_processor_less_names_the_empty_socket() {
    let mut facts = with_smbios(|smbios| {
        smbios.processors.push(Processor { socket: Some("CPU 1".into()), populated: false, ..Processor::default() });
    });
    let mut profile = sample::profile();
    profile.cpu.as_mut().unwrap().sockets = Some(2);
    profile.cpu.as_mut().unwrap().cores = None;
    facts.kernel.release = "x".into();
    let findings = judge_by(profile, &facts);
    assert_eq!(
        lines(&findings)[0],
        "cpu.sockets: Fail | 1 processor | 2 processors | seat a processor in the empty socket CPU 1"
    );
}

#[test]
fn cores_switched_off_in_setup_are_named() {
    let mut facts = with_smbios(|smbios| smbios.processors[0].cores_enabled = Some(16));
    if let Observed::Seen { value, .. } = &mut facts.cpu {
        value.cores = 16;
    }
    assert_eq!(
        troubles(&facts),
        ["cpu.cores: Fail | 16 cores | 32 cores | enable all cores in the firmware's setup: CPU 0 runs 16 of its 32"]
    );
}

#[test]
fn a_missing_dimm_fails_by_size_by_count_and_by_slot() {
    let facts = with_smbios(|smbios| smbios.memory_devices[1] = sample::dimm("A2", None));
    assert_eq!(
        troubles(&facts),
        [
            "memory.total: Fail | 32768 MiB (32 GiB): A1 32 GiB | 65536 MiB (64 GiB) | reseat the DIMMs; add or replace the one that is missing, dead or too small",
            "memory.dimms: Fail | 1 DIMM; empty: A2, A3, A4 | 2 DIMMs | seat the missing DIMMs; reseat one whose slot is full and reads as empty",
            "memory.slot [A2]: Fail | empty | a DIMM of 32 GiB, at least 3200 MT/s, part M393A4K40 | seat a DIMM in A2; reseat it if there is one, and replace it if it stays dead",
        ]
    );
}

#[test]
fn a_dimm_too_many_fails() {
    let facts = with_smbios(|smbios| smbios.memory_devices[2] = sample::dimm("A3", Some(16_384)));
    assert_eq!(
        troubles(&facts),
        [
            "memory.total: Fail | 81920 MiB (80 GiB): A1 32 GiB, A2 32 GiB, A3 16 GiB | 65536 MiB (64 GiB) | compare the DIMMs with the order; remove what was not ordered",
            "memory.usable: Fail | 63896 MiB | all that is installed: 81920 MiB (80 GiB) | look in the firmware's log for a DIMM that was switched off or spared, and replace it",
            "memory.dimms: Fail | 3 DIMMs: A1, A2, A3 | 2 DIMMs | compare the DIMMs with the order; remove what was not ordered",
        ]
    );
}

#[test]
fn a_dimm_of_unknown_size_is_unknown() {
    let facts = with_smbios(|smbios| smbios.memory_devices[1].size_bytes = None);
    assert_eq!(
        troubles(&facts),
        [
            "memory.total: Unknown | SMBIOS does not tell the size of A2 | 65536 MiB (64 GiB) | update the system's firmware, or ask its vendor why the SMBIOS table can't be read",
            "memory.usable: Unknown | SMBIOS does not tell the size of A2 | all that is installed: 32768 MiB (32 GiB) | update the system's firmware, or ask its vendor why the SMBIOS table can't be read",
            "memory.slot [A2]: Unknown | SMBIOS does not tell the DIMM's size | a DIMM of 32 GiB, at least 3200 MT/s, part M393A4K40 | update the system's firmware, or ask its vendor why the SMBIOS table can't be read",
        ]
    );
}

#[test]
fn a_slot_that_the_board_does_not_have_is_unknown() {
    let mut profile = sample::profile();
    profile.memory.as_mut().unwrap().populated_locators = vec!["B1".into()];
    assert_eq!(
        lines(&judge_by(profile, &sample::facts()))[0],
        "memory.slot [B1]: Unknown | SMBIOS lists no slot of this name, but A1, A2, A3, A4 | a DIMM | correct the slot's name in the hardware profile, or compare the board with the order"
    );
}

#[test]
fn a_table_without_slots_is_unknown() {
    let facts = with_smbios(|smbios| smbios.memory_devices.clear());
    let seen: Vec<_> = judge(&facts).into_iter().filter(|f| f.verdict == Verdict::Unknown).map(|f| f.seen).collect();
    assert_eq!(seen, ["SMBIOS lists no memory slots (type 17)"; 5]);
}

#[test]
fn a_nic_less_mentions_what_its_driver_may_lack() {
    let mut facts = sample::facts();
    let mut profile = sample::profile();
    profile.nics.as_mut().unwrap().kinds.clear();
    facts.nics.remove(1);
    assert_eq!(
        troubles_by(profile.clone(), &facts),
        [
            "nics.count: Fail | 1 network interface: eth0 | 2 network interfaces | reseat the missing network card; if it stays missing, its driver is not in the image"
        ]
    );
    facts.kernel.missing_firmware = vec!["intel/ice/ddp/ice.pkg".into()];
    assert_eq!(
        troubles_by(profile.clone(), &facts),
        [
            "nics.count: Fail | 1 network interface: eth0 | 2 network interfaces | reseat the missing network card; or its driver lacks a firmware file (the image lacks 1)"
        ]
    );
}

#[test]
fn a_disk_counts_for_the_first_kind_it_fits() {
    let mut facts = sample::facts();
    facts.disks = vec![
        sample::disk("nvme0n1", "nvme", 960),
        sample::disk("nvme1n1", "nvme", 960),
        sample::disk("nvme2n1", "nvme", 480),
    ];
    assert_eq!(troubles(&facts), Vec::<String>::new());

    facts.disks.push(sample::disk("nvme3n1", "nvme", 960));
    assert_eq!(
        troubles(&facts),
        [
            "disks.count [nvme, solid state, acme, at least 960 GB]: Fail | 3 disks: nvme0n1 (nvme, 960 GB), nvme1n1 (nvme, 960 GB), nvme3n1 (nvme, 960 GB) | 2 disks | compare the disks with the order; remove what was not ordered"
        ]
    );
}

#[test]
fn a_disk_too_small_is_shown() {
    let mut facts = sample::facts();
    facts.disks[2] = sample::disk("sda", "sata", 120);
    assert_eq!(
        troubles(&facts),
        [
            "disks.count [any, at least 240 GB]: Fail | no disk; of no kind: 1 disk: sda (sata, 120 GB) | 1 disk | reseat the missing disk; replace it if it stays missing or is too small"
        ]
    );
}

#[test]
fn a_disk_of_unknown_transport_is_unknown() {
    let mut facts = sample::facts();
    facts.disks[0].transport = None;
    let mut profile = sample::profile();
    profile.disks = vec![DiskProfile { count: 2, transport: Some("nvme".into()), ..DiskProfile::default() }];
    assert_eq!(
        lines(&judge_by(profile, &facts))[0],
        "disks.count [nvme]: Unknown | 1 disk: nvme1n1 (nvme, 960 GB); of untold kind: 1 disk: nvme0n1 (?, 960 GB) | 2 disks | compare the disks with the order, or leave what is not told out of the hardware profile"
    );
}

#[test]
fn the_gravest_of_a_verdict_comes_first() {
    let mut facts = with_smbios(|smbios| smbios.system = None);
    facts.disks.truncate(2);
    if let Observed::Seen { value, .. } = &mut facts.memory_errors {
        value.corrected = 3;
        value.uncorrected = 1;
    }
    let severities: Vec<_> = judge(&facts).iter().take(4).map(|f| (f.check.clone(), f.verdict, f.severity)).collect();
    let expected = [
        ("health.memory", Verdict::Fail, Severity::Critical),
        ("disks.count", Verdict::Fail, Severity::Major),
        ("health.memory_corrected", Verdict::Fail, Severity::Minor),
        ("hardware.model", Verdict::Unknown, Severity::Major),
    ];
    assert_eq!(severities, expected.map(|(check, verdict, severity)| (check.to_owned(), verdict, severity)));
}

#[test]
fn fails_come_first_then_unknowns_then_passes() {
    let mut facts = with_smbios(|smbios| smbios.system = None);
    facts.nics.clear();
    let verdicts: Vec<_> = judge(&facts).iter().map(|finding| finding.verdict).collect();
    let passes = verdicts.len() - 3;
    assert_eq!(verdicts[..4], [Verdict::Fail, Verdict::Fail, Verdict::Unknown, Verdict::Pass]);
    assert!(verdicts[3..] == vec![Verdict::Pass; passes]);
}

#[test]
fn every_check_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = Check::ALL.iter().map(|check| check.name()).collect();
    assert_eq!(names.len(), Check::ALL.len());
    assert!(Check::ALL.iter().all(|check| Check::by_name(check.name()) == Some(*check)));
    assert!(Check::ALL.is_sorted());
    assert_eq!(Check::by_name("gpu.count"), None);
}

#[test]
fn the_evaluation_says_the_worst() {
    let finding = |verdict, severity| Finding {
        check: Check::NicsCount.name().into(),
        subject: None,
        verdict,
        severity,
        seen: String::new(),
        expected: String::new(),
        remedy: String::new(),
    };
    let of = |findings: &[(Verdict, Severity)]| {
        evaluation(&findings.iter().map(|(v, s)| finding(*v, *s)).collect::<Vec<_>>())
    };
    let pass = (Verdict::Pass, Severity::Critical);
    assert_eq!(of(&[]), Evaluation::Pending);
    assert_eq!(of(&[pass, pass]), Evaluation::Passed);
    for severity in [Severity::Critical, Severity::Major, Severity::Unknown] {
        assert_eq!(of(&[(Verdict::Fail, severity), pass]), Evaluation::Failing);
        assert_eq!(of(&[(Verdict::Unknown, severity), pass]), Evaluation::Failing);
    }
    // A warning is shown, and holds nothing back.
    assert_eq!(of(&[(Verdict::Fail, Severity::Minor), pass]), Evaluation::Passed);
    assert_eq!(of(&[(Verdict::Unknown, Severity::Minor), pass]), Evaluation::Passed);
}
