//! FLASH_…: the agent, or Senzu itself, hands the image to the BMC, and follows it to its end.
//!
//! An image is written with a slot only. What was not begun may simply be tried again, a few times; until then the slot is
//! others'. Once the BMC may have the image and nobody saw the end, it has its time first, and what runs is read meanwhile;
//! then whoever begins anew reads it before anything else, and the image is handed over once more.

use super::{Leg, LegNeed, need, passed, recover, try_again, unless_in_recovery, with_slot, without_slot_at_rest};
use crate::{
    beans::under_way,
    dag::{Ask, Bean, BeanFuture, Outcome, Run, Situation, firmware::Firmware, later},
    firmware::{Recipes, Step},
    store::instructions::{Status, Told},
};
use pious_protocol::{
    firmware::{Activation, Artifact, FlashPhase},
    ids::UnixMs,
    instruction::{Action, FirmwareInventory, FirmwareUpdate, Precondition, VersionQuestion},
    message::Report,
};
use std::{sync::Arc, time::Duration};

pub struct Flash {
    pub leg: Leg,
    pub recipes: Arc<Recipes>,
}

/// For it to be started.
const VALID_FOR: Duration = Duration::from_secs(300);
/// What ended before the BMC had anything: the waits double, and five are half an hour, longer than a BMC is busy.
const TRIES: u32 = 5;
/// How often it is read what runs, while nobody sees what the BMC does, in the time that it may take.
const LOOKS: u32 = 4;
/// How often an image is handed over at most, where nobody saw what became of it.
const HANDED_OVER: usize = 2;

impl Bean for Flash {
    fn name(&self) -> &'static str {
        self.leg.flash
    }

    fn about(&self) -> &'static str {
        "Lets the agent hand the image to the BMC, and follow it to its end"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        unless_in_recovery(situation, self.flash(situation)).into()
    }
}

impl Flash {
    fn flash(&self, situation: &Situation) -> Run {
        let need = need(situation, self.leg, &self.recipes);
        if let Some(outcome) = passed(&need, self.leg) {
            return outcome.into();
        }
        let LegNeed::Step(firmware, step) = need else { return Outcome::NotNeeded { words: String::new() }.into() };
        let tried: Vec<&Told> = firmware.told.iter().filter(|told| is_try_of(told, &step)).collect();
        match tried.first() {
            None => begin(situation, firmware, &step),
            Some(newest) => self.answered(situation, firmware, &step, newest, &tried),
        }
    }

    fn answered(&self, situation: &Situation, firmware: &Firmware, step: &Step, newest: &Told, tried: &[&Told]) -> Run {
        let is_of_this_boot = firmware.is_of_boot(newest, situation.asset.current_boot);
        match newest.issued.status {
            Status::Issued | Status::Accepted => {
                let what = match &newest.progress {
                    Some(Report::Progress { percent, words, .. }) => {
                        let who = if newest.issued.out_of_band { "Senzu" } else { "the agent" };
                        format!("{who}: {percent} %, {words}")
                    }
                    Some(_) | None => under_way(&newest.issued),
                };
                Outcome::Wait { what, until: None }.into()
            }
            Status::Done if step.recipe.activation == Activation::HostReset && is_of_this_boot => {
                Outcome::Done { words: format!("{} is written, and runs once the server has restarted", step.to) }
                    .into()
            }
            Status::Done => recover(format!(
                "{}: the BMC took {} and said that it was done, and {} was read afterwards",
                self.leg.component, step.to, step.from
            )),
            Status::Withdrawn => begin(situation, firmware, step),
            // An agent refuses what can't fare better a second time, and has handed nothing over.
            Status::Refused => recover(format!("{}: {}", self.leg.component, newest.ending())),
            Status::Failed if may_have_begun(newest) => {
                recover(format!("{}, {} → {}: {}", self.leg.component, step.from, step.to, newest.ending()))
            }
            Status::Expired if may_have_begun(newest) => self.unseen(situation, firmware, step, newest, tried),
            Status::Failed | Status::Expired => {
                let again = || begin(situation, firmware, step);
                let run = try_again(situation, firmware, self.leg.flash, newest, TRIES, again);
                without_slot_at_rest(firmware, run)
            }
        }
    }

    /// Nobody saw how it ended, and the old version runs. The BMC has its time: it may be writing, or about to restart. What
    /// runs only from a start of the server on may be written all the same: the server restarts first.
    fn unseen(&self, situation: &Situation, firmware: &Firmware, step: &Step, newest: &Told, tried: &[&Told]) -> Run {
        let ends = later(newest.issued.changed, Duration::from_secs(step.recipe.flash_within_s.into()));
        if ends > situation.now {
            return self.look(situation, firmware, step, newest, ends);
        }
        if step.recipe.activation == Activation::HostReset && !self.has_restarted_since(firmware, newest) {
            let words = format!("nobody saw whether {} was written; the server's restart shows it", step.to);
            return Outcome::Done { words }.into();
        }
        let handed_over = tried.iter().filter(|told| may_have_begun(told)).count();
        match handed_over >= HANDED_OVER {
            true => recover(format!(
                "{}: {} was handed over {handed_over} times, each time whoever did it ended before the BMC did, and \
                 {} still runs",
                self.leg.component, step.to, step.from
            )),
            false => begin(situation, firmware, step),
        }
    }

    /// While the BMC has its time, what runs is read now and then: once it is the new version, nobody need wait longer.
    fn look(&self, situation: &Situation, firmware: &Firmware, step: &Step, unseen: &Told, ends: UnixMs) -> Run {
        let wait = |until: UnixMs| {
            let what = format!("the BMC, which may be writing {}: nobody sees it", step.to);
            Run::from(Outcome::Wait { what, until: Some(until.min(ends)) })
        };
        let can_tell = step.recipe.activation != Activation::HostReset;
        if !can_tell || !(firmware.out_of_band || situation.is_up()) {
            return wait(ends);
        }
        let since = match firmware.newest_of(self.leg.flash).filter(|told| is_behind(told, unseen)) {
            None => unseen.issued.changed,
            Some(read) => match read.issued.status {
                Status::Issued | Status::Accepted => {
                    return Outcome::Wait { what: under_way(&read.issued), until: Some(ends) }.into();
                }
                Status::Done => read.issued.changed,
                // It restarts, or lets nobody in: it is left alone.
                Status::Failed | Status::Refused | Status::Expired | Status::Withdrawn => return wait(ends),
            },
        };
        let next = later(since, Duration::from_secs(step.recipe.flash_within_s.into()) / LOOKS);
        if next > situation.now {
            return wait(next);
        }
        let question = VersionQuestion { component: step.component, version: step.recipe.version.clone() };
        let ask = Ask {
            action: Action::FirmwareInventory(FirmwareInventory { components: vec![question] }),
            precondition: None,
            valid_for: VALID_FOR,
            out_of_band: firmware.out_of_band,
        };
        let words = format!("told to read whether the {} runs {} by now", step.component, step.to);
        Outcome::Instruct { ask, words }.into()
    }

    /// Whether the server was told to restart behind an update, and did.
    fn has_restarted_since(&self, firmware: &Firmware, update: &Told) -> bool {
        let restarts = firmware.told.iter().filter(|told| told.issued.issuer == self.leg.restart);
        restarts.filter(|told| is_behind(told, update)).any(|told| told.issued.status == Status::Done)
    }
}

/// Whether something was told later than something else.
fn is_behind(told: &Told, earlier: &Told) -> bool {
    told.issued.instruction.sequence > earlier.issued.instruction.sequence
}

/// Whether an instruction was for this step.
fn is_try_of(told: &Told, step: &Step) -> bool {
    match &told.issued.instruction.action {
        Action::FirmwareUpdate(update) => update.component == step.component && update.version == step.to,
        _ => false,
    }
}

/// Whether the BMC may have got an image.
fn may_have_begun(told: &Told) -> bool {
    told.phase().is_some_and(|phase| phase >= FlashPhase::HandingOver)
}

/// Tells it to be written, with a slot.
fn begin(situation: &Situation, firmware: &Firmware, step: &Step) -> Run {
    match tell(firmware, step) {
        Some(told) => with_slot(situation, firmware, told),
        None => missing(step).into(),
    }
}

fn tell(firmware: &Firmware, step: &Step) -> Option<Outcome> {
    let image = firmware.artifacts.iter().find(|artifact| artifact.sha256 == step.artifact)?;
    let artifact = Artifact {
        // On whichever Senzu the agent speaks to.
        url: format!("/v1/artifacts/{}/image", step.artifact),
        size_bytes: image.size_bytes,
        sha256: step.artifact.clone(),
        signature: image.signature.clone(),
    };
    let update =
        FirmwareUpdate { component: step.component, version: step.to.clone(), artifact, recipe: step.recipe.clone() };
    Some(Outcome::Instruct {
        ask: Ask {
            action: Action::FirmwareUpdate(Box::new(update)),
            precondition: Some(Precondition::FirmwareIs { component: step.component, version: step.from.clone() }),
            valid_for: VALID_FOR,
            out_of_band: firmware.out_of_band,
        },
        words: format!("told to bring the {} from {} to {}", step.component, step.from, step.to),
    })
}

fn missing(step: &Step) -> Outcome {
    Outcome::Blocked {
        by: format!("the image {:.12} of {} {} is gone", step.artifact, step.component, step.to),
        who_acts: "import it again (`senzu-stub firmware import`)".into(),
    }
}
