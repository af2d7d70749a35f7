//! A simulated machine from outside: what it is, its BMC, and what happens to it in the middle of its work.

use super::{
    bmc::{Bmc, Pace},
    server::Server,
};
use pious_agent::{
    machine::Event,
    work::{Hands, Work, Worker},
};
use pious_protocol::{facts::Facts, firmware::FlashPhase, message::Report};
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// How a boot session is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The agent's process is killed. PID 1 starts another, which goes on with the same boot session.
    Process,
    /// The machine loses its power, but for its BMC; it boots anew.
    Power,
}

/// Something to do once the work has come to a phase, and so far in it.
struct Trap {
    phase: FlashPhase,
    percent: u8,
    act: Box<dyn FnOnce(&Machine) + Send>,
}

/// Something that an update waits for.
type Hold = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A simulated machine.
pub struct Machine {
    server: Server,
    bmc: Option<Bmc>,
    death: Mutex<Option<Death>>,
    dies: Notify,
    traps: Mutex<Vec<Trap>>,
    hold: Mutex<Option<Hold>>,
}

impl Machine {
    /// One without a BMC.
    pub fn new(server: Server) -> Self {
        Self {
            server,
            bmc: None,
            death: Mutex::default(),
            dies: Notify::new(),
            traps: Mutex::default(),
            hold: Mutex::default(),
        }
    }

    /// One with a BMC, which is on from now on.
    pub fn with_bmc(server: Server, pace: Pace) -> io::Result<Self> {
        Ok(Self { bmc: Some(Bmc::start(server, pace)?), ..Self::new(server) })
    }

    /// Which it is.
    pub fn server(&self) -> Server {
        self.server
    }

    /// Its BMC.
    pub fn bmc(&self) -> Option<&Bmc> {
        self.bmc.as_ref()
    }

    /// Cuts its boot session off where it is. It goes on, or boots anew, a moment later.
    pub fn die(&self, death: Death) {
        *lock(&self.death) = Some(death);
        self.dies.notify_one();
    }

    /// Does something the first time that an update tells this phase, and so many percent of it. A BMC gets nothing of
    /// [`FlashPhase::HandingOver`] before that is done.
    pub fn at(&self, phase: FlashPhase, percent: u8, act: impl FnOnce(&Self) + Send + 'static) {
        lock(&self.traps).push(Trap { phase, percent, act: Box::new(act) });
    }

    /// The next update that the agent takes begins only behind this.
    pub fn hold_update(&self, until: impl Future<Output = ()> + Send + 'static) {
        *lock(&self.hold) = Some(Box::pin(until));
    }

    /// Its end by [`Machine::die`].
    pub(super) async fn death(&self) -> Death {
        loop {
            self.dies.notified().await;
            if let Some(death) = lock(&self.death).take() {
                return death;
            }
        }
    }

    /// It is switched on, or starts again.
    pub(super) fn powers_on(&self) {
        if let Some(bmc) = &self.bmc {
            bmc.host_starts();
        }
    }

    /// What its agent reads.
    pub fn facts(&self) -> Facts {
        let mut facts = self.server.facts();
        if let Some(bmc) = &self.bmc {
            bmc.add_to(&mut facts);
        }
        facts
    }

    pub(super) fn wakes(&self) -> impl Iterator<Item = Event> {
        let has_door = self.bmc.is_some();
        self.server.wakes().into_iter().map(move |event| match event {
            Event::Links(mut links) => {
                links.extend(has_door.then(Bmc::door));
                Event::Links(links)
            }
            event => event,
        })
    }

    /// An event on its way to the agent's machine.
    pub(super) fn passes(&self, event: &Event) {
        let Event::WorkProgressed { report: Report::Progress { phase: Some(at), percent: come, .. }, .. } = event
        else {
            return;
        };
        let due: Vec<Trap> =
            lock(&self.traps).extract_if(.., |trap| trap.phase == *at && trap.percent <= *come).collect();
        due.into_iter().for_each(|trap| (trap.act)(self));
    }

    /// Who does its work: the agent's own worker, but for what needs IPMI.
    pub(super) fn worker(self: &Arc<Self>, agents: Option<Worker>) -> Worker {
        let machine = Arc::clone(self);
        Arc::new(move |work, hands| {
            let (machine, agents) = (Arc::clone(&machine), agents.clone());
            Box::pin(async move {
                match (&machine.bmc, agents) {
                    (Some(bmc), Some(agents)) => machine.work(bmc, agents, work, hands).await,
                    (None, _) | (_, None) => Report::Refused { reason: "a simulated server has no BMC".into() },
                }
            })
        })
    }

    async fn work(&self, bmc: &Bmc, agents: Worker, work: Work, hands: Hands) -> Report {
        match work {
            Work::BmcUser(_) => bmc.put_user(hands).await,
            Work::FirmwareInventory(_) => agents(work, hands).await,
            Work::FirmwareUpdate { .. } => {
                let hold = lock(&self.hold).take();
                if let Some(hold) = hold {
                    hold.await;
                }
                agents(work, hands).await
            }
        }
    }
}

/// Nothing is left half done behind a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
