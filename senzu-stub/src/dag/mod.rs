//! Beans and what they are made into: well-defined idempotent tasks as the vertices of a graph.
//!
//! A bean looks at a [`Situation`] and says how it comes out; it changes nothing itself. The [`engine`] does
//! what the bean asked for, and what it asked for and how it came out become true in one transaction. So a bean may run any number of times from
//! any point, a crash between two beans loses nothing, and an asset's history can be run again on paper.

pub mod engine;
pub mod firmware;
pub mod graph;
mod journal;
pub mod loops;
pub mod replay;
pub mod situation;
pub mod walk;

pub use engine::Engine;
pub use graph::{Condition, Graph, GraphError, Vertex};
pub use situation::Situation;

use crate::{
    chakshu::How,
    store::{approvals::ApprovalOutcome, goals::GoalStatus, orders::Line, promotions::PromotionStatus},
};
use pious_protocol::{
    ids::{InstructionId, UnixMs},
    instruction::{Action, Precondition},
    message::AssetState,
};
use serde::{Deserialize, Serialize};
use std::{future::Future, pin::Pin, time::Duration};
use uuid::Uuid;

/// What a bean's run gives.
pub type BeanFuture<'a> = Pin<Box<dyn Future<Output = Run> + Send + 'a>>;

/// One task.
pub trait Bean: Send + Sync {
    /// Its name in the field; unique within a graph.
    fn name(&self) -> &'static str;

    /// What it does, in one sentence.
    fn about(&self) -> &'static str;

    /// How it comes out in this situation. Asynchronous for the sake of beans that look elsewhere (a BMC, a registry).
    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a>;
}

/// How a bean came out, and what the engine shall do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub outcome: Outcome,
    pub effects: Vec<Effect>,
}

impl Run {
    pub fn with(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}

impl From<Outcome> for Run {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, effects: Vec::new() }
    }
}

impl<'a> From<Run> for BeanFuture<'a> {
    fn from(run: Run) -> Self {
        Box::pin(std::future::ready(run))
    }
}

/// How a bean came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds now.
    Done { words: String },
    /// It does not concern this asset.
    NotNeeded { words: String },
    /// The agent shall do something first.
    Instruct { ask: Ask, words: String },
    /// Something must happen first, by itself.
    Wait { what: String, until: Option<UnixMs> },
    /// Somebody must act first.
    Blocked { by: String, who_acts: String },
    /// It went wrong, and is tried again.
    Failed { reason: String, retry_at: UnixMs },
}

/// What an agent shall do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub action: Action,
    pub precondition: Option<Precondition>,
    /// For how long it may be started.
    pub valid_for: Duration,
    /// Senzu does it itself, through the BMC.
    pub out_of_band: bool,
}

/// What the engine shall do beside writing the outcome down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The asset is in another state now.
    Become { state: AssetState, why: String },
    /// An instruction that nobody took is not to be done any more.
    Withdraw { instruction: InstructionId },
    /// The pending promotion is over.
    EndPromotion { status: PromotionStatus, words: String },
    /// The asset takes its place on an order line.
    TakePlace { line: Line, how: How },
    /// What two operators agreed on begins.
    BeginPromotion { approval: Uuid },
    /// What two operators agreed on is over.
    EndApproval { outcome: ApprovalOutcome, words: String },
    /// It may be written to from now on.
    TakeSlot,
    /// It waits for being written to.
    AskSlot,
    /// Others may be written to in its place.
    GiveSlotBack,
    /// What the asset shall run is reached, or stops for a person to look.
    EndGoal { status: GoalStatus, words: String },
}

/// An outcome without its words: what edges ask for and rows keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    Done,
    NotNeeded,
    Instruct,
    Wait,
    Blocked,
    Failed,
}

impl OutcomeKind {
    /// Whether a walk goes on behind it.
    pub fn is_passed(self) -> bool {
        match self {
            Self::Done | Self::NotNeeded => true,
            Self::Instruct | Self::Wait | Self::Blocked | Self::Failed => false,
        }
    }

    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotNeeded => "not needed",
            Self::Instruct => "instructed",
            Self::Wait => "waiting",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }
}

impl Outcome {
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Done { .. } => OutcomeKind::Done,
            Self::NotNeeded { .. } => OutcomeKind::NotNeeded,
            Self::Instruct { .. } => OutcomeKind::Instruct,
            Self::Wait { .. } => OutcomeKind::Wait,
            Self::Blocked { .. } => OutcomeKind::Blocked,
            Self::Failed { .. } => OutcomeKind::Failed,
        }
    }

    /// Why, in one sentence.
    pub fn reason(&self) -> String {
        match self {
            Self::Done { words } | Self::NotNeeded { words } | Self::Instruct { words, .. } => words.clone(),
            Self::Wait { what, .. } => format!("waits for {what}"),
            Self::Blocked { by, who_acts } => format!("{by}; {who_acts}"),
            Self::Failed { reason, .. } => reason.clone(),
        }
    }

    /// When to look again though nothing happens.
    pub fn again_at(&self) -> Option<UnixMs> {
        match self {
            Self::Wait { until, .. } => *until,
            Self::Failed { retry_at, .. } => Some(*retry_at),
            Self::Done { .. } | Self::NotNeeded { .. } | Self::Instruct { .. } | Self::Blocked { .. } => None,
        }
    }
}

/// Some time later.
pub fn later(now: UnixMs, by: Duration) -> UnixMs {
    UnixMs(now.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
}
