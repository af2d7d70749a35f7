//! One kind of request: at most one in flight, and a rest after each failure.

use super::timing;
use std::time::Duration;

/// A request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    /// When.
    pub started: Duration,
    /// Which of Senzu's URLs it went to.
    pub senzu: usize,
    /// Which session it belongs to: an answer to an earlier one says nothing of this one.
    pub session: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Slot {
    #[default]
    Free,
    Flying(Flight),
    Resting {
        until: Duration,
    },
}

/// One kind of request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    slot: Slot,
    failures: u32,
}

impl Line {
    /// Whether a request may start now.
    pub fn is_ready(&self, now: Duration) -> bool {
        match self.slot {
            Slot::Free => true,
            Slot::Flying(_) => false,
            Slot::Resting { until } => until <= now,
        }
    }

    pub fn is_flying(&self) -> bool {
        matches!(self.slot, Slot::Flying(_))
    }

    pub fn start(&mut self, flight: Flight) {
        self.slot = Slot::Flying(flight);
    }

    /// An answer came; `None` if nothing was asked.
    pub fn land(&mut self) -> Option<Flight> {
        let Slot::Flying(flight) = self.slot else { return None };
        self.slot = Slot::Free;
        Some(flight)
    }

    pub fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Rests after a failure.
    pub fn fail(&mut self, now: Duration, random: u64, urls: usize, longest: Duration) {
        self.failures = self.failures.saturating_add(1);
        self.slot = Slot::Resting { until: now + timing::rest(self.failures, urls, longest, random) };
    }

    /// Rests without a failure.
    pub fn rest_until(&mut self, until: Duration) {
        self.slot = Slot::Resting { until };
    }

    /// Ends a rest: what it waited for has happened.
    pub fn rouse(&mut self) {
        if let Slot::Resting { .. } = self.slot {
            self.slot = Slot::Free;
        }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// When the rest ends.
    pub fn wake(&self) -> Option<Duration> {
        match self.slot {
            Slot::Resting { until } => Some(until),
            Slot::Free | Slot::Flying(_) => None,
        }
    }
}
