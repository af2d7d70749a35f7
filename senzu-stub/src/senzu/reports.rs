//! What agents report of instructions.

use super::{Refusal, Senzu, agents::reload, audit, now};
use crate::campaign::leases;
use crate::dag::later;
use crate::store::{
    Conn, StoreError, Tx,
    approvals::{self, ApprovalKind, ApprovalStatus},
    assets,
    goals::{self, GoalStatus},
    instructions::{self, Issued, Stage, Status},
    sessions::{self, Session},
};
use pious_protocol::{
    firmware::FlashPhase,
    ids::{AssetId, InstructionId, UnixMs},
    instruction::Action,
    message::{AssetState, Report},
};

impl Senzu {
    /// Takes a report. The same one again changes nothing; behind a final report, others that are not final are late and
    /// change nothing, and another final one is refused: the first counts.
    pub async fn report(&self, session: &Session, id: InstructionId, report: &Report) -> Result<(), Refusal> {
        if let Report::Progress { percent, .. } = report
            && *percent > 100
        {
            let value = percent.to_string();
            return Err(Refusal::OutOfRange { field: "percent", value, remedy: "from 0 to 100" });
        }
        let now = now();
        let boot = session.boot_id;
        let mut tx = self.db.write_asset(session.asset).await?;
        let issued = instructions::by_id(&mut tx, id).await?.filter(|issued| {
            let instruction = &issued.instruction;
            let is_theirs = instruction.asset == session.asset && !issued.out_of_band;
            is_theirs && instruction.boot.is_none_or(|bound| bound == boot)
        });
        let issued = issued.ok_or(Refusal::NoSuchInstruction { boot, instruction: id })?;
        if begins_anew(&mut tx, &issued, report).await? {
            // Beans find out what became of it.
            instructions::set_status(&mut tx, id, Status::Expired, now).await?;
            self.heard(&mut tx, session, now).await?;
            self.engine.walk(&mut tx, session.asset, now).await?;
            self.commit(tx, session.asset).await?;
            let why = "the agent that was at it died, and the BMC may have the image".into();
            return Err(Refusal::MayNotGoOn { instruction: id, why });
        }
        if !self.take_report(&mut tx, &issued, Some(session), report, now).await? {
            return Ok(());
        }
        self.heard(&mut tx, session, now).await?;
        self.engine.walk(&mut tx, session.asset, now).await?;
        Ok(self.commit(tx, session.asset).await?)
    }

    /// As [`Self::report`], of what Senzu does itself. Refused once another replica has it.
    pub(super) async fn report_own(&self, id: InstructionId, report: &Report) -> Result<(), Refusal> {
        let now = now();
        let lost = || Refusal::MayNotGoOn { instruction: id, why: "it is over, or another Senzu has it".into() };
        let Some(issued) = instructions::by_id(&mut *self.db.look().await?, id).await? else { return Err(lost()) };
        let asset = issued.instruction.asset;
        let mut tx = self.db.write_asset(asset).await?;
        let until = later(now, super::out_of_band::LEASE);
        if !instructions::renew(&mut tx, id, &self.engine.holder, now, until).await? {
            return Err(lost());
        }
        let Some(issued) = instructions::by_id(&mut tx, id).await? else { return Err(lost()) };
        if !self.take_report(&mut tx, &issued, None, report, now).await? {
            return Ok(());
        }
        self.engine.walk(&mut tx, asset, now).await?;
        Ok(self.commit(tx, asset).await?)
    }

    /// What follows from a report, by whomever; `false`: nothing, it was known.
    async fn take_report(
        &self,
        tx: &mut Tx,
        issued: &Issued,
        session: Option<&Session>,
        report: &Report,
        now: UnixMs,
    ) -> Result<bool, Refusal> {
        let id = issued.instruction.id;
        let stands = instructions::final_report(tx, id).await?;
        match (stands, status_of(report)) {
            (Some(first), Some(_)) if first == *report => return Ok(false),
            (Some(_), Some(_)) => return Err(Refusal::FinalReportStands(id)),
            (Some(_), None) => return Ok(false),
            // What an agent says that was not let begin anew.
            (None, Some(Status::Failed | Status::Refused)) if is_past_hand_over(tx, issued).await? => {
                return Ok(false);
            }
            (None, None) => {
                may_go_on(tx, issued, report, now).await?;
                under_way(tx, issued, report, now).await?;
            }
            (None, Some(status)) => {
                instructions::set_report(tx, id, Stage::Final, report, now).await?;
                instructions::set_status(tx, id, status, now).await?;
                self.ended(tx, session, issued, report, now).await?;
            }
        }
        leases::heard(tx, issued, report, now).await?;
        Ok(true)
    }

    /// What follows from a final report, whoever issued the instruction.
    async fn ended(
        &self,
        tx: &mut Tx,
        session: Option<&Session>,
        issued: &Issued,
        report: &Report,
        now: UnixMs,
    ) -> Result<(), Refusal> {
        let (asset, action) = (issued.instruction.asset, &issued.instruction.action);
        let what = format!("instruction {} ({}) ended: {}", issued.instruction.id, action.kind(), name(report));
        let who = if session.is_some() { "agent" } else { "senzu, out of band" };
        audit(tx, asset, who, what, reason(report)).await?;
        if !matches!(report, Report::Done { .. }) {
            return Ok(());
        }
        self.note_firmware(tx, asset, session.map(|session| session.boot_id), action, report, now).await?;
        // From outside nobody knows of sessions.
        let Some(session) = session else { return Ok(()) };
        match action {
            Action::Shutdown { .. } => sessions::end(tx, session.boot_id, sessions::POWERED_OFF, now).await?,
            Action::Reboot { .. } => sessions::end(tx, session.boot_id, "rebooted", now).await?,
            // A bean's is the bean's to act on.
            Action::SwitchState { to } if issued.issuer == instructions::OPERATOR => {
                operator_switched(tx, session, *to).await?;
            }
            Action::SwitchState { .. }
            | Action::FirmwareUpdate(_)
            | Action::FirmwareInventory(_)
            | Action::BmcUser(_)
            | Action::Unknown(_) => {}
        }
        Ok(())
    }
}

/// An operator's own order to switch state was done: Senzu follows, and it is on record.
async fn operator_switched(tx: &mut Tx, session: &Session, to: AssetState) -> Result<(), Refusal> {
    let asset = reload(tx, session.asset).await?;
    let from = asset.standing.state;
    assets::set_state(tx, &asset, to).await?;
    audit(tx, asset.id, "operator", format!("{from} → {to}"), "an operator's instruction was done").await?;
    Ok(())
}

async fn under_way(tx: &mut Tx, issued: &Issued, report: &Report, now: UnixMs) -> Result<(), Refusal> {
    let stage = match report {
        Report::Accepted => Stage::Accepted,
        Report::Progress { .. } => Stage::Progress,
        Report::Done { .. } | Report::Failed { .. } | Report::Refused { .. } | Report::Unknown => return Ok(()),
    };
    let id = issued.instruction.id;
    // One that comes late must not hide that the BMC may have the image.
    if stage == Stage::Progress && !is_past_gate(report) && was_handed_over(tx, issued).await? {
        return Ok(());
    }
    instructions::set_report(tx, id, stage, report, now).await?;
    if issued.status == Status::Issued {
        instructions::set_status(tx, id, Status::Accepted, now).await?;
    }
    Ok(())
}

/// Whether another process of the agent begins an update whose image the BMC may have: one accepts before it hands over.
async fn begins_anew(tx: &mut Tx, issued: &Issued, report: &Report) -> Result<bool, Refusal> {
    let begins = *report == Report::Accepted && issued.status == Status::Accepted;
    Ok(begins && was_handed_over(tx, issued).await?)
}

/// Whether it was taken back after the BMC may have got the image.
async fn is_past_hand_over(tx: &mut Tx, issued: &Issued) -> Result<bool, Refusal> {
    Ok(issued.status == Status::Expired && was_handed_over(tx, issued).await?)
}

async fn was_handed_over(tx: &mut Tx, issued: &Issued) -> Result<bool, Refusal> {
    let reports = instructions::reports(tx, issued.instruction.id).await?;
    Ok(reports.iter().any(|stored| is_past_gate(&stored.report)))
}

/// Whether a report says that the BMC may have the image.
fn is_past_gate(report: &Report) -> bool {
    matches!(report, Report::Progress { phase: Some(phase), .. } if *phase >= FlashPhase::HandingOver)
}

/// Whether a BMC may get its image now: the last moment at which it can be held back. What the BMC has is not taken back.
async fn may_go_on(tx: &mut Tx, issued: &Issued, report: &Report, now: UnixMs) -> Result<(), Refusal> {
    let Report::Progress { phase: Some(FlashPhase::HandingOver), .. } = report else { return Ok(()) };
    let may_not = |why: &str| Err(Refusal::MayNotGoOn { instruction: issued.instruction.id, why: why.into() });
    match goals::open_of(tx, issued.instruction.asset).await? {
        None => may_not("nobody wants other firmware of the asset any more"),
        Some(goal) if goal.status == GoalStatus::Recovery => may_not("a person must look at the asset first"),
        Some(goal) if goal.since > issued.instruction.issued_ms => may_not("it was asked for anew since"),
        Some(_) if issued.out_of_band && !is_drained(tx, issued.instruction.asset).await? => {
            may_not("nobody agreed that the asset is drained, or not any more")
        }
        Some(goal) => match leases::objection(tx, &goal, issued, now).await? {
            Some(why) => may_not(&why),
            None => Ok(()),
        },
    }
}

/// Whether two operators agreed that an asset which serves may be written to.
pub(super) async fn is_drained(conn: &mut Conn, asset: AssetId) -> Result<bool, StoreError> {
    let open = approvals::open_of(conn, asset).await?;
    Ok(open.is_some_and(|open| open.kind == ApprovalKind::Firmware && open.status == ApprovalStatus::Approved))
}

/// The status that a final report brings.
fn status_of(report: &Report) -> Option<Status> {
    match report {
        Report::Done { .. } => Some(Status::Done),
        Report::Failed { .. } => Some(Status::Failed),
        Report::Refused { .. } => Some(Status::Refused),
        Report::Accepted | Report::Progress { .. } | Report::Unknown => None,
    }
}

fn name(report: &Report) -> &'static str {
    match report {
        Report::Accepted => "accepted",
        Report::Progress { .. } => "progress",
        Report::Done { .. } => "done",
        Report::Failed { .. } => "failed",
        Report::Refused { .. } => "refused",
        Report::Unknown => "unknown",
    }
}

fn reason(report: &Report) -> String {
    match report {
        Report::Done { evidence, .. } => evidence.clone().unwrap_or_default(),
        Report::Failed { reason } | Report::Refused { reason } => reason.clone(),
        Report::Progress { percent, words, .. } => format!("{percent} %: {words}"),
        Report::Accepted | Report::Unknown => String::new(),
    }
}
