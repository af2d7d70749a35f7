//! WIPE: the agent erases every disk, as two operators agreed. A wipe that was not reported as done is not done.
//!
//! An agent that knows no `wipe` refuses it, and then the request has failed: fail closed.

use super::under_way;
use crate::{
    dag::{Ask, Bean, BeanFuture, Effect, Outcome, Run, Situation},
    store::{
        approvals::{Approval, ApprovalKind, ApprovalOutcome},
        instructions::{Issued, Status},
    },
};
use pious_protocol::{
    instruction::{Action, Precondition, UnknownAction},
    message::AssetState,
};
use std::time::Duration;

pub struct Wipe;

const NAME: &str = "WIPE";
/// As POWER_OFF_SPARE's: for it to be started, not to be done.
const VALID_FOR: Duration = Duration::from_secs(300);

impl Bean for Wipe {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Erases every disk, as two operators agreed"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        let run = match &situation.approval {
            Some(approval) if approval.kind == ApprovalKind::Wipe => approved(situation, approval),
            Some(_) | None => Outcome::NotNeeded { words: "nobody approved it".into() }.into(),
        };
        run.into()
    }
}

fn approved(situation: &Situation, approval: &Approval) -> Run {
    let state = situation.asset.standing.state;
    match state {
        AssetState::New | AssetState::Spare => {}
        AssetState::Baremetal | AssetState::Retired | AssetState::Unknown => {
            return end(ApprovalOutcome::Failed, format!("it is {state} now, and is not wiped"));
        }
    }
    if situation.session.as_ref().is_none_or(|session| session.ended.is_some()) {
        return Outcome::Wait { what: "its next boot, to be wiped as approved".into(), until: None }.into();
    }
    // What an older request asked for does not count.
    let decided = approval.decided.unwrap_or(approval.asked);
    match situation.newest_of(NAME).filter(|issued| issued.instruction.issued_ms >= decided) {
        None => begin(situation, state),
        Some(issued) => answered(situation, issued, state),
    }
}

fn begin(situation: &Situation, state: AssetState) -> Run {
    match situation.open_power_off() {
        Some(Issued { status: Status::Accepted, .. }) => {
            Outcome::Wait { what: "its power-off and its next boot, to be wiped as approved".into(), until: None }
                .into()
        }
        Some(issued) => instruct(state).with(Effect::Withdraw { instruction: issued.instruction.id }),
        None => instruct(state),
    }
}

fn answered(situation: &Situation, issued: &Issued, state: AssetState) -> Run {
    match issued.status {
        Status::Issued | Status::Accepted => Outcome::Wait { what: under_way(issued), until: None }.into(),
        Status::Done => end(ApprovalOutcome::Done, "the agent wiped every disk".into()),
        Status::Failed | Status::Refused => {
            let how = crate::store::word(&issued.status);
            end(ApprovalOutcome::Failed, format!("the agent did not wipe it: {how}"))
        }
        // Nobody took it: it is still wanted.
        Status::Expired | Status::Withdrawn => {
            match super::retry(situation, NAME, issued, "nobody took the wipe".into()) {
                Some(outcome) => outcome.into(),
                None => instruct(state),
            }
        }
    }
}

fn end(outcome: ApprovalOutcome, words: String) -> Run {
    Run::from(Outcome::Done { words: words.clone() }).with(Effect::EndApproval { outcome, words })
}

fn instruct(state: AssetState) -> Run {
    let action = Action::Unknown(UnknownAction { kind: "wipe".into(), problem: None });
    Outcome::Instruct {
        ask: Ask {
            action,
            precondition: Some(Precondition::StateIs { state }),
            valid_for: VALID_FOR,
            out_of_band: false,
        },
        words: "told to wipe every disk".into(),
    }
    .into()
}
