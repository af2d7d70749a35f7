//! Instructions: each way of not being believed, not being meant, and not being done twice.

use super::*;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use pious_protocol::{
    firmware::FirmwareComponent,
    ids::{AssetId, BootId},
    instruction::UnknownAction,
};

const DONE: &str = "state is BAREMETAL, was SPARE";

fn spare() -> Bench {
    Bench::new().open(AssetState::Spare)
}

fn promote(sequence: u64) -> Instruction {
    Instruction { precondition: state_is(AssetState::Spare), ..instruction(sequence, switch_to(AssetState::Baremetal)) }
}

fn state_of(bench: &Bench) -> AssetState {
    bench.state.standing().unwrap().state
}

/// That a sealed instruction is refused for this reason and changes nothing.
fn assert_refused(sealed: SealedInstruction, reason: &str) {
    let mut bench = spare();
    let (_, report) = bench.report_of(sealed);
    assert_eq!(report, refused(reason));
    assert_eq!(state_of(&bench), AssetState::Spare);
    assert!(bench.state.farewell.is_none());
}

fn with_header(header: &str, signature: &str) -> SealedInstruction {
    let body = BASE64URL.encode(serde_json::to_vec(&promote(1)).unwrap());
    SealedInstruction { sequence: Sequence(1), jws: format!("{}.{body}.{signature}", BASE64URL.encode(header)) }
}

#[test]
fn a_believed_one_is_done_and_reported() {
    let mut bench = spare();
    let (id, report) = bench.report_of(sealed(&promote(1)));
    assert_eq!((id, report), (promote(1).id, Report::done(DONE)));
    assert_eq!(state_of(&bench), AssetState::Baremetal);
    assert_eq!(polls(&bench.step(Event::Reported(Ok(())))), Some(Sequence(1)));
}

#[test]
fn unsigned_is_refused() {
    assert_refused(with_header(r#"{"alg":"none"}"#, ""), "instruction is not signed");
    assert_refused(with_header(r#"{"alg":"EdDSA"}"#, ""), "instruction is not signed");
}

#[test]
fn another_algorithm_is_refused() {
    let reason = r#"instruction is signed with "HS256"; only EdDSA is accepted"#;
    assert_refused(with_header(r#"{"alg":"HS256"}"#, "AAAA"), reason);
}

#[test]
fn wrongly_signed_is_refused() {
    let genuine = sealed(&promote(1)).jws;
    let other = sealed(&Instruction { expires_ms: UnixMs(u64::MAX), ..promote(1) }).jws;
    let signature = other.rsplit('.').next().unwrap();
    let (signed, _) = genuine.rsplit_once('.').unwrap();
    let forged = SealedInstruction { sequence: Sequence(1), jws: format!("{signed}.{signature}") };
    assert_refused(forged, "instruction's signature is wrong");
}

#[test]
fn signed_by_a_stranger_is_refused() {
    let jws = OTHER_KEY.seal(&promote(1)).unwrap();
    let kid = OTHER_KEY.public().keys[0].kid.clone();
    let reason = format!("instruction is signed with key {kid:?}, which this image does not know");
    assert_refused(SealedInstruction { sequence: Sequence(1), jws }, &reason);
}

#[test]
fn expired_is_refused_by_senzus_clock() {
    let just = Instruction { expires_ms: UnixMs(SENZU_TIME.0), ..promote(1) };
    assert_refused(sealed(&just), "it expired 0 ms ago, by Senzu's clock");
    let mut bench = spare();
    bench.at += Duration::from_secs(61);
    let (_, report) = bench.report_of(sealed(&promote(1)));
    assert_eq!(report, refused("it expired 1000 ms ago, by Senzu's clock"));
    let mut bench = spare();
    bench.at += Duration::from_secs(59);
    assert!(matches!(bench.report_of(sealed(&promote(1))).1, Report::Done { .. }));
}

#[test]
fn senzus_clock_may_be_set() {
    let mut bench = spare();
    let standing = bench.state.standing().unwrap().clone();
    let hour_ms = 3_600_000;
    let answer = FactsAnswer {
        generation: Generation(1),
        findings: vec![],
        standing,
        expectation: None,
        senzu_time_ms: Some(UnixMs(SENZU_TIME.0 + hour_ms)),
    };
    bench.step(Event::FactsAnswered(Ok(Box::new(answer))));
    let (_, report) = bench.report_of(sealed(&promote(1)));
    assert_eq!(report, refused("it expired 3540000 ms ago, by Senzu's clock"));
}

#[test]
fn for_another_asset_is_refused() {
    let other = AssetId(Uuid::from_u128(7));
    let reason = format!("it is for asset {other}, and this is {}", asset_id());
    assert_refused(sealed(&Instruction { asset: other, ..promote(1) }), &reason);
}

#[test]
fn for_another_boot_is_refused_and_for_this_one_is_done() {
    let other = BootId(Uuid::from_u128(7));
    let reason = format!("it is for boot {other}, and this is {}", boot_id());
    assert_refused(sealed(&Instruction { boot: Some(other), ..promote(1) }), &reason);
    let mut bench = spare();
    let mine = Instruction { boot: Some(boot_id()), ..promote(1) };
    assert!(matches!(bench.report_of(sealed(&mine)).1, Report::Done { .. }));
}

#[test]
fn replayed_answers_what_it_answered_before_and_is_not_done_again() {
    let mut bench = spare();
    let done = bench.report_of(sealed(&promote(1)));
    bench.step(Event::Reported(Ok(())));
    // Meanwhile the asset came back, so that doing it again would show.
    let back = bench.report_of(sealed(&instruction(2, switch_to(AssetState::Spare))));
    assert!(matches!(back.1, Report::Done { .. }));
    bench.step(Event::Reported(Ok(())));
    assert_eq!(bench.report_of(sealed(&promote(1))), done);
    assert_eq!(state_of(&bench), AssetState::Spare);
}

#[test]
fn sent_twice_in_one_answer_is_done_once() {
    let mut bench = spare();
    let twice = sealed(&promote(1));
    let actions = bench.handed(vec![twice.clone(), twice]);
    assert!(report(&actions).is_some());
    assert_eq!(report(&bench.step(Event::Reported(Ok(())))), None, "one report is enough");
}

#[test]
fn replayed_behind_what_is_remembered_is_refused() {
    let mut bench = spare();
    let count = timing::REMEMBERED_INSTRUCTIONS as u64 + 1;
    for sequence in 1..=count {
        let state = if sequence % 2 == 0 { AssetState::Spare } else { AssetState::New };
        bench.report_of(sealed(&instruction(sequence, switch_to(state))));
        bench.step(Event::Reported(Ok(())));
        bench.tick_after(timing::POLL_GAP);
    }
    let (_, report) = bench.report_of(sealed(&instruction(1, switch_to(AssetState::Baremetal))));
    assert_eq!(report, refused("its sequence 1 is behind instructions that are long ended"));
}

#[test]
fn unknown_kinds_are_refused_by_name() {
    let unknown = |problem: Option<&str>| {
        let kind = if problem.is_some() { "reboot" } else { "make_coffee" };
        instruction(1, Order::Unknown(UnknownAction { kind: kind.into(), problem: problem.map(str::to_owned) }))
    };
    assert_refused(sealed(&unknown(None)), r#"this build does not know instructions of kind "make_coffee""#);
    // A known kind without its fields.
    let mut bench = spare();
    let (_, report) = bench.report_of(sealed(&unknown(Some(""))));
    let Report::Refused { reason } = report else { panic!("{report:?}") };
    assert!(reason.starts_with(r#"its "reboot" can't be read"#), "{reason}");
}

#[test]
fn a_precondition_that_does_not_hold_is_refused() {
    let order = |precondition| Instruction { precondition, ..promote(1) };
    assert_refused(sealed(&order(state_is(AssetState::New))), "it asks for state NEW, and this is SPARE");
    assert_refused(sealed(&order(Some(Precondition::Unknown))), "it has a precondition that this build does not know");
    let firmware = Precondition::FirmwareIs { component: FirmwareComponent::Bmc, version: "2.10".into() };
    let reason = "only an update of firmware can ask for a version of it";
    assert_refused(sealed(&order(Some(firmware))), reason);
}

#[test]
fn a_state_that_is_not_known_is_refused() {
    let order = instruction(1, switch_to(AssetState::Unknown));
    assert_refused(sealed(&order), "it names a state that this build does not know");
}

#[test]
fn without_power_the_machine_is_not_ended() {
    let mut bench = Bench::with(|config| config.power = Power::Withheld).open(AssetState::Spare);
    let (_, report) = bench.report_of(sealed(&instruction(1, shutdown())));
    assert_eq!(report, refused("this agent runs without power over its machine"));
    assert_eq!(end(&bench.step(Event::Reported(Ok(())))), None);
}

#[test]
fn without_a_readable_id_it_is_a_warning_and_the_queue_goes_on() {
    let mut bench = spare();
    let garbage = SealedInstruction { sequence: Sequence(5), jws: "not.a.jws".into() };
    let actions = bench.handed(vec![garbage]);
    assert_eq!(report(&actions), None);
    assert_eq!(bench.state.warnings.len(), 1, "{:?}", bench.state.warnings);
    assert_eq!(polls(&bench.tick_after(timing::POLL_GAP)), Some(Sequence(5)));
}

#[test]
fn a_forged_copy_spoils_nothing() {
    let jws = OTHER_KEY.seal(&promote(1)).unwrap();
    let forged = SealedInstruction { sequence: Sequence(1), jws };
    let mut bench = spare();
    // Before the genuine one: refused, and the genuine one is still done.
    assert!(matches!(bench.report_of(forged.clone()).1, Report::Refused { .. }));
    bench.step(Event::Reported(Ok(())));
    let done = bench.report_of(sealed(&promote(1)));
    assert_eq!(done.1, Report::done(DONE));
    bench.step(Event::Reported(Ok(())));
    // After it: the answer is still the genuine one's.
    assert_eq!(bench.report_of(forged), done);
}

#[test]
fn a_standing_from_before_the_report_does_not_turn_the_state_back() {
    let mut bench = spare();
    bench.report_of(sealed(&promote(1)));
    bench.at += Duration::from_millis(10);
    bench.step(Event::Reported(Ok(())));
    let outdated = FactsAnswer {
        generation: Generation(1),
        findings: vec![],
        standing: standing(AssetState::Spare),
        expectation: None,
        senzu_time_ms: None,
    };
    bench.step(Event::FactsAnswered(Ok(Box::new(outdated))));
    assert_eq!(state_of(&bench), AssetState::Baremetal);
    bench.at += Duration::from_secs(30);
    bench.step(Event::Polled(Ok(Box::new(InstructionsAnswer {
        instructions: vec![],
        standing: standing(AssetState::Baremetal),
    }))));
    bench.at += Duration::from_secs(30);
    bench.step(Event::Polled(Ok(Box::new(InstructionsAnswer {
        instructions: vec![],
        standing: standing(AssetState::Spare),
    }))));
    assert_eq!(state_of(&bench), AssetState::Spare, "what Senzu says later counts");
}

#[test]
fn a_report_that_senzu_will_not_take_holds_up_nothing() {
    let mut bench = spare();
    bench.report_of(sealed(&promote(1)));
    assert_eq!(polls(&bench.step(Event::Reported(Err(status(404))))), Some(Sequence(1)));
    assert_eq!(bench.state.warnings.last().unwrap(), "Senzu does not take a report: answers 404 words");
}

#[test]
fn a_report_that_fails_is_sent_again_before_anything_is_polled() {
    let mut bench = spare();
    let first = bench.report_of(sealed(&promote(1)));
    assert_eq!(polls(&bench.step(Event::Reported(Err(status(500))))), None);
    assert_eq!(report(&bench.sleep()), Some(first));
}
