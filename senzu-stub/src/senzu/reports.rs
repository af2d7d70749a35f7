//! What agents report of instructions.

use super::{Refusal, Senzu, agents::reload, audit, now};
use crate::store::{
    Tx, assets,
    instructions::{self, Issued, Stage, Status},
    sessions::{self, Session},
};
use pious_protocol::{
    ids::{InstructionId, UnixMs},
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
            instruction.asset == session.asset && instruction.boot.is_none_or(|bound| bound == boot)
        });
        let issued = issued.ok_or(Refusal::NoSuchInstruction { boot, instruction: id })?;
        let stands = instructions::final_report(&mut tx, id).await?;
        match (stands, status_of(report)) {
            (Some(first), Some(_)) if first == *report => return Ok(()),
            (Some(_), Some(_)) => return Err(Refusal::FinalReportStands(id)),
            (Some(_), None) => return Ok(()),
            (None, None) => under_way(&mut tx, &issued, report, now).await?,
            (None, Some(status)) => {
                instructions::set_report(&mut tx, id, Stage::Final, report, now).await?;
                instructions::set_status(&mut tx, id, status, now).await?;
                self.ended(&mut tx, session, &issued, report, now).await?;
            }
        }
        self.heard(&mut tx, session, now).await?;
        self.engine.walk(&mut tx, session.asset, now).await?;
        Ok(self.commit(tx, session.asset).await?)
    }

    /// What follows from a final report, whoever issued the instruction.
    async fn ended(
        &self,
        tx: &mut Tx,
        session: &Session,
        issued: &Issued,
        report: &Report,
        now: UnixMs,
    ) -> Result<(), Refusal> {
        let action = &issued.instruction.action;
        let what = format!("instruction {} ({}) ended: {}", issued.instruction.id, action.kind(), name(report));
        audit(tx, session.asset, "agent", what, reason(report)).await?;
        if !matches!(report, Report::Done { .. }) {
            return Ok(());
        }
        match action {
            Action::Shutdown { .. } => sessions::end(tx, session.boot_id, "powered off", now).await?,
            Action::Reboot { .. } => sessions::end(tx, session.boot_id, "rebooted", now).await?,
            // A bean's is the bean's to act on.
            Action::SwitchState { to } if issued.issuer == instructions::OPERATOR => {
                operator_switched(tx, session, *to).await?;
            }
            Action::SwitchState { .. } | Action::FirmwareUpdate { .. } | Action::Unknown(_) => {}
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
    instructions::set_report(tx, id, stage, report, now).await?;
    if issued.status == Status::Issued {
        instructions::set_status(tx, id, Status::Accepted, now).await?;
    }
    Ok(())
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
        Report::Done { evidence } => evidence.clone().unwrap_or_default(),
        Report::Failed { reason } | Report::Refused { reason } => reason.clone(),
        Report::Progress { percent, words } => format!("{percent} %: {words}"),
        Report::Accepted | Report::Unknown => String::new(),
    }
}
