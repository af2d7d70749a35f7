//! What instructions do. Here, pure: an instruction and its circumstances in, a decision out. Everything that is not
//! certain refuses: an action that was done cannot be refused any more.
//!
//! What takes time is done in the other files, by a task of its own that ends in a report:
//!
//! | file | what |
//! | --- | --- |
//! | `worker` | who does it, with what |
//! | `line` | how far it is, and whether it may go on |
//! | `marks` | which updates began, for the process after this one |
//! | `under_way` | how it is begun by whoever drives the machine |
//! | `firmware` | `firmware_update`, `firmware_inventory` |
//! | `drives` | `firmware_update` of NVMe disks, which this server writes itself |
//! | `nvme` | the commands for that, and what disks answer |
//! | `nvme_device` | sends them, to a disk that stays open |
//! | `bmc_user` | `bmc_user` |
//! | `bmc` | where the BMC is found |

mod bmc;
mod bmc_user;
mod drives;
mod firmware;
mod line;
mod marks;
mod nvme;
mod nvme_device;
mod under_way;
mod worker;

pub use line::{Go, Halt, Line};
pub use marks::Marks;
pub use nvme::{CommitAction, NvmeWrite, Slot, Status};
pub use nvme_device::NvmeDisks;
pub use pious_redfish::Patience;
pub use under_way::{Asked, UnderWay};
pub use worker::{Doing, Hands, Tools, Worker, patient_worker, worker};

use crate::machine::{Ending, Power};
use pious_protocol::{
    firmware::{Activation, FirmwareComponent, Transfer, VersionSource},
    ids::{AssetId, BootId, UnixMs},
    instruction::{Action, BmcUser, FirmwareInventory, FirmwareUpdate, Instruction, Precondition},
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
    /// Something that takes time.
    Work(Work),
    /// The machine goes down, once the report arrived.
    End {
        /// How.
        ending: Ending,
        /// Tells so.
        report: Report,
    },
}

/// What takes time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Bring a component's firmware to a version.
    FirmwareUpdate {
        /// The version that it must have now.
        from: String,
        /// To which, and how.
        update: Box<FirmwareUpdate>,
    },
    /// Read which firmware there is.
    FirmwareInventory(FirmwareInventory),
    /// Give the BMC its user.
    BmcUser(BmcUser),
}

impl Work {
    /// What it is, for people.
    pub fn title(&self) -> String {
        match self {
            Self::FirmwareUpdate { from, update } => {
                format!("{} firmware {from} -> {}", update.component, update.version)
            }
            Self::FirmwareInventory(_) => "reading firmware versions".into(),
            Self::BmcUser(_) => "giving the BMC its user".into(),
        }
    }
}

/// Decides on an instruction that is believed and new.
pub fn decide(instruction: &Instruction, here: &Circumstances) -> Decision {
    match check(instruction, here).and_then(|()| act(instruction, here)) {
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
        // Only the device knows: it is read before anything is written.
        Some(Precondition::FirmwareIs { .. }) => match instruction.action {
            Action::FirmwareUpdate(_) => Ok(()),
            Action::SwitchState { .. }
            | Action::Reboot { .. }
            | Action::Shutdown { .. }
            | Action::FirmwareInventory(_)
            | Action::BmcUser(_)
            | Action::Unknown(_) => Err("only an update of firmware can ask for a version of it".into()),
        },
        Some(Precondition::Unknown) => Err("it has a precondition that this build does not know".into()),
    }
}

fn act(instruction: &Instruction, here: &Circumstances) -> Result<Decision, String> {
    match &instruction.action {
        Action::SwitchState { to: AssetState::Unknown } => Err("it names a state that this build does not know".into()),
        Action::SwitchState { to } => {
            Ok(Decision::SwitchState { to: *to, report: Report::done(format!("state is {to}, was {}", here.state)) })
        }
        Action::Reboot { .. } => end(Ending::Reboot, "rebooting now", here),
        Action::Shutdown { .. } => end(Ending::PowerOff, "powering off now", here),
        Action::FirmwareUpdate(update) => update_firmware(update, instruction.precondition.as_ref(), here),
        Action::FirmwareInventory(inventory) => Ok(work(Work::FirmwareInventory(inventory.clone()))),
        Action::BmcUser(user) => {
            has_power(here)?;
            Ok(work(Work::BmcUser(user.clone())))
        }
        Action::Unknown(unknown) => Err(match &unknown.problem {
            None => format!("this build does not know instructions of kind {:?}", unknown.kind),
            Some(problem) => format!("its {:?} can't be read: {problem}", unknown.kind),
        }),
    }
}

fn update_firmware(
    update: &FirmwareUpdate,
    precondition: Option<&Precondition>,
    here: &Circumstances,
) -> Result<Decision, String> {
    has_power(here)?;
    if here.state == AssetState::Baremetal {
        return Err("this is BAREMETAL: it is updated out of band".into());
    }
    let recipe = &update.recipe;
    let is_known = update.component != FirmwareComponent::Unknown
        && recipe.version != VersionSource::Unknown
        && recipe.transfer != Transfer::Unknown
        && recipe.activation != Activation::Unknown;
    if !is_known {
        return Err("it names a component, or a way to update it, that this build does not know".into());
    }
    if recipe.transfer == Transfer::Nvme && update.component != FirmwareComponent::Drive {
        return Err(format!("only disks are written over NVMe, and this is for the {}", update.component));
    }
    match precondition {
        Some(Precondition::FirmwareIs { component, version }) if *component == update.component => {
            Ok(work(Work::FirmwareUpdate { from: version.clone(), update: Box::new(update.clone()) }))
        }
        Some(Precondition::FirmwareIs { .. } | Precondition::StateIs { .. } | Precondition::Unknown) | None => {
            Err("it does not say which version it is to start from".into())
        }
    }
}

fn work(work: Work) -> Decision {
    Decision::Work(work)
}

fn end(ending: Ending, evidence: &str, here: &Circumstances) -> Result<Decision, String> {
    has_power(here)?;
    Ok(Decision::End { ending, report: Report::done(evidence) })
}

fn has_power(here: &Circumstances) -> Result<(), String> {
    match here.power {
        Power::Granted => Ok(()),
        Power::Withheld => Err("this agent runs without power over its machine".into()),
    }
}
