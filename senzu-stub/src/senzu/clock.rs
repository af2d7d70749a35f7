//! The clock, which may be set while Senzu runs or while it does not: by NTP once it works again, by a hand, by a virtual
//! machine that was asleep.

use super::{Senzu, StartError, audit};
use crate::store::{self, StoreError, clock, dialect};
use pious_protocol::ids::UnixMs;
use std::{
    cmp::Ordering,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// What is no jump yet: ticks come late on a busy machine, clocks of replicas differ a little, and nothing that Senzu
/// decides hangs on less.
const TOLERANCE: Duration = Duration::from_secs(60);

/// Milliseconds since the epoch, now. The one place that asks the clock.
pub fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// How the clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    Forward(Duration),
    Back(Duration),
}

/// Holds the clock against one that nobody can set.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    wall: UnixMs,
    steady: Instant,
}

impl Watch {
    pub fn new(wall: UnixMs, steady: Instant) -> Self {
        Self { wall, steady }
    }

    /// Whether the clock was set since this was made, by what both show now. Whoever acts upon it makes another then: what
    /// could not be acted upon is noticed again.
    pub fn look(&self, now: &Self) -> Option<Jump> {
        let passed = now.steady.saturating_duration_since(self.steady);
        let expected = Duration::from_millis(self.wall.0) + passed;
        let shown = Duration::from_millis(now.wall.0);
        let jump = match shown.cmp(&expected) {
            Ordering::Less => Jump::Back(expected - shown),
            Ordering::Equal => return None,
            Ordering::Greater => Jump::Forward(shown - expected),
        };
        let (Jump::Forward(by) | Jump::Back(by)) = jump;
        (by > TOLERANCE).then_some(jump)
    }
}

impl Senzu {
    /// Lets rows be named behind those that are stored, and looks whether the clock was set back while no Senzu ran. One that
    /// goes wrong beside other replicas' is refused.
    pub(super) async fn mind_the_clock(&self) -> Result<(), StartError> {
        let mut conn = self.db.look().await?;
        if let Some(server) = dialect::clock(&mut conn).await? {
            let apart = Duration::from_millis(server.0.abs_diff(now().0));
            if apart > TOLERANCE {
                return Err(StartError::Clocks { place: self.db.place(), seconds: apart.as_secs() });
            }
        }
        if let Some(newest) = clock::newest_id(&mut conn).await? {
            store::name_behind(newest);
        }
        let newest = clock::newest(&mut conn).await?;
        drop(conn);
        let ahead = Duration::from_millis(newest.unwrap_or_default().0.saturating_sub(now().0));
        if ahead > TOLERANCE {
            self.was_set_back(ahead).await?;
        }
        Ok(())
    }

    /// The clock was set back: what happened a moment ago must not lie in the future.
    pub async fn was_set_back(&self, by: Duration) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        let moved = clock::move_back(&mut tx, now(), by).await?;
        let what = format!("moved {moved} stored times from the future back by {} s", by.as_secs());
        tracing::warn!("the clock was set back: {what}");
        audit(&mut tx, None, "senzu", what, "the clock was set back").await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::{Jump, UnixMs, Watch};
    use std::time::{Duration, Instant};

    #[test]
    fn a_clock_that_is_set_is_noticed_once() {
        let (hour, second) = (Duration::from_secs(3600), Duration::from_secs(1));
        let start = Instant::now();
        let mut watch = Watch::new(UnixMs(10_000_000), start);
        // (the clock, ms; passed) → jump; a late tick and a small correction are none.
        let cases = [
            (10_001_000, second, None),
            (10_040_000, 40 * second, None),
            (10_011_000, 41 * second, None),
            (13_612_000, 42 * second, Some(Jump::Forward(hour))),
            (13_613_000, 43 * second, None),
            (10_014_000, 44 * second, Some(Jump::Back(hour))),
            (10_015_000, 45 * second, None),
            (0, 46 * second, Some(Jump::Back(Duration::from_millis(10_016_000)))),
        ];
        for (wall, passed, jump) in cases {
            let now = Watch::new(UnixMs(wall), start + passed);
            assert_eq!(watch.look(&now), jump, "{wall} after {passed:?}");
            assert_eq!(watch.look(&now), jump, "not acted upon: {wall} after {passed:?}");
            watch = now;
        }
    }
}
