//! Whatever happens in whatever order: the machine never panics, and keeps its promises.

use super::*;
use pious_protocol::{
    facts::{Neighbours, Vlan},
    firmware::FlashPhase,
    instruction::BmcUser,
    message::{PromotionAnswer, PromotionRequest},
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Instructions that are handed out, again and again, in every order.
const ORDERS: u64 = 9;

#[derive(Clone, Debug)]
enum Happening {
    Event(Event),
    /// Answers the oldest request in flight, well or badly.
    Answer {
        failure: Option<Failure>,
        orders: Vec<u64>,
    },
    Wait(Duration),
    /// The work under way comes to a phase, if it does not wait.
    Works(FlashPhase),
    /// The work under way ends: it is done, or it dies.
    WorkEnds(Report),
}

fn order(n: u64) -> Instruction {
    let to = |state| instruction(n, switch_to(state));
    match n {
        0 => to(AssetState::Baremetal),
        1 => Instruction { expires_ms: UnixMs(SENZU_TIME.0), ..to(AssetState::Retired) },
        2 => to(AssetState::Spare),
        3 => Instruction { asset: AssetId(Uuid::nil()), ..to(AssetState::Retired) },
        4 => instruction(n, shutdown()),
        5 => instruction(n, Order::Reboot { reason: String::new() }),
        6 => work::update(n),
        7 => instruction(n, work::inventory()),
        _ => instruction(n, Order::BmcUser(BmcUser { generation: 1 })),
    }
}

fn failure() -> impl Strategy<Value = Failure> {
    prop_oneof![
        Just(unreachable()),
        Just(Failure::Timeout),
        Just(Failure::Garbage("x".into())),
        prop_oneof![Just(400), Just(401), Just(403), Just(404), Just(409), Just(429), Just(500)].prop_map(status),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let link = prop_oneof![Just(Link::Up), Just(Link::NoCarrier), Just(Link::Unknown)];
    let request = PromotionRequest { requester: "r".into(), reason: None };
    prop_oneof![
        Just(Event::Started { timeline: vec![] }),
        prop::collection::vec((0..3u8, link), 0..3).prop_map(|links| {
            let named = |(n, link): (u8, Link)| LinkSeen { name: format!("eth{n}"), ..link_seen(link) };
            Event::Links(links.into_iter().map(named).collect())
        }),
        Just(bound()),
        Just(Event::Dhcp { nic: "eth1".into(), dhcp: Dhcp::Idle, addresses: vec![] }),
        Just(Event::Lldp {
            nic: "eth0".into(),
            neighbours: Neighbours::Silent { reason: "silent".into() },
            vlan: Vlan::default(),
        }),
        Just(settled(&[])),
        Just(Event::ClockSet { source: "NTP".into() }),
        "[a-z]{0,3}".prop_map(Event::Warning),
        Just(read(gathered())),
        (0..4u64).prop_map(move |asker| Event::PromotionAsked {
            asker: AskerId(asker),
            request: request.clone(),
            source: [10, 0, 0, 1].into(),
        }),
        (0..4u64, failure())
            .prop_map(|(asker, failure)| Event::PromotionDecided { asker: AskerId(asker), answer: Err(failure) }),
        (0..4u64)
            .prop_map(|asker| Event::PromotionDecided { asker: AskerId(asker), answer: Ok(PromotionAnswer::Granted) }),
        // Answers that nobody asked for.
        Just(Event::Reported(Ok(()))),
        failure().prop_map(|failure| Event::Polled(Err(failure))),
        Just(Event::Tick),
    ]
}

fn rare_event() -> impl Strategy<Value = Event> {
    prop_oneof![60 => event(), 1 => Just(Event::Terminated)]
}

fn works() -> impl Strategy<Value = Happening> {
    use FlashPhase::{Checking, Fetching, Flashing, HandingOver, ReadingBack, Restarting};
    let phase = prop::sample::select(vec![Checking, Fetching, HandingOver, Flashing, Restarting, ReadingBack]);
    let report = prop::sample::select(vec![Report::done("x"), Report::Failed { reason: "x".into() }, Report::Accepted]);
    prop_oneof![4 => phase.prop_map(Happening::Works), 1 => report.prop_map(Happening::WorkEnds)]
}

fn happening() -> impl Strategy<Value = Happening> {
    let answer = (prop::option::weighted(0.2, failure()), prop::collection::vec(0..ORDERS, 0..4))
        .prop_map(|(failure, orders)| Happening::Answer { failure, orders });
    prop_oneof![
        2 => rare_event().prop_map(Happening::Event),
        3 => answer,
        1 => works(),
        1 => (0..40_000u64).prop_map(|ms| Happening::Wait(Duration::from_millis(ms))),
    ]
}

/// What is promised, watched from outside.
#[derive(Default)]
struct Watch {
    /// Requests in flight, oldest first.
    flying: Vec<Action>,
    /// The final reports that arrived.
    arrived: BTreeMap<InstructionId, Report>,
    /// Changes of state that were done, by instruction.
    switched: BTreeSet<InstructionId>,
    ended: Option<Duration>,
    /// The work under way, and where it stands.
    work: Option<(InstructionId, Stand)>,
    /// Work that was begun, ever.
    begun: BTreeSet<InstructionId>,
    /// Work whose handing over Senzu heard of.
    permitted: BTreeSet<InstructionId>,
}

/// Where work stands at its gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Before,
    Waits,
    Behind,
    Stopped,
}

impl Watch {
    fn kind(action: &Action) -> Option<&'static str> {
        Some(match action {
            Action::Look { parts, .. } if parts.iter().all(|part| SLOW.contains(part)) => "slow look",
            Action::Look { .. } => "look",
            Action::SendBootEvent { .. } => "boot event",
            Action::SendFacts { .. } => "facts",
            Action::Poll { .. } => "poll",
            Action::SendReport { .. } => "report",
            Action::AskPromotion { .. } => "promotion",
            Action::AnswerPromotion { .. } | Action::Render | Action::Named(_) | Action::Log(_) | Action::End(_) => {
                return None;
            }
            Action::Work { .. } | Action::Proceed { .. } => return None,
        })
    }

    fn see(&mut self, bench: &Bench, actions: Vec<Action>) -> Result<(), TestCaseError> {
        let is_quiet = actions.iter().all(|action| matches!(action, Action::AnswerPromotion { .. }));
        prop_assert!(self.ended.is_none() || is_quiet, "after the end: {actions:?}");
        for action in actions {
            self.see_work(&action)?;
            if let Action::End(ending) = action {
                prop_assert!(ending == Ending::Stop || bench.state.desk.working().is_none(), "ended at work");
                let farewell = bench.state.farewell.unwrap();
                let has_arrived = match farewell.owed {
                    Owed::ReportOf(id) => self.arrived.contains_key(&id),
                    Owed::EveryReport => bench.state.ledger.next().is_none(),
                };
                prop_assert!(has_arrived || bench.at >= farewell.deadline, "ended after {:?}", bench.at);
                self.ended = Some(bench.at);
            }
            if let Action::Log(words) = &action
                && let Some(rest) = words.strip_prefix("instruction ")
                && words.ends_with("(switch_state) done")
            {
                let id: InstructionId = rest.split(' ').next().unwrap().parse().unwrap();
                prop_assert!(self.switched.insert(id), "{id} was done twice");
            }
            if let Some(kind) = Self::kind(&action) {
                let is_other = |other: &Action| Self::kind(other) != Some(kind);
                prop_assert!(kind == "promotion" || self.flying.iter().all(is_other), "two of {kind} at once");
                self.flying.push(action);
            }
        }
        Ok(())
    }

    fn see_work(&mut self, action: &Action) -> Result<(), TestCaseError> {
        match action {
            Action::Work { id, .. } => {
                prop_assert!(self.begun.insert(*id), "{id} was begun twice");
                prop_assert_eq!(self.work, None, "two works at once");
                self.work = Some((*id, Stand::Before));
            }
            Action::Proceed { id, go: Ok(()) } => {
                prop_assert_eq!(self.work, Some((*id, Stand::Waits)), "it does not wait");
                prop_assert!(self.permitted.contains(id), "Senzu has not heard of it");
                self.work = Some((*id, Stand::Behind));
            }
            Action::Proceed { id, go: Err(_) } => {
                let (at_work, stand) = self.work.unwrap();
                prop_assert_eq!(at_work, *id);
                prop_assert!(stand == Stand::Before || stand == Stand::Waits, "stopped at {stand:?}");
                self.work = Some((*id, Stand::Stopped));
            }
            _ => {}
        }
        Ok(())
    }

    /// What the work tells that comes to a phase.
    fn works(&mut self, phase: FlashPhase) -> Option<Event> {
        let (id, stand) = self.work?;
        match (stand, phase) {
            (Stand::Waits | Stand::Stopped, _) => return None,
            (Stand::Before, FlashPhase::HandingOver) => self.work = Some((id, Stand::Waits)),
            (Stand::Before | Stand::Behind, _) => {}
        }
        Some(Event::WorkProgressed { id, report: work::at(phase) })
    }

    /// Notes that a report arrived.
    fn arrives(&mut self, id: InstructionId, report: Report, is_taken: bool) {
        let is_gate = matches!(report, Report::Progress { phase: Some(FlashPhase::HandingOver), .. });
        if is_gate && is_taken {
            self.permitted.insert(id);
        }
        let is_over = self.arrived.get(&id).is_some_and(Report::is_final);
        assert!(!is_over || report.is_final(), "{report:?} behind the end of {id}");
        self.arrived.insert(id, report);
    }

    /// The oldest request's answer, as an event.
    fn answer(&mut self, failure: Option<Failure>, orders: &[u64]) -> Option<Event> {
        if self.flying.is_empty() {
            return None;
        }
        let spare = standing(AssetState::Spare);
        Some(match self.flying.remove(0) {
            Action::Look { parts, .. } => Event::Read { parts, facts: Some(Box::new(gathered())) },
            Action::SendBootEvent { .. } => {
                Event::Greeted(failure.map_or_else(|| Ok(Box::new(whoami(AssetState::Spare))), Err))
            }
            Action::SendFacts { report, .. } => Event::FactsAnswered(match failure {
                Some(failure) => Err(failure),
                None => Ok(Box::new(FactsAnswer {
                    generation: report.generation,
                    findings: vec![],
                    standing: spare,
                    expectation: None,
                    senzu_time_ms: None,
                })),
            }),
            Action::Poll { .. } => Event::Polled(match failure {
                Some(failure) => Err(failure),
                None => Ok(Box::new(InstructionsAnswer {
                    instructions: orders.iter().map(|n| sealed(&order(*n))).collect(),
                    standing: spare,
                })),
            }),
            Action::SendReport { id, report, .. } => {
                let is_settled =
                    failure.as_ref().is_none_or(|failure| failure.is_final() && failure.status() != Some(401));
                if is_settled {
                    self.arrives(id, report, failure.is_none());
                }
                Event::Reported(failure.map_or(Ok(()), Err))
            }
            Action::AskPromotion { asker, .. } => {
                Event::PromotionDecided { asker, answer: failure.map_or(Ok(PromotionAnswer::Granted), Err) }
            }
            other => unreachable!("{other:?} is no request"),
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_life_keeps_the_promises(happenings in prop::collection::vec(happening(), 0..120), urls in 1..3usize) {
        let mut bench = Bench::with(|config| config.senzu_urls = urls);
        let mut watch = Watch::default();
        let start = bench.step(Event::Started { timeline: vec![] });
        watch.see(&bench, start)?;
        for happening in happenings {
            let event = match happening {
                Happening::Event(event) => Some(event),
                Happening::Answer { failure, orders } => watch.answer(failure, &orders),
                Happening::Wait(time) => {
                    bench.at += time;
                    Some(Event::Tick)
                }
                Happening::Works(phase) => watch.works(phase),
                Happening::WorkEnds(report) => watch.work.take().map(|(id, _)| Event::WorkEnded { id, report }),
            };
            // An answer that nobody asked for, and that meets a request, is its answer: take it off.
            if let Some(event) = event {
                let answered = match &event {
                    Event::Reported(_) => Some("report"),
                    Event::Polled(_) => Some("poll"),
                    Event::Read { .. } => Some("look"),
                    _ => None,
                };
                if let Some(kind) = answered
                    && let Some(at) = watch.flying.iter().position(|action| Watch::kind(action) == Some(kind))
                {
                    let action = watch.flying.remove(at);
                    if let (Action::SendReport { id, report, .. }, Event::Reported(Ok(()))) = (action, &event) {
                        watch.arrives(id, report, true);
                    }
                }
                let actions = bench.step(event);
                watch.see(&bench, actions)?;
            }
            prop_assert!(bench.state.warnings.len() <= timing::WARNINGS);
            // Whatever waits, waits for an answer or for a time: nothing is stuck.
            if watch.ended.is_none() && bench.state.token.is_some() {
                let waits = !watch.flying.is_empty() || watch.work.is_some();
                prop_assert!(waits || bench.state.next_wake().is_some());
            }
        }
    }
}
