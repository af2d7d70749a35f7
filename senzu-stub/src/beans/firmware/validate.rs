//! VALIDATE_…: may the next step of this component begin? It changes nothing.

use super::{Leg, LegNeed, in_recovery, need, passed, with_slot};
use crate::{
    dag::{Bean, BeanFuture, Outcome, Run, Situation},
    firmware::{Recipes, Step},
};
use pious_protocol::message::AssetState;
use std::sync::Arc;

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
        self.validate(situation).into()
    }
}

impl Validate {
    fn validate(&self, situation: &Situation) -> Run {
        if let Some(words) = situation.recovery() {
            return in_recovery(words).into();
        }
        let need = need(situation, self.leg, &self.recipes);
        if let Some(outcome) = passed(&need, self.leg) {
            return outcome.into();
        }
        let LegNeed::Step(firmware, step) = need else { return Outcome::NotNeeded { words: String::new() }.into() };
        let ready = Outcome::Done { words: words(&step) };
        match situation.asset.standing.state {
            AssetState::New | AssetState::Spare => with_slot(situation, firmware, ready),
            AssetState::Baremetal if situation.is_drained() => with_slot(situation, firmware, ready),
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

fn words(step: &Step) -> String {
    format!("{} → {}, by {}, image {:.12}", step.from, step.to, step.recipe.name, step.artifact)
}
