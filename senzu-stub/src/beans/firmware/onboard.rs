//! ONBOARD_BMC: the agent gives the BMC the user by which agents and Senzu get in, from inside the machine, and proves it.

use super::{try_again, unless_in_recovery};
use crate::{
    beans::under_way,
    dag::{Ask, Bean, BeanFuture, Outcome, Run, Situation, firmware::Firmware},
    store::instructions::{Status, Told},
};
use pious_protocol::instruction::{Action, BmcUser};
use std::time::Duration;

pub struct OnboardBmc;

const NAME: &str = "ONBOARD_BMC";
/// For it to be started: the agent may be gathering facts.
const VALID_FOR: Duration = Duration::from_secs(300);
/// A BMC that is busy once is free a minute later; one that refuses three times has a reason.
const TRIES: u32 = 3;

impl Bean for OnboardBmc {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Gives the BMC the user by which agents and Senzu get in, and proves that it is let in"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        let run = match &situation.firmware {
            None => Outcome::NotNeeded { words: "nobody wants other firmware".into() }.into(),
            Some(firmware) => unless_in_recovery(situation, onboard(situation, firmware)),
        };
        run.into()
    }
}

fn onboard(situation: &Situation, firmware: &Firmware) -> Run {
    if let Some(reason) = &firmware.no_bmc {
        return Outcome::Blocked {
            by: format!("it has no BMC, through which its firmware would be updated: {reason}"),
            who_acts: "withdraw the goal".into(),
        }
        .into();
    }
    if firmware.bmc.is_proved() {
        return Outcome::Done { words: format!("the BMC lets us in, by password {}", firmware.bmc.proved) }.into();
    }
    if firmware.out_of_band && firmware.bmc.proved > 0 {
        // A newer password is for an agent to set; until then this one holds.
        return Outcome::Done { words: format!("the BMC let us in, by password {}", firmware.bmc.proved) }.into();
    }
    if firmware.out_of_band && !situation.is_up() {
        return Outcome::Blocked {
            by: "its BMC was never onboarded: Senzu has no way in".into(),
            who_acts: "boot it into PIOUS once".into(),
        }
        .into();
    }
    if !situation.is_up() {
        return Outcome::Wait { what: "its next boot".into(), until: None }.into();
    }
    match firmware.newest_of(NAME) {
        None => instruct(firmware).into(),
        Some(told) => answered(situation, firmware, told),
    }
}

fn answered(situation: &Situation, firmware: &Firmware, told: &Told) -> Run {
    match told.issued.status {
        Status::Issued | Status::Accepted => Outcome::Wait { what: under_way(&told.issued), until: None }.into(),
        // It was proved in the same transaction, unless a newer password is wanted by now.
        Status::Done | Status::Withdrawn => instruct(firmware).into(),
        Status::Refused | Status::Failed | Status::Expired => {
            try_again(situation, firmware, NAME, told, TRIES, || instruct(firmware).into())
        }
    }
}

fn instruct(firmware: &Firmware) -> Outcome {
    let generation = firmware.bmc.generation;
    Outcome::Instruct {
        ask: Ask {
            action: Action::BmcUser(BmcUser { generation }),
            precondition: None,
            valid_for: VALID_FOR,
            out_of_band: false,
        },
        words: format!("told to give the BMC our user, with password {generation}"),
    }
}
