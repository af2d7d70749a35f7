//! How fast images go into management networks, as campaigns bound that: all that are on their way into one share a bucket,
//! at the least rate that any of them was told. Of two campaigns in one network, neither's figure is exceeded so.
//!
//! Each Senzu counts what it sends itself.

use super::{budget::piece_bytes, throttle::Bucket};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Where an image goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The management network, as slots name it.
    pub network: String,
    /// How fast images may go there, all together; `None`: as fast as others on the way are bound to, if any is.
    pub bytes_per_s: Option<u64>,
}

/// One network's bucket, and what those on the way were told. Pure: the time comes from outside.
#[derive(Debug)]
struct Traffic {
    bucket: Bucket,
    /// The rate of each that is on its way.
    rates: Vec<Option<u64>>,
}

impl Traffic {
    fn new() -> Self {
        // Nothing is taken from it before a rate is known.
        Self { bucket: Bucket::new(1), rates: Vec::new() }
    }

    fn bytes_per_s(&self) -> Option<u64> {
        self.rates.iter().copied().flatten().min()
    }

    fn leave(&mut self, rate: Option<u64>) {
        if let Some(at) = self.rates.iter().position(|known| *known == rate) {
            self.rates.swap_remove(at);
        }
    }

    /// Takes bytes; answers how long to wait before they may go out.
    fn take(&mut self, now: Duration, bytes: usize) -> Duration {
        let Some(rate) = self.bytes_per_s() else { return Duration::ZERO };
        self.bucket.set_rate(rate);
        self.bucket.take(now, bytes)
    }

    /// Whether a new one would be the same.
    fn is_forgettable(&self, now: Duration) -> bool {
        self.rates.is_empty() && self.bucket.is_full(now)
    }
}

/// The networks that images are on their way into.
#[derive(Debug)]
pub struct Lanes {
    networks: Mutex<HashMap<String, Traffic>>,
    begun: Instant,
}

/// An image that is on its way; it is for as long as this is kept.
#[derive(Debug)]
pub struct OnTheWay {
    lanes: Arc<Lanes>,
    lane: Lane,
}

impl Lanes {
    pub fn new() -> Self {
        Self { networks: Mutex::default(), begun: Instant::now() }
    }

    fn networks(&self) -> MutexGuard<'_, HashMap<String, Traffic>> {
        // Numbers are right whatever panicked beside them.
        self.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An image sets out.
    pub fn enter(self: &Arc<Self>, lane: Lane) -> OnTheWay {
        let now = self.begun.elapsed();
        let mut networks = self.networks();
        // So that there are no more of them than networks that something went into just now.
        networks.retain(|_, traffic| !traffic.is_forgettable(now));
        networks.entry(lane.network.clone()).or_insert_with(Traffic::new).rates.push(lane.bytes_per_s);
        OnTheWay { lanes: self.clone(), lane }
    }
}

impl OnTheWay {
    /// Takes bytes; answers how long to wait before they may go out.
    pub fn take(&self, bytes: usize) -> Duration {
        let now = self.lanes.begun.elapsed();
        let mut networks = self.lanes.networks();
        networks.get_mut(&self.lane.network).map_or(Duration::ZERO, |traffic| traffic.take(now, bytes))
    }

    /// How much is sent at once.
    pub fn piece_bytes(&self) -> usize {
        let networks = self.lanes.networks();
        piece_bytes(networks.get(&self.lane.network).and_then(Traffic::bytes_per_s))
    }
}

impl Drop for OnTheWay {
    fn drop(&mut self) {
        if let Some(traffic) = self.lanes.networks().get_mut(&self.lane.network) {
            traffic.leave(self.lane.bytes_per_s);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What two that take side by side have sent by ten seconds, where each sends again once it may.
    fn sent(rates: [Option<u64>; 2]) -> [u64; 2] {
        let mut traffic = Traffic::new();
        traffic.rates.extend(rates);
        let (mut free_at, mut sent) = ([Duration::ZERO; 2], [0; 2]);
        let end = Duration::from_secs(10);
        while let Some((who, now)) =
            free_at.iter().copied().enumerate().min_by_key(|(_, at)| *at).filter(|(_, at)| *at < end)
        {
            let wait = traffic.take(now, 1_000);
            // One that never waits would never end.
            free_at[who] = now + wait.max(Duration::from_millis(1));
            sent[who] += 1_000;
        }
        sent
    }

    #[test]
    fn the_least_rate_of_those_on_the_way_is_that_of_all_together() {
        for rates in [[Some(100_000), Some(300_000)], [Some(100_000), None], [None, Some(100_000)]] {
            let sent = sent(rates);
            let all: u64 = sent.iter().sum();
            assert!((990_000..=1_012_000).contains(&all), "{rates:?}: {sent:?}");
            assert!(sent[0].abs_diff(sent[1]) <= 1_000, "{rates:?}: {sent:?}");
        }
        // Nobody is bound: a piece each millisecond.
        assert_eq!(sent([None, None]), [10_000_000; 2]);
    }

    #[test]
    fn who_has_left_binds_nobody_and_a_pause_between_two_images_is_no_new_bucket() {
        let s = Duration::from_secs;
        let mut traffic = Traffic::new();
        traffic.rates.extend([Some(1_000), Some(5_000)]);
        assert_eq!(traffic.take(s(10), 1_100), s(1));
        traffic.leave(Some(1_000));
        assert_eq!(traffic.bytes_per_s(), Some(5_000));
        // What was taken is out at 11 s; from there on at the other's rate.
        assert_eq!(traffic.take(s(10), 5_000), s(2));
        traffic.leave(Some(5_000));
        assert!(!traffic.is_forgettable(s(12)), "who comes next waits still");
        assert!(traffic.is_forgettable(s(13)));
        assert_eq!((traffic.bytes_per_s(), traffic.take(s(13), 1 << 30)), (None, Duration::ZERO));
    }

    #[test]
    fn networks_are_apart_and_forgotten() {
        let lanes = Arc::new(Lanes::new());
        let lane = |network: &str, bytes_per_s| Lane { network: network.into(), bytes_per_s };
        let slow = lanes.enter(lane("10.78.0.0/24", Some(1)));
        let free = lanes.enter(lane("10.79.0.0/24", None));
        assert!(slow.take(1_000) > Duration::from_secs(900));
        assert_eq!((free.take(1 << 20), free.piece_bytes(), slow.piece_bytes()), (Duration::ZERO, 64 << 10, 1 << 10));
        drop(free);
        let _other = lanes.enter(lane("10.80.0.0/24", None));
        let mut known: Vec<_> = lanes.networks().keys().cloned().collect();
        known.sort();
        assert_eq!(known, ["10.78.0.0/24", "10.80.0.0/24"]);
    }
}
