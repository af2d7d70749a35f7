//! The boot session as a pure state machine: `step(event, moment) -> actions`.
//!
//! No socket, no clock, no path, no thread, no luck of its own: a laptop tests the whole life of a boot session in
//! microseconds, and the same core drives ten thousand simulated servers. What it wants done it says as [`Action`]s;
//! whoever drives it performs them and says how they went as [`Event`]s, and wakes it at [`State::next_wake`].
//!
//! It is level-triggered: each step first notes what happened, then starts whatever now may start. So no order of
//! events can leave it stuck, and what is not possible yet (no address, no session, Senzu away) simply starts later.
//!
//! | file | what |
//! | --- | --- |
//! | `event` | what it hears, what it wants |
//! | `pursue` | what may start now |
//! | `answers` | what Senzu's answers mean |
//! | `orders` | instructions: believed, judged, done once |
//! | `desk` | instructions that take time, and those that wait behind them |
//! | `promotion` | promotions asked at the agent's own server |
//! | `looking` | which facts are read anew, and when |
//! | `devices` | whether there is anything to judge yet |
//! | `inventory`, `ledger`, `line`, `timing` | the parts |

mod answers;
mod desk;
mod devices;
mod event;
mod inventory;
mod ledger;
mod line;
mod looking;
mod orders;
mod promotion;
mod pursue;
#[cfg(test)]
mod tests;
pub mod timing;

pub(crate) use desk::Working;
pub(crate) use devices::Judging;
pub use event::{Action, AskerId, Call, Ending, Event, Failure, LinkSeen, Moment, PromotionOutcome};
pub(crate) use inventory::is_routable;

use crate::facts::Part;
use desk::Desk;
use devices::Devices;
use inventory::{Inventory, Sighting};
use ledger::Ledger;
use line::Line;
use looking::Looking;
use pious_protocol::{
    envelope::KeySet,
    expectation::Expectation,
    facts::Facts,
    finding::Finding,
    ids::{AssetId, BootId, Generation, InstructionId, UnixMs},
    message::{Standing, TimelineEntry},
};
use std::{sync::Arc, time::Duration};

/// What the machine is told once.
#[derive(Clone, Debug)]
pub struct Config {
    /// This boot session.
    pub boot_id: BootId,
    /// The agent's version.
    pub agent_version: String,
    /// Whose instructions are believed.
    pub keys: Arc<KeySet>,
    /// How many URLs Senzu has; at least one.
    pub senzu_urls: usize,
    /// Whether the network must first be set up (the image) or is somebody else's (an ordinary host).
    pub network: NetworkOwner,
    /// Whether instructions may reboot and power off this machine.
    pub power: Power,
    /// The last words of a process of this boot that died.
    pub last_words: Option<String>,
}

/// Who sets up the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkOwner {
    /// The agent: BOOT_EVENT waits for an address.
    Agent,
    /// The host: BOOT_EVENT is tried at once.
    Host,
}

/// Whether instructions have power over the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// They may end it.
    Granted,
    /// They may not.
    Withheld,
}

/// Who this machine is, by Senzu's word.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub asset: AssetId,
    pub name: String,
    pub standing: Standing,
    pub facts_period: Duration,
    pub clock: SenzuClock,
}

/// Senzu's clock, carried on by the machine's own monotonic one. The moment is that of asking, so the estimate runs
/// ahead by the time the answer took: an instruction is rather refused a moment early than done a moment late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenzuClock {
    pub asked_at: Duration,
    pub unix: UnixMs,
}

impl SenzuClock {
    pub fn now(&self, at: Duration) -> UnixMs {
        let since = at.saturating_sub(self.asked_at).as_millis();
        UnixMs(self.unix.0.saturating_add(since.try_into().unwrap_or_default()))
    }
}

/// Whether Senzu answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Not asked yet.
    #[default]
    Untried,
    /// It answers.
    Answers,
    /// It does not, or not as it should.
    Fails { since: Duration, failure: Failure },
}

/// The facts' way to Senzu.
#[derive(Clone, Debug, Default)]
struct FactsBook {
    generation: Generation,
    /// On their way.
    sending: Option<Sighting>,
    /// Those that Senzu has.
    accepted: Option<Sighting>,
    /// Those that Senzu took for nonsense: not sent again until they change or the period comes round.
    rejected: Option<Sighting>,
    last_sent: Option<Duration>,
    /// When to send them though nothing changed.
    due: Duration,
    /// Findings that came with Senzu's last answer.
    findings: Vec<Finding>,
}

/// The end that was decided on, waiting for what Senzu must hear first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Farewell {
    pub ending: Ending,
    owed: Owed,
    deadline: Duration,
}

/// What Senzu must hear before the end.
#[derive(Clone, Copy, Debug)]
enum Owed {
    /// The report of the instruction that asks for the end.
    ReportOf(InstructionId),
    /// Every report that is on its way: nobody sends them after this process.
    EveryReport,
}

/// The kinds of request.
#[derive(Clone, Debug, Default)]
struct Lines {
    greeting: Line,
    facts: Line,
    poll: Line,
    report: Line,
}

impl Lines {
    fn all(&mut self) -> [&mut Line; 4] {
        [&mut self.greeting, &mut self.facts, &mut self.poll, &mut self.report]
    }
}

/// A boot session.
#[derive(Clone, Debug)]
pub struct State {
    config: Arc<Config>,
    pub(crate) inventory: Inventory,
    looking: Looking,
    devices: Devices,
    /// Until then, a link without its other end is one that is only just coming up.
    pub(crate) links_settle_at: Duration,
    expectation: Expectation,
    findings: Vec<Finding>,
    facts: FactsBook,
    pub(crate) known: Option<Known>,
    token: Option<Arc<str>>,
    /// Counts the sessions, so that an answer to an old one is told from one to this.
    session: u32,
    /// Sessions lost in a row without a good answer between.
    losses: u32,
    pub(crate) reach: Reach,
    /// Which of Senzu's URLs is in use.
    pub(crate) senzu: usize,
    lines: Lines,
    ledger: Ledger,
    pub(crate) desk: Desk,
    /// When a change of state by instruction became known to Senzu; standings asked for earlier are outdated.
    state_settled_at: Duration,
    /// Whose change of state Senzu does not know yet.
    state_unreported: Option<InstructionId>,
    pub(crate) farewell: Option<Farewell>,
    promotion: Option<AskerId>,
    timeline: Vec<TimelineEntry>,
    pub(crate) warnings: Vec<String>,
    pub(crate) clock_source: Option<String>,
    is_ended: bool,
}

impl State {
    /// A session that has not started.
    pub fn new(config: Config) -> Self {
        Self {
            config: Arc::new(config),
            inventory: Inventory::default(),
            looking: Looking::default(),
            devices: Devices::Coming { until: timing::DEVICES },
            links_settle_at: Duration::ZERO,
            expectation: Expectation::default(),
            findings: Vec::new(),
            facts: FactsBook::default(),
            known: None,
            token: None,
            session: 0,
            losses: 0,
            reach: Reach::Untried,
            senzu: 0,
            lines: Lines::default(),
            ledger: Ledger::default(),
            desk: Desk::default(),
            state_settled_at: Duration::ZERO,
            state_unreported: None,
            farewell: None,
            promotion: None,
            timeline: Vec::new(),
            warnings: Vec::new(),
            clock_source: None,
            is_ended: false,
        }
    }

    /// Takes one event and says what to do.
    pub fn step(&mut self, event: Event, moment: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.is_ended {
            if let Event::PromotionAsked { asker, .. } = event {
                let outcome = PromotionOutcome::Refused("this server is going down".into());
                actions.push(Action::AnswerPromotion { asker, outcome });
            }
            return actions;
        }
        self.hear(event, moment, &mut actions);
        self.look_at_devices(moment, &mut actions);
        self.watch_gate(moment, &mut actions);
        self.pursue(moment, &mut actions);
        actions
    }

    fn hear(&mut self, event: Event, moment: Moment, actions: &mut Vec<Action>) {
        match event {
            Event::Started { timeline } => {
                self.timeline = timeline;
                self.reached("agent", moment.at);
                self.devices = match self.config.network {
                    NetworkOwner::Agent => Devices::Coming { until: moment.at + timing::DEVICES },
                    // A host that runs has its drivers.
                    NetworkOwner::Host => Devices::Settled { until: moment.at + timing::DEVICES },
                };
                self.looking.want(Part::ALL);
            }
            Event::Links(links) => self.observe(moment, actions, |state| {
                if state.inventory.is_news_of_a_link(&links) {
                    state.links_settle_at = moment.at + timing::LINKS;
                }
                if state.inventory.links(links) {
                    state.looking.want([Part::Nics]);
                }
            }),
            Event::Dhcp { nic, dhcp, addresses } => {
                self.observe(moment, actions, |state| state.inventory.dhcp(&nic, dhcp, addresses));
            }
            Event::Lldp { nic, neighbours, vlan } => {
                self.observe(moment, actions, |state| state.inventory.lldp(&nic, neighbours, vlan));
            }
            Event::DevicesSettled { subsystems } => self.devices_settled(&subsystems, moment),
            Event::ClockSet { source } => {
                self.clock_source = Some(source);
                // A certificate that was not yet or no longer valid may be valid now.
                self.rouse();
                actions.push(Action::Render);
            }
            Event::Warning(words) => self.warn(words, actions),
            Event::Read { parts, facts } => {
                self.looking.ended(&parts, self.config.network, moment);
                if let Some(mut facts) = facts {
                    self.observe(moment, actions, |state| state.inventory.read(&parts, &mut facts));
                }
                self.ask_new_disks(&parts);
            }
            Event::Greeted(answer) => self.greeted(answer, moment, actions),
            Event::FactsAnswered(answer) => self.facts_answered(answer, moment, actions),
            Event::Polled(answer) => self.polled(answer, moment, actions),
            Event::Reported(answer) => self.reported(answer, moment, actions),
            Event::WorkProgressed { id, report } => self.work_progressed(id, report, moment, actions),
            Event::WorkEnded { id, report } => self.work_ended(id, report, moment, actions),
            Event::PromotionAsked { asker, request, source } => {
                self.promotion_asked(asker, request, source, actions);
            }
            Event::PromotionDecided { asker, answer } => self.promotion_decided(asker, answer, moment, actions),
            Event::Terminated => self.terminated(moment, actions),
            Event::Tick => {}
        }
    }

    /// Ends this process soon, whatever else was decided: whoever told it to does not wait long.
    fn terminated(&mut self, moment: Moment, actions: &mut Vec<Action>) {
        let deadline = moment.at + timing::TERMINATION;
        self.farewell = Some(match self.farewell {
            Some(decided) => Farewell { deadline: decided.deadline.min(deadline), ..decided },
            None => Farewell { ending: Ending::Stop, owed: Owed::EveryReport, deadline },
        });
        self.leave_work(actions);
        self.rouse();
        actions.push(Action::Log("this session was told to end".into()));
    }

    /// Lets something change what is observed; judges again at once if it did.
    fn observe(&mut self, moment: Moment, actions: &mut Vec<Action>, change: impl FnOnce(&mut Self)) {
        let before = Arc::clone(self.inventory.facts());
        let had_address = self.inventory.has_address();
        change(self);
        if *before == **self.inventory.facts() {
            return;
        }
        if self.inventory.has_link() {
            self.reached("link", moment.at);
        }
        if self.inventory.has_address() {
            self.reached("dhcp", moment.at);
            if !had_address {
                // What failed for want of an address need not rest.
                self.rouse();
            }
        }
        self.judge(actions);
    }

    /// Judges the facts: here, at once, whether Senzu is there or not, once it has said what is expected.
    fn judge(&mut self, actions: &mut Vec<Action>) {
        self.findings = match self.judging() {
            Judging::DevicesComing | Judging::NothingExpected => Vec::new(),
            Judging::Judged => pious_protocol::verify(&self.expectation, self.inventory.facts()),
        };
        actions.push(Action::Render);
    }

    /// Notes a moment of the boot; only the first time counts.
    fn reached(&mut self, phase: &str, at: Duration) {
        if self.timeline.iter().all(|entry| entry.phase != phase) {
            let at_ms = at.as_millis().try_into().unwrap_or(u64::MAX);
            self.timeline.push(TimelineEntry { phase: phase.to_owned(), at_ms });
        }
    }

    /// Tells people something, on the console and in the log.
    fn warn(&mut self, words: String, actions: &mut Vec<Action>) {
        if self.warnings.contains(&words) {
            return;
        }
        actions.push(Action::Log(words.clone()));
        actions.push(Action::Render);
        if self.warnings.len() >= timing::WARNINGS {
            self.warnings.remove(0);
        }
        self.warnings.push(words);
    }

    fn rouse(&mut self) {
        for line in self.lines.all() {
            line.rouse();
        }
    }

    /// The boot session.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The moments so far.
    pub fn timeline(&self) -> &[TimelineEntry] {
        &self.timeline
    }

    /// The facts as they stand.
    pub fn facts(&self) -> &Facts {
        self.inventory.facts()
    }

    /// All findings, worst first: the machine's own, and those that only Senzu can make.
    pub fn findings(&self) -> Vec<Finding> {
        let own = |theirs: &&Finding| {
            self.findings.iter().any(|ours| ours.check == theirs.check && ours.subject == theirs.subject)
        };
        let is_fresh =
            self.facts.accepted.as_ref().is_some_and(|accepted| !accepted.differs(self.inventory.sighting()));
        let theirs = self.facts.findings.iter().filter(|theirs| is_fresh && !own(theirs));
        let mut all: Vec<_> = self.findings.iter().chain(theirs).cloned().collect();
        all.sort_by_key(Finding::rank);
        all
    }

    /// When Senzu will be tried again, while it fails.
    pub(crate) fn next_try(&self) -> Option<Duration> {
        let lines = [&self.lines.greeting, &self.lines.facts, &self.lines.poll, &self.lines.report];
        lines.into_iter().filter(|line| line.failures() > 0).filter_map(Line::wake).min()
    }

    /// Where the asset stands, by Senzu's last word.
    pub fn standing(&self) -> Option<&Standing> {
        self.known.as_ref().map(|known| &known.standing)
    }
}
