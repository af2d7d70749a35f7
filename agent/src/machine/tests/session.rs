//! From start to an open session, and what becomes of it while Senzu fails.

use super::*;

#[test]
fn boot_event_waits_for_an_address_and_for_the_hardware_and_for_nothing_else() {
    let mut bench = Bench::new();
    let started = bench.step(Event::Started { timeline: vec![] });
    assert!(started.iter().all(|action| matches!(action, Action::Look { .. })), "{started:?}");
    assert!(!sends_boot_event(&bench.step(bound())), "an address, and no hardware looked at yet");
    let actions = bench.step(read(gathered()));
    assert!(sends_boot_event(&actions), "{actions:?}");
    let phases: Vec<_> = bench.state.timeline().iter().map(|entry| (entry.phase.as_str(), entry.at_ms)).collect();
    assert_eq!(phases, [("agent", 3000), ("dhcp", 3000), ("boot_event", 3000)]);
}

#[test]
fn a_host_with_a_network_of_its_own_does_not_wait_for_dhcp() {
    let mut bench = Bench::with(|config| config.network = NetworkOwner::Host);
    bench.step(Event::Started { timeline: vec![] });
    assert!(sends_boot_event(&bench.step(read(gathered()))));
}

#[test]
fn a_link_local_address_is_none() {
    let mut bench = Bench::new();
    bench.step(Event::Started { timeline: vec![] });
    bench.step(read(gathered()));
    let addresses = vec!["fe80::1".parse().unwrap(), "169.254.3.4".parse().unwrap()];
    assert!(!sends_boot_event(&bench.step(Event::Dhcp { nic: "eth0".into(), dhcp: Dhcp::Idle, addresses })));
}

#[test]
fn senzu_is_never_given_up_and_rests_are_bounded() {
    let mut bench = Bench::new().booted();
    let mut longest = Duration::ZERO;
    for _ in 0..200 {
        let before = bench.at;
        bench.step(Event::Greeted(Err(unreachable())));
        assert!(sends_boot_event(&bench.sleep()));
        longest = longest.max(bench.at - before);
    }
    assert_eq!(longest, timing::LONGEST_REST);
}

#[test]
fn an_address_that_comes_ends_the_rest() {
    let mut bench = Bench::new().booted();
    for _ in 0..10 {
        bench.step(Event::Greeted(Err(unreachable())));
        bench.sleep();
    }
    bench.step(Event::Greeted(Err(unreachable())));
    let gone = Event::Dhcp { nic: "eth0".into(), dhcp: Dhcp::Idle, addresses: vec![] };
    assert!(!sends_boot_event(&bench.step(gone)));
    assert!(sends_boot_event(&bench.step(bound())));
}

#[test]
fn the_next_url_is_tried_when_one_is_away_slow_or_broken_but_not_when_it_says_no() {
    for (failure, expected) in [
        (unreachable(), 1),
        (Failure::Timeout, 1),
        (Failure::Garbage("<html>".into()), 1),
        (status(503), 1),
        (status(400), 0),
        (status(429), 0),
    ] {
        let mut bench = Bench::with(|config| config.senzu_urls = 2).booted();
        bench.step(Event::Greeted(Err(failure.clone())));
        let actions = bench.sleep();
        let urls: Vec<_> = actions
            .iter()
            .filter_map(|action| match action {
                Action::SendBootEvent { senzu, .. } => Some(*senzu),
                _ => None,
            })
            .collect();
        assert_eq!(urls, [expected], "{failure}");
    }
}

#[test]
fn a_lost_session_greets_again_with_the_same_boot_id() {
    for code in [401, 403, 404, 410] {
        let mut bench = Bench::new().open(AssetState::New);
        let actions = bench.step(Event::Polled(Err(status(code))));
        let event = actions.iter().find_map(|action| match action {
            Action::SendBootEvent { event, .. } => Some(event),
            _ => None,
        });
        assert_eq!(event.map(|event| event.boot_id), Some(boot_id()), "{code}: {actions:?}");
        // The facts of the old session answer too; that loses nothing more.
        assert!(!sends_boot_event(&bench.step(Event::FactsAnswered(Err(status(code))))));
        let actions = bench.step(Event::Greeted(Ok(Box::new(whoami(AssetState::New)))));
        assert_eq!((sent_facts(&actions).is_some(), polls(&actions)), (true, Some(Sequence(0))), "{code}");
    }
}

#[test]
fn a_session_that_is_lost_again_and_again_does_not_spin() {
    let mut bench = Bench::new().open(AssetState::New);
    let start = bench.at;
    for _ in 0..20 {
        if !sends_boot_event(&bench.step(Event::Polled(Err(status(401))))) {
            assert!(sends_boot_event(&bench.sleep()));
        }
        bench.step(Event::Greeted(Ok(Box::new(whoami(AssetState::New)))));
        bench.step(Event::FactsAnswered(Err(status(401))));
    }
    assert!(bench.at - start > Duration::from_secs(60), "{:?}", bench.at - start);
}

#[test]
fn senzu_coming_back_ends_every_rest() {
    let mut bench = Bench::new().open(AssetState::New);
    for _ in 0..10 {
        bench.step(Event::FactsAnswered(Err(status(500))));
        bench.step(Event::Polled(Err(status(500))));
        bench.sleep();
        bench.tick_after(timing::LONGEST_REST);
    }
    bench.step(Event::FactsAnswered(Err(status(500))));
    assert!(matches!(bench.state.reach, Reach::Fails { .. }));
    let actions = bench.handed(vec![]);
    assert!(sent_facts(&actions).is_some(), "{actions:?}");
    assert_eq!(bench.state.reach, Reach::Answers);
}

#[test]
fn a_senzu_that_does_not_hold_the_poll_is_not_asked_in_a_tight_loop() {
    let mut bench = Bench::new().open(AssetState::New);
    assert_eq!(polls(&bench.handed(vec![])), None);
    assert_eq!(polls(&bench.tick_after(timing::POLL_GAP)), Some(Sequence(0)));
    bench.at += Duration::from_secs(30);
    assert_eq!(polls(&bench.handed(vec![])), Some(Sequence(0)), "one that was held is followed by the next at once");
}

#[test]
fn answers_that_nobody_asked_for_are_nothing() {
    let mut bench = Bench::new();
    assert!(bench.step(Event::Reported(Ok(()))).is_empty());
    assert!(bench.step(Event::Greeted(Ok(Box::new(whoami(AssetState::Spare))))).is_empty());
    assert!(bench.state.standing().is_none());
}
