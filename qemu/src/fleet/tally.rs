//! What came of a fleet: how many stand where, how long answers took, and whether anything was done twice.

use super::server::Server;
use pious_protocol::{
    ids::{BootId, InstructionId},
    message::AssetState,
};
use serde::Serialize;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How long answers took, of those that came.
#[derive(Clone, Debug, Default)]
pub struct Times {
    taken: Arc<Mutex<Vec<Duration>>>,
    failed: Arc<AtomicU64>,
}

impl Times {
    /// Awaits an answer, and keeps its time.
    pub async fn take<T, E>(&self, answer: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let asked = Instant::now();
        let answer = answer.await;
        match &answer {
            Ok(_) => lock(&self.taken).push(asked.elapsed()),
            Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        answer
    }

    /// Sums them up.
    pub fn sum_up(&self) -> Latency {
        let mut taken = lock(&self.taken).clone();
        taken.sort_unstable();
        let at = |part: f64| {
            let last = taken.len().saturating_sub(1);
            taken.get((part * last as f64).round() as usize).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        Latency {
            answers: taken.len(),
            failures: self.failed.load(Ordering::Relaxed),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            longest_ms: at(1.0),
        }
    }
}

/// Times, summed up.
#[derive(Clone, Debug, Serialize)]
pub struct Latency {
    /// How many came.
    pub answers: usize,
    /// How many did not, or said no.
    pub failures: u64,
    /// The median.
    pub p50_ms: f64,
    /// All but one in a hundred are shorter.
    pub p99_ms: f64,
    /// The longest.
    pub longest_ms: f64,
}

/// What came of a fleet.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How many servers there are.
    pub servers: u32,
    /// How many became SPARE.
    pub spare: usize,
    /// Until all were, or it was given up.
    pub took_s: f64,
    /// BOOT_EVENT to whoami.
    pub boot_events: Latency,
    /// Facts to findings.
    pub facts: Latency,
    /// How often an agent went on to another of Senzu's addresses for its BOOT_EVENT.
    pub moved_on: u64,
    /// Boots whose BOOT_EVENT Senzu acknowledged.
    pub boots: usize,
    /// Agents that were killed.
    pub deaths: u64,
    /// Instructions that were done.
    pub done: usize,
    /// Instructions that more than one boot session did.
    pub done_twice: usize,
}

/// Counts while the fleet runs.
#[derive(Debug, Default)]
pub struct Tally {
    boot_events: Times,
    facts: Times,
    moved_on: AtomicU64,
    deaths: AtomicU64,
    boots: Mutex<HashSet<BootId>>,
    stands: Mutex<HashMap<AssetState, HashSet<u32>>>,
    changed: Notify,
    done: Mutex<HashMap<InstructionId, HashSet<BootId>>>,
}

impl Tally {
    pub fn boot_events(&self) -> Times {
        self.boot_events.clone()
    }

    pub fn facts(&self) -> Times {
        self.facts.clone()
    }

    pub fn moved_on(&self) {
        self.moved_on.fetch_add(1, Ordering::Relaxed);
    }

    pub fn dies(&self) {
        self.deaths.fetch_add(1, Ordering::Relaxed);
    }

    pub fn is_greeted(&self, boot: BootId) {
        lock(&self.boots).insert(boot);
    }

    pub fn does(&self, instruction: InstructionId, boot: BootId) {
        lock(&self.done).entry(instruction).or_default().insert(boot);
    }

    pub fn stands(&self, server: Server, state: AssetState) {
        if lock(&self.stands).entry(state).or_default().insert(server.number()) {
            self.changed.notify_one();
        }
    }

    fn reached(&self, state: AssetState) -> usize {
        lock(&self.stands).get(&state).map_or(0, HashSet::len)
    }

    /// Waits until so many servers have been in a state.
    pub async fn reach(&self, state: AssetState, servers: u32) {
        while self.reached(state) < servers as usize {
            self.changed.notified().await;
        }
    }

    pub fn report(&self, servers: u32, took: Duration) -> Report {
        let done = lock(&self.done);
        Report {
            servers,
            spare: self.reached(AssetState::Spare),
            took_s: took.as_secs_f64(),
            boot_events: self.boot_events.sum_up(),
            facts: self.facts.sum_up(),
            moved_on: self.moved_on.load(Ordering::Relaxed),
            boots: lock(&self.boots).len(),
            deaths: self.deaths.load(Ordering::Relaxed),
            done: done.len(),
            done_twice: done.values().filter(|boots| boots.len() > 1).count(),
        }
    }
}

/// A thread that died while it counted has counted.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
