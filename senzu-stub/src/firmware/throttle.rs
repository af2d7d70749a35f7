//! How fast images go into a network. Pure: the time comes from outside.

use std::time::Duration;

/// What may go out at once after a pause: long enough that the timer's own error is nothing, short enough that a switch's
/// buffers take it.
const BURST: Duration = Duration::from_millis(100);

/// A token bucket, kept as the time at which all that was taken from it has gone out at its rate. Whoever takes gets a turn
/// behind those who took before, so that all who take pieces of one size get the same.
#[derive(Clone, Debug)]
pub struct Bucket {
    bytes_per_s: u64,
    out_at: Duration,
}

impl Bucket {
    /// A full one.
    pub fn new(bytes_per_s: u64) -> Self {
        Self { bytes_per_s: bytes_per_s.max(1), out_at: Duration::ZERO }
    }

    /// From now on at this rate; what was taken before went out at the one before.
    pub fn set_rate(&mut self, bytes_per_s: u64) {
        self.bytes_per_s = bytes_per_s.max(1);
    }

    /// Whether all that was taken has gone out, and a pause has filled it: it is as a new one.
    pub fn is_full(&self, now: Duration) -> bool {
        self.out_at <= now.saturating_sub(BURST)
    }

    /// Takes bytes; answers how long to wait before they may go out. `now` counts from any moment that stays the same.
    pub fn take(&mut self, now: Duration, bytes: usize) -> Duration {
        let begin = self.out_at.max(now.saturating_sub(BURST));
        self.out_at = begin.saturating_add(self.cost(bytes));
        self.out_at.saturating_sub(now)
    }

    fn cost(&self, bytes: usize) -> Duration {
        let nanos = (bytes as u128 * 1_000_000_000).div_ceil(u128::from(self.bytes_per_s));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pause_fills_it_up_to_a_burst_and_no_more() {
        let ms = Duration::from_millis;
        let mut bucket = Bucket::new(1000);
        for (now, bytes, wait) in [
            // Full at first: what a tenth of a second would have brought.
            (1_000, 100, 0),
            (1_000, 50, 50),
            (1_000, 50, 100),
            (1_050, 50, 100),
            // An hour later as after a tenth of a second.
            (3_600_000, 300, 200),
            (3_600_000, 0, 200),
        ] {
            assert_eq!(bucket.take(ms(now), bytes), ms(wait), "{bytes} at {now}");
        }
        assert_eq!(Bucket::new(0).take(ms(0), 1), Duration::from_secs(1));
    }

    #[test]
    fn those_who_take_side_by_side_get_the_same() {
        let mut bucket = Bucket::new(1_000_000);
        let mut free_at = [Duration::ZERO; 3];
        let mut sent = [0_u64; 3];
        let end = Duration::from_secs(10);
        while let Some((who, now)) =
            free_at.iter().copied().enumerate().min_by_key(|(_, at)| *at).filter(|(_, at)| *at < end)
        {
            free_at[who] = now + bucket.take(now, 10_000);
            sent[who] += 10_000;
        }
        let all: u64 = sent.iter().sum();
        assert!((9_900_000..=10_200_000).contains(&all), "{sent:?}");
        assert!(sent.iter().max().unwrap() - sent.iter().min().unwrap() <= 10_000, "{sent:?}");
    }

    proptest! {
        /// However it is taken from: at no time has more gone out than the rate and one burst allow.
        #[test]
        fn never_more_than_the_rate_and_a_burst(
            rate in 1..10_000_000_u64,
            takes in proptest::collection::vec((0..1000_u64, 0..100_000_usize), 1..100),
        ) {
            let mut bucket = Bucket::new(rate);
            let (mut now, mut sent) = (Duration::from_secs(1), 0_u128);
            for (pause_ms, bytes) in takes {
                now += Duration::from_millis(pause_ms);
                let wait = bucket.take(now, bytes);
                sent += bytes as u128;
                let open = now + wait + BURST - Duration::from_secs(1);
                prop_assert!(sent * 1_000_000_000 <= u128::from(rate) * open.as_nanos(), "{sent} within {open:?}");
            }
        }
    }
}
