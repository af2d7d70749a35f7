//! A fleet of simulated servers: the agent's own `machine`, real HTTP to a real Senzu, and no hardware.
//!
//! Each server boots, is recognized by what [`plan`] told Senzu of it, shows its facts, becomes SPARE and does what Senzu
//! instructs. What is simulated is the hardware alone: facts and neighbours, different for each server.

mod life;
mod server;
mod tally;

pub use server::Server;
pub use tally::{Report, Times};

use anyhow::Context;
use life::Surroundings;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
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
        allow_many_connections()?;
        let surroundings = Arc::new(self.surroundings()?);
        let tally = Arc::new(Tally::default());
        let places = Arc::new(Semaphore::new(self.at_once));
        let started = Instant::now();
        let deadline = started + self.within;
        let mut lives = JoinSet::new();
        for number in 0..self.servers {
            let (surroundings, tally, places) = (surroundings.clone(), tally.clone(), places.clone());
            lives.spawn(async move {
                // Nobody closes it.
                let place = places.acquire_owned().await.ok();
                life::live(Server::new(number), &surroundings, &tally, place).await;
            });
        }
        let reached = tokio::time::timeout_at(deadline, tally.reach(AssetState::Spare, self.servers)).await;
        let took = started.elapsed();
        if reached.is_ok() {
            // Those that are not held power off on their own; the others watch on.
            let ended = async { while lives.join_next().await.is_some() {} };
            let _still_on = tokio::time::timeout(self.stay, ended).await;
        }
        lives.shutdown().await;
        Ok(tally.report(self.servers, took))
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
        Ok(Surroundings { http, urls: self.senzu.clone(), patience, keys: Arc::new(keys) })
    }
}

/// Each server holds a connection; a process may have 1024 files open unless it asks.
fn allow_many_connections() -> anyhow::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).context("cannot tell how many files may be open")?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("cannot open more files")
}
