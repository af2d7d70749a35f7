//! PROMOTE: SPARE → BAREMETAL. The agent switches first and says so; then Senzu does.

use super::under_way;
use crate::{
    dag::{Ask, Bean, BeanFuture, Effect, Outcome, Run, Situation},
    store::{
        instructions::{Issued, Status},
        promotions::{Promotion, PromotionStatus},
    },
};
use pious_protocol::{
    instruction::{Action, Precondition},
    message::AssetState,
};
use std::time::Duration;

pub struct Promote;

const NAME: &str = "PROMOTE";
/// A promotion is asked for by somebody who waits; one that was not taken by then is better asked for again.
const VALID_FOR: Duration = Duration::from_secs(120);

impl Bean for Promote {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Switches a SPARE asset to BAREMETAL"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        let run = match &situation.promotion {
            Some(promotion) => promoting(situation, promotion),
            None => Outcome::NotNeeded { words: "nobody asked".into() }.into(),
        };
        run.into()
    }
}

fn promoting(situation: &Situation, promotion: &Promotion) -> Run {
    match situation.asset.standing.state {
        AssetState::Baremetal => return Outcome::Done { words: "it is BAREMETAL".into() }.into(),
        AssetState::Spare => {}
        state @ (AssetState::New | AssetState::Retired | AssetState::Unknown) => {
            return give_up(situation, format!("it is {state}, not SPARE, now"));
        }
    }
    // Only what this promotion asked for counts, not an older one's.
    let ours = situation.newest_of(NAME).filter(|issued| issued.instruction.issued_ms >= promotion.asked);
    match ours {
        None if situation.newest_boot_is_older(promotion) => instruct(promotion).into(),
        None => give_up(situation, "the asset rebooted before it switched".into()),
        Some(issued) => answered(situation, promotion, issued),
    }
}

fn answered(situation: &Situation, promotion: &Promotion, issued: &Issued) -> Run {
    match issued.status {
        Status::Issued | Status::Accepted => Outcome::Wait { what: under_way(issued), until: None }.into(),
        Status::Done => {
            let why = format!("promotion asked for by {}; the agent switched", promotion.requester);
            Run::from(Outcome::Done { words: "it is BAREMETAL".into() })
                .with(Effect::Become { state: AssetState::Baremetal, why })
        }
        Status::Failed | Status::Refused | Status::Expired | Status::Withdrawn => {
            let how = crate::store::word(&issued.status);
            give_up(situation, format!("the agent did not switch: {how}"))
        }
    }
}

/// The promotion failed. The asset stays what it is, and may be asked for again.
fn give_up(situation: &Situation, words: String) -> Run {
    Run::from(Outcome::Failed { reason: words.clone(), retry_at: situation.now })
        .with(Effect::EndPromotion { status: PromotionStatus::Failed, words })
}

fn instruct(promotion: &Promotion) -> Outcome {
    Outcome::Instruct {
        ask: Ask {
            action: Action::SwitchState { to: AssetState::Baremetal },
            precondition: Some(Precondition::StateIs { state: AssetState::Spare }),
            valid_for: VALID_FOR,
            out_of_band: false,
        },
        words: format!("told to switch to BAREMETAL, as {} asked", promotion.requester),
    }
}

impl Situation {
    /// Whether the boot session that counts began before a promotion was asked for.
    fn newest_boot_is_older(&self, promotion: &Promotion) -> bool {
        self.session.as_ref().is_some_and(|session| session.started <= promotion.asked)
    }
}
