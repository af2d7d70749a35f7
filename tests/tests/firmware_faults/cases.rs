//! The cases: what goes wrong, where, and how it must end.

use pious_lab::bmc::redfish::Fault;
use pious_protocol::firmware::FirmwareComponent;
use std::time::Duration;

/// What a BMC takes to write an image, but where it matters how long that is.
pub const FLASH: Duration = Duration::from_millis(300);
/// Long enough for others to die and come back meanwhile.
const LONG_FLASH: Duration = Duration::from_secs(4);

/// One case.
pub struct Case {
    pub component: FirmwareComponent,
    pub trouble: Trouble,
    pub flash: Duration,
    pub ends: Ends,
    /// How many whole images of what is wanted the BMC must have got.
    pub images: usize,
    /// How many logins it must have refused.
    pub refused: usize,
}

/// How a case must end.
pub enum Ends {
    /// With the version that is wanted.
    Done,
    /// It waits for a person, and its words say all of these.
    Recovery(&'static [&'static str]),
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The BMC does something wrong.
    Fault(Fault, Strikes),
    /// Nothing.
    Nothing,
    /// What is wanted runs already.
    RunsAlready,
    /// Somebody else updates the component after it was read and before the agent begins.
    Moves,
    /// The image is for another model, and nobody noticed.
    OtherModel,
    /// Senzu is killed and started again while the agent fetches the image.
    SenzuDiesAtFetch,
    /// Senzu is killed and started again while the BMC writes.
    SenzuDiesAtFlash,
    /// The agent is killed while the BMC writes, and goes on in the same boot session.
    AgentDiesAtFlash,
    /// The server loses its power while the BMC writes, and boots anew before the BMC is done.
    PowerFailsAtFlash,
    /// The server loses its power while the image goes to the BMC.
    PowerFailsAtPush,
    /// It is wanted again once it is there, and where the boot is the same, the agent is handed the instruction again.
    Repeated,
}

/// When a BMC is told of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strikes {
    /// Before anybody asks it anything.
    Inventory,
    /// Between the inventory and the update.
    Update,
    /// When the agent has checked everything, and is about to hand over the image.
    Push,
    /// By itself, while it has the image.
    Flash,
}

impl Case {
    /// What people read.
    pub fn name(&self) -> String {
        match self.trouble {
            Trouble::Fault(fault, Strikes::Inventory) => format!("{fault}, from the inventory on"),
            Trouble::Fault(fault, Strikes::Update) => format!("{fault}, between the inventory and the flash"),
            Trouble::Fault(fault, Strikes::Push) => format!("{fault}, at the push"),
            Trouble::Fault(fault, Strikes::Flash) => fault.to_string(),
            Trouble::Nothing => "none".into(),
            Trouble::RunsAlready => "the version runs already".into(),
            Trouble::Moves => "another version came between the plan and the flash".into(),
            Trouble::OtherModel => "an image for another model".into(),
            Trouble::SenzuDiesAtFetch => "Senzu killed during the fetch".into(),
            Trouble::SenzuDiesAtFlash => "Senzu killed while the BMC writes".into(),
            Trouble::AgentDiesAtFlash => format!("agent killed while the BMC writes{}", self.for_long()),
            Trouble::PowerFailsAtFlash => format!("server reset while the BMC writes{}", self.for_long()),
            Trouble::PowerFailsAtPush => "server reset during the push".into(),
            Trouble::Repeated if self.component == FirmwareComponent::Bios => "wanted again after success".into(),
            Trouble::Repeated => "the instruction comes again after success".into(),
        }
    }

    fn for_long(&self) -> &'static str {
        if self.flash == LONG_FLASH { ", for longer than it takes to come back" } else { "" }
    }

    /// The version that is wanted. Images of those of their own are different.
    pub fn wanted(&self) -> &'static str {
        let is_bmc = match self.component {
            FirmwareComponent::Bmc => true,
            FirmwareComponent::Bios => false,
            FirmwareComponent::Nic => return "22.32.1",
            FirmwareComponent::Psu => return "00.1E.54",
            FirmwareComponent::Drive | FirmwareComponent::Unknown => return "none",
        };
        match (self.trouble, is_bmc) {
            (Trouble::RunsAlready, true) => "2.10.0",
            (Trouble::RunsAlready, false) => "2.1.0",
            (Trouble::OtherModel, true) => "2.12.0",
            (Trouble::OtherModel, false) => "2.3.0",
            (Trouble::SenzuDiesAtFetch, true) => "2.13.0",
            (Trouble::SenzuDiesAtFetch, false) => "2.4.0",
            (Trouble::Fault(_, Strikes::Push), true) => "2.14.0",
            (Trouble::Fault(_, Strikes::Push), false) => "2.5.0",
            (_, true) => "2.11.0",
            (_, false) => "2.2.0",
        }
    }
}

/// All of them.
pub fn all() -> Vec<Case> {
    let others = [FirmwareComponent::Nic, FirmwareComponent::Psu].into_iter().map(well);
    [FirmwareComponent::Bmc, FirmwareComponent::Bios].into_iter().flat_map(of).chain(others).collect()
}

/// Nothing goes wrong: what the BMC writes for others goes the same way.
fn well(component: FirmwareComponent) -> Case {
    Case { component, trouble: Trouble::Nothing, flash: FLASH, ends: Ends::Done, images: 1, refused: 0 }
}

fn of(component: FirmwareComponent) -> Vec<Case> {
    use Strikes::{Flash, Inventory, Push, Update};
    let is_bmc = component == FirmwareComponent::Bmc;
    let case = |trouble, ends, images| Case { component, trouble, flash: FLASH, ends, images, refused: 0 };
    let fault = |fault, strikes, ends, images| case(Trouble::Fault(fault, strikes), ends, images);
    let refused = |case: Case| Case { refused: 1, ..case };
    let long = |case: Case| Case { flash: LONG_FLASH, ..case };
    let recovery = Ends::Recovery;
    // What says at once that the version is another, and what only the next boot shows.
    let not_taken = |bmc, bios| recovery(if is_bmc { bmc } else { bios });
    vec![
        case(Trouble::Nothing, Ends::Done, 1),
        fault(Fault::HangsAt60, Flash, recovery(&["hangs at 60% after 5 s"]), 1),
        fault(
            Fault::DoesNothing,
            Flash,
            not_taken(
                &["answered done, and the BMC runs 2.10.0 and not 2.11.0"],
                &["the BMC took 2.2.0 and said that it was done, and 2.1.0 was read afterwards"],
            ),
            1,
        ),
        fault(Fault::ResetsMidFlash, Flash, recovery(&["the BMC restarted meanwhile"]), 1),
        fault(
            Fault::WrongVersion,
            Flash,
            not_taken(
                &["answered done, and the BMC runs 0.9.9 and not 2.11.0"],
                &["the BMC took 2.2.0 and said that it was done, and 0.9.9 was read afterwards"],
            ),
            1,
        ),
        fault(Fault::Unavailable { requests: 2 }, Inventory, Ends::Done, 1),
        fault(Fault::Unavailable { requests: 2 }, Update, Ends::Done, 1),
        fault(Fault::Unavailable { requests: 2 }, Push, Ends::Done, 1),
        fault(Fault::ExpiresSessions, Flash, Ends::Done, 1),
        // 256 KiB in a second, and in thirteen.
        fault(Fault::SlowLink { bytes_per_s: 200_000 }, Flash, Ends::Done, 1),
        fault(Fault::SlowLink { bytes_per_s: 20_000 }, Flash, recovery(&["bytes of the image were handed over"]), 0),
        fault(Fault::RejectsSignature, Flash, recovery(&["signature verification failed"]), 1),
        // Only its own firmware makes it restart.
        fault(Fault::StaysAway, Flash, if is_bmc { recovery(&["the BMC is away for "]) } else { Ends::Done }, 1),
        refused(fault(Fault::RefusesCredentials, Inventory, recovery(&["refuses user \"pious\" with 401"]), 0)),
        refused(fault(Fault::RefusesCredentials, Update, recovery(&["refuses user \"pious\" with 401"]), 0)),
        // Nobody knew it before.
        fault(Fault::NewCertificate, Inventory, Ends::Done, 1),
        fault(Fault::NewCertificate, Update, recovery(&["shows certificate"]), 0),
        case(Trouble::RunsAlready, Ends::Done, 0),
        case(
            Trouble::Moves,
            recovery(if is_bmc {
                &["the BMC runs 2.10.7, and not 2.10.0, from which it would be updated"]
            } else {
                &["the BIOS runs 2.1.7, and not 2.1.0, from which it would be updated"]
            }),
            0,
        ),
        case(Trouble::OtherModel, recovery(&["the image is for model \"Other Server\"; this is \"Lab Server\""]), 1),
        case(Trouble::SenzuDiesAtFetch, Ends::Done, 1),
        long(case(Trouble::SenzuDiesAtFlash, Ends::Done, 1)),
        // The BMC is done before another agent comes, and still at it when it does.
        case(Trouble::AgentDiesAtFlash, Ends::Done, 1),
        long(case(Trouble::AgentDiesAtFlash, Ends::Done, 1)),
        case(Trouble::PowerFailsAtFlash, Ends::Done, 1),
        long(case(Trouble::PowerFailsAtFlash, Ends::Done, 1)),
        case(Trouble::PowerFailsAtPush, Ends::Done, 1),
        case(Trouble::Repeated, Ends::Done, 1),
    ]
}
