//! The one loop: waits for events, performs actions. It decides nothing.
//!
//! Everything waits on one thread: HTTP tries are tasks, gathering facts is a thread of its own (sysfs may be slow), the
//! console's devices have theirs. Each of them ends in an event.

use crate::{
    console::{Output, Surroundings, View},
    facts::Parts,
    machine::{Action, AskerId, Call, Ending, Event, Failure, Moment, PromotionOutcome, State},
    priority::Turn,
    work::{Asked, UnderWay, Worker},
};
use nix::time::{ClockId, clock_gettime};
use pious_protocol::{facts::Facts, message::PromotionRequest};
use std::{
    collections::BTreeMap,
    future::Future,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Sleep, sleep},
};

/// Answers that may wait for the loop: there is at most one try of each kind in flight, work waits for its turn, and promotions are bounded by
/// the server's connections.
const ANSWER_QUEUE: usize = 64;

/// The least time between two views: a burst of LLDP is drawn once.
const VIEW_GAP: Duration = Duration::from_millis(100);

/// How long to rest when there is nothing to wake for.
const REST: Duration = Duration::from_secs(60);

/// Reads some parts of the machine's facts, given those that are known; slow at times.
pub type Gather = Arc<dyn Fn(&Parts, &Facts) -> Facts + Send + Sync>;

/// Somebody allowed asks for a promotion.
#[derive(Debug)]
pub struct Ask {
    /// What is asked.
    pub request: PromotionRequest,
    /// From where.
    pub source: IpAddr,
    /// Where the answer goes.
    pub reply: oneshot::Sender<PromotionOutcome>,
}

/// What the loop is made of.
pub struct Driver {
    /// The machine.
    pub state: State,
    /// Senzu.
    pub senzu: Arc<pious_client::Agent>,
    /// Reads facts.
    pub gather: Gather,
    /// Does what takes time.
    pub worker: Worker,
    /// What the network tells, and other news from outside.
    pub inputs: mpsc::Receiver<Event>,
    /// Promotions asked at the agent's server.
    pub asks: mpsc::Receiver<Ask>,
    /// What the view shows that the machine does not know.
    pub surroundings: Surroundings,
    /// Devices that show the console.
    pub outputs: Vec<Output>,
    /// The newest view, for the agent's server.
    pub view: watch::Sender<Arc<View>>,
    /// Told what the asset is called.
    pub on_name: Box<dyn Fn(&str)>,
}

/// The machine's time: since the kernel started, sleep included.
pub fn now() -> Duration {
    static FALLBACK: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    match clock_gettime(ClockId::CLOCK_BOOTTIME) {
        Ok(time) => Duration::from(time),
        Err(_) => FALLBACK.get_or_init(Instant::now).elapsed(),
    }
}

fn moment() -> Moment {
    let random = uuid::Uuid::new_v4().as_u64_pair();
    Moment { at: now(), random: random.0 ^ random.1 }
}

impl Driver {
    /// Runs the boot session to its end.
    pub async fn run(self, started: Event) -> Ending {
        let (answers, answered) = mpsc::channel(ANSWER_QUEUE);
        let Self { state, senzu, gather, worker, inputs, asks, surroundings, outputs, view, on_name } = self;
        let running = Running {
            state,
            senzu,
            gather,
            worker,
            under_way: UnderWay::default(),
            answers,
            surroundings,
            outputs,
            view,
            on_name,
            askers: BTreeMap::new(),
            last_asker: 0,
            is_view_due: true,
            last_view: None,
        };
        running.run(started, inputs, asks, answered).await
    }
}

struct Running {
    state: State,
    senzu: Arc<pious_client::Agent>,
    gather: Gather,
    worker: Worker,
    under_way: UnderWay,
    answers: mpsc::Sender<Event>,
    surroundings: Surroundings,
    outputs: Vec<Output>,
    view: watch::Sender<Arc<View>>,
    on_name: Box<dyn Fn(&str)>,
    askers: BTreeMap<AskerId, oneshot::Sender<PromotionOutcome>>,
    last_asker: u64,
    is_view_due: bool,
    last_view: Option<Duration>,
}

impl Running {
    async fn run(
        mut self,
        started: Event,
        mut inputs: mpsc::Receiver<Event>,
        mut asks: mpsc::Receiver<Ask>,
        mut answered: mpsc::Receiver<Event>,
    ) -> Ending {
        let mut event = Some(started);
        loop {
            if let Some(ending) = event.and_then(|event| self.step(event)) {
                self.last_view();
                return ending;
            }
            self.show_if_due();
            event = tokio::select! {
                Some(event) = inputs.recv() => Some(event),
                Some(event) = answered.recv() => Some(event),
                Some(ask) = asks.recv() => Some(self.admit(ask)),
                () = self.until_wake() => Some(Event::Tick),
                () = self.until_view() => { self.is_view_due = true; None }
            };
        }
    }

    /// Takes an event to the machine and performs what it wants.
    fn step(&mut self, event: Event) -> Option<Ending> {
        let mut ending = None;
        for action in self.state.step(event, moment()) {
            ending = self.perform(action).or(ending);
        }
        ending
    }

    fn perform(&mut self, action: Action) -> Option<Ending> {
        match action {
            Action::End(ending) => return Some(ending),
            Action::Render => self.is_view_due = true,
            Action::Log(words) => tracing::info!("{words}"),
            Action::Named(name) => (self.on_name)(&name),
            Action::Look { parts, known } => self.look(parts, known),
            Action::SendBootEvent { senzu: at, event } => {
                let senzu = Arc::clone(&self.senzu);
                let answer = async move { senzu.boot_event(at, &event).await };
                self.answer_with(answer, |result| Event::Greeted(result.map(Box::new)));
            }
            Action::SendFacts { call, report } => {
                let senzu = Arc::clone(&self.senzu);
                let answer = async move { senzu.facts(call.via(), &report).await };
                self.answer_with(answer, |result| Event::FactsAnswered(result.map(Box::new)));
            }
            Action::Poll { call, after } => {
                let senzu = Arc::clone(&self.senzu);
                let answer = async move { senzu.poll(call.via(), after).await };
                self.answer_with(answer, |result| Event::Polled(result.map(Box::new)));
            }
            Action::SendReport { call, id, report } => {
                let senzu = Arc::clone(&self.senzu);
                let answer = async move { senzu.report(call.via(), id, &report).await };
                self.answer_with(answer, Event::Reported);
            }
            Action::Work { id, work, call, known } => {
                let (asked, senzu) = (Asked { id, work, call, known }, Arc::clone(&self.senzu));
                tokio::spawn(self.under_way.begin(&self.worker, asked, senzu, self.answers.clone()));
            }
            Action::Proceed { id, go } => self.under_way.proceed(id, go),
            Action::AskPromotion { call, asker, ask } => self.ask_promotion(call, asker, ask),
            Action::AnswerPromotion { asker, outcome } => {
                if let Some(reply) = self.askers.remove(&asker) {
                    // An asker that hung up needs no answer.
                    let _gone = reply.send(outcome);
                }
            }
        }
        None
    }

    fn ask_promotion(&self, call: Call, asker: AskerId, ask: pious_protocol::message::PromotionAsk) {
        let senzu = Arc::clone(&self.senzu);
        let answer = async move { senzu.promotion(call.via(), &ask).await };
        self.answer_with(answer, move |answer| Event::PromotionDecided { asker, answer });
    }

    /// Performs one try as a task; a task that dies is an answer too, so that the machine never waits for nothing.
    fn answer_with<T: Send + 'static>(
        &self,
        answer: impl Future<Output = Result<T, pious_client::Error>> + Send + 'static,
        event: impl FnOnce(Result<T, Failure>) -> Event + Send + 'static,
    ) {
        let answers = self.answers.clone();
        tokio::spawn(async move {
            let result = match tokio::spawn(answer).await {
                Ok(result) => result.map_err(|error| {
                    tracing::debug!("{}", chain(&error));
                    Failure::from(error)
                }),
                Err(died) => Err(Failure::Garbage(format!("the agent's own task died: {died}"))),
            };
            // The loop is gone when the session ended.
            let _ended = answers.send(event(result)).await;
        });
    }

    fn look(&self, parts: Parts, known: Arc<Facts>) {
        let (gather, answers, looked_at) = (Arc::clone(&self.gather), self.answers.clone(), parts.clone());
        tokio::spawn(async move {
            let gather = move || {
                // BOOT_EVENT needs the facts, but an address first.
                Turn::Second.take();
                gather(&looked_at, &known)
            };
            let facts = match tokio::task::spawn_blocking(gather).await {
                Ok(facts) => Some(Box::new(facts)),
                Err(died) => {
                    let _ended = answers.send(Event::Warning(format!("the facts can't be read: {died}"))).await;
                    None
                }
            };
            let _ended = answers.send(Event::Read { parts, facts }).await;
        });
    }

    fn admit(&mut self, ask: Ask) -> Event {
        self.last_asker += 1;
        let asker = AskerId(self.last_asker);
        self.askers.insert(asker, ask.reply);
        Event::PromotionAsked { asker, request: ask.request, source: ask.source }
    }

    fn until_wake(&self) -> Sleep {
        sleep(self.state.next_wake().map_or(REST, |wake| wake.saturating_sub(now())))
    }

    fn until_view(&self) -> Sleep {
        let Some(last) = self.last_view else { return sleep(Duration::ZERO) };
        let due = if self.is_view_due { Some(last) } else { View::changes_at(&self.state, last) };
        sleep(due.map_or(REST, |due| due.max(last + VIEW_GAP).saturating_sub(now())))
    }

    fn show_if_due(&mut self) {
        let now = now();
        let is_early = self.last_view.is_some_and(|last| now.saturating_sub(last) < VIEW_GAP);
        if !self.is_view_due || is_early {
            return;
        }
        self.is_view_due = false;
        self.last_view = Some(now);
        let view = Arc::new(View::of(&self.state, now, &self.surroundings));
        let is_news = self.view.send_if_modified(|shown| {
            let is_news = **shown != *view;
            *shown = Arc::clone(&view);
            is_news
        });
        if is_news {
            for output in &self.outputs {
                output.show(Arc::clone(&view));
            }
        }
    }

    fn last_view(&mut self) {
        (self.is_view_due, self.last_view) = (true, None);
        self.show_if_due();
        for output in &self.outputs {
            output.finish();
        }
    }
}

/// An error with all its causes, for the log.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        words.push_str(": ");
        words.push_str(&source.to_string());
        cause = source.source();
    }
    words
}
