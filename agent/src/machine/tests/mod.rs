//! Boot sessions, lived through in microseconds.

mod ending;
mod facts;
mod orders;
mod promotion;
mod properties;
mod session;
mod work;

use super::*;
use crate::facts::Parts;
use pious_protocol::{
    envelope::SigningKey,
    facts::{Dhcp, Link, Nic},
    ids::{InstructionId, Sequence},
    instruction::{Action as Order, Instruction, Precondition},
    message::{AssetState, Evaluation, FactsAnswer, InstructionsAnswer, Report, SealedInstruction, Standing, Whoami},
};
use std::{net::IpAddr, sync::LazyLock};
use uuid::Uuid;

/// Senzu's clock when it answers BOOT_EVENT.
const SENZU_TIME: UnixMs = UnixMs(1_800_000_000_000);

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap());
static OTHER_KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap());

fn boot_id() -> BootId {
    BootId(Uuid::from_u128(0xb007))
}

fn asset_id() -> AssetId {
    AssetId(Uuid::from_u128(0xa55e7))
}

/// A machine and its time.
struct Bench {
    state: State,
    at: Duration,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            boot_id: boot_id(),
            agent_version: "0.1.0".into(),
            keys: Arc::new(KEY.public()),
            senzu_urls: 1,
            network: NetworkOwner::Agent,
            power: Power::Granted,
            last_words: None,
        };
        change(&mut config);
        Self { state: State::new(config), at: Duration::from_secs(3) }
    }

    fn step(&mut self, event: Event) -> Vec<Action> {
        self.state.step(event, Moment { at: self.at, random: u64::MAX })
    }

    fn tick_after(&mut self, after: Duration) -> Vec<Action> {
        self.at += after;
        self.step(Event::Tick)
    }

    /// Goes to the moment that the machine wants to be woken at; facts that are read anew on the way are as before.
    fn sleep(&mut self) -> Vec<Action> {
        loop {
            self.at = self.state.next_wake().expect("the machine waits for something").max(self.at);
            let actions = self.step(Event::Tick);
            let looks = looks(&actions);
            if looks.is_empty() {
                return actions;
            }
            for parts in looks {
                let facts = Some(Box::new(Facts::clone(self.state.facts())));
                self.step(Event::Read { parts, facts });
            }
        }
    }

    /// Up to the BOOT_EVENT that is in flight.
    fn booted(mut self) -> Self {
        self.step(Event::Started { timeline: vec![] });
        self.step(read(gathered()));
        self.step(Event::Links(vec![link_seen(Link::Up)]));
        let actions = self.step(bound());
        assert!(sends_boot_event(&actions), "{actions:?}");
        self.devices_settled();
        self
    }

    fn devices_settled(&mut self) -> Vec<Action> {
        let actions = self.step(settled(&[]));
        assert!(looks(&actions).iter().any(|parts| parts.contains(&Part::Disks)), "{actions:?}");
        self.step(read(gathered()))
    }

    /// Ends the looks at the BMC and the disks' health that are under way since the start, and those wanted since.
    fn finish_slow_looks(&mut self) {
        for _ in 0..2 {
            let parts = Parts::from(SLOW);
            self.step(Event::Read { parts, facts: Some(Box::new(gathered())) });
        }
    }

    /// Up to an open session: facts and the first long-poll are in flight.
    fn open(mut self, state: AssetState) -> Self {
        self = self.booted();
        let actions = self.step(Event::Greeted(Ok(Box::new(whoami(state)))));
        assert!(actions.iter().any(|a| matches!(a, Action::SendFacts { .. })), "{actions:?}");
        assert!(actions.iter().any(|a| matches!(a, Action::Poll { .. })), "{actions:?}");
        self
    }

    fn facts_accepted(&mut self, generation: u64) -> Vec<Action> {
        let standing = self.state.standing().unwrap().clone();
        self.step(Event::FactsAnswered(Ok(Box::new(FactsAnswer {
            generation: Generation(generation),
            findings: vec![],
            standing,
            expectation: None,
            senzu_time_ms: None,
        }))))
    }

    /// Hands out sealed instructions, and answers the reports.
    fn handed(&mut self, instructions: Vec<SealedInstruction>) -> Vec<Action> {
        let standing = self.state.standing().unwrap().clone();
        self.step(Event::Polled(Ok(Box::new(InstructionsAnswer { instructions, standing }))))
    }

    /// Hands out one instruction; its report.
    fn report_of(&mut self, sealed: SealedInstruction) -> (InstructionId, Report) {
        let actions = self.handed(vec![sealed]);
        report(&actions).unwrap_or_else(|| panic!("no report among {actions:?}"))
    }
}

fn report(actions: &[Action]) -> Option<(InstructionId, Report)> {
    actions.iter().find_map(|action| match action {
        Action::SendReport { id, report, .. } => Some((*id, report.clone())),
        _ => None,
    })
}

fn sends_boot_event(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::SendBootEvent { .. }))
}

fn end(actions: &[Action]) -> Option<Ending> {
    actions.iter().find_map(|action| match action {
        Action::End(ending) => Some(*ending),
        _ => None,
    })
}

fn polls(actions: &[Action]) -> Option<Sequence> {
    actions.iter().find_map(|action| match action {
        Action::Poll { after, .. } => Some(*after),
        _ => None,
    })
}

fn sent_facts(actions: &[Action]) -> Option<u64> {
    actions.iter().find_map(|action| match action {
        Action::SendFacts { report, .. } => Some(report.generation.0),
        _ => None,
    })
}

/// What may take a BMC or a disk seconds.
const SLOW: [Part; 3] = [Part::DiskHealth, Part::Bmc, Part::BmcHealth];

/// What a look at all else found.
fn read(facts: Facts) -> Event {
    let parts = Part::ALL.into_iter().filter(|part| !SLOW.contains(part)).collect();
    Event::Read { parts, facts: Some(Box::new(facts)) }
}

fn settled(subsystems: &[&str]) -> Event {
    Event::DevicesSettled { subsystems: subsystems.iter().map(|name| (*name).to_owned()).collect() }
}

/// The looks among actions, each as its parts.
fn looks(actions: &[Action]) -> Vec<Parts> {
    let looks = actions.iter().filter_map(|action| match action {
        Action::Look { parts, .. } => Some(parts.clone()),
        _ => None,
    });
    looks.collect()
}

fn gathered() -> Facts {
    Facts { nics: vec![Nic { name: "eth0".into(), link: Link::NoCarrier, ..Nic::default() }], ..Facts::default() }
}

fn link_seen(link: Link) -> LinkSeen {
    LinkSeen { name: "eth0".into(), link, speed_mbps: Some(1000), ..LinkSeen::default() }
}

fn bound() -> Event {
    let address: IpAddr = [10, 77, 0, 10].into();
    let dhcp = Dhcp::Bound { address, prefix_length: 24, server: [10, 77, 0, 1].into(), lease_s: 120 };
    Event::Dhcp { nic: "eth0".into(), dhcp, addresses: vec![address] }
}

fn standing(state: AssetState) -> Standing {
    Standing { state, evaluation: Evaluation::Pending, step: None, reason: None }
}

fn whoami(state: AssetState) -> Whoami {
    Whoami {
        asset: asset_id(),
        name: "r1-u10".into(),
        standing: standing(state),
        expectation: Expectation::default(),
        session_token: "token".into(),
        senzu_time_ms: SENZU_TIME,
        facts_period_s: 60,
    }
}

fn instruction(sequence: u64, action: Order) -> Instruction {
    Instruction {
        id: InstructionId(Uuid::from_u128(0x1000 + u128::from(sequence))),
        asset: asset_id(),
        boot: None,
        sequence: Sequence(sequence),
        issued_ms: SENZU_TIME,
        expires_ms: UnixMs(SENZU_TIME.0 + 60_000),
        precondition: None,
        action,
    }
}

fn sealed(instruction: &Instruction) -> SealedInstruction {
    SealedInstruction { sequence: instruction.sequence, jws: KEY.seal(instruction).unwrap() }
}

fn switch_to(state: AssetState) -> Order {
    Order::SwitchState { to: state }
}

fn shutdown() -> Order {
    Order::Shutdown { reason: "idle".into() }
}

fn refused(reason: &str) -> Report {
    Report::Refused { reason: reason.into() }
}

fn unreachable() -> Failure {
    Failure::Connect("connection refused".into())
}

fn status(code: u16) -> Failure {
    Failure::Status { code, words: "words".into() }
}

fn state_is(state: AssetState) -> Option<Precondition> {
    Some(Precondition::StateIs { state })
}
