//! A fleet of simulated servers: the agent's own `machine`, real HTTP to a real Senzu, and no hardware.
//!
//! Each server boots, is recognized by what [`plan`] told Senzu of it, shows its facts, becomes SPARE and does what Senzu
//! instructs. What is simulated is the hardware alone: facts and neighbours, different for each server, and BMCs for those
//! that have one. Agents can be killed at any moment; their BMCs go on.

pub mod bmc;
mod life;
mod machine;
mod server;
mod tally;

pub use machine::{Death, Machine};
pub use server::Server;
pub use tally::{Report, Times};

use anyhow::Context;
use life::Surroundings;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use pious_agent::{
    facts::RootHost,
    work::{self, Marks, Tools},
};
use pious_client::{Http, Patience, Url};
use pious_protocol::{envelope::KeySet, message::AssetState};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tally::Tally;
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

/// A fleet that boots.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// How many servers.
    pub servers: u32,
    /// Senzu's URLs.
    pub senzu: Vec<Url>,
    /// The file of the authority that signed Senzu's certificate; `None` with plain HTTP.
    pub ca: Option<PathBuf>,
    /// The file of the keys that Senzu signs instructions with.
    pub keys: PathBuf,
    /// How many may be on their way from power-on to SPARE at once.
    pub at_once: usize,
    /// How long all of them may take to become SPARE.
    pub within: Duration,
    /// How long they watch on when all are SPARE.
    pub stay: Duration,
    /// What they need to update firmware; `None`: they refuse to.
    pub firmware: Option<Firmware>,
}

/// What agents of simulated servers update firmware by.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// The key that images are signed with, as `firmware.pub` says it.
    pub key: String,
    /// How long BMCs are waited for.
    pub patience: work::Patience,
}

/// A fleet that is on; dropped, it is not there any more.
pub struct Running {
    lives: JoinSet<()>,
    tally: Arc<Tally>,
    servers: u32,
    started: Instant,
}

impl Running {
    /// Waits until all are SPARE.
    pub async fn spare(&self) {
        self.tally.reach(AssetState::Spare, self.servers).await;
    }

    /// What came of it so far.
    pub fn report(&self) -> Report {
        self.tally.report(self.servers, self.started.elapsed())
    }
}

/// What Senzu is told of a fleet: a profile, and each server with its cables; for `senzu-stub import`. Servers that are held
/// stay on once they are SPARE.
pub fn plan(servers: u32, held: bool) -> Value {
    let profile = json!({"name": server::PROFILE, "version": 1, "memory": {"dimms": server::DIMMS}});
    let assets: Vec<_> = (0..servers).map(|number| Server::new(number).plan(held)).collect();
    json!({"profiles": [profile], "assets": assets})
}

impl Fleet {
    /// Boots all servers, and waits until they are SPARE and off, or SPARE and held; tells what came of it.
    pub async fn run(&self) -> anyhow::Result<Report> {
        let machines: Vec<_> = (0..self.servers).map(|number| Arc::new(Machine::new(Server::new(number)))).collect();
        let mut running = self.switch_on(&machines)?;
        let reached = tokio::time::timeout(self.within, running.spare()).await;
        let took = running.started.elapsed();
        if reached.is_ok() {
            // Those that are not held power off on their own; the others watch on.
            let ended = async { while running.lives.join_next().await.is_some() {} };
            let _still_on = tokio::time::timeout(self.stay, ended).await;
        }
        running.lives.shutdown().await;
        Ok(running.tally.report(self.servers, took))
    }

    /// Boots these machines.
    pub fn switch_on(&self, machines: &[Arc<Machine>]) -> anyhow::Result<Running> {
        allow_many_connections()?;
        let surroundings = Arc::new(self.surroundings()?);
        let tally = Arc::new(Tally::default());
        let places = Arc::new(Semaphore::new(self.at_once));
        let started = Instant::now();
        let mut lives = JoinSet::new();
        for machine in machines {
            let (machine, surroundings) = (machine.clone(), surroundings.clone());
            let (tally, places) = (tally.clone(), places.clone());
            lives.spawn(async move {
                // Nobody closes it.
                let place = places.acquire_owned().await.ok();
                life::live(machine, &surroundings, &tally, place).await;
            });
        }
        let servers = u32::try_from(machines.len()).unwrap_or(u32::MAX);
        Ok(Running { lives, tally, servers, started })
    }

    fn surroundings(&self) -> anyhow::Result<Surroundings> {
        let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let ca = self.ca.as_ref().map(read).transpose()?;
        let keys: KeySet = serde_json::from_slice(&read(&self.keys)?)
            .with_context(|| format!("{} holds no keys", self.keys.display()))?;
        let patience = Patience::default();
        // As many connections as servers: each holds its own, as real ones do.
        let many = |builder: pious_client::Builder| builder.pool_max_idle_per_host(usize::MAX);
        let http = Http::with(many, ca.as_deref(), patience.connect, "pious-lab fleet")?;
        // Nothing of the host that this runs on is asked, and its disks least of all: a BMC's user is put otherwise here.
        let room = tempfile::tempdir().context("cannot make a temporary folder")?;
        let nothing = Arc::new(RootHost::new(room.path()).context("cannot read a temporary folder")?);
        let worker = self.firmware.clone().map(|Firmware { key, patience }| {
            let marks = Marks::new(room.path().join("begun"));
            let tools = Tools { firmware_key: Some(key), marks, host: nothing.clone(), disks: nothing };
            work::patient_worker(tools, patience)
        });
        Ok(Surroundings { http, urls: self.senzu.clone(), patience, keys: Arc::new(keys), worker, _room: room })
    }
}

/// Each server holds a connection; a process may have 1024 files open unless it asks.
fn allow_many_connections() -> anyhow::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).context("cannot tell how many files may be open")?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("cannot open more files")
}
