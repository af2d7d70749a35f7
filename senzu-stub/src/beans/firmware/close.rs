//! CLOSE_FIRMWARE: every component runs what it shall, as read in this boot; the goal is reached.

use super::in_recovery;
use crate::{
    dag::{Bean, BeanFuture, Effect, Outcome, Run, Situation},
    firmware::{Planned, Recipes},
    store::goals::GoalStatus,
};
use std::sync::Arc;

pub struct Close {
    pub recipes: Arc<Recipes>,
}

impl Bean for Close {
    fn name(&self) -> &'static str {
        "CLOSE_FIRMWARE"
    }

    fn about(&self) -> &'static str {
        "Ends the goal once every component was read to run what it shall"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        self.close(situation).into()
    }
}

impl Close {
    fn close(&self, situation: &Situation) -> Run {
        let Some(firmware) = &situation.firmware else {
            return Outcome::NotNeeded { words: "nobody wants other firmware".into() }.into();
        };
        if let Some(words) = situation.recovery() {
            return in_recovery(words).into();
        }
        let needs = match firmware.needs(&self.recipes) {
            Ok(needs) => needs,
            Err(what) => return Outcome::Wait { what, until: None }.into(),
        };
        let mut runs = Vec::new();
        for need in &needs {
            match &need.planned {
                Planned::Done { version } => runs.push(format!("{} {version}", need.component)),
                Planned::NotDone { .. } | Planned::Impossible { .. } => {
                    // A kind of component that no leg is for.
                    return Outcome::Blocked {
                        by: format!("no bean updates a {}", need.component),
                        who_acts: "withdraw the goal".into(),
                    }
                    .into();
                }
            }
        }
        let words = format!("runs {}, each read back", runs.join(", "));
        Run::from(Outcome::Done { words: words.clone() }).with(Effect::EndGoal { status: GoalStatus::Done, words })
    }
}
