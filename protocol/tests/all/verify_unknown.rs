//! Unknown is never pass: whatever else is wrong, what can't be read makes no check pass that did not, and no machine
//! graduate that would not.

use crate::sample;
use pious_protocol::{
    facts::{Facts, FirmwareMode, Link, Neighbours, Observed},
    finding::{Finding, Verdict, evaluation},
    message::Evaluation,
    verify,
};
use proptest::{prelude::*, sample::subsequence};

/// A change of the facts, by its name.
type Change = (&'static str, fn(&mut Facts));

fn seen<T>(observed: &mut Observed<T>, change: impl FnOnce(&mut T)) {
    if let Observed::Seen { value, .. } = observed {
        change(value);
    }
}

/// Things that are wrong with a machine.
const FAULTS: [Change; 18] = [
    ("legacy boot", |facts| facts.firmware_mode = FirmwareMode::Bios),
    ("Secure Boot off", |facts| seen(&mut facts.firmware.secure_boot, |it| it.enabled = false)),
    ("an old TPM", |facts| seen(&mut facts.firmware.tpm, |it| it.version = 1)),
    ("cores off", |facts| seen(&mut facts.cpu, |it| (it.cores, it.flags) = (16, vec![]))),
    ("a DIMM less", |facts| seen(&mut facts.smbios, |it| it.memory_devices[1] = sample::dimm("A2", None))),
    ("an old BIOS", |facts| seen(&mut facts.smbios, |it| it.bios.as_mut().unwrap().version = Some("1.0".into()))),
    ("a DIMM switched off", |facts| seen(&mut facts.memory, |it| it.online_bytes = Some(32 << 30))),
    ("memory errors", |facts| seen(&mut facts.memory_errors, |it| (it.corrected, it.uncorrected) = (1, 1))),
    ("a narrow link", |facts| seen(&mut facts.pci, |it| it[1].link.as_mut().unwrap().width = 1)),
    ("no GPU", |facts| seen(&mut facts.pci, |it| it.truncate(4))),
    ("a dying disk", |facts| seen(&mut facts.disks[0].health, |it| it.passed = Some(false))),
    ("a disk too many", |facts| facts.disks.push(sample::disk("nvme9n1", "nvme", 960))),
    ("a NIC too many", |facts| facts.nics.push(sample::nic("eth9", "52:54:00:01:10:09", "Ethernet9"))),
    ("a hot processor", |facts| seen(&mut facts.sensors, |it| it[0].value_milli = Some(99_000))),
    ("a supply unplugged", |facts| {
        seen(&mut facts.bmc, |it| seen(&mut it.power_supplies, |it| it[0].input_lost = true));
    }),
    ("a BMC elsewhere", |facts| {
        seen(&mut facts.bmc, |it| seen(&mut it.lan, |it| it[0].address = Some("10.0.0.9".parse().unwrap())));
    }),
    ("a cooling fault", |facts| seen(&mut facts.bmc, |it| seen(&mut it.chassis, |it| it.cooling_fault = true))),
    ("swapped cables", |facts| {
        for (nic, port) in facts.nics.iter_mut().zip(["Ethernet2", "Ethernet1"]) {
            nic.neighbours = Neighbours::Heard(vec![sample::neighbour("r1-sw1", port)]);
        }
    }),
];

fn absent<T>() -> Observed<T> {
    Observed::absent("could not be read")
}

/// Things that can't be read.
const BLANKS: [Change; 22] = [
    ("the boot mode", |facts| facts.firmware_mode = FirmwareMode::Unknown),
    ("Secure Boot", |facts| facts.firmware.secure_boot = absent()),
    ("the TPM", |facts| facts.firmware.tpm = absent()),
    ("SMBIOS", |facts| facts.smbios = absent()),
    ("the processors", |facts| facts.cpu = absent()),
    ("the memory", |facts| facts.memory = absent()),
    ("memory errors", |facts| facts.memory_errors = absent()),
    ("PCI", |facts| facts.pci = absent()),
    ("the BMC", |facts| facts.bmc = absent()),
    ("who the BMC is", |facts| seen(&mut facts.bmc, |it| it.device = absent())),
    ("its LAN", |facts| seen(&mut facts.bmc, |it| it.lan = absent())),
    ("its sensors", |facts| seen(&mut facts.bmc, |it| it.sensors = absent())),
    ("its event log", |facts| seen(&mut facts.bmc, |it| it.event_log = absent())),
    ("its chassis", |facts| seen(&mut facts.bmc, |it| it.chassis = absent())),
    ("its power supplies", |facts| seen(&mut facts.bmc, |it| it.power_supplies = absent())),
    ("the sensors", |facts| facts.sensors = absent()),
    ("the kernel's log", |facts| facts.kernel.gaps.note("failed_firmware", "could not be read")),
    ("disks' health", |facts| facts.disks.iter_mut().for_each(|disk| disk.health = absent())),
    ("disks' kinds", |facts| {
        facts.disks.iter_mut().for_each(|disk| (disk.transport, disk.model, disk.rotational) = (None, None, None));
    }),
    ("NICs' kinds", |facts| {
        facts.nics.iter_mut().for_each(|nic| (nic.driver, nic.location, nic.speed_mbps) = (None, None, None));
    }),
    ("links", |facts| facts.nics.iter_mut().for_each(|nic| nic.link = Link::Unknown)),
    ("neighbours", |facts| facts.nics[0].neighbours = Neighbours::default()),
];

/// The checks of which at least one finding is no pass.
fn open(findings: &[Finding]) -> Vec<&str> {
    findings.iter().filter(|finding| finding.verdict != Verdict::Pass).map(|finding| finding.check.as_str()).collect()
}

proptest! {
    #[test]
    fn what_can_not_be_read_makes_nothing_pass(
        faults in subsequence(FAULTS.to_vec(), 0..=FAULTS.len()),
        blanks in subsequence(BLANKS.to_vec(), 1..=BLANKS.len()),
    ) {
        let mut facts = sample::facts();
        faults.iter().for_each(|(_, fault)| fault(&mut facts));
        let before = verify(&sample::expectation(), &facts);
        blanks.iter().for_each(|(_, blank)| blank(&mut facts));
        let after = verify(&sample::expectation(), &facts);
        for check in open(&before) {
            let of_check: Vec<_> = after.iter().filter(|finding| finding.check == check).collect();
            let passes_now = !of_check.is_empty() && of_check.iter().all(|finding| finding.verdict == Verdict::Pass);
            prop_assert!(!passes_now, "{check} passes without what could not be read: {of_check:#?}");
        }
        if evaluation(&before) == Evaluation::Failing {
            prop_assert_eq!(evaluation(&after), Evaluation::Failing, "{:#?}", after);
        }
        for finding in &after {
            prop_assert_eq!(finding.remedy.is_empty(), finding.verdict == Verdict::Pass, "{:?}", finding);
        }
    }
}

/// Each by itself, so that the property above is known to have something to find.
#[test]
fn each_fault_fails_and_each_thing_unread_leaves_something_unknown() {
    for (name, fault) in FAULTS {
        let mut facts = sample::facts();
        fault(&mut facts);
        let findings = verify(&sample::expectation(), &facts);
        assert!(findings.iter().any(|finding| finding.verdict == Verdict::Fail), "{name}");
        assert_eq!(evaluation(&findings), Evaluation::Failing, "{name}");
    }
    for (name, blank) in BLANKS {
        let mut facts = sample::facts();
        blank(&mut facts);
        let findings = verify(&sample::expectation(), &facts);
        assert!(findings.iter().any(|finding| finding.verdict == Verdict::Unknown), "{name}");
    }
}
