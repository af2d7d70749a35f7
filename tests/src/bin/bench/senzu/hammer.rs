//! Asking as fast as answers come, from some connections at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub answers: usize,
    pub failures: usize,
    pub per_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Asks for so long; each question has a number of its own, and says whether its answer was good.
pub async fn hammer<F, A>(connections: usize, asked_for: Duration, ask: F) -> Rate
where
    F: Fn(u64) -> A + Clone + Send + 'static,
    A: Future<Output = bool> + Send,
{
    let begun = Instant::now();
    let asked = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let (ask, asked) = (ask.clone(), asked.clone());
        workers.spawn(async move {
            let mut taken = Vec::new();
            while begun.elapsed() < asked_for {
                let one = Instant::now();
                let is_good = ask(asked.fetch_add(1, Ordering::Relaxed)).await;
                taken.push((one.elapsed(), is_good));
            }
            taken
        });
    }
    let taken = workers.join_all().await.concat();
    let took = begun.elapsed();
    let failures = taken.iter().filter(|(_, is_good)| !is_good).count();
    let mut times: Vec<_> = taken.into_iter().map(|(time, _)| time).collect();
    times.sort_unstable();
    let at = |part: f64| {
        let last = times.len().saturating_sub(1);
        times.get((part * last as f64).round() as usize).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    Rate {
        answers: times.len(),
        failures,
        per_s: (times.len() - failures) as f64 / took.as_secs_f64(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
    }
}
