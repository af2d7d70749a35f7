//! CHECK_COMPONENTS_TO_UPGRADE: what does each component run now, and what is to be done about it?

use super::{CHECK, recover, try_again, unless_in_recovery};
use crate::{
    beans::under_way,
    dag::{Ask, Bean, BeanFuture, Outcome, Run, Situation, firmware::Firmware},
    firmware::{Planned, Recipes, Wanted},
    store::instructions::{Status, Told},
};
use pious_protocol::instruction::{Action, FirmwareInventory, VersionQuestion};
use std::{sync::Arc, time::Duration};

pub struct Check {
    pub recipes: Arc<Recipes>,
}

/// For it to be started.
const VALID_FOR: Duration = Duration::from_secs(300);
/// A BMC that restarts is back after minutes, and the waits double: four are a quarter of an hour.
const TRIES: u32 = 4;

impl Bean for Check {
    fn name(&self) -> &'static str {
        CHECK
    }

    fn about(&self) -> &'static str {
        "Reads what each component runs, and plans the way from there to what it shall run"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        let run = match &situation.firmware {
            None => Outcome::NotNeeded { words: "nobody wants other firmware".into() }.into(),
            Some(firmware) => unless_in_recovery(situation, self.check(situation, firmware)),
        };
        run.into()
    }
}

impl Check {
    fn check(&self, situation: &Situation, firmware: &Firmware) -> Run {
        let boot = situation.asset.current_boot;
        if firmware.goal.wanted.iter().all(|wanted| firmware.is_read_in(wanted.component, boot)) {
            return self.plan(firmware).into();
        }
        if !situation.is_up() && !firmware.out_of_band {
            return Outcome::Wait { what: "its next boot".into(), until: None }.into();
        }
        let read = match self.questions(firmware) {
            Ok(read) => read,
            Err(outcome) => return (*outcome).into(),
        };
        // What an earlier boot read does not count any more.
        match firmware.newest_of(CHECK).filter(|told| firmware.is_read_anew_by(told, boot)) {
            None => instruct(firmware, read).into(),
            Some(told) => answered(situation, firmware, told, read),
        }
    }

    /// Where to read what each component runs.
    fn questions(&self, firmware: &Firmware) -> Result<FirmwareInventory, Box<Outcome>> {
        let Some(machine) = &firmware.machine else {
            return Err(Box::new(Outcome::Wait {
                what: "facts of this boot that say who made it".into(),
                until: None,
            }));
        };
        let recipe = match self.recipes.of(machine) {
            Ok(recipe) => recipe,
            Err(none) => {
                let (by, who_acts) = none.words(machine);
                return Err(Box::new(Outcome::Blocked { by, who_acts: who_acts.into() }));
            }
        };
        let question = |wanted: &Wanted| match recipe.part(wanted.component) {
            Some(part) => Ok(VersionQuestion { component: wanted.component, version: part.flash.version.clone() }),
            None => Err(Box::new(Outcome::Blocked {
                by: format!("recipe {} says nothing of a {}", recipe.name, wanted.component),
                who_acts: "write it there, or withdraw the goal".into(),
            })),
        };
        let components = firmware.goal.wanted.iter().map(question).collect::<Result<_, _>>()?;
        Ok(FirmwareInventory { components })
    }

    fn plan(&self, firmware: &Firmware) -> Outcome {
        let needs = match firmware.needs(&self.recipes) {
            Ok(needs) => needs,
            Err(what) => return Outcome::Wait { what, until: None },
        };
        let mut todo = Vec::new();
        for need in needs {
            match need.planned {
                Planned::Done { .. } => {}
                Planned::NotDone { steps } => {
                    let from = steps.first().map(|step| step.from.clone());
                    let way = from.into_iter().chain(steps.into_iter().map(|step| step.to)).collect::<Vec<_>>();
                    todo.push(format!("{} {}", need.component, way.join(" → ")));
                }
                Planned::Impossible { why, who_acts } => return Outcome::Blocked { by: why, who_acts },
            }
        }
        match todo.as_slice() {
            [] => Outcome::Done { words: "every component runs what it shall".into() },
            todo => Outcome::Done { words: todo.join(", ") },
        }
    }
}

fn answered(situation: &Situation, firmware: &Firmware, told: &Told, read: FirmwareInventory) -> Run {
    match told.issued.status {
        Status::Issued | Status::Accepted => Outcome::Wait { what: under_way(&told.issued), until: None }.into(),
        Status::Withdrawn => instruct(firmware, read).into(),
        // Without all that was asked for.
        Status::Done => recover("the firmware was read, and not of every component that was asked for".into()),
        // What can't fare better a second time is refused: a BMC that does not let somebody in locks out who asks on.
        Status::Refused => recover(format!("what the components run can't be read: {}", told.ending())),
        Status::Failed | Status::Expired => {
            try_again(situation, firmware, CHECK, told, TRIES, || instruct(firmware, read).into())
        }
    }
}

fn instruct(firmware: &Firmware, read: FirmwareInventory) -> Outcome {
    let out_of_band = firmware.out_of_band;
    Outcome::Instruct {
        ask: Ask { action: Action::FirmwareInventory(read), precondition: None, valid_for: VALID_FOR, out_of_band },
        words: "told to read what the components run".into(),
    }
}
