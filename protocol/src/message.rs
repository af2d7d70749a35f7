//! The HTTP bodies of `/v1`, in the order of a boot session.
//!
//! | call | body → answer |
//! | --- | --- |
//! | `POST /v1/boot-events` | [`BootEvent`] → [`Whoami`] |
//! | `PUT /v1/sessions/{boot_id}/facts` | [`FactsReport`] → [`FactsAnswer`] |
//! | `GET /v1/sessions/{boot_id}/instructions?after=N&wait_s=30` | → [`InstructionsAnswer`] |
//! | `POST /v1/sessions/{boot_id}/instructions/{id}/reports` | [`Report`] → 204 |
//! | `POST /v1/sessions/{boot_id}/instructions/{id}/bmc-access` | → [`crate::firmware::BmcAccess`] |
//! | `POST /v1/sessions/{boot_id}/promotions` | [`PromotionAsk`] → [`PromotionAnswer`] |
//! | `GET /v1/boot-targets/{mac}` | → [`BootTarget`] |
//! | `GET /v1/boot-targets?after=N&wait_s=30` | → [`BootTargets`] |
//! | `POST /v1/promotions` (the agent's own server) | [`PromotionRequest`] → [`PromotionAnswer`] |
//!
//! Session routes carry `Authorization: Bearer` with the token that [`Whoami`] gave. Any error is a [`Problem`]; a refused
//! promotion is none, but a [`PromotionAnswer`] with status 409.
//!
//! | status | what it says | what the sender does |
//! | --- | --- | --- |
//! | 400, 415, 422 | the request is not what the route takes | mends the sender: sent again it fares no better |
//! | 401 | no token, or one that Senzu does not know | sends BOOT_EVENT again: the answer has a fresh token |
//! | 403 | the token is another boot session's | the same |
//! | 404 | no such session, instruction or asset | the same, for a session |
//! | 408 | the body did not come whole in time | sends it again |
//! | 409 to BOOT_EVENT | another machine began this boot id | makes a boot id of its own |
//! | 409 to facts | an older generation of facts than one seen | sends the newest facts, with a higher generation |
//! | 409 to a report | the instruction has another final report already | lets it be: the first one counts |
//! | 409 to a report of progress | it may not go on | ends it, and reports how |
//! | 409 to a promotion | refused | passes the reason on |
//! | 413 | the body is too large | mends the sender |
//! | 5xx, none | Senzu is in trouble | waits, longer each time and never for good, and sends again |
//!
//! A boot session in order: BOOT_EVENT until it is answered; then, side by side, facts (on every change, and every
//! `facts_period_s`) and the long-poll for instructions. Each instruction is opened ([`crate::envelope`]), reported
//! `accepted` or `refused`, done, and reported `done` or `failed`. All of it may be sent twice.
//!
//! BOOT_EVENT is the one route that needs no token: a machine that nobody knows has nothing to prove itself with. A second
//! machine that says it is a known asset gets a session of its own, never the first one's, as long as it does not know
//! that one's boot id; then two sessions speak as one asset, which raises an alert and gives neither anything to do.

use crate::{
    expectation::Expectation,
    facts::{Facts, FirmwareMode},
    finding::Finding,
    firmware::{FlashPhase, InstalledFirmware},
    identity::Fingerprint,
    ids::{AssetId, BootId, Generation, MacAddress, Sequence, UnixMs},
};
use serde::{Deserialize, Serialize};

/// An asset's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssetState {
    /// Unrecognized, under evaluation.
    New,
    /// Graduated, idle.
    Spare,
    /// In production.
    Baremetal,
    /// Out of service for good.
    Retired,
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

impl AssetState {
    /// The state's name, as people and the wire write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Spare => "SPARE",
            Self::Baremetal => "BAREMETAL",
            Self::Retired => "RETIRED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl std::fmt::Display for AssetState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Where the evaluation of an asset stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Evaluation {
    /// Not judged yet.
    Pending,
    /// At least one check that matters enough did not pass: see [`crate::finding::Severity`].
    Failing,
    /// Every check that matters enough passed.
    Passed,
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

/// BOOT_EVENT: the first message of a boot session. Idempotent by boot id: sent again, it gets the same answer (with a
/// fresh token).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BootEvent {
    /// [`crate::PROTOCOL_VERSION`] of the sender.
    pub protocol: u32,
    /// The boot session's name.
    pub boot_id: BootId,
    /// What names the machine.
    pub fingerprint: Fingerprint,
    /// How it booted.
    #[serde(default)]
    pub firmware_mode: FirmwareMode,
    /// The agent's version.
    pub agent_version: String,
    /// What happened so far, in order.
    #[serde(default)]
    pub timeline: Vec<TimelineEntry>,
    /// The last words of an agent process of this boot that died, if one did.
    #[serde(default)]
    pub last_words: Option<String>,
}

/// One moment of a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineEntry {
    /// What was reached: `kernel`, `init`, `agent`, `modules`, `link`, `dhcp`, `boot_event`, `whoami`, `findings`.
    pub phase: String,
    /// When, in milliseconds since the kernel started (CLOCK_BOOTTIME).
    pub at_ms: u64,
}

/// Senzu's answer to BOOT_EVENT: who you are and what is expected of you.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Whoami {
    /// The asset.
    pub asset: AssetId,
    /// Its name among people, e.g. `r1-u10`.
    pub name: String,
    /// Where it stands.
    pub standing: Standing,
    /// What is expected of it.
    #[serde(default)]
    pub expectation: Expectation,
    /// Names the session in `Authorization: Bearer`. Bound to the boot id.
    pub session_token: String,
    /// Senzu's clock.
    pub senzu_time_ms: UnixMs,
    /// How often to send facts when nothing changes, in seconds; the agent jitters it by ±20 %.
    pub facts_period_s: u32,
}

/// Where an asset stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Standing {
    /// Its state.
    pub state: AssetState,
    /// Where its evaluation stands.
    pub evaluation: Evaluation,
    /// The bean it is at, e.g. `VERIFY_NETWORK`; `None` when nothing is left to do.
    #[serde(default)]
    pub step: Option<String>,
    /// Why it is there, or what it waits for, in one sentence.
    #[serde(default)]
    pub reason: Option<String>,
}

/// All facts of a session, replacing those of earlier generations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FactsReport {
    /// Counts up with every change. A report whose generation is older than one seen is answered 409.
    pub generation: Generation,
    /// The facts.
    pub facts: Facts,
    /// What happened so far, in order: BOOT_EVENT's timeline and what came since.
    #[serde(default)]
    pub timeline: Vec<TimelineEntry>,
}

/// Senzu's judgement of the facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FactsAnswer {
    /// The generation that was judged.
    pub generation: Generation,
    /// Senzu's findings, the same function's as the agent's own.
    pub findings: Vec<Finding>,
    /// Where the asset stands now.
    pub standing: Standing,
    /// What is expected now, where it changed since [`Whoami`].
    #[serde(default)]
    pub expectation: Option<Expectation>,
    /// Senzu's clock, which may have been set since [`Whoami`]: instructions expire by it.
    #[serde(default)]
    pub senzu_time_ms: Option<UnixMs>,
}

/// What there is to do. Held back for up to `wait_s` seconds while there is nothing and the standing does not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstructionsAnswer {
    /// Sealed instructions that are not yet ended and whose sequence is greater than `after`, in sequence. At least once:
    /// an agent that asks with `after=0`, as after a restart, gets those that are not yet ended again.
    pub instructions: Vec<SealedInstruction>,
    /// Where the asset stands now.
    pub standing: Standing,
}

/// A signed instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealedInstruction {
    /// Its place in the queue, to be asked for by `after`. The signed body says it too, and counts.
    pub sequence: Sequence,
    /// JWS compact serialization (RFC 7515 §7.1), EdDSA over Ed25519 (RFC 8037), whose payload is an `Instruction`. The
    /// header's `kid` is the key's thumbprint (RFC 7638); at most 16 KiB in all.
    pub jws: String,
}

/// What became of an instruction. Idempotent: the same report again changes nothing, and none changes anything after
/// `done`, `failed` or `refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Report {
    /// It will be done.
    Accepted,
    /// It is being done.
    Progress {
        /// 0–100.
        percent: u8,
        /// What is going on.
        words: String,
        /// How far an update of firmware is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<FlashPhase>,
    },
    /// It is done.
    Done {
        /// What was read back to prove it.
        #[serde(default)]
        evidence: Option<String>,
        /// The firmware that was read from the device, where that was asked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        firmware: Vec<InstalledFirmware>,
        /// SHA-256 of the BMC's certificate, where one was seen; lower-case hex.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bmc_certificate_sha256: Option<String>,
    },
    /// It was tried and went wrong.
    Failed {
        /// How.
        reason: String,
    },
    /// It was not tried.
    Refused {
        /// Why.
        reason: String,
    },
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

impl Report {
    /// Done, and there is no firmware to tell of.
    pub fn done(evidence: impl Into<String>) -> Self {
        Self::Done { evidence: Some(evidence.into()), firmware: Vec::new(), bmc_certificate_sha256: None }
    }

    /// Progress of anything but firmware.
    pub fn progress(percent: u8, words: impl Into<String>) -> Self {
        Self::Progress { percent, words: words.into(), phase: None }
    }

    /// Whether nothing comes after it.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Done { .. } | Self::Failed { .. } | Self::Refused { .. } => true,
            Self::Accepted | Self::Progress { .. } | Self::Unknown => false,
        }
    }
}

/// An approved source asks a server to become BAREMETAL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromotionRequest {
    /// Who asks: a person or a system.
    pub requester: String,
    /// What for.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The agent passes a promotion request on to Senzu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromotionAsk {
    /// What was asked.
    pub request: PromotionRequest,
    /// The address it came from.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub source: std::net::IpAddr,
}

/// Senzu's answer to a promotion. Refused travels as 409.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum PromotionAnswer {
    /// Instructions follow.
    Granted,
    /// No.
    Refused {
        /// Why.
        reason: String,
    },
    /// Something newer than this build; not a grant.
    #[serde(other)]
    Unknown,
}

/// What a machine should boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Boot {
    /// The local disk.
    LocalDisk,
    /// PIOUS. Also what a build that is older than Senzu takes an unknown value for: PIOUS harms nothing.
    #[serde(other)]
    Pious,
}

/// How long a DHCP lease may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeaseTier {
    /// Long: Senzu knows the asset (SPARE or BAREMETAL).
    Recognized,
    /// Minutes.
    #[serde(other)]
    Unrecognized,
}

/// What one MAC address should boot. A MAC that Senzu never heard of gets PIOUS and the short tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BootTarget {
    /// The address.
    pub mac: MacAddress,
    /// What to boot.
    pub boot: Boot,
    /// The lease tier.
    pub tier: LeaseTier,
    /// The asset's name; `None` for one that Senzu never heard of.
    #[serde(default)]
    pub name: Option<String>,
}

/// Every MAC address that Senzu knows, provisioning NICs and BMCs alike. Held back for up to `wait_s` seconds while the
/// revision is still `after`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BootTargets {
    /// Counts the changes.
    pub revision: u64,
    /// The targets, sorted by MAC.
    pub targets: Vec<BootTarget>,
}

/// Any error: a problem document (RFC 9457), `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The kind of problem, the same words each time.
    pub title: String,
    /// This occurrence: which object, and what to do.
    #[serde(default)]
    pub detail: Option<String>,
}
