//! VALIDATE_…: may the next step of this component begin? It changes nothing.

use super::{Leg, LegNeed, need, passed, unless_in_recovery};
use crate::{
    campaign::SlotState,
    dag::{Bean, BeanFuture, Effect, Outcome, Run, Situation, firmware::Firmware, later},
    firmware::{Recipes, Step},
};
use pious_protocol::message::AssetState;
use std::{sync::Arc, time::Duration};

/// Slots that are given back walk those who wait; what is over by itself walks nobody. Hundreds may wait.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

pub struct Validate {
    pub leg: Leg,
    pub recipes: Arc<Recipes>,
}

impl Bean for Validate {
    fn name(&self) -> &'static str {
        self.leg.validate
    }

    fn about(&self) -> &'static str {
        "Looks whether the next step may begin: the way there, the image, the server's state"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        unless_in_recovery(situation, self.validate(situation)).into()
    }
}

impl Validate {
    fn validate(&self, situation: &Situation) -> Run {
        let need = need(situation, self.leg, &self.recipes);
        if let Some(outcome) = passed(&need, self.leg) {
            return outcome.into();
        }
        let LegNeed::Step(firmware, step) = need else { return Outcome::NotNeeded { words: String::new() }.into() };
        if situation.recovery().is_some() && firmware.newest_of(self.leg.flash).is_some() {
            // It did begin, and its slot is given back.
            return Outcome::Done { words: words(&step) }.into();
        }
        match situation.asset.standing.state {
            AssetState::New | AssetState::Spare => with_slot(situation, firmware, &step),
            AssetState::Baremetal if situation.is_drained() => with_slot(situation, firmware, &step),
            AssetState::Baremetal => Outcome::Blocked {
                by: format!("it serves, and {} is to become {}", step.component, step.to),
                who_acts: "drain it, then ask for approval (kind firmware)".into(),
            }
            .into(),
            state @ (AssetState::Retired | AssetState::Unknown) => Outcome::Blocked {
                by: format!("it is {state}, and firmware is written only to what nobody uses"),
                who_acts: "withdraw the goal".into(),
            }
            .into(),
        }
    }
}

/// Nobody begins without a slot; whoever waits for one looks again by themselves, should nobody walk them.
fn with_slot(situation: &Situation, firmware: &Firmware, step: &Step) -> Run {
    let wait = |what: &str, until| Run::from(Outcome::Wait { what: what.to_owned(), until });
    let again = Some(later(situation.now, LOOK_AGAIN));
    match &firmware.slot {
        SlotState::Held => Outcome::Done { words: words(step) }.into(),
        SlotState::Free => Run::from(Outcome::Done { words: words(step) }).with(Effect::TakeSlot),
        SlotState::Full { words, is_asked: true } => wait(words, again),
        SlotState::Full { words, is_asked: false } => wait(words, again).with(Effect::AskSlot),
        // Whoever lets it go on has it walked.
        SlotState::Stopped(why) => wait(why, None),
    }
}

/// The step, in words.
fn words(step: &Step) -> String {
    format!("{} → {}, by {}, image {:.12}", step.from, step.to, step.recipe.name, step.artifact)
}
