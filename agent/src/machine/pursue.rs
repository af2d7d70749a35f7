//! What may start now.

use super::{Action, Call, Devices, Ending, Moment, NetworkOwner, Owed, Power, State, line::Flight, timing};
use pious_protocol::{
    PROTOCOL_VERSION,
    facts::Facts,
    identity::Fingerprint,
    ids::Generation,
    message::{BootEvent, FactsReport},
};
use std::{sync::Arc, time::Duration};

impl State {
    /// Starts whatever may start now.
    pub(super) fn pursue(&mut self, moment: Moment, actions: &mut Vec<Action>) {
        self.pursue_looks(moment, actions);
        if self.pursue_end(moment, actions) {
            return;
        }
        match self.token.clone() {
            None => self.pursue_greeting(moment, actions),
            Some(token) => {
                let call = Call { senzu: self.senzu, token };
                self.pursue_report(&call, moment, actions);
                self.pursue_facts(&call, moment, actions);
                self.pursue_poll(&call, moment, actions);
            }
        }
    }

    /// When the machine has to be woken though nothing happens.
    pub fn next_wake(&self) -> Option<Duration> {
        let lines = match self.token {
            None => [self.greeting_wake(), None, None],
            Some(_) => [
                self.ledger.next().and_then(|_| self.lines.report.wake()),
                self.facts_wake(),
                self.may_poll().then(|| self.lines.poll.wake()).flatten(),
            ],
        };
        let farewell = self.farewell.map(|farewell| farewell.deadline);
        let devices = match self.devices {
            Devices::Coming { until } | Devices::Settled { until } => Some(until),
            Devices::Read => None,
        };
        let others = [farewell, devices, self.gate_wake(), self.look_wake()];
        lines.into_iter().chain(others).flatten().min().filter(|_| !self.is_ended)
    }

    /// Ends once what Senzu must hear first arrived, or had its time.
    fn pursue_end(&mut self, moment: Moment, actions: &mut Vec<Action>) -> bool {
        let Some(farewell) = self.farewell else { return false };
        let is_owed = match farewell.owed {
            Owed::ReportOf(id) => self.ledger.owes(id),
            Owed::EveryReport => self.ledger.next().is_some(),
        };
        if is_owed && moment.at < farewell.deadline {
            return false;
        }
        // Never without the power to: such an instruction is refused, and sets no farewell.
        debug_assert!(farewell.ending == Ending::Stop || self.config.power == Power::Granted);
        self.is_ended = true;
        actions.push(Action::Render);
        actions.push(Action::End(farewell.ending));
        true
    }

    fn may_greet(&self) -> bool {
        let has_network = match self.config.network {
            NetworkOwner::Agent => self.inventory.has_address(),
            NetworkOwner::Host => true,
        };
        has_network && self.inventory.is_gathered()
    }

    fn greeting_wake(&self) -> Option<Duration> {
        self.lines.greeting.wake().filter(|_| self.may_greet())
    }

    fn pursue_greeting(&mut self, moment: Moment, actions: &mut Vec<Action>) {
        if !self.may_greet() || !self.lines.greeting.is_ready(moment.at) {
            return;
        }
        self.reached("boot_event", moment.at);
        let facts = self.inventory.facts();
        let event = Box::new(BootEvent {
            protocol: PROTOCOL_VERSION,
            boot_id: self.config.boot_id,
            fingerprint: Fingerprint::of(facts),
            firmware_mode: facts.firmware_mode,
            agent_version: self.config.agent_version.clone(),
            timeline: self.timeline.clone(),
            last_words: self.config.last_words.clone(),
        });
        self.lines.greeting.start(self.flight(moment));
        actions.push(Action::SendBootEvent { senzu: self.senzu, event });
    }

    fn pursue_report(&mut self, call: &Call, moment: Moment, actions: &mut Vec<Action>) {
        let Some(next) = self.ledger.next() else { return };
        if !self.lines.report.is_ready(moment.at) {
            return;
        }
        actions.push(Action::SendReport { call: call.clone(), id: next.id, report: next.report.clone() });
        self.lines.report.start(self.flight(moment));
    }

    /// When facts may next be sent, if there is anything to say.
    fn facts_due(&self) -> Duration {
        let has = [&self.facts.accepted, &self.facts.rejected].into_iter().flatten();
        let is_news = has.clone().next().is_none() || has.clone().all(|known| known.differs(self.inventory.sighting()));
        match self.facts.last_sent {
            Some(last) if is_news => (last + timing::FACTS_GAP).min(self.facts.due),
            None if is_news => Duration::ZERO,
            Some(_) | None => self.facts.due,
        }
    }

    fn facts_wake(&self) -> Option<Duration> {
        let may = !self.lines.facts.is_flying() && self.devices == Devices::Read && self.farewell.is_none();
        may.then(|| self.facts_due().max(self.lines.facts.wake().unwrap_or_default()))
    }

    fn pursue_facts(&mut self, call: &Call, moment: Moment, actions: &mut Vec<Action>) {
        if self.facts_wake().is_none_or(|wake| moment.at < wake) {
            return;
        }
        let sighting = self.inventory.sighting().clone();
        let facts = Arc::clone(sighting.facts());
        let is_repeat = self.facts.sending.as_ref() == Some(&sighting);
        if !is_repeat {
            self.facts.generation = self.facts.generation.next();
        }
        self.facts.due = moment.at + self.facts_period(moment);
        self.facts.last_sent = Some(moment.at);
        self.facts.sending = Some(sighting);
        self.lines.facts.start(self.flight(moment));
        let report = Box::new(FactsReport {
            generation: self.facts.generation,
            facts: Facts::clone(&facts),
            timeline: self.timeline.clone(),
        });
        actions.push(Action::SendFacts { call: call.clone(), report });
    }

    fn facts_period(&self, moment: Moment) -> Duration {
        let period = self.known.as_ref().map_or(timing::LONGEST_REST, |known| known.facts_period);
        timing::jittered(period, 0.8, 1.2, moment.random)
    }

    /// Polls wait for the reports: Senzu would hand out again what it does not know to be ended.
    fn may_poll(&self) -> bool {
        self.farewell.is_none() && self.ledger.next().is_none() && self.desk.has_room()
    }

    fn pursue_poll(&mut self, call: &Call, moment: Moment, actions: &mut Vec<Action>) {
        if !self.may_poll() || !self.lines.poll.is_ready(moment.at) {
            return;
        }
        self.lines.poll.start(self.flight(moment));
        actions.push(Action::Poll { call: call.clone(), after: self.ledger.after().max(self.desk.held()) });
    }

    fn flight(&self, moment: Moment) -> Flight {
        Flight { started: moment.at, senzu: self.senzu, session: self.session }
    }

    /// Skips generations that an agent process of this boot that died may have used: it can't have made more than
    /// one in a millisecond.
    pub(super) fn outrun_generations(&mut self, moment: Moment) {
        let uptime_ms = moment.at.as_millis().try_into().unwrap_or(u64::MAX);
        self.facts.generation = Generation(self.facts.generation.0.max(uptime_ms));
    }
}
