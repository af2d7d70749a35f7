//! The walk: from bean to bean through one asset's graph, until it ends or a bean stands still.
//!
//! A walk runs in its caller's transaction: what made it necessary (a report, a hold), each bean's outcome, and what the
//! outcome asks for become true together or not at all. It may run at any time and from any point; walking twice changes
//! nothing the second time.

use super::{Ask, Effect, Graph, Outcome, OutcomeKind, Run, Situation, graph::Place, later};
use crate::chakshu;
use crate::store::{
    Conn, StoreError,
    alerts::{self, AuditEvent},
    approvals::{self, ApprovalKind, ApprovalOutcome},
    assets, instructions, new_id,
    promotions::{self, PromotionStatus},
    transitions,
    transitions::Transition,
};
use pious_protocol::{
    finding,
    ids::{AssetId, InstructionId, UnixMs},
    instruction::Instruction,
    message::{AssetState, Evaluation, Standing},
};
use std::collections::HashMap;

/// The graphs, and how they are walked.
pub struct Engine {
    /// What every asset goes through at every boot.
    pub discovery: Graph,
    /// What a SPARE asset goes through whose promotion was granted; it goes before the other.
    pub promotion: Graph,
    /// What an asset goes through whose retirement two operators agreed on.
    pub retirement: Graph,
    /// What an asset goes through whose wiping two operators agreed on.
    pub wiping: Graph,
}

/// A walk that changes what graph applies begins anew in the other; more often than this it would go in circles.
const MAX_GRAPHS_PER_WALK: usize = 4;

/// A bean and how it came out; of a walk, where it came to a halt.
struct Halt {
    bean: &'static str,
    outcome: Outcome,
}

/// How walking one graph ended.
enum Walked {
    /// A bean stands still.
    Halted(Halt),
    /// Every bean passed.
    Through,
    /// Another graph applies now.
    Elsewhere,
}

impl Engine {
    /// The graph that applies to an asset now.
    pub fn graph_of(&self, situation: &Situation) -> &Graph {
        match (&situation.promotion, situation.approval.as_ref().map(|approval| approval.kind)) {
            (Some(_), _) => &self.promotion,
            (None, Some(ApprovalKind::Retire)) => &self.retirement,
            (None, Some(ApprovalKind::Wipe)) => &self.wiping,
            // Only an asset that passes its checks is promoted.
            (None, Some(ApprovalKind::Promote) | None) => &self.discovery,
        }
    }

    /// Walks an asset through its graph; stores where it stands. Says whether the standing changed.
    pub async fn walk(&self, conn: &mut Conn, asset: AssetId, now: UnixMs) -> Result<bool, StoreError> {
        let Some(first) = Situation::load(conn, asset, now).await? else {
            return Ok(false);
        };
        instructions::expire(conn, asset, first.asset.current_boot, now).await?;
        let mut halt = None;
        for _ in 0..MAX_GRAPHS_PER_WALK {
            match self.walk_graph(conn, asset, now).await? {
                Walked::Halted(at) => {
                    halt = Some(at);
                    break;
                }
                Walked::Through => break,
                Walked::Elsewhere => {}
            }
        }
        self.settle(conn, asset, halt, now).await
    }

    async fn walk_graph(&self, conn: &mut Conn, asset: AssetId, now: UnixMs) -> Result<Walked, StoreError> {
        let Some(mut situation) = Situation::load(conn, asset, now).await? else {
            return Ok(Walked::Through);
        };
        let graph = self.graph_of(&situation);
        let mut outcomes: HashMap<Place, OutcomeKind> = HashMap::new();
        let mut halt = None;
        for place in graph.places() {
            if !graph.is_reached(place, &outcomes) {
                continue;
            }
            let ran = self.run_bean(conn, graph, place, &mut situation).await?;
            outcomes.insert(place, ran.outcome.kind());
            match ran.outcome.kind() {
                OutcomeKind::Done | OutcomeKind::NotNeeded => {}
                OutcomeKind::Instruct | OutcomeKind::Wait | OutcomeKind::Blocked | OutcomeKind::Failed => {
                    halt.get_or_insert(ran);
                }
            }
            if self.graph_of(&situation).name() != graph.name() {
                return Ok(Walked::Elsewhere);
            }
        }
        Ok(halt.map_or(Walked::Through, Walked::Halted))
    }

    /// Runs one bean, writes down how it came out, and does what it asks for. One that instructs is run again at once:
    /// where it stands then is what any later walk finds, so that walking twice is walking once.
    async fn run_bean(
        &self,
        conn: &mut Conn,
        graph: &Graph,
        place: Place,
        situation: &mut Situation,
    ) -> Result<Halt, StoreError> {
        let bean = graph.bean(place);
        let mut has_instructed = false;
        loop {
            let Run { outcome, effects } = bean.run(situation).await;
            record(conn, situation, graph.name(), bean.name(), &outcome).await?;
            let mut changed = !effects.is_empty();
            for effect in effects {
                perform(conn, situation, bean.name(), effect).await?;
            }
            let instructs = match &outcome {
                Outcome::Instruct { ask, .. } if !has_instructed => {
                    instruct(conn, situation, bean.name(), ask).await?;
                    true
                }
                Outcome::Instruct { .. }
                | Outcome::Done { .. }
                | Outcome::NotNeeded { .. }
                | Outcome::Wait { .. }
                | Outcome::Blocked { .. }
                | Outcome::Failed { .. } => false,
            };
            changed |= instructs;
            if changed && let Some(reloaded) = Situation::load(conn, situation.asset.id, situation.now).await? {
                *situation = reloaded;
            }
            if !instructs {
                return Ok(Halt { bean: bean.name(), outcome });
            }
            has_instructed = true;
        }
    }

    /// Stores where the walk left the asset, and when to walk again.
    async fn settle(
        &self,
        conn: &mut Conn,
        asset: AssetId,
        halt: Option<Halt>,
        now: UnixMs,
    ) -> Result<bool, StoreError> {
        let Some(situation) = Situation::load(conn, asset, now).await? else {
            return Ok(false);
        };
        let expiry = instructions::next_expiry(conn, asset).await?;
        let again = halt.as_ref().and_then(|halt| halt.outcome.again_at());
        assets::set_next_walk(conn, asset, [expiry, again].into_iter().flatten().min()).await?;
        let standing = Standing {
            state: situation.asset.standing.state,
            evaluation: evaluation(&situation),
            step: halt.as_ref().map(|halt| halt.bean.to_owned()),
            reason: halt.as_ref().map(|halt| halt.outcome.reason()),
        };
        assets::set_standing(conn, &situation.asset, &standing).await
    }
}

/// What the findings say as a whole.
fn evaluation(situation: &Situation) -> Evaluation {
    match (situation.findings.as_slice(), situation.has_facts) {
        // Somebody planned it, and planned nothing that could be judged; where nobody did, there is a finding.
        ([], true) => Evaluation::Passed,
        // Not in this boot: what was found before it is doubted as soon as it boots.
        ([], false) => Evaluation::Pending,
        (findings, _) => finding::evaluation(findings),
    }
}

/// Writes a bean's outcome down, if it is news.
async fn record(
    conn: &mut Conn,
    situation: &Situation,
    graph: &'static str,
    bean: &'static str,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let transition = Transition {
        boot: situation.session.as_ref().map(|session| session.boot_id),
        graph: graph.to_owned(),
        bean: bean.to_owned(),
        outcome: outcome.kind(),
        reason: outcome.reason(),
        at: situation.now,
    };
    if let Some(newest) = transitions::newest(conn, situation.asset.id, graph, bean).await?
        && (Transition { at: transition.at, ..newest }) == transition
    {
        return Ok(());
    }
    transitions::insert(conn, situation.asset.id, &transition).await
}

async fn perform(conn: &mut Conn, situation: &Situation, bean: &'static str, effect: Effect) -> Result<(), StoreError> {
    let asset = &situation.asset;
    let now = situation.now;
    match effect {
        Effect::Become { state, why } => become_state(conn, situation, bean, state, why).await,
        Effect::Withdraw { instruction } => {
            instructions::set_status(conn, instruction, instructions::Status::Withdrawn, now).await
        }
        Effect::EndPromotion { status, words } => {
            let Some(promotion) = &situation.promotion else { return Ok(()) };
            promotions::end(conn, promotion.id, status, &words).await?;
            let outcome = match status {
                PromotionStatus::Done => ApprovalOutcome::Done,
                PromotionStatus::Pending | PromotionStatus::Failed | PromotionStatus::Refused => {
                    ApprovalOutcome::Failed
                }
            };
            if let Some(approval) = promotion.approval {
                approvals::end(conn, approval, outcome, &words, now).await?;
            }
            let what = format!("promotion asked for by {} ended: {}", promotion.requester, crate::store::word(&status));
            let event = AuditEvent { at: now, who: bean.into(), what, why: words };
            alerts::record(conn, asset.id, &event).await
        }
        Effect::TakePlace { line, how } => {
            let why = "it passed its checks";
            match chakshu::take(conn, asset, &line, how, bean, why, now).await? {
                true => Ok(()),
                // All of this walk is undone, and the next one finds another place.
                false => Err(StoreError::Overtaken { operation: "take a place on an order line" }),
            }
        }
        Effect::BeginPromotion { approval } => begin_promotion(conn, situation, approval).await,
        Effect::EndApproval { outcome, words } => {
            let Some(approval) = &situation.approval else { return Ok(()) };
            approvals::end(conn, approval.id, outcome, &words, now).await?;
            let what = format!(
                "what {} asked for ended: {}, {}",
                approval.asked_by,
                approval.kind.name(),
                crate::store::word(&outcome)
            );
            alerts::record(conn, asset.id, &AuditEvent { at: now, who: bean.into(), what, why: words }).await
        }
    }
}

/// What two operators agreed on becomes a promotion like any other.
async fn begin_promotion(conn: &mut Conn, situation: &Situation, approval: uuid::Uuid) -> Result<(), StoreError> {
    let (Some(approved), Some(session)) = (&situation.approval, &situation.session) else { return Ok(()) };
    approvals::begin(conn, approval, situation.now).await?;
    promotions::insert_approved(conn, situation.asset.id, session.boot_id, approved, situation.now).await
}

async fn become_state(
    conn: &mut Conn,
    situation: &Situation,
    bean: &'static str,
    state: AssetState,
    why: String,
) -> Result<(), StoreError> {
    let asset = &situation.asset;
    let standing = Standing { state, ..asset.standing.clone() };
    assets::set_standing(conn, asset, &standing).await?;
    let what = format!("{} → {state}", asset.standing.state);
    tracing::info!(asset = %asset.name, bean, "{what}: {why}");
    alerts::record(conn, asset.id, &AuditEvent { at: situation.now, who: bean.into(), what, why }).await
}

async fn instruct(conn: &mut Conn, situation: &Situation, bean: &'static str, ask: &Ask) -> Result<(), StoreError> {
    let asset = situation.asset.id;
    if let Some(approval) = situation.approval.as_ref() {
        approvals::begin(conn, approval.id, situation.now).await?;
    }
    let instruction = Instruction {
        id: InstructionId(new_id()),
        asset,
        boot: situation.session.as_ref().map(|session| session.boot_id),
        sequence: assets::take_sequence(conn, asset).await?,
        issued_ms: situation.now,
        expires_ms: later(situation.now, ask.valid_for),
        precondition: ask.precondition.clone(),
        action: ask.action.clone(),
    };
    tracing::info!(asset = %situation.asset.name, bean, instruction = %instruction.id, "instructed: {}", ask.action.kind());
    instructions::insert(conn, &instruction, bean).await
}
