//! When a dead session is started again, and when PID 1 stops believing in it. Pure.

use std::{collections::VecDeque, time::Duration};

/// So many deaths…
const MOST_DEATHS: usize = 5;
/// …within so long mean that a restart does not help: the machine needs to start anew.
const WINDOW: Duration = Duration::from_secs(60);
/// The first restart comes at once to the eye; each further one within the window waits twice as long.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// What to do about a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Start the session again after a while.
    Restart {
        /// How long the last words stay on the screen first.
        after: Duration,
    },
    /// Show the error, count down, reboot.
    GiveUp,
}

/// The deaths of late.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    deaths: VecDeque<Duration>,
}

impl Restarts {
    /// A session died at `now`, a time since any fixed moment.
    pub(super) fn died(&mut self, now: Duration) -> Verdict {
        self.deaths.push_back(now);
        while self.deaths.front().is_some_and(|death| now.saturating_sub(*death) > WINDOW) {
            self.deaths.pop_front();
        }
        let deaths = self.deaths.len();
        if deaths >= MOST_DEATHS {
            return Verdict::GiveUp;
        }
        let doublings = u32::try_from(deaths.saturating_sub(1)).unwrap_or(u32::MAX);
        Verdict::Restart { after: FIRST_DELAY.saturating_mul(2u32.saturating_pow(doublings)) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Restarts, Verdict};
    use std::time::Duration;

    fn verdicts(deaths_s: &[u64]) -> Vec<Verdict> {
        let mut restarts = Restarts::default();
        deaths_s.iter().map(|second| restarts.died(Duration::from_secs(*second))).collect()
    }

    fn after(seconds: u64) -> Verdict {
        Verdict::Restart { after: Duration::from_secs(seconds) }
    }

    #[test]
    fn dies_at_once_each_time_the_fifth_is_the_last() {
        assert_eq!(verdicts(&[1, 2, 4, 8, 16]), [after(1), after(2), after(4), after(8), Verdict::GiveUp]);
    }

    #[test]
    fn a_death_an_hour_is_restarted_for_ever() {
        assert_eq!(verdicts(&[3600, 7200, 10800, 14400, 18000, 21600]), [after(1); 6]);
    }

    #[test]
    fn old_deaths_are_forgotten() {
        assert_eq!(verdicts(&[0, 1, 2, 3, 100]), [after(1), after(2), after(4), after(8), after(1)]);
    }
}
