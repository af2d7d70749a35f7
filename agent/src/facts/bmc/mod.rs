//! The management controller, asked over its system interface (IPMI 2.0).
//!
//! Two readings, for they age differently: who it is (device, LAN, FRUs), and how the machine is by its sensors
//! (chassis, event log, sensors, power supplies). Each opens the interface, asks within a bound, and closes it; each
//! member that can't be read says why. What the bytes mean is in the other files, which know no interface.

mod chassis;
mod command;
mod conversation;
mod device;
mod error;
mod event_log;
mod formula;
mod fru;
mod interface;
mod lan;
pub(super) mod presence;
mod sdr;
mod sensors;
mod text;
mod user;
mod words;

pub use command::{Command, Request};
pub use conversation::Ipmi;
pub use error::{Completion, IpmiError};
pub(super) use interface::open;
pub use user::{Placed, UserError};

use super::Host;
use conversation::Conversation;
use pious_protocol::{
    facts::{Bmc, Observed},
    firmware::Secret,
};
use sdr::Records;
use std::time::Duration;

/// How long asking who the BMC is may take: some hundred exchanges of milliseconds each, on a slow BMC of tens.
const IDENTITY_WITHIN: Duration = Duration::from_secs(10);

/// The same with hundreds of sensors.
const HEALTH_WITHIN: Duration = Duration::from_secs(20);

/// Lighting a LED is one exchange.
const IDENTIFY_WITHIN: Duration = Duration::from_secs(5);

/// A user is up to 63 slots to look through and some ten writes, which a BMC puts into its flash: a second each.
const USER_WITHIN: Duration = Duration::from_secs(60);

/// Who the BMC is: device, LAN and FRUs. The members of its health are as of a BMC that nobody asked.
pub fn identity(host: &dyn Host) -> Observed<Bmc> {
    ask(host.ipmi(), IDENTITY_WITHIN, identity_by)
}

/// How the machine is, by its BMC: chassis, event log, sensors, power supplies. The members of who it is are as of a BMC
/// that nobody asked.
pub fn health(host: &dyn Host) -> Observed<Bmc> {
    ask(host.ipmi(), HEALTH_WITHIN, health_by)
}

/// Both in one conversation, in which the data records are read once.
pub fn identity_and_health(host: &dyn Host) -> Observed<Bmc> {
    ask(host.ipmi(), IDENTITY_WITHIN + HEALTH_WITHIN, |bmc, repository| {
        let Bmc { device, lan, frus, .. } = identity_by(bmc, repository);
        Bmc { device, lan, frus, ..health_by(bmc, repository) }
    })
}

/// The data records, read when somebody first wants them: a BMC that is slow with them has said who it is by then.
#[derive(Default)]
struct Repository(Option<Result<Records, IpmiError>>);

impl Repository {
    fn records(&mut self, bmc: &mut Conversation) -> &Result<Records, IpmiError> {
        self.0.get_or_insert_with(|| sdr::read(bmc))
    }
}

fn ask(
    ipmi: Result<Box<dyn Ipmi>, IpmiError>,
    within: Duration,
    questions: impl FnOnce(&mut Conversation, &mut Repository) -> Bmc,
) -> Observed<Bmc> {
    let mut bmc = match ipmi {
        Ok(ipmi) => Conversation::new(ipmi, within),
        Err(error) => return Observed::absent(error.to_string()),
    };
    Observed::seen(interface::PATH, questions(&mut bmc, &mut Repository::default()))
}

fn identity_by(bmc: &mut Conversation, repository: &mut Repository) -> Bmc {
    let device = observed(Command::GetDeviceId, device::read(bmc));
    let lan = observed(Command::GetLanParameter, lan::read(bmc));
    // Without records, the built-in FRU is there still.
    let locators = repository.records(bmc).as_ref().map(|records| records.frus.as_slice()).unwrap_or_default().to_vec();
    let frus = observed(Command::ReadFruData, fru::read(bmc, &locators));
    Bmc { device, lan, frus, ..Bmc::default() }
}

fn health_by(bmc: &mut Conversation, repository: &mut Repository) -> Bmc {
    let chassis = observed(Command::GetChassisStatus, chassis::read(bmc));
    let records = repository.records(bmc);
    let known = records.as_ref().map(|records| records.sensors.as_slice()).unwrap_or_default();
    let event_log = observed(Command::GetSelEntry, event_log::read(bmc, known));
    let (sensors, power_supplies) = match records {
        Ok(records) => {
            let read = sensors::read(bmc, &records.sensors);
            let source = source(Command::GetSensorReading);
            (Observed::seen(&source, read.sensors), Observed::seen(source, read.power_supplies))
        }
        Err(error) => (Observed::absent(error.to_string()), Observed::absent(error.to_string())),
    };
    Bmc { chassis, event_log, sensors, power_supplies, ..Bmc::default() }
}

/// Lights the chassis' identify LED for so many seconds, so that somebody finds the machine; 0 puts it out.
///
/// # Errors
/// [`IpmiError`], when there is no BMC, it does not answer, or has no such light.
pub fn identify(host: &dyn Host, seconds: u8) -> Result<(), IpmiError> {
    chassis::identify(&mut Conversation::new(host.ipmi()?, IDENTIFY_WITHIN), seconds)
}

/// Gives the BMC a user who may do everything on its LANs, and proves that it lets the user in.
///
/// # Errors
/// [`UserError`], when the BMC does not answer, refuses, has no slot left, or says yes and does it not.
pub fn put_user(host: &dyn Host, name: &str, password: &Secret) -> Result<Placed, UserError> {
    user::put(&mut Conversation::new(host.ipmi()?, USER_WITHIN), name, password)
}

fn observed<T>(command: Command, read: Result<T, IpmiError>) -> Observed<T> {
    match read {
        Ok(value) => Observed::seen(source(command), value),
        Err(error) => Observed::absent(error.to_string()),
    }
}

fn source(command: Command) -> String {
    format!("{} {command}", interface::PATH)
}

/// As hexadecimal digits, in the order of the wire.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
