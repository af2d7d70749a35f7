//! One golden JSON per message: what travels, to the letter. A change here is a change of the protocol.

use crate::sample;
use pious_protocol::{
    PROTOCOL_VERSION,
    firmware::{
        Activation, Artifact, BmcAccess, FirmwareComponent, FlashPhase, FlashRecipe, InstalledFirmware, Secret,
        Transfer, VersionSource,
    },
    identity::Fingerprint,
    ids::{AssetId, BootId, Generation, InstructionId, Sequence, UnixMs},
    instruction::{
        Action, BmcUser, FirmwareInventory, FirmwareUpdate, Instruction, Precondition, UnknownAction, VersionQuestion,
    },
    message::{
        AssetState, Boot, BootEvent, BootTarget, BootTargets, Evaluation, FactsAnswer, FactsReport, InstructionsAnswer,
        LeaseTier, Problem, PromotionAnswer, PromotionAsk, PromotionRequest, Report, SealedInstruction, Standing,
        TimelineEntry, Whoami,
    },
    verify,
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use uuid::uuid;

pub const ASSET: AssetId = AssetId(uuid!("0197b0a0-0000-7000-8000-00000000000a"));
pub const BOOT: BootId = BootId(uuid!("0197b0a0-0000-7000-8000-00000000000b"));

/// A SHA-256.
const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// What is written reads back as what it was.
#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(message: &T) {
    let json = serde_json::to_string(message).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), message, "{json}");
}

macro_rules! golden {
    ($name:literal, $message:expr) => {{
        let message = $message;
        round_trip(&message);
        insta::assert_json_snapshot!($name, message);
    }};
}

fn timeline() -> Vec<TimelineEntry> {
    [("kernel", 0), ("init", 412), ("agent", 431), ("link", 1_204), ("dhcp", 1_377), ("boot_event", 1_402)]
        .into_iter()
        .map(|(phase, at_ms)| TimelineEntry { phase: phase.into(), at_ms })
        .collect()
}

fn standing() -> Standing {
    Standing {
        state: AssetState::New,
        evaluation: Evaluation::Failing,
        step: Some("VERIFY_NETWORK".into()),
        reason: Some("waits for 1 finding to be mended".into()),
    }
}

pub fn boot_event() -> BootEvent {
    BootEvent {
        protocol: PROTOCOL_VERSION,
        boot_id: BOOT,
        fingerprint: Fingerprint::of(&sample::facts()),
        firmware_mode: sample::facts().firmware_mode,
        agent_version: "0.1.0".into(),
        timeline: timeline(),
        last_words: None,
    }
}

pub fn whoami() -> Whoami {
    Whoami {
        asset: ASSET,
        name: "r1-u10".into(),
        standing: standing(),
        expectation: sample::expectation(),
        session_token: "c2Vzc2lvbi10b2tlbg".into(),
        senzu_time_ms: UnixMs(1_795_417_200_000),
        facts_period_s: 60,
    }
}

pub fn facts_report() -> FactsReport {
    FactsReport { generation: Generation(1), facts: sample::facts(), timeline: timeline() }
}

pub fn facts_answer() -> FactsAnswer {
    let mut facts = sample::facts();
    facts.nics[0].neighbours = Default::default();
    FactsAnswer {
        generation: Generation(1),
        findings: verify(&sample::expectation(), &facts),
        standing: standing(),
        expectation: None,
        senzu_time_ms: Some(UnixMs(1_795_417_200_000)),
    }
}

pub fn instruction(action: Action) -> Instruction {
    Instruction {
        id: InstructionId(uuid!("0197b0a0-0000-7000-8000-00000000000c")),
        asset: ASSET,
        boot: Some(BOOT),
        sequence: Sequence(7),
        issued_ms: UnixMs(1_795_417_200_000),
        expires_ms: UnixMs(1_795_417_500_000),
        precondition: Some(Precondition::StateIs { state: AssetState::Spare }),
        action,
    }
}

pub fn actions() -> Vec<Action> {
    vec![
        Action::SwitchState { to: AssetState::Baremetal },
        Action::Reboot { reason: "promoted".into() },
        Action::Shutdown { reason: "SPARE servers sleep".into() },
        Action::FirmwareUpdate(Box::new(FirmwareUpdate {
            component: FirmwareComponent::Bmc,
            version: "2.11".into(),
            artifact: Artifact {
                url: format!("https://10.77.0.1:8443/v1/artifacts/{DIGEST}"),
                size_bytes: 33_554_432,
                sha256: DIGEST.into(),
                signature: "untrusted comment: …\nRUQ…\ntrusted comment: …\n…\n".into(),
            },
            recipe: FlashRecipe {
                name: "lab-generic".into(),
                version: VersionSource::Inventory { id: Some("BMC".into()), name: None },
                transfer: Transfer::MultipartPush,
                names_targets: true,
                apply_time: Some("Immediate".into()),
                resets_bmc_before: false,
                activation: Activation::BmcReset,
                flash_within_s: 900,
                bmc_back_within_s: 300,
            },
        })),
        Action::FirmwareInventory(FirmwareInventory {
            components: vec![
                VersionQuestion { component: FirmwareComponent::Bmc, version: VersionSource::Manager },
                VersionQuestion { component: FirmwareComponent::Bios, version: VersionSource::System },
            ],
        }),
        Action::BmcUser(BmcUser { generation: 1 }),
        Action::Unknown(UnknownAction { kind: "juggle".into(), problem: None }),
    ]
}

pub fn preconditions() -> Vec<Option<Precondition>> {
    vec![
        None,
        Some(Precondition::StateIs { state: AssetState::Spare }),
        Some(Precondition::FirmwareIs { component: FirmwareComponent::Bmc, version: "2.10".into() }),
    ]
}

pub fn reports() -> Vec<Report> {
    vec![
        Report::Accepted,
        Report::progress(40, "writes the image"),
        Report::Progress { percent: 10, words: "hands 32 MiB over".into(), phase: Some(FlashPhase::HandingOver) },
        Report::done("the console shows BAREMETAL"),
        Report::Done { evidence: None, firmware: Vec::new(), bmc_certificate_sha256: None },
        Report::Done {
            evidence: Some("BMC 2.11, was 2.10".into()),
            firmware: vec![InstalledFirmware {
                component: FirmwareComponent::Bmc,
                version: "2.11".into(),
                source: "FirmwareInventory/BMC".into(),
            }],
            bmc_certificate_sha256: Some(DIGEST.into()),
        },
        Report::Failed { reason: "the BMC answered 500".into() },
        Report::Refused { reason: "expired 12 s ago".into() },
    ]
}

#[test]
fn boot_event_and_whoami() {
    golden!("boot_event", boot_event());
    golden!("whoami", whoami());
}

#[test]
fn bmc_access() {
    let access = BmcAccess {
        address: Some("10.78.0.113".into()),
        user: "pious".into(),
        password: Secret::new("K3YFQ7ZP2M5X6W4R"),
        certificate_sha256: Some(DIGEST.into()),
    };
    golden!("bmc_access", access);
}

#[test]
fn facts_and_their_answer() {
    golden!("facts_report", facts_report());
    golden!("facts_answer", facts_answer());
}

#[test]
fn facts_of_which_nothing_is_known() {
    golden!("facts_empty", pious_protocol::facts::Facts::default());
}

#[test]
fn instructions() {
    golden!("instructions", actions().into_iter().map(instruction).collect::<Vec<_>>());
    golden!("preconditions", preconditions());
    golden!(
        "instructions_answer",
        InstructionsAnswer {
            instructions: vec![SealedInstruction { sequence: Sequence(7), jws: "header.body.signature".into() }],
            standing: standing(),
        }
    );
    golden!("reports", reports());
}

#[test]
fn promotions() {
    let request = PromotionRequest { requester: "ops@example".into(), reason: Some("customer 42".into()) };
    golden!("promotion_request", request.clone());
    golden!("promotion_ask", PromotionAsk { request, source: "10.77.0.1".parse().unwrap() });
    golden!(
        "promotion_answers",
        vec![PromotionAnswer::Granted, PromotionAnswer::Refused { reason: "r1-u10 is NEW, not SPARE".into() }]
    );
}

#[test]
fn boot_targets() {
    let unheard = BootTarget {
        mac: sample::mac("52:54:00:01:10:02"),
        boot: Boot::Pious,
        tier: LeaseTier::Unrecognized,
        name: None,
    };
    let known = BootTarget {
        mac: sample::mac("52:54:00:01:10:01"),
        boot: Boot::LocalDisk,
        tier: LeaseTier::Recognized,
        name: Some("r1-u10".into()),
    };
    golden!("boot_targets", BootTargets { revision: 12, targets: vec![known, unheard] });
}

#[test]
fn problem() {
    golden!(
        "problem",
        Problem { status: 409, title: "stale facts".into(), detail: Some("generation 3 was seen; 2 is older".into()) }
    );
}
