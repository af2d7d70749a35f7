//! The walk: from bean to bean through one asset's graph, until it ends or a bean stands still.
//!
//! A walk runs in its caller's transaction: what made it necessary (a report, a hold), each bean's outcome, and what the
//! outcome asks for become true together or not at all. It may run at any time and from any point; walking twice changes
//! nothing the second time.

use super::{
    Ask, Bean, Effect, Graph, Outcome, Run, Situation, firmware::Firmware, journal::Journal, later, loops, walk::Walk,
};
use crate::campaign::leases;
use crate::chakshu;
use crate::store::{
    Conn, StoreError,
    alerts::{self, AlertKind, AuditEvent},
    approvals::{self, ApprovalKind, ApprovalOutcome},
    assets::{self, Asset, Rest},
    goals::{self, GoalStatus},
    instructions, new_id,
    promotions::{self, PromotionStatus},
    runs::{self, Claim},
};
use pious_protocol::{
    finding,
    ids::{AssetId, InstructionId, UnixMs},
    instruction::Instruction,
    message::{AssetState, Evaluation},
};

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
    /// What an asset goes through that shall have other firmware.
    pub firmware: Graph,
    /// Who walks: this replica, by a name of its own.
    pub holder: String,
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

/// How a claimed walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is done; commit.
    Walked,
    /// The lease was over, and another replica has it: nothing of this may be committed.
    Lost,
}

impl Engine {
    /// The graph that applies to an asset now.
    pub fn graph_of(&self, situation: &Situation) -> &Graph {
        let firmware = situation.firmware.as_ref();
        // Nothing else is begun while a BMC writes.
        if firmware.is_some_and(Firmware::is_writing) {
            return &self.firmware;
        }
        match (&situation.promotion, situation.approval.as_ref().map(|approval| approval.kind)) {
            (Some(_), _) => &self.promotion,
            (None, Some(ApprovalKind::Retire)) => &self.retirement,
            (None, Some(ApprovalKind::Wipe)) => &self.wiping,
            // Before the checks: that its firmware is old may be all that they find.
            (None, Some(ApprovalKind::Promote | ApprovalKind::Firmware) | None) if firmware.is_some() => &self.firmware,
            // Only an asset that passes its checks is promoted.
            (None, Some(ApprovalKind::Promote | ApprovalKind::Firmware) | None) => &self.discovery,
        }
    }

    /// Every graph that may apply.
    pub fn graphs(&self) -> [&Graph; 5] {
        [&self.discovery, &self.firmware, &self.promotion, &self.retirement, &self.wiping]
    }

    /// Walks an asset through its graph, and stores where it stands; answers it as it is then, or `None` where there is no
    /// such asset.
    pub async fn walk(&self, conn: &mut Conn, asset: AssetId, now: UnixMs) -> Result<Option<Asset>, StoreError> {
        match Situation::load(conn, asset, now).await? {
            Some(situation) => self.walk_in(conn, situation).await.map(Some),
            None => Ok(None),
        }
    }

    /// As [`Self::walk`], in a situation that was loaded.
    pub async fn walk_in(&self, conn: &mut Conn, situation: Situation) -> Result<Asset, StoreError> {
        let mut journal = Journal::new(new_id());
        let (asset, boot, begun) = (situation.asset.id, situation.asset.current_boot, situation.now);
        let walked = self.walk_from(conn, situation, &mut journal).await?;
        if journal.is_news() {
            journal.store(conn, asset).await?;
            let Journal { run: id, path, .. } = journal;
            runs::insert(conn, asset, &runs::Run { id, boot, holder: self.holder.clone(), begun, path }).await?;
        }
        Ok(walked)
    }

    /// Walks an asset whose run was claimed before, and ends the run.
    pub async fn walk_claimed(&self, conn: &mut Conn, claim: Claim, now: UnixMs) -> Result<Claimed, StoreError> {
        if !runs::is_ours(conn, claim).await? {
            return Ok(Claimed::Lost);
        }
        let mut journal = Journal::new(claim.run);
        if let Some(situation) = Situation::load(conn, claim.asset, now).await? {
            self.walk_from(conn, situation, &mut journal).await?;
        }
        journal.store(conn, claim.asset).await?;
        match runs::end(conn, claim, &journal.path, now).await? {
            true => Ok(Claimed::Walked),
            false => Ok(Claimed::Lost),
        }
    }

    async fn walk_from(
        &self,
        conn: &mut Conn,
        mut situation: Situation,
        journal: &mut Journal,
    ) -> Result<Asset, StoreError> {
        let (asset, now) = (situation.asset.id, situation.now);
        if situation.has_open_instructions
            && instructions::expire(conn, asset, situation.asset.current_boot, now).await?
        {
            reload(conn, &mut situation).await?;
        }
        if let Some(halt) = stop_loop(conn, &mut situation, journal).await? {
            return settle(conn, situation, Some(halt)).await;
        }
        for _ in 0..MAX_GRAPHS_PER_WALK {
            match self.walk_graph(conn, &mut situation, journal).await? {
                Walked::Halted(halt) => return settle(conn, situation, Some(halt)).await,
                Walked::Through => break,
                Walked::Elsewhere => {}
            }
        }
        settle(conn, situation, None).await
    }

    async fn walk_graph(
        &self,
        conn: &mut Conn,
        situation: &mut Situation,
        journal: &mut Journal,
    ) -> Result<Walked, StoreError> {
        let whole = self.graph_of(situation);
        if !situation.begins {
            let beans: Vec<_> = whole.beans().iter().map(|(graph, bean)| (graph.name(), bean.name())).collect();
            journal.recall(conn, situation.asset.id, &beans).await?;
        }
        let mut walk = Walk::new(whole);
        let mut halt = None;
        while let Some((graph, bean)) = walk.next() {
            let ran = run_bean(conn, graph, bean, situation, journal).await?;
            let kind = ran.outcome.kind();
            walk.came_out(kind);
            journal.step(graph, bean, kind);
            if !kind.is_passed() {
                halt.get_or_insert(ran);
            }
            if self.graph_of(situation).name() != whole.name() {
                return Ok(Walked::Elsewhere);
            }
        }
        Ok(halt.map_or(Walked::Through, Walked::Halted))
    }
}

/// Stores where the walk left the asset, and when to walk again.
async fn settle(conn: &mut Conn, situation: Situation, halt: Option<Halt>) -> Result<Asset, StoreError> {
    let rest = Rest {
        evaluation: evaluation(&situation),
        step: halt.as_ref().map(|halt| halt.bean.to_owned()),
        reason: halt.as_ref().map(|halt| halt.outcome.reason()),
        again: halt.as_ref().and_then(|halt| halt.outcome.again_at()),
    };
    assets::settle(conn, situation.asset, rest).await
}

/// Runs one bean, writes down how it came out, and does what it asks for. One that instructs is run again at once: where it
/// stands then is what any later walk finds, so that walking twice is walking once.
async fn run_bean(
    conn: &mut Conn,
    graph: &Graph,
    bean: &dyn Bean,
    situation: &mut Situation,
    journal: &mut Journal,
) -> Result<Halt, StoreError> {
    let mut has_instructed = false;
    loop {
        let mut ran = bean.run(situation).await;
        if ran.effects.contains(&Effect::TakeSlot) && !leases::take(conn, situation).await? {
            // Somebody was faster. From here on nobody is, so that the bean sees what there is.
            reload(conn, situation).await?;
            ran = bean.run(situation).await;
        }
        let Run { outcome, effects } = ran;
        journal.note(situation, graph.name(), bean.name(), &outcome);
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
        if changed {
            reload(conn, situation).await?;
        }
        if !instructs {
            return Ok(Halt { bean: bean.name(), outcome });
        }
        has_instructed = true;
    }
}

async fn reload(conn: &mut Conn, situation: &mut Situation) -> Result<(), StoreError> {
    if let Some(reloaded) = Situation::load(conn, situation.asset.id, situation.now).await? {
        *situation = reloaded;
    }
    Ok(())
}

/// Where the loop breaker stopped the asset, now or earlier. What beans told it and nobody took is taken back.
async fn stop_loop(
    conn: &mut Conn,
    situation: &mut Situation,
    journal: &mut Journal,
) -> Result<Option<Halt>, StoreError> {
    let (id, now) = (situation.asset.id, situation.now);
    let words = match (&situation.asset.looping, loops::notice(situation)) {
        (Some(words), _) => words.clone(),
        (None, None) => return Ok(None),
        (None, Some(words)) => {
            assets::set_looping(conn, id, Some(&words), None).await?;
            let object = format!("since {}", situation.asset.loop_cleared.unwrap_or_default().0);
            alerts::raise(conn, id, AlertKind::Looping, &object, &words, now).await?;
            let event =
                AuditEvent { at: now, who: loops::STEP.into(), what: "stopped: in a loop".into(), why: words.clone() };
            alerts::record(conn, id, &event).await?;
            tracing::warn!(asset = %situation.asset.name, "stopped: {words}");
            words
        }
    };
    for issued in &situation.instructions {
        if issued.status == instructions::Status::Issued {
            let withdrawn = instructions::Status::Withdrawn;
            instructions::set_status(conn, issued.instruction.id, withdrawn, now).await?;
        }
    }
    let outcome = Outcome::Blocked { by: words, who_acts: loops::remedy(&situation.asset.name) };
    journal.recall(conn, id, &[(loops::STEP, loops::STEP)]).await?;
    journal.note(situation, loops::STEP, loops::STEP, &outcome);
    reload(conn, situation).await?;
    Ok(Some(Halt { bean: loops::STEP, outcome }))
}

/// What the findings say as a whole.
fn evaluation(situation: &Situation) -> Evaluation {
    match (situation.findings.as_slice(), situation.has_facts()) {
        // Somebody planned it, and planned nothing that could be judged; where nobody did, there is a finding.
        ([], true) => Evaluation::Passed,
        // Not in this boot: what was found before it is doubted as soon as it boots.
        ([], false) => Evaluation::Pending,
        (findings, _) => finding::evaluation(findings),
    }
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
        Effect::TakeSlot => match leases::take(conn, situation).await? {
            true => Ok(()),
            // All of this walk is undone, and the next one waits for another.
            false => Err(StoreError::Overtaken { operation: "take a firmware slot" }),
        },
        Effect::AskSlot => leases::ask(conn, situation).await,
        Effect::GiveSlotBack => leases::give_back(conn, asset.id, now).await,
        Effect::EndGoal { status, words } => end_goal(conn, situation, bean, status, words).await,
    }
}

/// A goal is reached, or a person must look.
async fn end_goal(
    conn: &mut Conn,
    situation: &Situation,
    bean: &'static str,
    status: GoalStatus,
    words: String,
) -> Result<(), StoreError> {
    let (asset, now) = (&situation.asset, situation.now);
    let Some(firmware) = &situation.firmware else { return Ok(()) };
    goals::set_status(conn, firmware.goal.id, status, &words, now).await?;
    leases::goal_ended(conn, &firmware.goal, status, &words, now).await?;
    match status {
        GoalStatus::Recovery => {
            let object = firmware.goal.id.to_string();
            alerts::raise(conn, asset.id, AlertKind::FirmwareRecovery, &object, &words, now).await?;
            tracing::warn!(asset = %asset.name, bean, "firmware: {words}");
        }
        GoalStatus::Done | GoalStatus::Open | GoalStatus::Withdrawn => {
            alerts::clear(conn, asset.id, AlertKind::FirmwareRecovery, now).await?;
        }
    }
    let what = format!("firmware that {} asked for: {}", firmware.goal.asked_by, crate::store::word(&status));
    alerts::record(conn, asset.id, &AuditEvent { at: now, who: bean.into(), what, why: words }).await
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
    assets::set_state(conn, asset, state).await?;
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
        boot: situation.session.as_ref().map(|session| session.boot_id).filter(|_| !ask.out_of_band),
        sequence: assets::take_sequence(conn, asset).await?,
        issued_ms: situation.now,
        expires_ms: later(situation.now, ask.valid_for),
        precondition: ask.precondition.clone(),
        action: ask.action.clone(),
    };
    tracing::info!(asset = %situation.asset.name, bean, instruction = %instruction.id, "instructed: {}", ask.action.kind());
    match ask.out_of_band {
        true => instructions::insert_out_of_band(conn, &instruction, bean).await,
        false => instructions::insert(conn, &instruction, bean).await,
    }
}
