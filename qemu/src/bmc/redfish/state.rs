//! One BMC: its sessions, its server's power, its own restarts. What is done to its firmware is in [`super::update`].
//!
//! Pure: the clock is an argument; what happens goes in by methods, what must be done outside comes out as [`Order`]s.

use super::{
    fault::{Fault, Faults},
    log::{Entry, Noted},
    style::{Style, Versions},
    update::{Task, TaskState},
};
use jiff::Timestamp;
use pious_protocol::firmware::FirmwareComponent;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// How long a session lasts that nobody uses: DSP0268's SessionTimeout, in seconds, as most vendors ship it.
pub const SESSION_TIMEOUT_S: i64 = 1800;

/// How many sessions there may be; what vendors have is between 6 and 64.
const MAX_SESSIONS: usize = 64;

/// Between the end of its own update (or being told) and the restart: who asks once more sees the task completed.
const RESTARTS_AFTER: Duration = Duration::from_millis(500);

/// What a BMC and its server are.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Whose it is like.
    pub style: Style,
    /// The server's name.
    pub name: String,
    /// The server's maker.
    pub manufacturer: String,
    /// The server's model, which images must be for.
    pub model: String,
    /// The server's serial.
    pub serial: String,
    /// The server's UUID.
    pub uuid: Uuid,
    /// Its firmware.
    pub versions: Versions,
    /// How long writing an image takes.
    pub flash: Duration,
    /// How long it is away when it restarts.
    pub restart: Duration,
    /// What it measures.
    pub sensors: Vec<Sensor>,
}

/// Something that it measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// What it is called.
    pub name: String,
    /// `ReadingType`.
    pub reading_type: &'static str,
    /// `ReadingUnits`.
    pub units: &'static str,
    /// What it reads.
    pub reading: f64,
}

/// Somebody who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `Id`.
    pub id: String,
    /// `X-Auth-Token`.
    pub token: String,
    /// By which name.
    pub user: String,
    pub(super) used: Timestamp,
}

/// `ResetType` of a ComputerSystem (DSP0268, Resource).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResetType {
    /// Switch on.
    On,
    /// Pull the cord.
    ForceOff,
    /// Press the power button.
    GracefulShutdown,
    /// Ask it to restart.
    GracefulRestart,
    /// Press the reset button.
    ForceRestart,
    /// Off, then on.
    PowerCycle,
}

impl ResetType {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::On, Self::ForceOff, Self::GracefulShutdown, Self::GracefulRestart, Self::ForceRestart, Self::PowerCycle];
}

/// `BootSourceOverrideTarget`, as far as it does something here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BootTarget {
    /// Whatever comes first.
    #[default]
    None,
    /// The network.
    Pxe,
    /// A disk.
    Hdd,
}

/// `BootSourceOverrideEnabled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BootEnabled {
    /// Not at all.
    #[default]
    Disabled,
    /// At the next start.
    Once,
    /// At every start.
    Continuous,
}

/// Where the server shall boot from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BootOverride {
    /// From what.
    pub target: BootTarget,
    /// When.
    pub enabled: BootEnabled,
}

/// What must be done outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The server is to be switched or reset.
    Host(ResetType),
    /// A new certificate is to be shown.
    NewCertificate,
}

/// Where the BMC is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Here,
    Until(Timestamp),
    Gone,
}

/// Why somebody is not logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// Name or password are wrong.
    Refused,
    /// There are too many sessions.
    Full,
}

/// One BMC.
#[derive(Debug)]
pub struct Simulated {
    pub(super) is: Description,
    pub(super) versions: Versions,
    /// What ran before.
    pub(super) before: Versions,
    /// What is written and does not run yet.
    pub(super) staged: Versions,
    pub(super) sessions: Vec<Session>,
    pub(super) tasks: Vec<Task>,
    pub(super) is_receiving: bool,
    pub(super) host_is_on: bool,
    pub(super) boot: BootOverride,
    pub(super) faults: Faults,
    pub(super) restarts_at: Option<(Timestamp, &'static str)>,
    presence: Presence,
    next_session: u32,
    pub(super) next_task: u32,
    orders: Vec<Order>,
    log: Vec<Entry>,
}

impl Simulated {
    /// A BMC that has nothing to do, of a server that is off.
    pub fn new(is: Description) -> Self {
        let before = is.versions.keys().map(|component| (*component, "1.0.0".to_owned())).collect();
        Self {
            versions: is.versions.clone(),
            before,
            is,
            staged: Versions::new(),
            sessions: Vec::new(),
            tasks: Vec::new(),
            is_receiving: false,
            host_is_on: false,
            boot: BootOverride::default(),
            faults: Faults::default(),
            restarts_at: None,
            presence: Presence::Here,
            next_session: 1,
            next_task: 1,
            orders: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Whether it can be asked at all.
    pub fn is_here(&self) -> bool {
        self.presence == Presence::Here
    }

    /// What runs.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// What happened so far.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// What is to be done outside; each is told once.
    pub fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// When [`Self::advance`] has something to do next.
    pub fn next_due(&self) -> Option<Timestamp> {
        let back = match self.presence {
            Presence::Until(at) => Some(at),
            Presence::Here | Presence::Gone => None,
        };
        self.tasks
            .iter()
            .filter_map(|task| task.next_due(self.is.flash))
            .chain(back)
            .chain(self.restarts_at.map(|(at, _)| at))
            .min()
    }

    /// It has become so late.
    pub fn advance(&mut self, now: Timestamp) {
        if let Presence::Until(at) = self.presence
            && at <= now
        {
            self.presence = Presence::Here;
            self.note(now, Noted::ResetEnded);
        }
        let idle = jiff::SignedDuration::from_secs(SESSION_TIMEOUT_S);
        self.sessions.retain(|session| now.duration_since(session.used) < idle);
        self.advance_tasks(now);
        if let Some((at, why)) = self.restarts_at
            && at <= now
        {
            self.restart(now, why);
        }
    }

    /// Orders a fault; `None` takes all of them away.
    pub fn tell_fault(&mut self, now: Timestamp, fault: Option<Fault>, sticky: bool) {
        self.note(now, Noted::FaultTold { fault: fault.map(|fault| fault.to_string()) });
        match fault {
            Some(Fault::NewCertificate) => self.orders.push(Order::NewCertificate),
            Some(fault) => self.faults.tell(fault, sticky),
            None => {
                self.faults.clear();
                if self.presence == Presence::Gone {
                    self.presence = Presence::Until(now + self.is.restart);
                }
            }
        }
    }

    /// Whether this request is answered 503.
    pub fn is_unavailable(&mut self) -> bool {
        self.faults.is_unavailable()
    }

    /// Whether a login is refused whoever it is.
    pub fn refuses_credentials(&mut self) -> bool {
        self.faults.strikes(Fault::RefusesCredentials)
    }

    /// Somebody logs in, whose password was right or not. `token`: a secret that nobody had before.
    pub fn log_in(&mut self, now: Timestamp, user: &str, admitted: bool, token: String) -> Result<Session, LoginError> {
        self.note(now, Noted::Login { user: user.to_owned(), admitted });
        if !admitted {
            return Err(LoginError::Refused);
        }
        if self.sessions.len() >= MAX_SESSIONS {
            return Err(LoginError::Full);
        }
        let session = Session { id: self.next_session.to_string(), token, user: user.to_owned(), used: now };
        self.next_session += 1;
        self.sessions.push(session.clone());
        Ok(session)
    }

    /// Whether a token is somebody's.
    pub fn admit(&mut self, now: Timestamp, token: &str) -> bool {
        let session = self.sessions.iter_mut().find(|session| session.token == token);
        session.map(|session| session.used = now).is_some()
    }

    /// Somebody logs out; whether there was such a session.
    pub fn log_out(&mut self, id: &str) -> bool {
        let count = self.sessions.len();
        self.sessions.retain(|session| session.id != id);
        self.sessions.len() < count
    }

    /// A task is asked for.
    pub fn task_polled(&mut self) {
        if self.faults.strikes(Fault::ExpiresSessions) {
            self.sessions.clear();
        }
    }

    /// The server is to be switched or reset.
    pub fn reset_host(&mut self, now: Timestamp, reset: ResetType) {
        self.note(now, Noted::HostReset { reset: format!("{reset:?}") });
        self.orders.push(Order::Host(reset));
    }

    /// Where the server shall boot from.
    pub fn set_boot(&mut self, now: Timestamp, boot: BootOverride) {
        self.boot = boot;
        let (target, enabled) = (format!("{:?}", boot.target), format!("{:?}", boot.enabled));
        self.note(now, Noted::BootOverrideSet { target, enabled });
    }

    /// The server starts: a BIOS that waits for that runs from now on. Answers where it shall boot from.
    pub fn host_starts(&mut self, now: Timestamp) -> BootTarget {
        self.host_is_on = true;
        self.note(now, Noted::HostStarted);
        self.apply_staged(now, FirmwareComponent::Bios);
        match self.boot.enabled {
            BootEnabled::Disabled => BootTarget::None,
            BootEnabled::Continuous => self.boot.target,
            BootEnabled::Once => std::mem::take(&mut self.boot).target,
        }
    }

    /// The server is off.
    pub fn host_is_off(&mut self) {
        self.host_is_on = false;
    }

    /// Whether the server is on.
    pub fn host_is_on(&self) -> bool {
        self.host_is_on
    }

    /// The BMC is told to restart. It does so a moment later: whoever told it still gets an answer.
    pub fn reset_bmc(&mut self, now: Timestamp) {
        self.restarts_soon(now, "it was told to");
    }

    pub(super) fn restarts_soon(&mut self, now: Timestamp, why: &'static str) {
        self.restarts_at = Some((now + RESTARTS_AFTER, why));
    }

    pub(super) fn restart(&mut self, now: Timestamp, why: &str) {
        self.note(now, Noted::ResetBegun { why: why.to_owned() });
        self.restarts_at = None;
        self.sessions.clear();
        self.is_receiving = false;
        let running = self.tasks.iter_mut().filter(|task| task.state == TaskState::Running);
        let ended: Vec<Noted> = running.map(|task| task.fail(now, "the BMC restarted meanwhile")).collect();
        for ended in ended {
            self.note(now, ended);
        }
        if !self.is.style.keeps_tasks() {
            self.tasks.clear();
        }
        self.apply_staged(now, FirmwareComponent::Bmc);
        self.presence = match self.faults.strikes(Fault::StaysAway) {
            true => Presence::Gone,
            false => Presence::Until(now + self.is.restart),
        };
    }

    pub(super) fn apply_staged(&mut self, now: Timestamp, component: FirmwareComponent) {
        let Some(to) = self.staged.remove(&component) else { return };
        let from = self.versions.insert(component, to.clone()).unwrap_or_default();
        self.before.insert(component, from.clone());
        self.note(now, Noted::VersionChanged { component, from, to });
    }

    pub(super) fn note(&mut self, now: Timestamp, what: Noted) {
        let at_ms = u64::try_from(now.as_millisecond()).unwrap_or_default();
        self.log.push(Entry { at_ms, what });
    }
}
