//! RECONCILE_STATE: an asset whose promotion two operators agreed on is promoted, once it is awake and passed its checks.

use crate::{
    dag::{Bean, BeanFuture, Effect, Outcome, Run, Situation},
    store::{
        approvals::{Approval, ApprovalKind, ApprovalOutcome},
        instructions::{Issued, Status},
    },
};
use pious_protocol::message::AssetState;

pub struct ReconcileState;

impl Bean for ReconcileState {
    fn name(&self) -> &'static str {
        "RECONCILE_STATE"
    }

    fn about(&self) -> &'static str {
        "Begins the promotion that two operators agreed on"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        let run = match &situation.approval {
            Some(approval) if approval.kind == ApprovalKind::Promote => approved(situation, approval),
            Some(_) | None => Outcome::NotNeeded { words: "nothing was approved for it".into() }.into(),
        };
        run.into()
    }
}

fn approved(situation: &Situation, approval: &Approval) -> Run {
    let over = |outcome, words: String| {
        Run::from(Outcome::Done { words: words.clone() }).with(Effect::EndApproval { outcome, words })
    };
    match situation.asset.standing.state {
        AssetState::Spare => {}
        AssetState::Baremetal => return over(ApprovalOutcome::Done, "it is BAREMETAL already".into()),
        state @ (AssetState::New | AssetState::Retired | AssetState::Unknown) => {
            return over(ApprovalOutcome::Failed, format!("it is {state}, not SPARE, now"));
        }
    }
    let waits = |what: &str| Run::from(Outcome::Wait { what: what.into(), until: None });
    if situation.session.as_ref().is_none_or(|session| session.ended.is_some()) {
        return waits("its next boot, to be promoted as approved");
    }
    let begin = Run::from(Outcome::Done { words: format!("promoted as {} asked", approval.asked_by) });
    match situation.open_power_off() {
        Some(Issued { status: Status::Accepted, .. }) => {
            waits("its power-off and its next boot, to be promoted as approved")
        }
        Some(issued) => begin
            .with(Effect::Withdraw { instruction: issued.instruction.id })
            .with(Effect::BeginPromotion { approval: approval.id }),
        None => begin.with(Effect::BeginPromotion { approval: approval.id }),
    }
}

impl Situation {
    /// The power-off that a bean asked for and that has not ended.
    pub(super) fn open_power_off(&self) -> Option<&Issued> {
        self.instructions.iter().find(|issued| {
            issued.instruction.action.kind() == "shutdown" && matches!(issued.status, Status::Issued | Status::Accepted)
        })
    }
}
