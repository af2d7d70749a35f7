//! Firmware, as the field draws it: WAKE, ONBOARD_BMC, CHECK_COMPONENTS_TO_UPGRADE, then a leg for each component in turn
//! (VALIDATE → FLASH → VERIFY, with a restart of the server before VERIFY where a version only runs after one), and
//! CLOSE_FIRMWARE.
//!
//! Nothing is remembered but what was read and what was told: each boot session begins at the first bean, and a version
//! counts only once it was read from the device in this very boot. What went wrong beyond what may simply be tried again
//! goes to recovery: a person looks, and nothing loops.

mod check;
mod close;
mod flash;
mod onboard;
mod restart;
mod validate;
mod verify;
mod wake;

use super::{rest, whoami::Whoami};
use crate::{
    campaign::SlotState,
    dag::{
        Condition::Passed,
        Effect, Graph, GraphError, Outcome, Run, Situation,
        firmware::{Firmware, Need},
        later,
    },
    firmware::{Planned, Recipes, Step, Wanted},
    store::{approvals::ApprovalKind, goals::GoalStatus, instructions::Told},
};
use pious_protocol::firmware::FirmwareComponent;
use std::{sync::Arc, time::Duration};

/// One component's beans, by their names.
#[derive(Clone, Copy)]
struct Leg {
    component: FirmwareComponent,
    graph: &'static str,
    about: &'static str,
    validate: &'static str,
    flash: &'static str,
    restart: &'static str,
    verify: &'static str,
}

/// In the order in which they are gone through.
const LEGS: [Leg; 4] = [
    Leg {
        component: FirmwareComponent::Bmc,
        graph: "UPGRADE_BMC",
        about: "Brings the BMC to its version",
        validate: "VALIDATE_BMC",
        flash: "FLASH_BMC",
        restart: "RESTART_FOR_BMC",
        verify: "VERIFY_BMC",
    },
    Leg {
        component: FirmwareComponent::Bios,
        graph: "UPGRADE_BIOS",
        about: "Brings the BIOS to its version",
        validate: "VALIDATE_BIOS",
        flash: "FLASH_BIOS",
        restart: "RESTART_FOR_BIOS",
        verify: "VERIFY_BIOS",
    },
    Leg {
        component: FirmwareComponent::Nic,
        graph: "UPGRADE_NIC",
        about: "Brings the network cards to their version",
        validate: "VALIDATE_NIC",
        flash: "FLASH_NIC",
        restart: "RESTART_FOR_NIC",
        verify: "VERIFY_NIC",
    },
    Leg {
        component: FirmwareComponent::Psu,
        graph: "UPGRADE_PSU",
        about: "Brings the power supplies to their version",
        validate: "VALIDATE_PSU",
        flash: "FLASH_PSU",
        restart: "RESTART_FOR_PSU",
        verify: "VERIFY_PSU",
    },
];

const CHECK: &str = "CHECK_COMPONENTS_TO_UPGRADE";

/// What an asset goes through that shall have other firmware.
pub fn graph(recipes: &Arc<Recipes>) -> Result<Graph, GraphError> {
    let mut graph = Graph::builder("firmware")
        .about("What an asset goes through that shall have other firmware")
        .bean(Whoami)
        .bean(wake::Wake)
        .bean(onboard::OnboardBmc)
        .bean(check::Check { recipes: recipes.clone() })
        .edge("WHOAMI", Passed, "WAKE")
        .edge("WAKE", Passed, "ONBOARD_BMC")
        .edge("ONBOARD_BMC", Passed, CHECK);
    let mut before = CHECK;
    for leg in LEGS {
        graph = graph.graph(upgrade(leg, recipes)?).edge(before, Passed, leg.graph);
        before = leg.graph;
    }
    graph.bean(close::Close { recipes: recipes.clone() }).edge(before, Passed, "CLOSE_FIRMWARE").build()
}

fn upgrade(leg: Leg, recipes: &Arc<Recipes>) -> Result<Graph, GraphError> {
    Graph::builder(leg.graph)
        .about(leg.about)
        .bean(validate::Validate { leg, recipes: recipes.clone() })
        .bean(flash::Flash { leg, recipes: recipes.clone() })
        .bean(restart::Restart { leg, recipes: recipes.clone() })
        .bean(verify::Verify { leg, recipes: recipes.clone() })
        .edge(leg.validate, Passed, leg.flash)
        .edge(leg.flash, Passed, leg.restart)
        .edge(leg.restart, Passed, leg.verify)
        .build()
}

/// The graphs of components of which nobody wants another version.
pub fn idle(wanted: &[Wanted]) -> Vec<&'static str> {
    let is_wanted = |leg: &&Leg| wanted.iter().any(|wanted| wanted.component == leg.component);
    LEGS.iter().filter(|leg| !is_wanted(leg)).map(|leg| leg.graph).collect()
}

/// What one leg is about.
enum LegNeed<'a> {
    /// Nobody wants another version of this component.
    Nothing,
    /// It runs what it shall.
    Runs(String),
    /// The next step.
    Step(&'a Firmware, Box<Step>),
    /// Nobody can say, or it can't be.
    Stuck(Outcome),
}

fn need<'a>(situation: &'a Situation, leg: Leg, recipes: &Recipes) -> LegNeed<'a> {
    let Some(firmware) = &situation.firmware else { return LegNeed::Nothing };
    let needs = match firmware.needs(recipes) {
        Ok(needs) => needs,
        Err(why) => return LegNeed::Stuck(Outcome::Wait { what: why, until: None }),
    };
    let Some(Need { planned, .. }) = needs.into_iter().find(|need| need.component == leg.component) else {
        return LegNeed::Nothing;
    };
    match planned {
        Planned::Done { version } => LegNeed::Runs(version),
        Planned::Impossible { why, who_acts } => LegNeed::Stuck(Outcome::Blocked { by: why, who_acts }),
        Planned::NotDone { steps } => match steps.into_iter().next() {
            Some(step) => LegNeed::Step(firmware, Box::new(step)),
            None => LegNeed::Nothing,
        },
    }
}

/// What beans of a leg say where there is no step to take; `None`: there is one.
fn passed(need: &LegNeed<'_>, leg: Leg) -> Option<Outcome> {
    match need {
        LegNeed::Nothing => Some(Outcome::NotNeeded { words: format!("nobody wants another {}", leg.component) }),
        LegNeed::Runs(version) => Some(Outcome::Done { words: format!("it runs {version}") }),
        LegNeed::Stuck(outcome) => Some(outcome.clone()),
        LegNeed::Step(..) => None,
    }
}

/// Slots that are given back walk those who wait; what is over by itself walks nobody. Hundreds may wait.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Nobody begins without a slot; whoever waits for one looks again by themselves, should nobody walk them.
fn with_slot(situation: &Situation, firmware: &Firmware, begin: Outcome) -> Run {
    let wait = |what: &str, until| Run::from(Outcome::Wait { what: what.to_owned(), until });
    let again = Some(later(situation.now, LOOK_AGAIN));
    match &firmware.slot {
        SlotState::Held => begin.into(),
        SlotState::Free => Run::from(begin).with(Effect::TakeSlot),
        SlotState::Full { words, is_asked: true } => wait(words, again),
        SlotState::Full { words, is_asked: false } => wait(words, again).with(Effect::AskSlot),
        // Whoever lets it go on has it walked.
        SlotState::Stopped(why) => wait(why, None),
    }
}

/// Others are written to while it rests before another try.
fn without_slot_at_rest(firmware: &Firmware, run: Run) -> Run {
    let rests = matches!(run.outcome, Outcome::Failed { .. });
    if rests && firmware.slot == SlotState::Held { run.with(Effect::GiveSlotBack) } else { run }
}

/// It went wrong beyond what may simply be tried again: a person looks first.
fn recover(words: String) -> Run {
    Run::from(in_recovery(&words)).with(Effect::EndGoal { status: GoalStatus::Recovery, words })
}

/// In recovery a bean passes where it has nothing to do, and does nothing: so the asset stands at the bean that went wrong,
/// until its next boot, in which nothing is read.
fn unless_in_recovery(situation: &Situation, run: Run) -> Run {
    match situation.recovery() {
        Some(_) if run.outcome.kind().is_passed() => run.outcome.into(),
        Some(words) => in_recovery(words).into(),
        None => run,
    }
}

/// What stands still in recovery.
fn in_recovery(words: &str) -> Outcome {
    Outcome::Blocked {
        by: words.to_owned(),
        who_acts: "look at the BMC (its own page, its log, its power cord); then `senzu-stub firmware retry ASSET` or \
                   `firmware withdraw ASSET`"
            .into(),
    }
}

/// What to do about what a bean told and came to nothing: give up, wait, or tell it again.
fn try_again(
    situation: &Situation,
    firmware: &Firmware,
    bean: &str,
    vain: &Told,
    tries: u32,
    instruct: impl FnOnce() -> Run,
) -> Run {
    let attempts = firmware.attempts(bean);
    let words = vain.ending();
    if attempts >= tries {
        return recover(format!("{bean} came to nothing {attempts} times, the last time: {words}"));
    }
    rest(situation, attempts, &vain.issued, words).map_or_else(instruct, Run::from)
}

impl Situation {
    /// Why the goal is in recovery, if it is.
    fn recovery(&self) -> Option<&str> {
        let goal = &self.firmware.as_ref()?.goal;
        (goal.status == GoalStatus::Recovery).then(|| goal.words.as_deref().unwrap_or("nobody said why"))
    }

    /// Whether two operators agreed that it serves nobody just now.
    fn is_drained(&self) -> bool {
        self.approval.as_ref().is_some_and(|approval| approval.kind == ApprovalKind::Firmware)
    }

    /// Whether PIOUS runs on it now.
    fn is_up(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.ended.is_none())
    }
}
