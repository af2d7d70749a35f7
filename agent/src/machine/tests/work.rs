//! Instructions that take time: one at a time, told of on the way, and stopped only where nothing has changed yet.

use super::*;
use crate::work::Work;
use pious_protocol::{
    firmware::{Activation, Artifact, FirmwareComponent, FlashPhase, FlashRecipe, Transfer, VersionSource},
    instruction::{FirmwareInventory, FirmwareUpdate},
};

/// An update of the BMC from 2.10 to 2.14.
pub fn update(sequence: u64) -> Instruction {
    let precondition = Precondition::FirmwareIs { component: FirmwareComponent::Bmc, version: "2.10".into() };
    let action = Order::FirmwareUpdate(Box::new(FirmwareUpdate {
        component: FirmwareComponent::Bmc,
        version: "2.14".into(),
        artifact: Artifact {
            url: "https://senzu/artifacts/1".into(),
            size_bytes: 1,
            sha256: "aa".into(),
            signature: "minisign".into(),
        },
        recipe: FlashRecipe {
            name: "test".into(),
            version: VersionSource::Manager,
            transfer: Transfer::MultipartPush,
            names_targets: false,
            apply_time: None,
            resets_bmc_before: false,
            activation: Activation::Itself,
            flash_within_s: 600,
            bmc_back_within_s: 600,
        },
    }));
    Instruction { precondition: Some(precondition), ..instruction(sequence, action) }
}

pub fn inventory() -> Order {
    Order::FirmwareInventory(FirmwareInventory { components: vec![] })
}

/// Progress in a phase.
pub fn at(phase: FlashPhase) -> Report {
    Report::Progress { percent: 10, words: "words".into(), phase: Some(phase) }
}

fn spare() -> Bench {
    Bench::new().open(AssetState::Spare)
}

/// A server that works on an update, which Senzu knows.
fn working() -> (Bench, InstructionId) {
    let mut bench = spare();
    let order = update(1);
    let actions = bench.handed(vec![sealed(&order)]);
    assert_eq!(works(&actions), Some(order.id));
    assert_eq!(report(&actions), Some((order.id, Report::Accepted)));
    let actions = bench.step(Event::Reported(Ok(())));
    assert_eq!(polls(&actions), Some(Sequence(1)), "behind what is worked on");
    (bench, order.id)
}

fn works(actions: &[Action]) -> Option<InstructionId> {
    actions.iter().find_map(|action| match action {
        Action::Work { id, .. } => Some(*id),
        _ => None,
    })
}

fn proceeds(actions: &[Action]) -> Option<Result<(), String>> {
    actions.iter().find_map(|action| match action {
        Action::Proceed { go, .. } => Some(go.clone()),
        _ => None,
    })
}

fn progresses(bench: &mut Bench, id: InstructionId, phase: FlashPhase) -> Vec<Action> {
    bench.step(Event::WorkProgressed { id, report: at(phase) })
}

fn ends(bench: &mut Bench, id: InstructionId, report: Report) -> Vec<Action> {
    bench.step(Event::WorkEnded { id, report })
}

fn failed(reason: &str) -> Report {
    Report::Failed { reason: reason.into() }
}

/// A server whose work waits at its gate, the report of which is in flight.
fn at_gate() -> (Bench, InstructionId) {
    let (mut bench, id) = working();
    let actions = progresses(&mut bench, id, FlashPhase::HandingOver);
    assert_eq!(report(&actions), Some((id, at(FlashPhase::HandingOver))));
    assert_eq!(proceeds(&actions), None);
    (bench, id)
}

/// A server whose BMC writes.
fn flashing() -> (Bench, InstructionId) {
    let (mut bench, id) = at_gate();
    assert_eq!(proceeds(&bench.step(Event::Reported(Ok(())))), Some(Ok(())));
    progresses(&mut bench, id, FlashPhase::Flashing);
    bench.step(Event::Reported(Ok(())));
    (bench, id)
}

#[test]
fn it_is_accepted_goes_on_and_is_done() {
    let (mut bench, id) = working();
    let actions = progresses(&mut bench, id, FlashPhase::Fetching);
    assert_eq!(report(&actions), Some((id, at(FlashPhase::Fetching))));
    bench.step(Event::Reported(Ok(())));
    assert_eq!(report(&ends(&mut bench, id, Report::done("2.14"))), Some((id, Report::done("2.14"))));
    bench.step(Event::Reported(Ok(())));
    assert_eq!(bench.state.desk.working().map(|working| working.id), None);
}

#[test]
fn what_it_is_told_to_do_is_what_was_asked() {
    let order = update(1);
    let Order::FirmwareUpdate(asked) = order.action.clone() else { panic!() };
    let actions = spare().handed(vec![sealed(&order)]);
    let told = actions.into_iter().find_map(|action| match action {
        Action::Work { work, call, .. } => Some((work, call)),
        _ => None,
    });
    let (work, call) = told.unwrap();
    assert_eq!(work, Work::FirmwareUpdate { from: "2.10".into(), update: asked });
    assert_eq!(call, Call { senzu: 0, token: "token".into() });
}

#[test]
fn of_progress_that_was_not_sent_yet_the_newest_is() {
    let mut bench = spare();
    let order = update(1);
    bench.handed(vec![sealed(&order)]);
    for phase in [FlashPhase::Checking, FlashPhase::Fetching] {
        assert_eq!(report(&progresses(&mut bench, order.id, phase)), None, "accepted is on its way");
    }
    let actions = bench.step(Event::Reported(Ok(())));
    assert_eq!(report(&actions), Some((order.id, at(FlashPhase::Fetching))));
    // The end makes what was not sent yet outdated, but not what flies.
    progresses(&mut bench, order.id, FlashPhase::Checking);
    ends(&mut bench, order.id, failed("broken"));
    assert_eq!(report(&bench.step(Event::Reported(Ok(())))), Some((order.id, failed("broken"))));
}

#[test]
fn the_gate_holds_until_senzu_took_its_report() {
    let (mut bench, id) = at_gate();
    assert_eq!(proceeds(&bench.step(Event::Reported(Err(unreachable())))), None);
    assert_eq!(report(&bench.sleep()), Some((id, at(FlashPhase::HandingOver))));
    let actions = bench.step(Event::Reported(Ok(())));
    assert_eq!(proceeds(&actions), Some(Ok(())));
    // Behind it, handing over is a phase like any other.
    let actions = progresses(&mut bench, id, FlashPhase::HandingOver);
    assert_eq!(report(&actions), Some((id, at(FlashPhase::HandingOver))));
    let actions = bench.step(Event::Reported(Err(status(409))));
    assert_eq!(proceeds(&actions), None, "nobody can stop it any more");
}

#[test]
fn another_reports_delivery_opens_no_gate() {
    let mut bench = spare();
    let order = update(1);
    bench.handed(vec![sealed(&order)]);
    assert_eq!(report(&progresses(&mut bench, order.id, FlashPhase::HandingOver)), None);
    let actions = bench.step(Event::Reported(Ok(())));
    assert_eq!(proceeds(&actions), None, "that was accepted's");
    assert_eq!(report(&actions), Some((order.id, at(FlashPhase::HandingOver))));
    assert_eq!(proceeds(&bench.step(Event::Reported(Ok(())))), Some(Ok(())));
}

#[test]
fn a_gate_that_senzu_shuts_stops_the_work_which_says_how_it_ended() {
    for code in [403, 404, 409] {
        let (mut bench, id) = at_gate();
        let reason = format!("it may not go on: Senzu answers {code} words");
        assert_eq!(proceeds(&bench.step(Event::Reported(Err(status(code))))), Some(Err(reason)));
        let end = failed("stopped before the BMC got anything");
        assert_eq!(report(&ends(&mut bench, id, end.clone())), Some((id, end)));
    }
}

#[test]
fn what_senzu_takes_back_before_the_gate_stops_too() {
    let (mut bench, id) = working();
    progresses(&mut bench, id, FlashPhase::Fetching);
    let actions = bench.step(Event::Reported(Err(status(409))));
    assert!(matches!(proceeds(&actions), Some(Err(_))), "{actions:?}");
    assert_eq!(report(&progresses(&mut bench, id, FlashPhase::HandingOver)), None, "Senzu hears the end alone");
}

#[test]
fn a_lost_session_asks_for_the_permission_again() {
    let (mut bench, id) = at_gate();
    let actions = bench.step(Event::Reported(Err(status(401))));
    assert!(sends_boot_event(&actions), "{actions:?}");
    assert_eq!(proceeds(&actions), None);
    let actions = bench.step(Event::Greeted(Ok(Box::new(whoami(AssetState::Spare)))));
    assert_eq!(report(&actions), Some((id, at(FlashPhase::HandingOver))));
    assert_eq!(proceeds(&bench.step(Event::Reported(Ok(())))), Some(Ok(())));
}

#[test]
fn another_assets_session_gives_no_permission() {
    let (mut bench, _) = at_gate();
    bench.step(Event::Reported(Err(status(401))));
    let other = Whoami { asset: AssetId(Uuid::from_u128(7)), ..whoami(AssetState::Spare) };
    let actions = bench.step(Event::Greeted(Ok(Box::new(other))));
    assert_eq!(proceeds(&actions), Some(Err("Senzu now takes this server for another asset".into())));
    assert_eq!(report(&actions), None);
}

#[test]
fn a_permission_is_not_waited_for_forever() {
    let (mut bench, id) = at_gate();
    let begun = bench.at;
    let go = loop {
        bench.step(Event::Reported(Err(unreachable())));
        let actions = bench.sleep();
        if let Some(go) = proceeds(&actions) {
            break go;
        }
        assert!(report(&actions).is_some(), "{actions:?}");
    };
    assert_eq!(go, Err("Senzu gave no last permission in time".into()));
    assert_eq!(bench.at - begun, timing::PERMISSION);
    // The report that asked for it is not sent any more.
    ends(&mut bench, id, failed("stopped"));
    let next = loop {
        if let Some(report) = report(&bench.sleep()) {
            break report;
        }
    };
    assert_eq!(next, (id, failed("stopped")));
}

#[test]
fn asked_again_after_its_success_it_answers_and_does_not_work() {
    let (mut bench, id) = working();
    ends(&mut bench, id, Report::done("2.14"));
    bench.step(Event::Reported(Ok(())));
    bench.at += Duration::from_secs(600);
    let actions = bench.handed(vec![sealed(&update(1))]);
    assert_eq!((works(&actions), report(&actions)), (None, Some((id, Report::done("2.14")))));
}

#[test]
fn two_are_worked_on_in_their_order_and_a_reboot_waits_for_both() {
    let mut bench = spare();
    let (first, second) = (update(1), instruction(2, inventory()));
    let third = instruction(3, Order::Reboot { reason: "new BIOS".into() });
    let actions = bench.handed(vec![sealed(&first), sealed(&second), sealed(&third)]);
    assert_eq!(works(&actions), Some(first.id));
    let actions = bench.step(Event::Reported(Ok(())));
    assert_eq!(polls(&actions), Some(Sequence(3)), "all of them are here");
    let actions = ends(&mut bench, first.id, failed("broken"));
    assert_eq!(works(&actions), Some(second.id));
    assert_eq!(report(&actions), Some((first.id, failed("broken"))));
    assert_eq!(report(&bench.step(Event::Reported(Ok(())))), Some((second.id, Report::Accepted)));
    bench.step(Event::Reported(Ok(())));
    let actions = ends(&mut bench, second.id, Report::done("2.10"));
    assert_eq!(report(&actions), Some((second.id, Report::done("2.10"))));
    assert_eq!(end(&actions), None);
    let actions = bench.step(Event::Reported(Ok(())));
    assert_eq!(report(&actions), Some((third.id, Report::done("rebooting now"))));
    assert_eq!(end(&bench.step(Event::Reported(Ok(())))), Some(Ending::Reboot));
}

#[test]
fn what_expires_while_it_waits_is_refused() {
    let mut bench = spare();
    let (first, second) = (update(1), instruction(2, switch_to(AssetState::Baremetal)));
    bench.handed(vec![sealed(&first), sealed(&second)]);
    bench.step(Event::Reported(Ok(())));
    bench.at += Duration::from_secs(61);
    ends(&mut bench, first.id, Report::done("2.14"));
    let actions = bench.step(Event::Reported(Ok(())));
    assert_eq!(report(&actions), Some((second.id, refused("it expired 1000 ms ago, by Senzu's clock"))));
}

#[test]
fn what_has_no_room_waits_at_senzu() {
    let mut bench = spare();
    let most = timing::WAITING_INSTRUCTIONS as u64;
    bench.handed(vec![sealed(&update(1))]);
    bench.step(Event::Reported(Ok(())));
    let all: Vec<_> = (2..=most + 2).map(|n| sealed(&instruction(n, switch_to(AssetState::New)))).collect();
    bench.handed(all);
    assert_eq!(polls(&bench.tick_after(timing::POLL_GAP)), None);
    ends(&mut bench, update(1).id, Report::done("2.14"));
    let poll = loop {
        if let Some(after) = polls(&bench.step(Event::Reported(Ok(())))) {
            break after;
        }
    };
    assert_eq!(poll, Sequence(most + 1), "the last one is asked for again");
}

#[test]
fn a_new_session_does_not_start_it_twice_and_does_not_ask_in_circles() {
    let (mut bench, id) = working();
    bench.step(Event::Polled(Err(status(401))));
    let actions = bench.step(Event::Greeted(Ok(Box::new(whoami(AssetState::Spare)))));
    assert_eq!(polls(&actions), Some(Sequence(0)), "Senzu is asked for everything again");
    let actions = bench.handed(vec![sealed(&update(1)), sealed(&instruction(2, shutdown()))]);
    assert_eq!((works(&actions), report(&actions), polls(&actions)), (None, None, None));
    assert_eq!(polls(&bench.tick_after(timing::POLL_GAP)), Some(Sequence(2)));
    let actions = ends(&mut bench, id, Report::done("2.14"));
    assert_eq!(report(&actions), Some((id, Report::done("2.14"))));
    let actions = bench.step(Event::Reported(Ok(())));
    assert!(matches!(report(&actions), Some((_, Report::Done { .. }))), "the shutdown: {actions:?}");
}

#[test]
fn facts_flow_while_it_works() {
    let (mut bench, _) = working();
    bench.facts_accepted(1);
    bench.at += timing::FACTS_GAP;
    assert_eq!(sent_facts(&bench.step(Event::Links(vec![link_seen(Link::NoCarrier)]))), Some(2));
}

#[test]
fn a_session_that_ends_drops_what_has_changed_nothing() {
    for (mut bench, id) in [working(), at_gate()] {
        let actions = bench.step(Event::Terminated);
        assert_eq!(proceeds(&actions), Some(Err("this session was told to end".into())));
        bench.step(Event::Reported(Ok(())));
        assert_eq!(report(&ends(&mut bench, id, failed("stopped"))), None, "the next session is told to do it");
    }
}

#[test]
fn a_session_that_ends_tells_where_a_bmc_stands_that_writes() {
    let (mut bench, id) = flashing();
    let actions = bench.step(Event::Terminated);
    assert_eq!(proceeds(&actions), None);
    let words = "the agent was told to end, and does not see the rest; the last it saw: words";
    let report_of_it = Report::Progress { percent: 10, words: words.into(), phase: Some(FlashPhase::Flashing) };
    assert_eq!(report(&actions), Some((id, report_of_it)));
    assert_eq!(end(&actions), None);
    assert_eq!(end(&bench.step(Event::Reported(Ok(())))), Some(Ending::Stop));
}

#[test]
fn people_are_told_not_to_power_off_while_a_bmc_writes() {
    let view = |bench: &Bench| crate::console::View::of(&bench.state, bench.at, &Default::default());
    let (bench, _) = working();
    let busy = |words: &str, percent| Some(crate::console::Busy { words: words.into(), percent });
    assert_eq!((view(&bench).busy, view(&bench).work), (None, busy("BMC firmware 2.10 -> 2.14", None)));
    for (phase, is_writing) in [
        (FlashPhase::Checking, false),
        (FlashPhase::Fetching, false),
        (FlashPhase::HandingOver, true),
        (FlashPhase::Flashing, true),
        (FlashPhase::Restarting, true),
        (FlashPhase::ReadingBack, false),
    ] {
        let (mut bench, id) = flashing();
        progresses(&mut bench, id, phase);
        let told = busy("BMC firmware 2.10 -> 2.14: words", Some(10));
        let expected = if is_writing { (told, None) } else { (None, told) };
        assert_eq!((view(&bench).busy, view(&bench).work), expected, "{phase:?}");
    }
    let (mut bench, id) = flashing();
    ends(&mut bench, id, Report::done("2.14"));
    assert_eq!((view(&bench).busy, view(&bench).work), (None, None));
}

#[test]
fn a_forged_copy_does_not_end_what_is_worked_on() {
    let (mut bench, id) = working();
    let forged = SealedInstruction { sequence: Sequence(1), jws: OTHER_KEY.seal(&update(1)).unwrap() };
    assert_eq!(report(&bench.handed(vec![forged])), None);
    assert_eq!(report(&ends(&mut bench, id, Report::done("2.14"))), Some((id, Report::done("2.14"))));
}

#[test]
fn an_end_that_is_none_is_a_failure() {
    let (mut bench, id) = working();
    let actions = ends(&mut bench, id, Report::Accepted);
    assert_eq!(report(&actions), Some((id, failed("it ended without a result"))));
    assert_eq!(report(&ends(&mut bench, id, Report::done("twice"))), None);
}

#[test]
fn an_update_that_is_not_certain_is_refused() {
    let with = |change: fn(&mut FirmwareUpdate)| {
        let mut order = update(1);
        if let Order::FirmwareUpdate(update) = &mut order.action {
            change(update);
        }
        order
    };
    let of_bios = Precondition::FirmwareIs { component: FirmwareComponent::Bios, version: "2.10".into() };
    let from = "it does not say which version it is to start from";
    let unknown = "it names a component, or a way to update it, that this build does not know";
    for (case, order, reason) in [
        ("no precondition", Instruction { precondition: None, ..update(1) }, from),
        ("another's version", Instruction { precondition: Some(of_bios), ..update(1) }, from),
        ("a state alone", Instruction { precondition: state_is(AssetState::Spare), ..update(1) }, from),
        ("an unknown component", with(|update| update.component = FirmwareComponent::Unknown), unknown),
        ("an unknown transfer", with(|update| update.recipe.transfer = Transfer::Unknown), unknown),
        ("an unknown activation", with(|update| update.recipe.activation = Activation::Unknown), unknown),
        ("an unknown source", with(|update| update.recipe.version = VersionSource::Unknown), unknown),
        (
            "another's transfer",
            with(|update| update.recipe.transfer = Transfer::Nvme),
            "only disks are written over NVMe, and this is for the BMC",
        ),
        ("expired", Instruction { expires_ms: SENZU_TIME, ..update(1) }, "it expired 0 ms ago, by Senzu's clock"),
    ] {
        let actions = spare().handed(vec![sealed(&order)]);
        assert_eq!(works(&actions), None, "{case}");
        assert_eq!(report(&actions), Some((order.id, refused(reason))), "{case}");
    }
    let actions = Bench::new().open(AssetState::Baremetal).handed(vec![sealed(&update(1))]);
    let reason = "this is BAREMETAL: it is updated out of band";
    assert_eq!(report(&actions), Some((update(1).id, refused(reason))));
    let mut powerless = Bench::with(|config| config.power = Power::Withheld).open(AssetState::Spare);
    let reason = "this agent runs without power over its machine";
    assert_eq!(report(&powerless.handed(vec![sealed(&update(1))])), Some((update(1).id, refused(reason))));
}
