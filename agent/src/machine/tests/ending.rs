//! Powering off and rebooting: only after the report arrived, or had its time.

use super::*;

fn told_to(order: Order) -> Bench {
    let mut bench = Bench::new().open(AssetState::Spare);
    let (_, report) = bench.report_of(sealed(&instruction(1, order)));
    assert!(matches!(report, Report::Done { .. }), "{report:?}");
    bench
}

#[test]
fn the_end_comes_with_the_delivery_of_its_report() {
    for (order, expected) in
        [(shutdown(), Ending::PowerOff), (Order::Reboot { reason: "promoted".into() }, Ending::Reboot)]
    {
        let mut bench = told_to(order);
        assert_eq!(end(&bench.tick_after(Duration::from_secs(5))), None);
        assert_eq!(end(&bench.step(Event::Reported(Ok(())))), Some(expected));
    }
}

#[test]
fn a_senzu_that_is_away_does_not_keep_a_server_on() {
    let mut bench = told_to(shutdown());
    let start = bench.at;
    let mut tries = 1;
    loop {
        bench.step(Event::Reported(Err(unreachable())));
        let actions = bench.sleep();
        if end(&actions) == Some(Ending::PowerOff) {
            break;
        }
        assert!(report(&actions).is_some(), "{actions:?}");
        tries += 1;
    }
    assert_eq!(bench.at - start, timing::FAREWELL);
    assert!(tries >= 8, "{tries} tries in {:?}", timing::FAREWELL);
}

#[test]
fn a_try_that_hangs_does_not_keep_a_server_on() {
    let mut bench = told_to(shutdown());
    assert_eq!(end(&bench.sleep()), Some(Ending::PowerOff));
}

#[test]
fn a_lost_session_is_opened_again_for_the_report() {
    let mut bench = told_to(shutdown());
    assert!(sends_boot_event(&bench.step(Event::Reported(Err(status(401))))));
    let actions = bench.step(Event::Greeted(Ok(Box::new(whoami(AssetState::Spare)))));
    assert!(report(&actions).is_some(), "{actions:?}");
    assert_eq!(end(&bench.step(Event::Reported(Ok(())))), Some(Ending::PowerOff));
}

#[test]
fn what_comes_behind_the_end_is_left_for_the_next_boot() {
    let mut bench = Bench::new().open(AssetState::Spare);
    let orders = [shutdown(), switch_to(AssetState::Baremetal)];
    let sealed: Vec<_> = orders.into_iter().zip(1..).map(|(order, n)| sealed(&instruction(n, order))).collect();
    bench.handed(sealed);
    assert_eq!(bench.state.standing().unwrap().state, AssetState::Spare);
    assert_eq!(end(&bench.step(Event::Reported(Ok(())))), Some(Ending::PowerOff));
}

#[test]
fn what_comes_before_the_end_is_reported_first() {
    let mut bench = Bench::new().open(AssetState::Spare);
    let orders = [switch_to(AssetState::Baremetal), Order::Reboot { reason: "promoted".into() }];
    let all: Vec<_> = orders.into_iter().zip(1..).map(|(order, n)| sealed(&instruction(n, order))).collect();
    let actions = bench.handed(all);
    assert_eq!(report(&actions).unwrap().0, instruction(1, shutdown()).id);
    let actions = bench.step(Event::Reported(Ok(())));
    assert_eq!((end(&actions), report(&actions).unwrap().0), (None, instruction(2, shutdown()).id));
    assert_eq!(end(&bench.step(Event::Reported(Ok(())))), Some(Ending::Reboot));
}

#[test]
fn a_session_that_is_told_to_end_ends_at_once() {
    assert_eq!(end(&Bench::new().step(Event::Terminated)), Some(Ending::Stop), "before it began");
    let mut bench = Bench::new().open(AssetState::Spare);
    assert_eq!(end(&bench.step(Event::Terminated)), Some(Ending::Stop));
    let mut without_power = Bench::with(|config| config.power = Power::Withheld).open(AssetState::Spare);
    assert_eq!(end(&without_power.step(Event::Terminated)), Some(Ending::Stop));
}

#[test]
fn a_session_that_is_told_to_end_delivers_its_reports_if_it_soon_can() {
    let switched = || {
        let mut bench = Bench::new().open(AssetState::Spare);
        bench.report_of(sealed(&instruction(1, switch_to(AssetState::Baremetal))));
        assert_eq!(end(&bench.step(Event::Terminated)), None, "a report is on its way");
        bench
    };
    assert_eq!(end(&switched().step(Event::Reported(Ok(())))), Some(Ending::Stop));
    let mut bench = switched();
    let start = bench.at;
    assert_eq!((end(&bench.sleep()), bench.at - start), (Some(Ending::Stop), timing::TERMINATION));
}

#[test]
fn a_server_that_is_powering_off_and_is_told_to_end_still_powers_off() {
    let mut bench = told_to(shutdown());
    let start = bench.at;
    assert_eq!(end(&bench.step(Event::Terminated)), None);
    assert_eq!((end(&bench.sleep()), bench.at - start), (Some(Ending::PowerOff), timing::TERMINATION));
}

#[test]
fn nothing_is_done_after_the_end() {
    let mut bench = told_to(shutdown());
    bench.step(Event::Reported(Ok(())));
    assert!(bench.tick_after(Duration::from_secs(100)).is_empty());
    assert!(bench.step(bound()).is_empty());
    assert_eq!(bench.state.next_wake(), None);
}
