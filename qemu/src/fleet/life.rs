//! What one simulated server does from power-on to power-off: the agent's machine, stepped, and its actions performed.

use super::{
    machine::{Death, Machine},
    tally::Tally,
};
use pious_agent::{
    machine::{Action, Config, Ending, Event, Failure, Moment, NetworkOwner, Power, State},
    work::{Asked, UnderWay, Worker},
};
use pious_client::{Agent, Error, Http, Patience, Url};
use pious_protocol::{
    envelope::KeySet,
    ids::BootId,
    message::{AssetState, Report},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::JoinSet,
    time::Instant,
};
use uuid::Uuid;

/// More than the questions that a machine has under way.
const ANSWERS: usize = 8;

/// When a machine wants to be woken by nothing.
const NEVER: Duration = Duration::from_secs(3600);

/// Until an agent that was killed runs again: PID 1's first delay. A machine boots more slowly; nobody waits for that here.
const REVIVES_AFTER: Duration = Duration::from_secs(1);

/// What the successor of a killed agent tells of it.
const LAST_WORDS: &str = "the session was killed by SIGKILL";

/// What all servers share.
pub struct Surroundings {
    pub http: Http,
    pub urls: Vec<Url>,
    pub patience: Patience,
    pub keys: Arc<KeySet>,
    /// The agent's worker, where there are BMCs to work on.
    pub worker: Option<Worker>,
    /// What workers write beneath; it vanishes with them.
    pub _room: TempDir,
}

/// Boots a server, again where it restarts itself or is cut off, until it is off. The place is given back once it is SPARE.
pub async fn live(
    machine: Arc<Machine>,
    surroundings: &Surroundings,
    tally: &Tally,
    mut place: Option<OwnedSemaphorePermit>,
) {
    let mut begun = Begun::anew();
    machine.powers_on();
    loop {
        let mut boot = Boot::new(&machine, &begun, surroundings, tally);
        let ended = tokio::select! {
            ending = boot.run(&mut place) => Ok(ending),
            death = machine.death() => Err(death),
        };
        // With all that it was at.
        drop(boot);
        match ended {
            Ok(Ending::PowerOff | Ending::Stop) => return,
            Ok(Ending::Reboot) => {}
            Err(death) => {
                tally.dies();
                tokio::time::sleep(REVIVES_AFTER).await;
                if death == Death::Process {
                    begun.last_words = Some(LAST_WORDS.into());
                    continue;
                }
            }
        }
        begun = Begun::anew();
        machine.powers_on();
    }
}

/// A boot session, as its agents know it: one behind the other, if they die.
struct Begun {
    boot: BootId,
    at: Instant,
    last_words: Option<String>,
}

impl Begun {
    fn anew() -> Self {
        Self { boot: BootId(Uuid::now_v7()), at: Instant::now(), last_words: None }
    }
}

/// One agent's part of a boot session.
struct Boot<'a> {
    machine: &'a Machine,
    tally: &'a Tally,
    boot: BootId,
    senzu: Arc<Agent>,
    state: State,
    asked: usize,
    born: Instant,
    events: VecDeque<Event>,
    answers: mpsc::Sender<Event>,
    answered: mpsc::Receiver<Event>,
    worker: Worker,
    under_way: UnderWay,
    /// Questions and work under way: they end with this.
    tasks: JoinSet<()>,
}

impl<'a> Boot<'a> {
    fn new(machine: &'a Arc<Machine>, begun: &Begun, surroundings: &Surroundings, tally: &'a Tally) -> Self {
        let Surroundings { http, urls, patience, keys, worker, .. } = surroundings;
        let Begun { boot, at, last_words } = begun;
        let config = Config {
            boot_id: *boot,
            agent_version: env!("CARGO_PKG_VERSION").into(),
            keys: keys.clone(),
            senzu_urls: urls.len(),
            network: NetworkOwner::Host,
            power: Power::Granted,
            last_words: last_words.clone(),
        };
        let (answers, answered) = mpsc::channel(ANSWERS);
        Self {
            machine,
            tally,
            boot: *boot,
            senzu: Arc::new(Agent::new(http.clone(), urls.clone(), *boot, *patience)),
            state: State::new(config),
            asked: 0,
            born: *at,
            events: machine.wakes().collect(),
            answers,
            answered,
            worker: machine.worker(worker.clone()),
            under_way: UnderWay::default(),
            tasks: JoinSet::new(),
        }
    }

    async fn run(&mut self, place: &mut Option<OwnedSemaphorePermit>) -> Ending {
        loop {
            let event = self.next().await;
            self.machine.passes(&event);
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
                self.tally.stands(self.machine.server(), state);
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
                self.events.push_back(Event::Read { parts, facts: Some(Box::new(self.machine.facts())) });
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
            Action::Work { id, work, call, known } => {
                let asked = Asked { id, work, call, known };
                let working = self.under_way.begin(&self.worker, asked, senzu, self.answers.clone());
                self.tasks.spawn(working);
            }
            Action::Proceed { id, go } => self.under_way.proceed(id, go),
            // Nobody asks a simulated server's own port.
            Action::AskPromotion { .. } | Action::AnswerPromotion { .. } => {}
            Action::Render | Action::Named(_) | Action::Log(_) => {}
        }
        None
    }

    fn ask<T: Send + 'static>(
        &mut self,
        answer: impl Future<Output = Result<T, Error>> + Send + 'static,
        event: impl FnOnce(Result<T, Failure>) -> Event + Send + 'static,
    ) {
        // What has ended is kept until somebody looks.
        while self.tasks.try_join_next().is_some() {}
        let answers = self.answers.clone();
        self.tasks.spawn(async move {
            // The boot is over when nobody listens.
            let _over = answers.send(event(answer.await.map_err(Failure::from))).await;
        });
    }
}
