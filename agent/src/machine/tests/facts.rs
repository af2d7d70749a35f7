//! Facts: judged here at once, and their way to Senzu.

use super::*;
use crate::facts::Parts;
use pious_protocol::{
    expectation::{CablingPlan, PlannedLink},
    facts::{Disk, LldpAgent, LldpId, Neighbour, Neighbours, Observed, Vlan},
    finding::{Severity, Verdict},
    ids::MacAddress,
};

const MAC: MacAddress = MacAddress([0x52, 0x54, 0, 1, 0x10, 1]);

fn planned() -> Expectation {
    let link = PlannedLink {
        nic: MAC,
        label: None,
        switch: "r1-sw1".into(),
        port: "Ethernet1".into(),
        native_vlan: None,
        tagged_vlans: vec![],
        min_speed_mbps: None,
        group: None,
    };
    Expectation { profile: None, cabling: Some(CablingPlan { links: vec![link] }), management: None }
}

fn in_port(port: &str) -> Event {
    let id = |value: &str| LldpId { subtype: "interface_name".into(), value: value.into() };
    let neighbour = Neighbour {
        chassis_id: id("c"),
        port_id: id(port),
        ttl_s: 120,
        system_name: Some("r1-sw1".into()),
        ..Neighbour::default()
    };
    Event::Lldp { nic: "eth0".into(), neighbours: Neighbours::Heard(vec![neighbour]), vlan: Vlan::default() }
}

fn port_verdict(bench: &Bench) -> Option<Verdict> {
    bench.state.findings().iter().find(|finding| finding.check == "cabling.port").map(|finding| finding.verdict)
}

fn with_mac() -> Bench {
    let mut bench = Bench::new().open(AssetState::New);
    let seen = LinkSeen { mac: Some(MAC), permanent_mac: Some(MAC), ..link_seen(Link::Up) };
    bench.step(Event::Links(vec![seen]));
    let mut answer = FactsAnswer {
        generation: Generation(1),
        findings: vec![],
        standing: standing(AssetState::New),
        expectation: None,
        senzu_time_ms: None,
    };
    answer.expectation = Some(planned());
    bench.step(Event::FactsAnswered(Ok(Box::new(answer))));
    bench
}

#[test]
fn a_cable_that_is_moved_is_judged_at_once_while_senzu_is_away() {
    let mut bench = with_mac();
    bench.step(Event::Polled(Err(unreachable())));
    for (port, verdict) in [("Ethernet3", Verdict::Fail), ("Ethernet1", Verdict::Pass)] {
        let actions = bench.step(in_port(port));
        assert!(actions.iter().any(|action| matches!(action, Action::Render)), "{port}");
        assert_eq!(port_verdict(&bench), Some(verdict), "{port}");
    }
}

/// A bench whose whoami came before its drivers were loaded.
fn early() -> Bench {
    let mut bench = Bench::new();
    bench.step(Event::Started { timeline: vec![] });
    bench.step(read(gathered()));
    bench.step(bound());
    assert_eq!(sent_facts(&bench.step(Event::Greeted(Ok(Box::new(whoami(AssetState::New)))))), None);
    assert_eq!((bench.state.findings(), bench.state.judging()), (vec![], Judging::DevicesComing));
    bench
}

#[test]
fn what_senzu_has_not_been_asked_yet_is_not_called_unsaid() {
    let mut bench = Bench::new().booted();
    bench.step(Event::Greeted(Err(unreachable())));
    bench.step(in_port("Ethernet1"));
    assert_eq!((bench.state.findings(), bench.state.judging()), (vec![], Judging::NothingExpected));
    bench.sleep();
    bench.step(Event::Greeted(Ok(Box::new(whoami(AssetState::New)))));
    let seen: Vec<_> = bench.state.findings().into_iter().map(|finding| finding.seen).collect();
    assert_eq!(
        seen,
        ["nobody said what was ordered", "nobody said how this asset is cabled"],
        "now it is Senzu's word"
    );
}

#[test]
fn a_link_has_its_time_to_come_up_once() {
    let mut bench = Bench::new();
    let settle_at = |bench: &mut Bench, link| {
        bench.step(Event::Links(vec![link_seen(link)]));
        bench.state.links_settle_at
    };
    let first = bench.at + timing::LINKS;
    assert_eq!(settle_at(&mut bench, Link::Disabled), first);
    bench.at += Duration::from_secs(1);
    assert_eq!(settle_at(&mut bench, Link::NoCarrier), first, "the same link, on its way up");
    bench.step(Event::Links(vec![]));
    assert_eq!(
        settle_at(&mut bench, Link::Disabled),
        bench.at + timing::LINKS,
        "a card that was taken out and put back"
    );
}

#[test]
fn what_has_no_driver_yet_is_not_called_missing() {
    let mut bench = early();
    let actions = bench.devices_settled();
    assert_eq!((sent_facts(&actions), bench.state.judging()), (Some(1), Judging::Judged));
    assert!(!bench.state.findings().is_empty());
    let last = bench.state.timeline().last().unwrap();
    assert_eq!(last.phase, "findings");
}

#[test]
fn a_look_from_before_the_drivers_were_loaded_does_not_count() {
    let mut bench = Bench::new();
    bench.step(Event::Started { timeline: vec![] });
    bench.step(settled(&[]));
    // The first look began before, the second after.
    bench.step(read(gathered()));
    assert_eq!(bench.state.judging(), Judging::DevicesComing);
    bench.step(read(gathered()));
    assert_eq!(bench.state.judging(), Judging::NothingExpected);
}

#[test]
fn a_driver_that_hangs_does_not_keep_a_server_from_being_judged() {
    let mut bench = early();
    let start = bench.at;
    assert_eq!(sent_facts(&bench.sleep()), Some(1));
    assert_eq!(bench.at - start, timing::DEVICES);
}

#[test]
fn facts_are_sent_on_change_with_the_next_generation_and_a_burst_goes_as_one() {
    let mut bench = Bench::new().open(AssetState::New);
    assert_eq!(sent_facts(&bench.facts_accepted(1)), None, "nothing changed since");
    assert_eq!(sent_facts(&bench.step(in_port("Ethernet3"))), None, "too soon after the last");
    assert_eq!(sent_facts(&bench.step(in_port("Ethernet4"))), None);
    assert_eq!(sent_facts(&bench.tick_after(timing::FACTS_GAP)), Some(2));
    assert_eq!(sent_facts(&bench.step(in_port("Ethernet5"))), None, "one is in flight");
    assert_eq!(sent_facts(&bench.facts_accepted(2)), None);
    assert_eq!(sent_facts(&bench.tick_after(timing::FACTS_GAP)), Some(3));
}

#[test]
fn facts_that_failed_to_arrive_go_again_with_the_same_generation() {
    let mut bench = Bench::new().open(AssetState::New);
    bench.step(Event::FactsAnswered(Err(status(500))));
    assert_eq!(sent_facts(&bench.tick_after(timing::FACTS_GAP)), Some(1));
}

#[test]
fn facts_are_sent_on_the_period_though_nothing_changed() {
    let mut bench = Bench::new().open(AssetState::New);
    bench.facts_accepted(1);
    assert_eq!(sent_facts(&bench.tick_after(Duration::from_secs(71))), None, "the luck of this bench is +20 %");
    let actions = bench.tick_after(Duration::from_secs(1));
    assert!(sent_facts(&actions).is_some(), "{actions:?}");
}

#[test]
fn generations_of_a_process_that_died_are_outrun() {
    let mut bench = Bench::new().open(AssetState::New);
    bench.step(Event::FactsAnswered(Err(status(409))));
    let generation = sent_facts(&bench.sleep()).unwrap();
    assert!(generation > 3000, "{generation}: later than the milliseconds of this boot");
    assert!(matches!(bench.state.reach, Reach::Answers));
}

#[test]
fn facts_that_senzu_calls_nonsense_are_not_sent_again_before_they_change() {
    let mut bench = Bench::new().open(AssetState::New);
    bench.step(Event::FactsAnswered(Err(status(422))));
    assert_eq!(sent_facts(&bench.tick_after(Duration::from_secs(30))), None);
    assert_eq!(bench.state.warnings, ["Senzu does not take this server's facts: answers 422 words"]);
    assert_eq!(sent_facts(&bench.step(in_port("Ethernet3"))), Some(2));
}

#[test]
fn senzus_own_findings_are_shown_while_they_are_of_these_facts() {
    let mut bench = Bench::new().open(AssetState::New);
    let theirs = Finding {
        check: "identity.duplicate".into(),
        subject: None,
        verdict: Verdict::Fail,
        severity: Severity::Major,
        seen: "another server has this serial".into(),
        expected: "one".into(),
        remedy: "look".into(),
    };
    let answer = FactsAnswer {
        generation: Generation(1),
        findings: vec![theirs.clone()],
        standing: standing(AssetState::New),
        expectation: None,
        senzu_time_ms: None,
    };
    bench.step(Event::FactsAnswered(Ok(Box::new(answer))));
    assert_eq!(bench.state.findings().first(), Some(&theirs));
    bench.step(in_port("Ethernet3"));
    assert!(!bench.state.findings().contains(&theirs));
}

#[test]
fn a_network_card_that_comes_later_is_looked_at() {
    let mut bench = Bench::new().open(AssetState::New);
    let second = LinkSeen { name: "eth1".into(), ..link_seen(Link::NoCarrier) };
    let actions = bench.step(Event::Links(vec![link_seen(Link::Up), second.clone()]));
    assert_eq!(looks(&actions), [Parts::from([Part::Nics])]);
    let actions = bench.step(Event::Links(vec![link_seen(Link::Up), second]));
    assert_eq!(looks(&actions), [], "one look at a time");
}

#[test]
fn a_device_that_comes_or_goes_is_looked_at_and_nothing_else() {
    let mut bench = Bench::new().open(AssetState::New);
    bench.finish_slow_looks();
    let cases: [(&[&str], Vec<Parts>); 4] = [
        (&["module", "bdi"], vec![]),
        (&["net", "queues"], vec![Parts::from([Part::Nics])]),
        (&["block", "bdi"], vec![Parts::from([Part::Disks]), Parts::from([Part::DiskHealth])]),
        (&["ipmi"], vec![Parts::from([Part::Bmc, Part::BmcHealth])]),
    ];
    for (subsystems, expected) in cases {
        let actions = bench.step(settled(subsystems));
        assert_eq!(looks(&actions), expected, "{subsystems:?}");
        for parts in expected {
            bench.step(Event::Read { parts, facts: Some(Box::new(gathered())) });
        }
    }
}

#[test]
fn what_has_no_events_is_looked_at_from_time_to_time() {
    let mut bench = Bench::new().open(AssetState::New);
    bench.finish_slow_looks();
    bench.facts_accepted(1);
    assert_eq!(bench.state.age(Part::Sensors, bench.at + Duration::from_secs(7)), Some(Duration::from_secs(7)));
    // The luck of this bench is close to +20 %.
    let period = timing::poll_period(Part::Sensors, NetworkOwner::Agent).unwrap();
    assert!(bench.state.next_wake().unwrap() <= bench.at + period.mul_f64(1.2));
    let actions = bench.tick_after(period.mul_f64(1.21));
    assert_eq!(looks(&actions), [Parts::from([Part::Sensors])]);
    assert_eq!(looks(&bench.tick_after(Duration::from_secs(1))), [], "it is being read");
    let parts = Parts::from([Part::Sensors]);
    bench.step(Event::Read { parts, facts: None });
    assert_eq!(bench.state.age(Part::Sensors, bench.at), Some(Duration::ZERO), "a look that failed is one, too");
}

#[test]
fn a_disk_that_is_found_is_asked_for_its_health_once() {
    let mut bench = Bench::new().open(AssetState::New);
    bench.finish_slow_looks();
    let disk = Disk { name: "sda".into(), ..Disk::default() };
    let found = |disk: &Disk| Some(Box::new(Facts { disks: vec![disk.clone()], ..gathered() }));
    let disks = Parts::from([Part::Disks]);
    let actions = bench.step(Event::Read { parts: disks.clone(), facts: found(&disk) });
    let health = Parts::from([Part::DiskHealth]);
    assert_eq!(looks(&actions), std::slice::from_ref(&health));
    let asked = Disk { health: Observed::absent("it does not answer"), ..disk.clone() };
    assert_eq!(looks(&bench.step(Event::Read { parts: health, facts: found(&asked) })), []);
    assert_eq!(looks(&bench.step(Event::Read { parts: disks, facts: found(&disk) })), [], "it was asked");
}

#[test]
fn a_bmc_that_takes_its_time_holds_nothing_up() {
    let mut bench = Bench::new().booted();
    // Its look is under way since the start.
    let actions = bench.step(Event::Greeted(Ok(Box::new(whoami(AssetState::New)))));
    assert_eq!((sent_facts(&actions), bench.state.judging()), (Some(1), Judging::Judged));
    assert_eq!(bench.state.facts().bmc, Observed::default());
    let facts = Facts { bmc: Observed::absent("no /dev/ipmi0"), ..Facts::default() };
    let parts = Parts::from(SLOW);
    bench.step(Event::Read { parts, facts: Some(Box::new(facts)) });
    assert_eq!(bench.state.facts().bmc, Observed::absent("no /dev/ipmi0"));
    assert_eq!(bench.state.facts().nics.len(), 1, "what was not read stays");
}

#[test]
fn a_silence_names_the_firmware_that_keeps_lldp_to_itself() {
    let listening = Neighbours::Silent { reason: "no LLDP frame for 30 s".into() };
    let agent = LldpAgent { running: true, control: "fw-lldp-agent".into(), ..LldpAgent::default() };
    let refused = LldpAgent { refusal: Some("EPERM".into()), ..agent.clone() };
    let off = LldpAgent { running: false, switched_off_by_us: true, ..agent.clone() };
    let kept = "the NIC's firmware keeps LLDP to itself (its agent is on: fw-lldp-agent)";
    let silent = |reason: &str| Neighbours::Silent { reason: reason.into() };
    let cases = [
        ("it runs", Link::Up, agent.clone(), silent(kept)),
        ("it will not go", Link::Up, refused, silent(&format!("{kept}; it could not be switched off: EPERM"))),
        ("it is off", Link::Up, off, listening.clone()),
        ("no cable", Link::NoCarrier, agent, listening.clone()),
    ];
    for (name, link, agent, expected) in cases {
        let mut bench = Bench::new().open(AssetState::New);
        let lldp_agent = Some(Observed::seen("test", agent));
        bench.step(Event::Links(vec![LinkSeen { lldp_agent, ..link_seen(link) }]));
        let neighbours = listening.clone();
        bench.step(Event::Lldp { nic: "eth0".into(), neighbours, vlan: Vlan::default() });
        let told = bench.state.facts().nics.iter().map(|nic| nic.neighbours.clone()).collect::<Vec<_>>();
        assert_eq!(told, [expected], "{name}");
    }
}
