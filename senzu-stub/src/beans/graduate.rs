//! GRADUATE: NEW → SPARE, once every check before it passed.

use crate::dag::{Bean, BeanFuture, Effect, Outcome, Run, Situation};
use pious_protocol::message::AssetState;

pub struct Graduate;

impl Bean for Graduate {
    fn name(&self) -> &'static str {
        "GRADUATE"
    }

    fn about(&self) -> &'static str {
        "Makes a NEW asset SPARE"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        // The same words before and after: walking twice is walking once.
        let graduated = || Run::from(Outcome::Done { words: "it graduated from NEW".into() });
        let run = match situation.asset.standing.state {
            AssetState::New => {
                graduated().with(Effect::Become { state: AssetState::Spare, why: "every check passed".into() })
            }
            AssetState::Spare | AssetState::Baremetal => graduated(),
            AssetState::Retired => Outcome::NotNeeded { words: "it is RETIRED".into() }.into(),
            AssetState::Unknown => Outcome::Blocked {
                by: "its state is one that this build does not know".into(),
                who_acts: "run the Senzu that wrote it".into(),
            }
            .into(),
        };
        run.into()
    }
}
