//! Promotions asked at the agent's own server.

use super::*;
use pious_protocol::message::{PromotionAnswer, PromotionRequest};

fn asks(bench: &mut Bench, asker: u64) -> Vec<Action> {
    let request = PromotionRequest { requester: "deploy".into(), reason: None };
    bench.step(Event::PromotionAsked { asker: AskerId(asker), request, source: [10, 77, 0, 1].into() })
}

fn decides(bench: &mut Bench, asker: u64, answer: Result<PromotionAnswer, Failure>) -> Vec<Action> {
    bench.step(Event::PromotionDecided { asker: AskerId(asker), answer })
}

fn answered(actions: &[Action]) -> Option<(u64, PromotionOutcome)> {
    actions.iter().find_map(|action| match action {
        Action::AnswerPromotion { asker, outcome } => Some((asker.0, outcome.clone())),
        _ => None,
    })
}

fn is_passed_on(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::AskPromotion { .. }))
}

fn no(reason: &str) -> PromotionOutcome {
    PromotionOutcome::Refused(reason.into())
}

#[test]
fn senzu_decides_and_its_word_is_passed_on() {
    let mut bench = Bench::new().open(AssetState::Spare);
    for (answer, outcome) in [
        (Ok(PromotionAnswer::Granted), PromotionOutcome::Granted),
        (Ok(PromotionAnswer::Refused { reason: "held".into() }), no("held")),
        (Ok(PromotionAnswer::Unknown), no("Senzu gave an answer that this agent does not know")),
        (Err(status(409)), no("words")),
    ] {
        assert!(is_passed_on(&asks(&mut bench, 1)));
        assert_eq!(answered(&decides(&mut bench, 1, answer)), Some((1, outcome)));
    }
    assert_eq!(bench.state.standing().unwrap().state, AssetState::Spare, "only an instruction changes anything");
}

#[test]
fn one_that_is_not_spare_is_refused_without_asking() {
    for state in [AssetState::New, AssetState::Baremetal, AssetState::Retired, AssetState::Unknown] {
        let mut bench = Bench::new().open(state);
        let actions = asks(&mut bench, 1);
        assert!(!is_passed_on(&actions), "{state}");
        let reason = format!("r1-u10 is {state}; only a SPARE asset can be promoted");
        assert_eq!(answered(&actions), Some((1, no(&reason))));
    }
}

#[test]
fn of_two_at_once_one_wins() {
    let mut bench = Bench::new().open(AssetState::Spare);
    assert!(is_passed_on(&asks(&mut bench, 1)));
    let second = asks(&mut bench, 2);
    assert_eq!(answered(&second), Some((2, no("another promotion of this server is being decided"))));
    assert_eq!(answered(&decides(&mut bench, 1, Ok(PromotionAnswer::Granted))), Some((1, PromotionOutcome::Granted)));
}

#[test]
fn without_senzu_nothing_is_decided() {
    let mut bench = Bench::new().booted();
    let Some((1, PromotionOutcome::Unavailable(_))) = answered(&asks(&mut bench, 1)) else { panic!("before whoami") };
    let mut bench = Bench::new().open(AssetState::Spare);
    bench.step(Event::Polled(Err(unreachable())));
    let Some((1, PromotionOutcome::Unavailable(_))) = answered(&asks(&mut bench, 1)) else { panic!("unreachable") };
    let mut bench = Bench::new().open(AssetState::Spare);
    asks(&mut bench, 1);
    let answer = answered(&decides(&mut bench, 1, Err(Failure::Timeout)));
    assert!(matches!(answer, Some((1, PromotionOutcome::Unavailable(_)))), "{answer:?}");
}

#[test]
fn one_that_is_going_down_is_refused() {
    let mut bench = Bench::new().open(AssetState::Spare);
    bench.report_of(sealed(&instruction(1, shutdown())));
    assert_eq!(answered(&asks(&mut bench, 1)), Some((1, no("this server is going down"))));
    bench.step(Event::Reported(Ok(())));
    assert_eq!(answered(&asks(&mut bench, 2)), Some((2, no("this server is going down"))), "after the end, too");
}
