//! What cables do together, case by case: swaps, and the links of one group.

use crate::{
    sample::{self, neighbour, planned},
    verify_cabling::{heard, judge, plan, troubles},
};
use pious_protocol::{
    expectation::PlannedLink,
    facts::{Facts, Link, Neighbours},
};

#[test]
fn two_cables_swapped_are_one_finding() {
    assert_eq!(
        troubles(plan(), &heard(&["Ethernet2", "Ethernet1"])),
        [
            "cabling.swap [NIC 1 (52:54:00:01:10:01, eth0) and NIC 2 (52:54:00:01:10:02, eth1)]: Fail | NIC 1 in r1-sw1 port Ethernet2, NIC 2 in r1-sw1 port Ethernet1 | NIC 1 in r1-sw1 port Ethernet1, NIC 2 in r1-sw1 port Ethernet2 | swap the cables of NIC 1 and NIC 2",
            "cabling.vlan [NIC 1 (52:54:00:01:10:01, eth0)]: Unknown | the cable is not in the planned port | native VLAN 10; carries VLAN 30 | mend cabling.swap of this interface first",
            "cabling.vlan [NIC 2 (52:54:00:01:10:02, eth1)]: Unknown | the cable is not in the planned port | native VLAN 10; carries VLAN 30 | mend cabling.swap of this interface first",
        ]
    );
}

/// A server of four NICs on four ports, cabled as given.
fn four(ports: [&str; 4]) -> (Vec<PlannedLink>, Facts) {
    let numbers = [1, 2, 3, 4u8];
    let facts = Facts {
        nics: numbers
            .iter()
            .zip(ports)
            .map(|(n, port)| sample::nic(&format!("eth{}", n - 1), &format!("52:54:00:01:10:{n:02x}"), port))
            .collect(),
        ..sample::facts()
    };
    (numbers.map(|n| planned(n, &format!("Ethernet{n}"))).into(), facts)
}

fn checks_and_remedies(links: Vec<PlannedLink>, facts: &Facts) -> Vec<String> {
    let is_vlan = |line: &String| line.starts_with("cabling.vlan");
    let short = |line: String| {
        let check = line.split(' ').next().unwrap_or_default().to_owned();
        format!("{check} {}", line.rsplit(" | ").next().unwrap_or_default())
    };
    troubles(links, facts).into_iter().filter(|line| !is_vlan(line)).map(short).collect()
}

#[test]
fn two_swaps_are_two_findings() {
    let (plan, facts) = four(["Ethernet3", "Ethernet4", "Ethernet1", "Ethernet2"]);
    assert_eq!(
        checks_and_remedies(plan, &facts),
        ["cabling.swap swap the cables of NIC 1 and NIC 3", "cabling.swap swap the cables of NIC 2 and NIC 4"]
    );
}

#[test]
fn three_cables_in_a_ring_are_no_swap_and_each_is_told_where_it_goes() {
    let (plan, facts) = four(["Ethernet2", "Ethernet3", "Ethernet1", "Ethernet4"]);
    assert_eq!(
        checks_and_remedies(plan, &facts),
        [
            "cabling.port move the cable from r1-sw1 port Ethernet2 to r1-sw1 port Ethernet1; the cable of NIC 3 is in that port now",
            "cabling.port move the cable from r1-sw1 port Ethernet3 to r1-sw1 port Ethernet2; the cable of NIC 1 is in that port now",
            "cabling.port move the cable from r1-sw1 port Ethernet1 to r1-sw1 port Ethernet3; the cable of NIC 2 is in that port now",
        ]
    );
}

#[test]
fn a_swap_with_a_dark_cable_is_no_swap_yet() {
    let (plan, mut facts) = four(["Ethernet2", "Ethernet1", "Ethernet3", "Ethernet4"]);
    facts.nics[1].link = Link::NoCarrier;
    let lines = checks_and_remedies(plan, &facts);
    assert!(lines.iter().all(|line| !line.starts_with("cabling.swap")), "{lines:#?}");
    assert_eq!(lines[0], "cabling.port move the cable from r1-sw1 port Ethernet2 to r1-sw1 port Ethernet1");
}

/// Two links of one group, planned in two switches of two chassis.
fn bond() -> Vec<PlannedLink> {
    let member = |number, switch: &str| PlannedLink {
        group: Some("bond0".into()),
        switch: switch.into(),
        native_vlan: None,
        tagged_vlans: vec![],
        min_speed_mbps: None,
        ..planned(number, "Ethernet1")
    };
    vec![member(1, "leaf-a"), member(2, "leaf-b")]
}

fn bonded(ends: [(&str, &str, &str); 2]) -> Facts {
    let mut facts = sample::facts();
    for (nic, (switch, chassis, port)) in facts.nics.iter_mut().zip(ends) {
        let mut heard = neighbour(switch, port);
        heard.chassis_id.value = chassis.into();
        nic.neighbours = Neighbours::Heard(vec![heard]);
    }
    facts
}

#[test]
fn links_of_a_group_in_different_switches_pass() {
    let facts = bonded([("leaf-a", "00:00:00:00:00:0a", "Ethernet1"), ("leaf-b", "00:00:00:00:00:0b", "Ethernet1")]);
    assert_eq!(
        judge(bond(), &facts)[4],
        "cabling.redundancy [bond0]: Pass | NIC 1 in leaf-a, NIC 2 in leaf-b | different switches: NIC 1 in leaf-a, NIC 2 in leaf-b | "
    );
}

#[test]
fn links_of_a_group_in_one_switch_fail_and_the_wrong_one_is_named() {
    let facts = bonded([("leaf-a", "00:00:00:00:00:0a", "Ethernet1"), ("leaf-a", "00:00:00:00:00:0a", "Ethernet9")]);
    assert_eq!(
        troubles(bond(), &facts),
        [
            "cabling.port [NIC 2 (52:54:00:01:10:02, eth1)]: Fail | leaf-a port Ethernet9 | leaf-b port Ethernet1 | move the cable from leaf-a port Ethernet9 to leaf-b port Ethernet1",
            "cabling.redundancy [bond0]: Fail | NIC 1 in leaf-a, NIC 2 in leaf-a | different switches: NIC 1 in leaf-a, NIC 2 in leaf-b | move the cable of NIC 2 to leaf-b port Ethernet1",
        ]
    );
}

#[test]
fn two_names_of_one_chassis_are_one_switch() {
    let facts = bonded([("leaf-a", "00:00:00:00:00:0a", "Ethernet1"), ("leaf-b", "00:00:00:00:00:0a", "Ethernet1")]);
    assert!(troubles(bond(), &facts)[0].starts_with("cabling.redundancy [bond0]: Fail |"));
}

#[test]
fn a_group_with_a_silent_link_is_unknown() {
    let mut facts =
        bonded([("leaf-a", "00:00:00:00:00:0a", "Ethernet1"), ("leaf-b", "00:00:00:00:00:0b", "Ethernet1")]);
    facts.nics[1].neighbours = Neighbours::Silent { reason: "silent for 45 s".into() };
    assert_eq!(
        troubles(bond(), &facts)[1],
        "cabling.redundancy [bond0]: Unknown | NIC 1 in leaf-a, NIC 2 untold | different switches: NIC 1 in leaf-a, NIC 2 in leaf-b | mend cabling.link and cabling.port of these interfaces first"
    );
}
