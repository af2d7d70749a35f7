//! WAKE: an asset that powered off until it is needed is needed. Senzu turns it on through its BMC, to boot into PIOUS; from
//! there on it is as any other that runs it, and is powered off behind its goal.
//!
//! It holds a slot from here on: no more are turned on than are written to at once.

use super::{recover, try_again, unless_in_recovery, with_slot, without_slot_at_rest};
use crate::{
    beans::under_way,
    dag::{Ask, Bean, BeanFuture, Outcome, Run, Situation, firmware::Firmware, later},
    store::{
        instructions::{Status, Told},
        sessions,
    },
};
use pious_protocol::instruction::{Action, Precondition};
use std::time::Duration;

pub struct Wake;

const NAME: &str = "WAKE";
/// As POWER_OFF_SPARE's.
const VALID_FOR: Duration = Duration::from_secs(300);
/// A BMC that is busy, or a server that is still powering off: the waits double, and three are seven minutes.
const TRIES: u32 = 3;
/// From power to PIOUS: a large server trains its memory for minutes, and tries other boot devices before the network.
const BOOTS_WITHIN: Duration = Duration::from_secs(1200);

impl Bean for Wake {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Turns a powered off asset on through its BMC, to boot into PIOUS"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        let run = match &situation.firmware {
            None => Outcome::NotNeeded { words: "nobody wants other firmware".into() }.into(),
            Some(firmware) => unless_in_recovery(situation, wake(situation, firmware)),
        };
        run.into()
    }
}

fn wake(situation: &Situation, firmware: &Firmware) -> Run {
    if firmware.out_of_band {
        return Outcome::NotNeeded { words: "it serves: PIOUS does not run on it".into() }.into();
    }
    if situation.is_up() {
        return Outcome::Done { words: "PIOUS runs on it".into() }.into();
    }
    let is_off = situation.asset.ended_why.as_deref() == Some(sessions::POWERED_OFF);
    let Some(session) = situation.session.as_ref().filter(|_| is_off) else {
        return Outcome::NotNeeded { words: "it did not power off: it boots by itself".into() }.into();
    };
    if let Err(why) = firmware.bmc.may_wake() {
        return Outcome::Blocked { by: why.into(), who_acts: "switch it on".into() }.into();
    }
    // What turned it on earlier has nothing to do with this rest.
    let is_of_this_rest = |told: &&Told| Some(told.issued.instruction.issued_ms) >= session.ended;
    match firmware.newest_of(NAME).filter(is_of_this_rest) {
        None => begin(situation, firmware),
        Some(told) => answered(situation, firmware, told),
    }
}

fn answered(situation: &Situation, firmware: &Firmware, told: &Told) -> Run {
    match told.issued.status {
        Status::Issued | Status::Accepted => Outcome::Wait { what: under_way(&told.issued), until: None }.into(),
        // That it was turned on is no boot.
        Status::Done => {
            let until = later(told.issued.changed, BOOTS_WITHIN);
            match situation.now < until {
                true => Outcome::Wait { what: "its boot: its BMC turned it on".into(), until: Some(until) }.into(),
                false => {
                    let minutes = BOOTS_WITHIN.as_secs() / 60;
                    recover(format!(
                        "it did not boot into PIOUS within {minutes} minutes, though it was woken: {}",
                        told.ending()
                    ))
                }
            }
        }
        Status::Withdrawn => begin(situation, firmware),
        // The BMC does not let Senzu in: it is asked once, as BMCs lock users out.
        Status::Refused => recover(format!("it was not woken: {}", told.ending())),
        Status::Failed | Status::Expired => {
            let run = try_again(situation, firmware, NAME, told, TRIES, || begin(situation, firmware));
            without_slot_at_rest(firmware, run)
        }
    }
}

fn begin(situation: &Situation, firmware: &Firmware) -> Run {
    let told = Outcome::Instruct {
        ask: Ask {
            action: Action::Reboot { reason: "it is needed: firmware".into() },
            precondition: Some(Precondition::StateIs { state: situation.asset.standing.state }),
            valid_for: VALID_FOR,
            out_of_band: true,
        },
        words: "told its BMC to turn it on".into(),
    };
    with_slot(situation, firmware, told)
}
