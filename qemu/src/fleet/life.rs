//! What one simulated server does from power-on to power-off: the agent's machine, stepped, and its actions performed.

use super::{server::Server, tally::Tally};
use pious_agent::machine::{Action, Config, Ending, Event, Failure, Moment, NetworkOwner, Power, State};
use pious_client::{Agent, Error, Http, Patience, Url};
use pious_protocol::{
    envelope::KeySet,
    ids::BootId,
    message::{AssetState, Report},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::Instant,
};
use uuid::Uuid;

/// More than the questions that a machine has under way.
const ANSWERS: usize = 8;

/// When a machine wants to be woken by nothing.
const NEVER: Duration = Duration::from_secs(3600);

/// What all servers share.
pub struct Surroundings {
    pub http: Http,
    pub urls: Vec<Url>,
    pub patience: Patience,
    pub keys: Arc<KeySet>,
}

/// Boots a server, again where it restarts itself, until it is off. The place is given back once it is SPARE.
pub async fn live(server: Server, surroundings: &Surroundings, tally: &Tally, mut place: Option<OwnedSemaphorePermit>) {
    loop {
        let mut boot = Boot::new(server, surroundings, tally);
        match boot.run(&mut place).await {
            Ending::Reboot => {}
            Ending::PowerOff | Ending::Stop => return,
        }
    }
}

/// One boot session.
struct Boot<'a> {
    server: Server,
    tally: &'a Tally,
    boot: BootId,
    senzu: Arc<Agent>,
    state: State,
    asked: usize,
    born: Instant,
    events: VecDeque<Event>,
    answers: mpsc::Sender<Event>,
    answered: mpsc::Receiver<Event>,
}

impl<'a> Boot<'a> {
    fn new(server: Server, surroundings: &Surroundings, tally: &'a Tally) -> Self {
        let boot = BootId(Uuid::now_v7());
        let Surroundings { http, urls, patience, keys } = surroundings;
        let config = Config {
            boot_id: boot,
            agent_version: env!("CARGO_PKG_VERSION").into(),
            keys: keys.clone(),
            senzu_urls: urls.len(),
            network: NetworkOwner::Host,
            power: Power::Granted,
            last_words: None,
        };
        let (answers, answered) = mpsc::channel(ANSWERS);
        Self {
            server,
            tally,
            boot,
            senzu: Arc::new(Agent::new(http.clone(), urls.clone(), boot, *patience)),
            state: State::new(config),
            asked: 0,
            born: Instant::now(),
            events: server.wakes().into(),
            answers,
            answered,
        }
    }

    async fn run(&mut self, place: &mut Option<OwnedSemaphorePermit>) -> Ending {
        loop {
            let event = self.next().await;
            if let Event::Greeted(Ok(_)) = &event {
                self.tally.is_greeted(self.boot);
            }
            let random = Uuid::new_v4().as_u64_pair().0;
            for action in self.state.step(event, Moment { at: self.born.elapsed(), random }) {
                if let Some(ending) = self.perform(action) {
                    return ending;
                }
            }
            let state = self.state.standing().map(|standing| standing.state);
            if let Some(state) = state {
                self.tally.stands(self.server, state);
            }
            if state == Some(AssetState::Spare) {
                *place = None;
            }
        }
    }

    async fn next(&mut self) -> Event {
        if let Some(event) = self.events.pop_front() {
            return event;
        }
        let wake = self.state.next_wake().unwrap_or(self.born.elapsed() + NEVER);
        tokio::select! {
            Some(event) = self.answered.recv() => event,
            () = tokio::time::sleep_until(self.born + wake) => Event::Tick,
        }
    }

    fn perform(&mut self, action: Action) -> Option<Ending> {
        let senzu = self.senzu.clone();
        match action {
            Action::End(ending) => return Some(ending),
            Action::Look { parts, .. } => {
                self.events.push_back(Event::Read { parts, facts: Some(Box::new(self.server.facts())) });
            }
            Action::SendBootEvent { senzu: at, event } => {
                if at != self.asked {
                    self.tally.moved_on();
                    self.asked = at;
                }
                let times = self.tally.boot_events();
                self.ask(async move { times.take(senzu.boot_event(at, &event)).await }, |answer| {
                    Event::Greeted(answer.map(Box::new))
                });
            }
            Action::SendFacts { call, report } => {
                let times = self.tally.facts();
                self.ask(async move { times.take(senzu.facts(call.via(), &report)).await }, |answer| {
                    Event::FactsAnswered(answer.map(Box::new))
                });
            }
            Action::Poll { call, after } => {
                self.ask(async move { senzu.poll(call.via(), after).await }, |answer| {
                    Event::Polled(answer.map(Box::new))
                });
            }
            Action::SendReport { call, id, report } => {
                if matches!(report, Report::Done { .. }) {
                    self.tally.does(id, self.boot);
                }
                self.ask(async move { senzu.report(call.via(), id, &report).await }, Event::Reported);
            }
            // Nobody asks a simulated server's own port.
            Action::AskPromotion { .. } | Action::AnswerPromotion { .. } => {}
            Action::Render | Action::Named(_) | Action::Log(_) => {}
        }
        None
    }

    fn ask<T: Send + 'static>(
        &self,
        answer: impl Future<Output = Result<T, Error>> + Send + 'static,
        event: impl FnOnce(Result<T, Failure>) -> Event + Send + 'static,
    ) {
        let answers = self.answers.clone();
        tokio::spawn(async move {
            // The boot is over when nobody listens.
            let _over = answers.send(event(answer.await.map_err(Failure::from))).await;
        });
    }
}
