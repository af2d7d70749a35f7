//! What disks are sent, and what their answers come to.

mod bench;

use super::*;
use bench::{Bench, Benches};
use pious_protocol::{
    facts::Disk,
    firmware::{Activation, Artifact, FirmwareComponent, FlashRecipe, Transfer, VersionSource},
};
use pious_redfish::Opening;
use std::{collections::BTreeMap, io, pin::Pin, sync::Mutex};

/// An image in memory; another one at its second reading, if told so.
struct Bytes {
    bytes: Vec<u8>,
    changes: bool,
    opened: Mutex<usize>,
}

impl Image for Bytes {
    fn open<'a>(&'a self, from: u64) -> Opening<'a> {
        let mut opened = self.opened.lock().unwrap();
        *opened += 1;
        let mut bytes = self.bytes[usize::try_from(from).unwrap()..].to_vec();
        if self.changes && *opened > 1 {
            bytes[0] ^= 1;
        }
        Box::pin(async move { Ok(Box::pin(io::Cursor::new(bytes)) as Pin<Box<_>>) })
    }
}

#[derive(Default)]
struct Heard {
    phases: Vec<FlashPhase>,
    stops_at: Option<FlashPhase>,
    /// What happens at a phase, once.
    at: Option<(FlashPhase, Box<dyn FnOnce() + Send>)>,
}

impl Watch for Heard {
    fn phase<'a>(
        &'a mut self,
        phase: FlashPhase,
        _: u8,
        _: String,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send + 'a>> {
        self.phases.push(phase);
        if let Some((_, happens)) = self.at.take_if(|(at, _)| *at == phase) {
            happens();
        }
        let stops = self.stops_at == Some(phase);
        Box::pin(async move { if stops { Err(Stopped("Senzu took it back".into())) } else { Ok(()) } })
    }
}

/// 100 000 bytes: 12 pieces of 8 KiB, and one that is shorter.
const IMAGE_BYTES: usize = 100_000;

struct Trial {
    order: Order,
    key: ImageKey,
    image: Bytes,
    disks: Benches,
    known: Facts,
    heard: Heard,
}

impl Trial {
    fn new(benches: impl IntoIterator<Item = Bench>) -> Self {
        let bytes: Vec<u8> = (0..IMAGE_BYTES).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let keys = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let signature = minisign::sign(Some(&keys.pk), &keys.sk, bytes.as_slice(), None, None).unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
        let artifact = Artifact {
            url: "/artifacts/1".into(),
            size_bytes: bytes.len() as u64,
            sha256: digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            signature: signature.to_string(),
        };
        let recipe = FlashRecipe {
            name: "test".into(),
            version: VersionSource::Inventory { id: None, name: Some("KXG60*".into()) },
            transfer: Transfer::Nvme,
            names_targets: false,
            apply_time: None,
            resets_bmc_before: false,
            activation: Activation::HostReset,
            flash_within_s: 1,
            bmc_back_within_s: 1,
        };
        let benches: BTreeMap<_, _> =
            benches.into_iter().enumerate().map(|(n, bench)| (format!("nvme{n}n1"), bench)).collect();
        let disk = |(device, bench): (&String, &Bench)| Disk {
            name: device.clone(),
            model: Some(bench.model.into()),
            transport: Some("nvme".into()),
            ..Disk::default()
        };
        let component = FirmwareComponent::Drive;
        Self {
            order: Order {
                from: "AGGA4103".into(),
                update: FirmwareUpdate { component, version: "AGGA4104".into(), artifact, recipe },
            },
            key: keys.pk.to_box().unwrap().to_string().parse().unwrap(),
            image: Bytes { bytes, changes: false, opened: Mutex::default() },
            known: Facts { disks: benches.iter().map(disk).collect(), ..Facts::default() },
            disks: Benches(Arc::new(Mutex::new(
                benches.into_iter().map(|(device, bench)| (device, Arc::new(Mutex::new(bench)))).collect(),
            ))),
            heard: Heard::default(),
        }
    }

    fn at_once(mut self) -> Self {
        self.order.update.recipe.activation = Activation::Itself;
        self
    }

    /// The final report, the phases, and the disks as they are then.
    async fn run(mut self) -> (Report, Vec<FlashPhase>, Vec<Bench>) {
        let disks: Arc<dyn NvmeDisks> = Arc::new(self.disks.clone());
        let report = update(self.order, &self.key, &self.image, disks, Arc::new(self.known), &mut self.heard).await;
        let benches = self.disks.0.lock().unwrap().values().map(|bench| bench.lock().unwrap().clone()).collect();
        (report, self.heard.phases, benches)
    }

    /// It ends so, and no disk was sent anything.
    async fn ends_before(self, case: &str, expected: Report) {
        let (report, _, benches) = self.run().await;
        assert_eq!(report, expected, "{case}");
        assert!(benches.iter().all(|bench| bench.sent.is_empty()), "{case}");
    }
}

fn finished(evidence: &str, version: &str) -> Report {
    let source = "nvme0 (Identify Controller FR)".into();
    done(evidence.into(), InstalledFirmware { component: FirmwareComponent::Drive, version: version.into(), source })
}

#[tokio::test]
async fn an_image_goes_to_the_other_slot_and_runs_after_a_restart() {
    let (report, phases, benches) = Trial::new([Bench::new("AGGA4103")]).run().await;
    let words = "written, and applies at the next restart of the server: nvme0 runs AGGA4103, and AGGA4104 from slot 2 \
                 after a reset of its controller";
    assert_eq!(report, finished(words, "AGGA4103"));
    let pieces = (0..12).map(|n| format!("8192 at {}", n * 8192));
    let expected = pieces.chain(["1696 at 98304".to_owned(), "commit 2 AtReset".to_owned()]).collect::<Vec<_>>();
    assert_eq!(benches[0].sent, expected);
    assert!(benches[0].image == Trial::new([]).image.bytes, "the image, whole and unchanged");
    assert!(phases.is_sorted() && phases.contains(&FlashPhase::Flashing), "{phases:?}");
}

#[tokio::test]
async fn what_runs_at_once_is_read_back() {
    let (report, _, benches) = Trial::new([Bench::new("AGGA4103")]).at_once().run().await;
    assert_eq!(report, finished("nvme0 ran AGGA4103 and runs AGGA4104", "AGGA4104"));
    assert_eq!(benches[0].sent.last().unwrap(), "commit 2 AtOnce");

    let lying = Bench::new("AGGA4103").with(|bench| bench.gets = "AGGA4103");
    let (report, _, _) = Trial::new([lying.clone()]).at_once().run().await;
    assert_eq!(report, failed("nvme0: it committed AGGA4104, and runs AGGA4103"));
    let (report, _, _) = Trial::new([lying]).run().await;
    assert_eq!(report, failed("nvme0: it committed AGGA4104 to slot 2, which holds AGGA4103"));
}

#[tokio::test]
async fn a_commit_that_waits_for_a_reset_says_for_which() {
    for (status, reset) in [
        (0x10b, "a restart of the server"),
        (0x110, "a reset of the NVM subsystem, which a power cycle is and a restart may not be"),
        (0x111, "a reset of its controller"),
    ] {
        let bench = || Bench::new("AGGA4103").with(|bench| bench.commits = status);
        let (report, _, _) = Trial::new([bench()]).run().await;
        let words = format!(
            "written, and applies at the next restart of the server: nvme0 runs AGGA4103, and AGGA4104 from slot 2 \
             after {reset}"
        );
        assert_eq!(report, finished(&words, "AGGA4103"));
        let (report, _, _) = Trial::new([bench()]).at_once().run().await;
        let words =
            format!("nvme0: AGGA4104 is in slot 2 and runs only after {reset}, which its recipe does not foresee");
        assert_eq!(report, failed(words));
    }
}

#[tokio::test]
async fn disks_that_are_behind_get_it_and_others_are_left_alone() {
    let trial = Trial::new([
        Bench::new("AGGA4103"),
        Bench::new("AGGA4104"),
        Bench::new("AGGA4105"),
        Bench::new("1.0").with(|bench| bench.model = "Samsung"),
        Bench::new("AGGA4103"),
    ]);
    let (report, _, benches) = trial.at_once().run().await;
    let words = "nvme0 ran AGGA4103 and runs AGGA4104; nvme4 ran AGGA4103 and runs AGGA4104";
    assert_eq!(report, finished(words, "AGGA4104"));
    let written: Vec<bool> = benches.iter().map(|bench| !bench.sent.is_empty()).collect();
    assert_eq!(written, [true, false, false, false, true]);
}

#[tokio::test]
async fn the_first_disk_that_fails_ends_it() {
    let broken = Bench::new("AGGA4103").with(|bench| bench.commits = 0x107);
    let trial = Trial::new([Bench::new("AGGA4103"), broken, Bench::new("AGGA4103")]);
    let (report, _, benches) = trial.at_once().run().await;
    let words = "nvme1: it does not commit the image: NVMe status 0x0107: the image is not one of its own; before it: \
                 nvme0 ran AGGA4103 and runs AGGA4104";
    assert_eq!(report, failed(words));
    assert!(benches[2].sent.is_empty());

    let broken = Bench::new("AGGA4103").with(|bench| bench.refuses_piece = Some(2));
    let (report, _, benches) = Trial::new([broken]).run().await;
    let words = "nvme0: it does not take the image at byte 8192: NVMe status 0x0002: a field of the command is not what it \
                 takes";
    assert_eq!(report, failed(words));
    assert_eq!(benches[0].sent.len(), 2, "nothing is committed");
}

/// The disk is pulled, and another one gets its name: whenever that is, the other one is left alone.
#[tokio::test]
async fn a_disk_that_takes_the_name_of_another_gets_nothing() {
    for phase in [FlashPhase::Fetching, FlashPhase::HandingOver, FlashPhase::Flashing] {
        let mut trial = Trial::new([Bench::new("AGGA4103")]);
        let (disks, first) = (trial.disks.clone(), trial.disks.named("nvme0n1").unwrap());
        let swap = move || drop(disks.swap("nvme0n1", Bench::new("AGGA4103").with(|bench| bench.serial = "S2")));
        trial.heard.at = Some((phase, Box::new(swap)));
        let (_, _, second) = trial.run().await;
        assert_eq!((second[0].serial, &second[0].sent), ("S2", &vec![]), "{phase:?}");
        assert_eq!(first.lock().unwrap().sent.last().unwrap(), "commit 2 AtReset", "{phase:?}");
    }
}

#[tokio::test]
async fn a_disk_that_is_another_than_the_one_looked_at_is_not_written() {
    let changed = |change: fn(&mut Bench)| {
        let mut trial = Trial::new([Bench::new("AGGA4103")]);
        let bench = trial.disks.named("nvme0n1").unwrap();
        trial.heard.at = Some((FlashPhase::HandingOver, Box::new(move || change(&mut bench.lock().unwrap()))));
        trial
    };
    let was = "nvme0: it was KXG60ZNV1T02 S1 with AGGA4103 when it was looked at, and is";
    for (case, trial, expected) in [
        ("a serial", changed(|bench| bench.serial = "S2"), format!("{was} KXG60ZNV1T02 S2 with AGGA4103 now")),
        ("a model", changed(|bench| bench.model = "KXG60X"), format!("{was} KXG60X S1 with AGGA4103 now")),
        (
            "the version that runs",
            changed(|bench| bench.slots[0] = Some("AGGA4102")),
            format!("{was} KXG60ZNV1T02 S1 with AGGA4102 now"),
        ),
        (
            "what is in the other slot",
            changed(|bench| bench.slots[1] = Some("AGGA4105")),
            "nvme0: its firmware slots are not what they were when it was looked at".to_owned(),
        ),
    ] {
        trial.ends_before(case, failed(expected)).await;
    }
}

#[tokio::test]
async fn an_image_that_changes_behind_its_proof_is_never_committed() {
    let mut trial = Trial::new([Bench::new("AGGA4103")]);
    trial.image.changes = true;
    let (report, _, benches) = trial.run().await;
    let Report::Failed { reason } = &report else { panic!("{report:?}") };
    assert!(reason.starts_with("nvme0: the image has SHA-256 "), "{reason}");
    assert_eq!(benches[0].sent.len(), 12, "not even its end is sent");
}

#[tokio::test]
async fn it_does_not_begin_where_it_may_not() {
    let with = |change: fn(&mut Trial)| {
        let mut trial = Trial::new([Bench::new("AGGA4103")]);
        change(&mut trial);
        trial
    };
    let of = |change: fn(&mut Bench)| Trial::new([Bench::new("AGGA4103").with(change)]);
    for (case, trial, expected) in [
        (
            "another version",
            with(|trial| trial.order.from = "AGGA4102".into()),
            refused("the drive runs AGGA4103, and not AGGA4102, from which it would be updated"),
        ),
        (
            "done before",
            with(|trial| trial.order.update.version = "AGGA4103".into()),
            finished(
                "the drive runs AGGA4103 already (nvme0 (Identify Controller FR)); nothing was written",
                "AGGA4103",
            ),
        ),
        (
            "half a dword",
            with(|trial| trial.order.update.artifact.size_bytes -= 1),
            refused("no NVMe disk takes an image of 99999 bytes"),
        ),
        (
            "several paths",
            with(|trial| trial.known.disks[0].other_paths = vec!["nvme0c0n1".into(), "nvme0c1n1".into()]),
            refused("nvme0 is reached by several paths"),
        ),
        (
            "no model",
            with(|trial| trial.order.update.recipe.version = VersionSource::Manager),
            failed("the recipe does not name a model of disks"),
        ),
        (
            "another model",
            of(|bench| bench.model = "Samsung"),
            failed("this server has no NVMe disk of model KXG60*; it has nvme0 (Samsung)"),
        ),
        ("no disk", Trial::new([]), failed("this server has no NVMe disk of model KXG60*")),
        ("no commands", of(|bench| bench.takes_firmware = false), refused("nvme0 has no commands for its firmware")),
        (
            "no slot",
            of(|bench| (bench.slots, bench.first_is_fixed) = (vec![Some("AGGA4103")], true)),
            refused("nvme0 has no firmware slot that can be written"),
        ),
        (
            "it needs a reset",
            of(|bench| bench.frmw_activates = false).at_once(),
            refused("nvme0 runs a new firmware only after a reset, and the recipe says that it does so by itself"),
        ),
        (
            "a BMC's restart",
            with(|trial| trial.order.update.recipe.activation = Activation::BmcReset),
            refused("no restart of a BMC makes a disk run its new firmware"),
        ),
        (
            "no order",
            Trial::new([Bench::new("AGGA4103"), Bench::new("ADHA4103")]),
            refused("of the versions AGGA4103 and ADHA4103 of its disks none is known to be older"),
        ),
    ] {
        trial.ends_before(case, expected).await;
    }
    for phase in [FlashPhase::Checking, FlashPhase::Fetching, FlashPhase::HandingOver] {
        let mut trial = Trial::new([Bench::new("AGGA4103")]);
        trial.heard.stops_at = Some(phase);
        let expected = failed("stopped before any disk got anything: Senzu took it back");
        trial.ends_before(&format!("{phase:?}"), expected).await;
    }
    let mut unsigned = Trial::new([Bench::new("AGGA4103")]);
    unsigned.image.bytes[0] ^= 1;
    let (report, _, benches) = unsigned.run().await;
    assert!(
        matches!(&report, Report::Refused { reason } if reason.starts_with("the image has SHA-256 ")),
        "{report:?}"
    );
    assert!(benches[0].sent.is_empty());
}

#[test]
fn a_controller_is_named_by_its_disk() {
    for (device, expected) in
        [("nvme0n1", Some("nvme0")), ("nvme12n3", Some("nvme12")), ("nvmen1", None), ("nvme0", None), ("sda", None)]
    {
        assert_eq!(look::controller_of(device), expected, "{device}");
    }
}

#[tokio::test]
async fn a_recorded_disk_tells_its_version_and_can_t_be_written() {
    let root = tempfile::tempdir().unwrap();
    let (folder, bench) = (root.path().join("dev/nvme0n1"), Bench::new("AGGA4103"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("nvme-identify-controller"), bench.identify()).unwrap();
    std::fs::write(folder.join("nvme-firmware-slots"), bench.log()).unwrap();
    let mut trial = Trial::new([bench]);
    let disks: Arc<dyn NvmeDisks> = Arc::new(crate::facts::RootHost::new(root.path()).unwrap());
    let expected = InstalledFirmware {
        component: FirmwareComponent::Drive,
        version: "AGGA4103".into(),
        source: "nvme0 (Identify Controller FR)".into(),
    };
    assert_eq!(installed(&*disks, &trial.known, &trial.order.update.recipe.version), Ok(expected));
    let report = update(trial.order, &trial.key, &trial.image, disks, Arc::new(trial.known), &mut trial.heard).await;
    let words = "nvme0: the host is a recording without nvme0n1's answer to nvme-firmware-image-download";
    assert_eq!(report, failed(words));
}
