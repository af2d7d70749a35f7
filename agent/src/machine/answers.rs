//! What Senzu's answers mean.

use super::{
    Action, Failure, Known, Moment, Reach, SenzuClock, State, ledger::Outgoing, line::Flight, line::Line, timing,
};
use pious_protocol::message::{FactsAnswer, InstructionsAnswer, Standing, Whoami};
use std::{sync::Arc, time::Duration};

/// The most characters of a name that Senzu gives and people see.
const MAX_NAME_CHARS: usize = 64;

impl State {
    pub(super) fn greeted(&mut self, answer: Result<Box<Whoami>, Failure>, moment: Moment, actions: &mut Vec<Action>) {
        let Some(flight) = self.lines.greeting.land() else { return };
        match answer {
            Ok(whoami) => {
                self.answered(actions);
                self.lines.greeting.succeed();
                self.reached("whoami", moment.at);
                self.open_session(*whoami, flight, actions);
            }
            Err(failure) => self.failed(|state| &mut state.lines.greeting, flight, failure, moment, actions),
        }
    }

    fn open_session(&mut self, whoami: Whoami, flight: Flight, actions: &mut Vec<Action>) {
        let period = whoami.facts_period_s.clamp(*timing::FACTS_PERIOD.start(), *timing::FACTS_PERIOD.end());
        let is_other = self.known.as_ref().is_some_and(|known| known.asset != whoami.asset);
        let standing = match (&self.known, self.state_unreported) {
            // Senzu has not heard yet that its instruction was done.
            (Some(known), Some(_)) if !is_other => Standing { state: known.standing.state, ..whoami.standing },
            _ => whoami.standing,
        };
        self.known = Some(Known {
            asset: whoami.asset,
            name: whoami.name.chars().take(MAX_NAME_CHARS).collect(),
            standing,
            facts_period: Duration::from_secs(period.into()),
            clock: SenzuClock { asked_at: flight.started, unix: whoami.senzu_time_ms },
        });
        actions.extend(self.known.as_ref().map(|known| Action::Named(known.name.clone())));
        self.token = Some(Arc::from(whoami.session_token));
        self.session = self.session.wrapping_add(1);
        // A session starts with facts, whatever an earlier one was told.
        self.facts.accepted = None;
        self.facts.rejected = None;
        self.facts.last_sent = None;
        self.ledger.ask_again();
        self.desk.ask_again();
        if is_other {
            self.shut_gate("Senzu now takes this server for another asset".into(), actions);
        }
        for line in [&mut self.lines.facts, &mut self.lines.poll, &mut self.lines.report] {
            line.rouse();
        }
        self.expectation = whoami.expectation;
        self.judge(actions);
        if is_other {
            self.warn("Senzu now takes this server for another asset than before".into(), actions);
        }
    }

    pub(super) fn facts_answered(
        &mut self,
        answer: Result<Box<FactsAnswer>, Failure>,
        moment: Moment,
        actions: &mut Vec<Action>,
    ) {
        let Some(flight) = self.lines.facts.land() else { return };
        match answer {
            Ok(answer) => {
                self.answered(actions);
                self.losses = 0;
                self.lines.facts.succeed();
                self.take_standing(answer.standing, flight);
                if let (Some(known), Some(unix)) = (&mut self.known, answer.senzu_time_ms) {
                    known.clock = SenzuClock { asked_at: flight.started, unix };
                }
                if flight.session == self.session && answer.generation == self.facts.generation {
                    self.facts.accepted = self.facts.sending.take();
                    self.facts.rejected = None;
                    self.facts.findings = answer.findings;
                }
                if let Some(expectation) = answer.expectation {
                    self.expectation = expectation;
                }
                self.judge(actions);
            }
            Err(Failure::Status { code: 409, .. }) => {
                self.answered(actions);
                self.outrun_generations(moment);
                self.facts.sending = None;
                self.facts.last_sent = None;
                self.facts.accepted = None;
                self.lines.facts.fail(moment.at, moment.random, 1, timing::LONGEST_REST);
            }
            Err(failure) if Self::loses_session(&failure) => self.lose_session(flight, &failure, actions),
            Err(failure) if failure.is_final() => {
                self.answered(actions);
                self.facts.rejected = self.facts.sending.take();
                self.warn(format!("Senzu does not take this server's facts: {failure}"), actions);
            }
            Err(failure) => self.failed(|state| &mut state.lines.facts, flight, failure, moment, actions),
        }
    }

    pub(super) fn polled(
        &mut self,
        answer: Result<Box<InstructionsAnswer>, Failure>,
        moment: Moment,
        actions: &mut Vec<Action>,
    ) {
        let Some(flight) = self.lines.poll.land() else { return };
        match answer {
            Ok(answer) => {
                self.answered(actions);
                self.losses = 0;
                self.lines.poll.succeed();
                self.take_standing(answer.standing, flight);
                for sealed in answer.instructions.iter().take(timing::INSTRUCTIONS_PER_ANSWER) {
                    // What comes after the end is for the next boot; what has no room here waits at Senzu.
                    if self.farewell.is_some() || !self.desk.has_room() {
                        break;
                    }
                    self.ordered(sealed, moment, actions);
                }
                let earliest = flight.started + timing::POLL_GAP;
                if self.ledger.next().is_none() && moment.at < earliest {
                    self.lines.poll.rest_until(earliest);
                }
                actions.push(Action::Render);
            }
            Err(failure) if Self::loses_session(&failure) => self.lose_session(flight, &failure, actions),
            Err(failure) => self.failed(|state| &mut state.lines.poll, flight, failure, moment, actions),
        }
    }

    pub(super) fn reported(&mut self, answer: Result<(), Failure>, moment: Moment, actions: &mut Vec<Action>) {
        let Some(flight) = self.lines.report.land() else { return };
        match answer {
            Ok(()) => {
                self.answered(actions);
                self.lines.report.succeed();
                if let Some(told) = self.report_settled(moment) {
                    self.work_told(&told, Ok(()), actions);
                }
            }
            Err(Failure::Status { code: 401, words }) => {
                self.lose_session(flight, &Failure::Status { code: 401, words }, actions);
            }
            Err(failure) if failure.is_final() => {
                // Senzu will never take it: it holds up nothing behind it.
                self.answered(actions);
                if let Some(told) = self.report_settled(moment) {
                    self.work_told(&told, Err(&failure), actions);
                }
                self.warn(format!("Senzu does not take a report: {failure}"), actions);
            }
            Err(failure) => self.failed(|state| &mut state.lines.report, flight, failure, moment, actions),
        }
    }

    fn report_settled(&mut self, moment: Moment) -> Option<Outgoing> {
        let settled = self.ledger.delivered()?;
        if self.state_unreported == Some(settled.id) {
            self.state_unreported = None;
            self.state_settled_at = moment.at;
        }
        Some(settled)
    }

    /// Takes where the asset stands, unless Senzu could not know yet that an instruction changed it.
    fn take_standing(&mut self, standing: Standing, flight: Flight) {
        let is_outdated = self.state_unreported.is_some() || flight.started < self.state_settled_at;
        let Some(known) = &mut self.known else { return };
        let state = if is_outdated { known.standing.state } else { standing.state };
        known.standing = Standing { state, ..standing };
    }

    /// Senzu answers.
    pub(super) fn answered(&mut self, actions: &mut Vec<Action>) {
        match std::mem::replace(&mut self.reach, Reach::Answers) {
            Reach::Answers => {}
            Reach::Untried => actions.push(Action::Render),
            Reach::Fails { .. } => {
                // It is back: nobody waits out a rest.
                self.rouse();
                actions.push(Action::Log("Senzu answers again".into()));
                actions.push(Action::Render);
            }
        }
    }

    /// Senzu gave no good answer: rest, perhaps go to its next URL, never give up.
    fn failed(
        &mut self,
        line: impl FnOnce(&mut Self) -> &mut Line,
        flight: Flight,
        failure: Failure,
        moment: Moment,
        actions: &mut Vec<Action>,
    ) {
        let urls = self.config.senzu_urls.max(1);
        let longest = match self.farewell {
            Some(_) => timing::LONGEST_REST_AT_END,
            None => timing::LONGEST_REST,
        };
        let places = if failure.moves_on() { urls } else { 1 };
        line(self).fail(moment.at, moment.random, places, longest);
        self.fails(flight.senzu, failure, moment, actions);
    }

    /// Notes that Senzu fails, and goes to its next URL where that may help.
    pub(super) fn fails(&mut self, senzu: usize, failure: Failure, moment: Moment, actions: &mut Vec<Action>) {
        if failure.moves_on() && senzu == self.senzu {
            self.senzu = (self.senzu + 1) % self.config.senzu_urls.max(1);
        }
        let since = match self.reach {
            Reach::Fails { since, .. } => since,
            Reach::Untried | Reach::Answers => {
                actions.push(Action::Log(format!("Senzu fails: {failure}")));
                moment.at
            }
        };
        self.reach = Reach::Fails { since, failure };
        actions.push(Action::Render);
    }

    /// Whether an answer says that the session is not (or no longer) one.
    fn loses_session(failure: &Failure) -> bool {
        matches!(failure.status(), Some(401 | 403 | 404 | 410))
    }

    /// The session is lost: greet again with the same boot id. The first time at once, then ever more slowly.
    fn lose_session(&mut self, flight: Flight, failure: &Failure, actions: &mut Vec<Action>) {
        self.answered(actions);
        if flight.session != self.session || self.token.is_none() {
            return;
        }
        self.token = None;
        self.losses = self.losses.saturating_add(1);
        actions.push(Action::Log(format!("the session is lost (Senzu {failure}); greeting again")));
        if self.losses > 1 {
            let rest = timing::rest(self.losses - 1, 1, timing::LONGEST_REST, u64::from(self.losses) << 59);
            self.lines.greeting.rest_until(flight.started + rest);
        }
        actions.push(Action::Render);
    }
}
