//! POWER_OFF_SPARE: an idle asset is powered off, unless somebody holds it for use.

use super::{retry, under_way};
use crate::{
    dag::{Ask, Bean, BeanFuture, Effect, Outcome, Run, Situation},
    store::instructions::{Issued, Status},
};
use pious_protocol::{
    instruction::{Action, Precondition},
    message::AssetState,
};
use std::time::Duration;

pub struct PowerOffSpare;

const NAME: &str = "POWER_OFF_SPARE";
/// The agent polls every half minute at the slowest; behind ten of these it is not listening.
const VALID_FOR: Duration = Duration::from_secs(300);

impl Bean for PowerOffSpare {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Powers an idle SPARE asset off, unless it is held for use"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        let state = situation.asset.standing.state;
        let run = match state {
            AssetState::Spare => spare(situation),
            AssetState::New | AssetState::Baremetal | AssetState::Retired | AssetState::Unknown => {
                Outcome::NotNeeded { words: format!("a {state} asset is not powered off") }.into()
            }
        };
        run.into()
    }
}

fn spare(situation: &Situation) -> Run {
    let newest = situation.newest_of(NAME);
    if let Some(held) = &situation.asset.held {
        let waits = Run::from(Outcome::Wait { what: format!("its release: held for use by {}", held.by), until: None });
        return match newest {
            // It may have been handed out already; then the agent powers off all the same, and says so.
            Some(Issued { status: Status::Issued, instruction, .. }) => {
                waits.with(Effect::Withdraw { instruction: instruction.id })
            }
            Some(_) | None => waits,
        };
    }
    match newest {
        None => instruct().into(),
        Some(issued) => again(situation, issued).into(),
    }
}

fn again(situation: &Situation, issued: &Issued) -> Outcome {
    match issued.status {
        Status::Done => Outcome::Done { words: "powered off until it is needed".into() },
        Status::Issued | Status::Accepted => Outcome::Wait { what: under_way(issued), until: None },
        Status::Withdrawn => instruct(),
        Status::Failed | Status::Refused | Status::Expired => {
            let words = format!("the agent did not power off: {}", crate::store::word(&issued.status));
            retry(situation, NAME, issued, words).unwrap_or_else(instruct)
        }
    }
}

fn instruct() -> Outcome {
    Outcome::Instruct {
        ask: Ask {
            action: Action::Shutdown { reason: "SPARE and idle: powered off until it is needed".into() },
            precondition: Some(Precondition::StateIs { state: AssetState::Spare }),
            valid_for: VALID_FOR,
            out_of_band: false,
        },
        words: "told to power off until it is needed".into(),
    }
}
