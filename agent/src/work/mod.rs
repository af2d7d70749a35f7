//! What instructions do. Pure: an instruction and its circumstances in, a decision out.
//!
//! Everything that is not certain refuses: an action that was done cannot be refused any more.

mod firmware;

use crate::machine::{Ending, Power};
use pious_protocol::{
    ids::{AssetId, BootId, UnixMs},
    instruction::{Action, Instruction, Precondition},
    message::{AssetState, Report},
};

/// What an instruction is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// This asset.
    pub asset: AssetId,
    /// This boot session.
    pub boot: BootId,
    /// Senzu's time.
    pub now: UnixMs,
    /// The asset's state as the agent knows it.
    pub state: AssetState,
    /// Whether instructions may end this machine.
    pub power: Power,
}

/// What becomes of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is done but this answer.
    Answer(Report),
    /// The asset is in another state from now on.
    SwitchState {
        /// The state.
        to: AssetState,
        /// Tells so.
        report: Report,
    },
    /// The machine goes down, once the report arrived.
    End {
        /// How.
        ending: Ending,
        /// Tells so.
        report: Report,
    },
}

/// Decides on an instruction that is believed and new.
pub fn decide(instruction: &Instruction, here: &Circumstances) -> Decision {
    match check(instruction, here).and_then(|()| act(&instruction.action, here)) {
        Ok(decision) => decision,
        Err(reason) => Decision::Answer(Report::Refused { reason }),
    }
}

/// Whom it is for, whether it still holds, and whether what it relies on is so.
fn check(instruction: &Instruction, here: &Circumstances) -> Result<(), String> {
    if instruction.asset != here.asset {
        return Err(format!("it is for asset {}, and this is {}", instruction.asset, here.asset));
    }
    if let Some(boot) = instruction.boot.filter(|boot| *boot != here.boot) {
        return Err(format!("it is for boot {boot}, and this is {}", here.boot));
    }
    if here.now >= instruction.expires_ms {
        let late_ms = here.now.0 - instruction.expires_ms.0;
        return Err(format!("it expired {late_ms} ms ago, by Senzu's clock"));
    }
    match &instruction.precondition {
        None => Ok(()),
        Some(Precondition::StateIs { state }) if *state == AssetState::Unknown => {
            Err("it asks for a state that this build does not know".into())
        }
        Some(Precondition::StateIs { state }) if *state == here.state => Ok(()),
        Some(Precondition::StateIs { state }) => Err(format!("it asks for state {state}, and this is {}", here.state)),
        Some(Precondition::FirmwareIs { component, version }) => {
            Err(format!("it asks for {component} firmware {version}, and this build can't read {component}'s version"))
        }
        Some(Precondition::Unknown) => Err("it has a precondition that this build does not know".into()),
    }
}

fn act(action: &Action, here: &Circumstances) -> Result<Decision, String> {
    match action {
        Action::SwitchState { to: AssetState::Unknown } => Err("it names a state that this build does not know".into()),
        Action::SwitchState { to } => Ok(Decision::SwitchState {
            to: *to,
            report: Report::Done { evidence: Some(format!("state is {to}, was {}", here.state)) },
        }),
        Action::Reboot { .. } => end(Ending::Reboot, "rebooting now", here),
        Action::Shutdown { .. } => end(Ending::PowerOff, "powering off now", here),
        Action::FirmwareUpdate { component, version, url, sha256 } => {
            Err(firmware::refuse(component, version, url, sha256))
        }
        Action::Unknown(unknown) => Err(match &unknown.problem {
            None => format!("this build does not know instructions of kind {:?}", unknown.kind),
            Some(problem) => format!("its {:?} can't be read: {problem}", unknown.kind),
        }),
    }
}

fn end(ending: Ending, evidence: &str, here: &Circumstances) -> Result<Decision, String> {
    match here.power {
        Power::Granted => Ok(Decision::End { ending, report: Report::Done { evidence: Some(evidence.into()) } }),
        Power::Withheld => Err("this agent runs without power over its machine".into()),
    }
}
