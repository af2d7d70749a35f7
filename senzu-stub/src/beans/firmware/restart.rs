//! RESTART_FOR_…: the server restarts, where a version that was written runs only then. The next boot session goes on.

use super::{Leg, LegNeed, need, passed, recover, try_again, unless_in_recovery};
use crate::{
    beans::under_way,
    dag::{Ask, Bean, BeanFuture, Outcome, Run, Situation, firmware::Firmware},
    firmware::{Recipes, Step},
    store::instructions::{Status, Told},
};
use pious_protocol::{firmware::Activation, instruction::Action};
use std::{sync::Arc, time::Duration};

pub struct Restart {
    pub leg: Leg,
    pub recipes: Arc<Recipes>,
}

/// As POWER_OFF_SPARE's.
const VALID_FOR: Duration = Duration::from_secs(300);
const TRIES: u32 = 3;

impl Bean for Restart {
    fn name(&self) -> &'static str {
        self.leg.restart
    }

    fn about(&self) -> &'static str {
        "Restarts the server, where a version that was written runs only then"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        unless_in_recovery(situation, self.restart(situation)).into()
    }
}

impl Restart {
    fn restart(&self, situation: &Situation) -> Run {
        let need = need(situation, self.leg, &self.recipes);
        if let Some(outcome) = passed(&need, self.leg) {
            return outcome.into();
        }
        match need {
            LegNeed::Step(firmware, step) if step.recipe.activation == Activation::HostReset => {
                // One of an earlier boot was obeyed: this one is the proof.
                let of_this_boot = |told: &&Told| firmware.is_of_boot(told, situation.asset.current_boot);
                match firmware.newest_of(self.leg.restart).filter(of_this_boot) {
                    None => instruct(firmware, &step).into(),
                    Some(told) => self.answered(situation, firmware, &step, told),
                }
            }
            _ => Outcome::NotNeeded { words: "its new version runs without a restart of the server".into() }.into(),
        }
    }

    fn answered(&self, situation: &Situation, firmware: &Firmware, step: &Step, told: &Told) -> Run {
        match told.issued.status {
            Status::Issued | Status::Accepted => Outcome::Wait { what: under_way(&told.issued), until: None }.into(),
            Status::Done => Outcome::Wait { what: format!("its next boot, with {}", step.to), until: None }.into(),
            Status::Withdrawn => instruct(firmware, step).into(),
            // The BMC does not let Senzu in: it is asked once, as BMCs lock users out.
            Status::Refused if told.issued.out_of_band => recover(format!("it was not restarted: {}", told.ending())),
            Status::Refused | Status::Failed | Status::Expired => {
                try_again(situation, firmware, self.leg.restart, told, TRIES, || instruct(firmware, step).into())
            }
        }
    }
}

fn instruct(firmware: &Firmware, step: &Step) -> Outcome {
    Outcome::Instruct {
        ask: Ask {
            action: Action::Reboot { reason: format!("{} {} runs from the next start on", step.component, step.to) },
            precondition: None,
            valid_for: VALID_FOR,
            out_of_band: firmware.out_of_band,
        },
        words: format!("told to restart, so that {} {} runs", step.component, step.to),
    }
}
