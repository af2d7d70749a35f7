//! VALIDATE_…: may the next step of this component begin? It changes nothing.

use super::{Leg, LegNeed, need, passed, unless_in_recovery};
use crate::{
    dag::{Bean, BeanFuture, Outcome, Situation},
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
        unless_in_recovery(situation, self.validate(situation).into()).into()
    }
}

impl Validate {
    fn validate(&self, situation: &Situation) -> Outcome {
        let need = need(situation, self.leg, &self.recipes);
        if let Some(outcome) = passed(&need, self.leg) {
            return outcome;
        }
        let LegNeed::Step(firmware, step) = need else { return Outcome::NotNeeded { words: String::new() } };
        if situation.recovery().is_some() && firmware.newest_of(self.leg.flash).is_some() {
            // It did begin.
            return valid(&step);
        }
        match situation.asset.standing.state {
            AssetState::New | AssetState::Spare => valid(&step),
            AssetState::Baremetal if situation.is_drained() => valid(&step),
            AssetState::Baremetal => Outcome::Blocked {
                by: format!("it serves, and {} is to become {}", step.component, step.to),
                who_acts: "drain it, then ask for approval (kind firmware)".into(),
            },
            state @ (AssetState::Retired | AssetState::Unknown) => Outcome::Blocked {
                by: format!("it is {state}, and firmware is written only to what nobody uses"),
                who_acts: "withdraw the goal".into(),
            },
        }
    }
}

fn valid(step: &Step) -> Outcome {
    Outcome::Done {
        words: format!("{} → {}, by {}, image {:.12}", step.from, step.to, step.recipe.name, step.artifact),
    }
}
