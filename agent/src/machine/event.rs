//! What the machine hears and what it wants done.

use crate::{facts::Parts, work::Work};
use pious_protocol::{
    facts::{Dhcp, Facts, Link, LldpAgent, Neighbours, NicRole, Observed, Vlan},
    ids::{InstructionId, MacAddress, Sequence},
    message::{
        BootEvent, FactsAnswer, FactsReport, InstructionsAnswer, PromotionAnswer, PromotionAsk, PromotionRequest,
        Report, TimelineEntry, Whoami,
    },
};
use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

/// When a step happens, and its luck. The machine has neither clock nor dice of its own.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Since the kernel started (CLOCK_BOOTTIME); never goes back.
    pub at: Duration,
    /// A fresh random number, for jitter.
    pub random: u64,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The agent runs. The timeline so far: `init`, where PID 1 told.
    Started {
        /// Moments that passed before the machine was there.
        timeline: Vec<TimelineEntry>,
    },
    /// All physical links, as they are now.
    Links(Vec<LinkSeen>),
    /// DHCP went on, or an address came or went.
    Dhcp {
        /// The NIC's name.
        nic: String,
        /// DHCP's progress.
        dhcp: Dhcp,
        /// All addresses of the NIC.
        addresses: Vec<IpAddr>,
    },
    /// What LLDP tells of one NIC's other end changed.
    Lldp {
        /// The NIC's name.
        nic: String,
        /// The neighbours.
        neighbours: Neighbours,
        /// The VLANs.
        vlan: Vlan,
    },
    /// Kernel modules for the devices that are there are loaded: at boot, and after devices came or went.
    DevicesSettled {
        /// The subsystems whose devices came, went or changed since the last time.
        subsystems: BTreeSet<String>,
    },
    /// The wall clock was set.
    ClockSet {
        /// From what.
        source: String,
    },
    /// Something that the people at the console must know.
    Warning(String),
    /// Some parts of the facts were read.
    Read {
        /// Which.
        parts: Parts,
        /// The facts, of which these parts count; `None` where reading them failed as a whole, as a warning tells.
        facts: Option<Box<Facts>>,
    },
    /// BOOT_EVENT's answer.
    Greeted(Result<Box<Whoami>, Failure>),
    /// The answer to facts.
    FactsAnswered(Result<Box<FactsAnswer>, Failure>),
    /// The long-poll's answer.
    Polled(Result<Box<InstructionsAnswer>, Failure>),
    /// The answer to a report.
    Reported(Result<(), Failure>),
    /// Work went on.
    WorkProgressed {
        /// Of which instruction.
        id: InstructionId,
        /// How far it is.
        report: Report,
    },
    /// Work ended.
    WorkEnded {
        /// Of which instruction.
        id: InstructionId,
        /// How.
        report: Report,
    },
    /// Somebody allowed asks the agent's server for a promotion.
    PromotionAsked {
        /// Whom to answer.
        asker: AskerId,
        /// What is asked.
        request: PromotionRequest,
        /// From where.
        source: IpAddr,
    },
    /// Senzu decided on a promotion.
    PromotionDecided {
        /// Whom to answer.
        asker: AskerId,
        /// The answer.
        answer: Result<PromotionAnswer, Failure>,
    },
    /// Whoever runs this process wants it to end: PID 1 on Ctrl-Alt-Del, an ordinary host on its way down.
    Terminated,
    /// Time went by: [`super::State::next_wake`] has come.
    Tick,
}

/// One physical link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkSeen {
    /// The kernel's name.
    pub name: String,
    /// The address in use.
    pub mac: Option<MacAddress>,
    /// The address burnt in.
    pub permanent_mac: Option<MacAddress>,
    /// Whether it works.
    pub link: Link,
    /// Negotiated speed.
    pub speed_mbps: Option<u32>,
    /// Whose it is.
    pub role: NicRole,
    /// The LLDP agent in its firmware, once it was looked at.
    pub lldp_agent: Option<Observed<LldpAgent>>,
}

/// Whom to answer at the agent's own server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskerId(pub u64);

/// Why Senzu gave no answer. The words are for people; decisions are made by the variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection: refused, unreachable, no such name, not a certificate that the image trusts.
    Connect(String),
    /// A connection, and no answer in time.
    Timeout,
    /// An answer that says no.
    Status {
        /// The HTTP status.
        code: u16,
        /// The problem's title and detail, or the status's name.
        words: String,
    },
    /// An answer that is not in the protocol, or that ended midway.
    Garbage(String),
}

impl Failure {
    /// Whether another Senzu URL may do better.
    pub fn moves_on(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Timeout | Self::Garbage(_) => true,
            Self::Status { code, .. } => *code >= 500,
        }
    }

    /// Whether the same request would get the same answer for good: 4xx but "too slow" (408), "too early" (425) and
    /// "too many" (429).
    pub fn is_final(&self) -> bool {
        match self {
            Self::Status { code, .. } => (400..500).contains(code) && ![408, 425, 429].contains(code),
            Self::Connect(_) | Self::Timeout | Self::Garbage(_) => false,
        }
    }

    /// The HTTP status, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            Self::Connect(_) | Self::Timeout | Self::Garbage(_) => None,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect(words) => write!(f, "no connection: {words}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Status { code, words } => write!(f, "answers {code} {words}"),
            Self::Garbage(words) => write!(f, "answers garbage: {words}"),
        }
    }
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which of Senzu's URLs, by its place in the list.
    pub senzu: usize,
    /// The session token.
    pub token: Arc<str>,
}

/// How the machine's life as this boot ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Off.
    PowerOff,
    /// On again.
    Reboot,
    /// This process alone, because it was told to; what becomes of the machine is for whoever told it.
    Stop,
}

/// What an asker for a promotion is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromotionOutcome {
    /// Senzu granted it.
    Granted,
    /// It can't be, and why: 409.
    Refused(String),
    /// Senzu could not be asked, and why: 503.
    Unavailable(String),
}

/// Something to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// Read some parts of the facts; ends in [`Event::Read`].
    Look {
        /// Which.
        parts: Parts,
        /// The facts as they stand, for what one part needs of another.
        known: Arc<Facts>,
    },
    /// `POST /v1/boot-events`; ends in [`Event::Greeted`].
    SendBootEvent {
        /// Which of Senzu's URLs.
        senzu: usize,
        /// The body.
        event: Box<BootEvent>,
    },
    /// `PUT …/facts`; ends in [`Event::FactsAnswered`].
    SendFacts {
        /// Where to.
        call: Call,
        /// The body.
        report: Box<FactsReport>,
    },
    /// `GET …/instructions`; ends in [`Event::Polled`].
    Poll {
        /// Where to.
        call: Call,
        /// The last sequence that is ended.
        after: Sequence,
    },
    /// `POST …/reports`; ends in [`Event::Reported`].
    SendReport {
        /// Where to.
        call: Call,
        /// Of which instruction.
        id: InstructionId,
        /// The body.
        report: Report,
    },
    /// `POST …/promotions`; ends in [`Event::PromotionDecided`].
    AskPromotion {
        /// Where to.
        call: Call,
        /// Whom the decision is for.
        asker: AskerId,
        /// The body.
        ask: PromotionAsk,
    },
    /// Do what an instruction asks for and takes time; tells [`Event::WorkProgressed`], and ends in [`Event::WorkEnded`].
    Work {
        /// Which instruction.
        id: InstructionId,
        /// What.
        work: Work,
        /// Where Senzu is asked for what the work needs.
        call: Call,
        /// The facts as they stand.
        known: Arc<Facts>,
    },
    /// Tell work whether it goes on: `Ok` once, when Senzu took its report of [`FlashPhase::HandingOver`], which it waits
    /// for; `Err` to stop before that, and why.
    ///
    /// [`FlashPhase::HandingOver`]: pious_protocol::firmware::FlashPhase::HandingOver
    Proceed {
        /// Which instruction's.
        id: InstructionId,
        /// Whether.
        go: Result<(), String>,
    },
    /// Answer somebody at the agent's own server.
    AnswerPromotion {
        /// Whom.
        asker: AskerId,
        /// With what.
        outcome: PromotionOutcome,
    },
    /// What people see may have changed.
    Render,
    /// Senzu told what this asset is called.
    Named(String),
    /// Log a sentence.
    Log(String),
    /// End. Nothing comes after it.
    End(Ending),
}
