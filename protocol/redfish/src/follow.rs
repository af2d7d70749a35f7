//! Following what a BMC does with an image, through restarts of its own, to an end.

use crate::bmc::Bmc;
use crate::error::Error;
use crate::flash::{Watch, behind};
use crate::flash_error::{Begun, FlashError};
use crate::http::Auth;
use crate::patience::Patience;
use crate::task::{Look, Outcome};
use pious_protocol::firmware::FlashPhase;
use std::{ops::ControlFlow, time::Duration};
use tokio::time::Instant;

/// How long a flash may take.
pub(crate) struct Bounds<'a> {
    pub(crate) flash_within: Duration,
    pub(crate) back_within: Duration,
    /// Whether a task may wait for a restart that comes behind it (`OnReset`): then its waiting is its end.
    pub(crate) is_applied_by_reset: bool,
    pub(crate) patience: &'a Patience,
}

/// How following ended; not badly, as far as is known.
pub(crate) struct End {
    /// What was seen.
    pub(crate) words: String,
    /// Whether the BMC was away meanwhile: it has restarted.
    pub(crate) was_away: bool,
    /// Whether the BMC itself said that it is done.
    pub(crate) was_told: bool,
}

/// A task on its way.
struct Trail {
    at: String,
    percent: u8,
    /// Whether there ever was such a task.
    was_seen: bool,
    /// How often it was not there.
    missed: usize,
    /// How often in a row it waited for something.
    pending: usize,
    away_since: Option<Instant>,
    was_away: bool,
    told: Option<(u8, String)>,
}

impl Bmc {
    /// Follows to the task's end. Where the BMC names none, one that runs now is taken for it.
    pub(crate) async fn follow(
        &self,
        outcome: Outcome,
        bounds: &Bounds<'_>,
        watch: &mut dyn Watch,
    ) -> Result<End, FlashError> {
        let begun = Instant::now();
        behind(watch, FlashPhase::Flashing, 0, "the BMC has the image".into()).await;
        let (at, retry_after) = match outcome {
            Outcome::Follow(followed) => (followed.at, followed.retry_after),
            Outcome::Untold | Outcome::Refused(_) => match self.find_task(bounds).await? {
                ControlFlow::Continue(at) => (at, None),
                ControlFlow::Break(end) => return Ok(end),
            },
        };
        let mut trail = Trail {
            at,
            percent: 0,
            was_seen: false,
            missed: 0,
            pending: 0,
            away_since: None,
            was_away: false,
            told: None,
        };
        let mut wait = retry_after;
        loop {
            // No task is over at once.
            tokio::time::sleep(paced(wait, bounds.patience)).await;
            match trail.look(self, bounds, watch).await? {
                Step::End(end) => return Ok(end),
                Step::Again(_) if trail.away_since.is_none() && begun.elapsed() >= bounds.flash_within => {
                    let within_s = bounds.flash_within.as_secs();
                    return Err(FlashError::Hangs { task: trail.at, percent: trail.percent, within_s });
                }
                Step::Again(retry_after) => wait = retry_after,
            }
        }
    }

    /// The task that the BMC did not name, if one comes to run.
    async fn find_task(&self, bounds: &Bounds<'_>) -> Result<ControlFlow<End, String>, FlashError> {
        for _look in 0..bounds.patience.tries {
            match self.running_task().await {
                Ok(Some((at, _))) => return Ok(ControlFlow::Continue(at)),
                Ok(None) => tokio::time::sleep(bounds.patience.poll).await,
                Err(error) if error.is_away() => {
                    self.come_back(bounds, Begun::Maybe).await?;
                    return Ok(ControlFlow::Break(untold("the BMC said yes, named no task and restarted", true)));
                }
                Err(error) => return Err(FlashError::at("telling its tasks", Begun::Maybe)(error)),
            }
        }
        Ok(ControlFlow::Break(untold("the BMC said yes and named no task", false)))
    }

    /// Waits for a BMC that is away, and opens a session anew.
    pub(crate) async fn come_back(&self, bounds: &Bounds<'_>, begun: Begun) -> Result<(), FlashError> {
        let since = Instant::now();
        loop {
            let back = match self.look().await {
                // Sessions do not outlive a restart.
                Ok(()) if matches!(self.auth(), Auth::Token(_)) => self.login().await,
                there => there,
            };
            match back {
                Ok(()) => return Ok(()),
                Err(error) if !error.is_away() => return Err(FlashError::at("coming back", begun)(error)),
                Err(source) if since.elapsed() >= bounds.back_within => {
                    return Err(FlashError::Away { away_s: since.elapsed().as_secs(), begun, source });
                }
                Err(error) => tracing::debug!(%error, "the BMC is away"),
            }
            tokio::time::sleep(bounds.patience.poll).await;
        }
    }
}

/// What comes next.
enum Step {
    End(End),
    Again(Option<Duration>),
}

impl Trail {
    async fn look(&mut self, bmc: &Bmc, bounds: &Bounds<'_>, watch: &mut dyn Watch) -> Result<Step, FlashError> {
        let look = match bmc.look_at(&self.at).await {
            Ok(look) => look,
            Err(error) if error.is_away() => return self.away(error, bounds, watch).await,
            Err(error) => return Err(FlashError::at("telling of its task", Begun::Maybe)(error)),
        };
        self.away_since = None;
        match look {
            Look::Running { is_pending, percent, words, retry_after } => {
                self.was_seen = true;
                self.pending = if is_pending { self.pending + 1 } else { 0 };
                // Once may be a queue.
                if bounds.is_applied_by_reset && self.pending >= bounds.patience.tries {
                    let words = format!("task {} waits for the restart: {words}", self.at);
                    return Ok(Step::End(End { words, was_away: self.was_away, was_told: true }));
                }
                self.percent = percent.unwrap_or(self.percent).max(self.percent);
                self.tell(words, watch).await;
                Ok(Step::Again(retry_after))
            }
            Look::Ended { words } => {
                self.percent = 100;
                self.tell(words.clone(), watch).await;
                let words = format!("task {} ended: {words}", self.at);
                Ok(Step::End(End { words, was_away: self.was_away, was_told: true }))
            }
            Look::Failed { state, messages } => Err(FlashError::TaskFailed { state, messages }),
            // Some make the task only after they have named it.
            Look::Gone if !self.was_seen && !self.was_away && self.missed < bounds.patience.tries => {
                self.missed += 1;
                Ok(Step::Again(None))
            }
            Look::Gone => {
                let words = match self.was_away {
                    true => format!("task {} is gone since the BMC restarted, at {}%", self.at, self.percent),
                    false => format!("task {} is gone, at {}%", self.at, self.percent),
                };
                // What is forgotten was not said to be done; a BMC that has restarted writes no more.
                Ok(Step::End(End { words, was_away: self.was_away, was_told: self.was_away }))
            }
        }
    }

    async fn away(&mut self, source: Error, bounds: &Bounds<'_>, watch: &mut dyn Watch) -> Result<Step, FlashError> {
        self.was_away = true;
        let since = *self.away_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= bounds.back_within {
            return Err(FlashError::Away { away_s: since.elapsed().as_secs(), begun: Begun::Maybe, source });
        }
        self.tell("the BMC does not answer; it may be restarting".into(), watch).await;
        Ok(Step::Again(None))
    }

    /// Tells what is new.
    async fn tell(&mut self, words: String, watch: &mut dyn Watch) {
        let now = (self.percent, words);
        if self.told.as_ref() != Some(&now) {
            behind(watch, FlashPhase::Flashing, now.0, now.1.clone()).await;
            self.told = Some(now);
        }
    }
}

fn untold(words: &str, was_away: bool) -> End {
    End { words: words.to_owned(), was_away, was_told: false }
}

/// How long until the next look: what the BMC asks for, within reason.
fn paced(retry_after: Option<Duration>, patience: &Patience) -> Duration {
    match retry_after {
        Some(asked) if !asked.is_zero() => asked.min(patience.longest_retry_after),
        Some(_) | None => patience.poll,
    }
}
