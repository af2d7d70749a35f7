//! REBOOT: a BAREMETAL asset leaves PIOUS for its disk.

use super::{retry, under_way};
use crate::{
    dag::{Ask, Bean, BeanFuture, Effect, Outcome, Run, Situation},
    store::{
        instructions::{Issued, Status},
        promotions::PromotionStatus,
    },
};
use pious_protocol::{
    instruction::{Action, Precondition},
    message::AssetState,
};
use std::time::Duration;

pub struct Reboot;

const NAME: &str = "REBOOT";
/// As POWER_OFF_SPARE's.
const VALID_FOR: Duration = Duration::from_secs(300);

impl Bean for Reboot {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Restarts a promoted asset from its disk"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        let run = match situation.newest_of(NAME) {
            None => instruct().into(),
            Some(issued) => answered(situation, issued),
        };
        run.into()
    }
}

fn answered(situation: &Situation, issued: &Issued) -> Run {
    match issued.status {
        Status::Issued | Status::Accepted => Outcome::Wait { what: under_way(issued), until: None }.into(),
        Status::Done => over("the agent rebooted it"),
        // Silent since it was told: it left PIOUS by itself, or by somebody's hand.
        Status::Expired if situation.is_silent_since(issued) => over("it left PIOUS before it was told to"),
        Status::Failed | Status::Refused | Status::Expired | Status::Withdrawn => {
            let words = format!("the agent did not reboot: {}", crate::store::word(&issued.status));
            retry(situation, NAME, issued, words).unwrap_or_else(instruct).into()
        }
    }
}

fn over(words: &str) -> Run {
    Run::from(Outcome::Done { words: words.into() })
        .with(Effect::EndPromotion { status: PromotionStatus::Done, words: words.into() })
}

fn instruct() -> Outcome {
    Outcome::Instruct {
        ask: Ask {
            action: Action::Reboot { reason: "BAREMETAL: starts from its disk from now on".into() },
            precondition: Some(Precondition::StateIs { state: AssetState::Baremetal }),
            valid_for: VALID_FOR,
            out_of_band: false,
        },
        words: "told to reboot to its disk".into(),
    }
}

impl Situation {
    /// Whether the boot session that counts said nothing since an instruction was issued.
    fn is_silent_since(&self, issued: &Issued) -> bool {
        self.session.as_ref().is_none_or(|session| session.last_seen <= issued.instruction.issued_ms)
    }
}
