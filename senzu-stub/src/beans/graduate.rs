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
        let state = situation.asset.standing.state;
        let run = match state {
            AssetState::New => Run::from(Outcome::Done { words: "graduated to SPARE".into() })
                .with(Effect::Become { state: AssetState::Spare, why: "every check passed".into() }),
            AssetState::Spare | AssetState::Baremetal | AssetState::Retired => {
                Outcome::NotNeeded { words: format!("it is {state} already") }.into()
            }
            AssetState::Unknown => Outcome::Blocked {
                by: "its state is one that this build does not know".into(),
                who_acts: "run the Senzu that wrote it".into(),
            }
            .into(),
        };
        run.into()
    }
}
