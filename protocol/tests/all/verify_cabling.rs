//! The cabling's checks, case by case.

use crate::{
    sample::{self, neighbour, planned},
    verify_hardware::lines,
};
use pious_protocol::{
    expectation::{CablingPlan, Expectation, HardwareProfile, PlannedLink},
    facts::{Facts, Link, LldpAgent, Neighbours, NicRole, Observed},
    finding::Verdict,
    verify,
};

/// Judged by the cabling plan alone.
pub fn judge(links: Vec<PlannedLink>, facts: &Facts) -> Vec<String> {
    let expectation = Expectation {
        profile: Some(HardwareProfile::default()),
        cabling: Some(CablingPlan { links }),
        management: None,
    };
    let findings = verify(&expectation, facts);
    lines(&findings.into_iter().filter(|finding| finding.check.starts_with("cabling.")).collect::<Vec<_>>())
}

pub fn plan() -> Vec<PlannedLink> {
    vec![planned(1, "Ethernet1"), planned(2, "Ethernet2")]
}

/// The sample's facts, with these neighbours on the first NICs.
pub fn heard(ports: &[&str]) -> Facts {
    let mut facts = sample::facts();
    for (nic, port) in facts.nics.iter_mut().zip(ports) {
        nic.neighbours = Neighbours::Heard(vec![neighbour("r1-sw1", port)]);
    }
    facts
}

pub fn troubles(links: Vec<PlannedLink>, facts: &Facts) -> Vec<String> {
    judge(links, facts).into_iter().filter(|line| !line.contains(": Pass |")).collect()
}

#[test]
fn cables_as_planned_pass_cable_by_cable() {
    assert_eq!(
        judge(plan(), &sample::facts()),
        [
            "cabling.link [NIC 1 (52:54:00:01:10:01, eth0)]: Pass | carrier | a working link to r1-sw1 port Ethernet1 | ",
            "cabling.port [NIC 1 (52:54:00:01:10:01, eth0)]: Pass | r1-sw1 port Ethernet1 | r1-sw1 port Ethernet1 | ",
            "cabling.vlan [NIC 1 (52:54:00:01:10:01, eth0)]: Pass | native VLAN 10; carries VLAN 30 | native VLAN 10; carries VLAN 30 | ",
            "cabling.speed [NIC 1 (52:54:00:01:10:01, eth0)]: Pass | 25 Gb/s | at least 10 Gb/s | ",
            "cabling.link [NIC 2 (52:54:00:01:10:02, eth1)]: Pass | carrier | a working link to r1-sw1 port Ethernet2 | ",
            "cabling.port [NIC 2 (52:54:00:01:10:02, eth1)]: Pass | r1-sw1 port Ethernet2 | r1-sw1 port Ethernet2 | ",
            "cabling.vlan [NIC 2 (52:54:00:01:10:02, eth1)]: Pass | native VLAN 10; carries VLAN 30 | native VLAN 10; carries VLAN 30 | ",
            "cabling.speed [NIC 2 (52:54:00:01:10:02, eth1)]: Pass | 25 Gb/s | at least 10 Gb/s | ",
        ]
    );
}

#[test]
fn what_is_not_planned_of_a_cable_is_not_judged() {
    let bare = PlannedLink {
        label: None,
        native_vlan: None,
        tagged_vlans: vec![],
        min_speed_mbps: None,
        ..planned(1, "Ethernet1")
    };
    assert_eq!(
        judge(vec![bare], &sample::facts()),
        [
            "cabling.link [eth0 (52:54:00:01:10:01)]: Pass | carrier | a working link to r1-sw1 port Ethernet1 | ",
            "cabling.port [eth0 (52:54:00:01:10:01)]: Pass | r1-sw1 port Ethernet1 | r1-sw1 port Ethernet1 | ",
        ]
    );
}

#[test]
fn a_cable_in_the_wrong_port_names_both_ports() {
    assert_eq!(
        troubles(plan(), &heard(&["Ethernet3"])),
        [
            "cabling.port [NIC 1 (52:54:00:01:10:01, eth0)]: Fail | r1-sw1 port Ethernet3 | r1-sw1 port Ethernet1 | move the cable from r1-sw1 port Ethernet3 to r1-sw1 port Ethernet1",
            "cabling.vlan [NIC 1 (52:54:00:01:10:01, eth0)]: Unknown | the cable is not in the planned port | native VLAN 10; carries VLAN 30 | mend cabling.port of this interface first",
        ]
    );
}

#[test]
fn a_cable_in_the_wrong_switch_names_both_switches() {
    let mut facts = sample::facts();
    facts.nics[0].neighbours = Neighbours::Heard(vec![neighbour("r1-sw2", "Ethernet1")]);
    assert_eq!(
        troubles(plan(), &facts)[0],
        "cabling.port [NIC 1 (52:54:00:01:10:01, eth0)]: Fail | r1-sw2 port Ethernet1 | r1-sw1 port Ethernet1 | move the cable from r1-sw2 port Ethernet1 to r1-sw1 port Ethernet1"
    );
}

#[test]
fn the_bmcs_door_to_its_host_is_never_cabled() {
    let mut facts = sample::facts();
    facts.nics[0].role = NicRole::HostInterface;
    assert_eq!(
        troubles(plan(), &facts)[0],
        "cabling.link [NIC 1 (52:54:00:01:10:01)]: Fail | no interface has this address; there is eth1 (52:54:00:01:10:02) | a working link to r1-sw1 port Ethernet1 | reseat the network card; if it was replaced, correct its address in the cabling plan"
    );
}

#[test]
fn a_card_that_keeps_lldp_to_itself_is_named() {
    let mut facts = sample::facts();
    facts.nics[0].neighbours = Neighbours::Silent { reason: "the card's firmware keeps LLDP to itself".into() };
    facts.nics[0].lldp_agent =
        Observed::seen("test", LldpAgent { running: true, control: "disable-fw-lldp".into(), ..LldpAgent::default() });
    assert_eq!(
        troubles(plan(), &facts)[0],
        "cabling.port [NIC 1 (52:54:00:01:10:01, eth0)]: Unknown | the card's firmware keeps LLDP to itself | r1-sw1 port Ethernet1 | switch off LLDP in the card's own firmware (disable-fw-lldp): it keeps the frames to itself"
    );
}

#[test]
fn a_planned_port_taken_by_another_own_cable_is_said() {
    // NIC 2 is where NIC 1 belongs, NIC 1 is elsewhere.
    assert_eq!(
        troubles(plan(), &heard(&["Ethernet7", "Ethernet1"]))[..2],
        [
            "cabling.port [NIC 1 (52:54:00:01:10:01, eth0)]: Fail | r1-sw1 port Ethernet7 | r1-sw1 port Ethernet1 | move the cable from r1-sw1 port Ethernet7 to r1-sw1 port Ethernet1; the cable of NIC 2 is in that port now",
            "cabling.port [NIC 2 (52:54:00:01:10:02, eth1)]: Fail | r1-sw1 port Ethernet1 | r1-sw1 port Ethernet2 | move the cable from r1-sw1 port Ethernet1 to r1-sw1 port Ethernet2",
        ]
    );
}

#[test]
fn silence_is_unknown_with_its_reason() {
    let mut facts = sample::facts();
    facts.nics[0].neighbours = Neighbours::Silent { reason: "silent for 45 s".into() };
    assert_eq!(
        troubles(plan(), &facts),
        [
            "cabling.port [NIC 1 (52:54:00:01:10:01, eth0)]: Unknown | silent for 45 s | r1-sw1 port Ethernet1 | wait for the next LLDP frame (30 s is usual); if none comes, switch LLDP on at r1-sw1 port Ethernet1",
            "cabling.vlan [NIC 1 (52:54:00:01:10:01, eth0)]: Unknown | silent for 45 s | native VLAN 10; carries VLAN 30 | wait for the next LLDP frame (30 s is usual); if none comes, switch LLDP on at r1-sw1 port Ethernet1",
        ]
    );
}

#[test]
fn an_unplugged_cable_is_one_fail_and_its_neighbour_is_forgotten() {
    let mut facts = sample::facts();
    facts.nics[0].link = Link::NoCarrier;
    facts.nics[0].speed_mbps = None;
    assert_eq!(
        troubles(plan(), &facts),
        [
            "cabling.link [NIC 1 (52:54:00:01:10:01, eth0)]: Fail | no carrier: no cable, or its other end is dead | a working link to r1-sw1 port Ethernet1 | plug the cable into r1-sw1 port Ethernet1 at both ends; replace it if it stays dark",
            "cabling.port [NIC 1 (52:54:00:01:10:01, eth0)]: Unknown | no carrier | r1-sw1 port Ethernet1 | mend cabling.link of this interface first",
            "cabling.vlan [NIC 1 (52:54:00:01:10:01, eth0)]: Unknown | no carrier | native VLAN 10; carries VLAN 30 | mend cabling.link of this interface first",
            "cabling.speed [NIC 1 (52:54:00:01:10:01, eth0)]: Unknown | no carrier | at least 10 Gb/s | mend cabling.link of this interface first",
        ]
    );
}

#[test]
fn a_planned_nic_that_is_not_there_fails() {
    let mut facts = sample::facts();
    facts.nics.remove(0);
    assert_eq!(
        troubles(plan(), &facts)[0],
        "cabling.link [NIC 1 (52:54:00:01:10:01)]: Fail | no interface has this address; there is eth1 (52:54:00:01:10:02) | a working link to r1-sw1 port Ethernet1 | reseat the network card; if it was replaced, correct its address in the cabling plan"
    );
}

#[test]
fn a_nic_is_found_by_its_permanent_address() {
    let mut facts = sample::facts();
    facts.nics[0].mac = Some(sample::mac("02:00:00:00:00:99"));
    assert_eq!(troubles(plan(), &facts), Vec::<String>::new());
}

#[test]
fn one_fitting_neighbour_of_several_is_enough() {
    let mut facts = sample::facts();
    facts.nics[0].neighbours = Neighbours::Heard(vec![neighbour("r1-u11", "eno1"), neighbour("r1-sw1", "Ethernet1")]);
    assert_eq!(
        judge(plan(), &facts)[1],
        "cabling.port [NIC 1 (52:54:00:01:10:01, eth0)]: Pass | r1-sw1 port Ethernet1, one of 2 neighbours heard | r1-sw1 port Ethernet1 | "
    );
}

#[test]
fn several_neighbours_and_none_fits_lists_them() {
    let mut facts = sample::facts();
    facts.nics[0].neighbours = Neighbours::Heard(vec![neighbour("r1-u11", "eno1"), neighbour("r1-sw1", "Ethernet3")]);
    assert_eq!(
        troubles(plan(), &facts)[0],
        "cabling.port [NIC 1 (52:54:00:01:10:01, eth0)]: Fail | 2 neighbours: r1-u11 port eno1, r1-sw1 port Ethernet3 | r1-sw1 port Ethernet1 | plug the cable of NIC 1 straight into r1-sw1 port Ethernet1"
    );
}

#[test]
fn names_match_in_either_case_and_without_their_domain() {
    for (planned_switch, announced, fits) in [
        ("r1-sw1", "R1-SW1", true),
        ("r1-sw1", "r1-sw1.dc1.example", true),
        ("r1-sw1.dc1.example", "r1-sw1", true),
        ("r1-sw1.dc1.example", "r1-sw1.dc2.example", false),
        ("r1-sw1", "r1-sw10", false),
    ] {
        let mut facts = sample::facts();
        facts.nics[0].neighbours = Neighbours::Heard(vec![neighbour(announced, "ethernet1")]);
        let link = PlannedLink { switch: planned_switch.into(), ..planned(1, "Ethernet1") };
        assert_eq!(troubles(vec![link], &facts).is_empty(), fits, "{planned_switch} {announced}");
    }
}

#[test]
fn a_port_goes_by_its_description_too() {
    let mut facts = sample::facts();
    let mut described = neighbour("r1-sw1", "513");
    described.port_id.subtype = "local".into();
    described.port_description = Some("ge-0/0/3".into());
    facts.nics[0].neighbours = Neighbours::Heard(vec![described]);
    assert_eq!(troubles(vec![planned(1, "ge-0/0/3")], &facts), Vec::<String>::new());
    assert_eq!(troubles(vec![planned(1, "513")], &facts), Vec::<String>::new());
    // Shown as people write it.
    assert!(troubles(vec![planned(1, "ge-0/0/1")], &facts)[0].contains("| r1-sw1 port ge-0/0/3 |"));
}

#[test]
fn a_switch_without_a_name_goes_by_its_chassis_id_or_is_unknown() {
    let mut facts = sample::facts();
    let nameless = pious_protocol::facts::Neighbour { system_name: None, ..neighbour("", "Ethernet1") };
    facts.nics[0].neighbours = Neighbours::Heard(vec![nameless]);
    let by_chassis = PlannedLink { switch: "00:1C:73:00:00:01".into(), ..planned(1, "Ethernet1") };
    assert_eq!(troubles(vec![by_chassis], &facts), Vec::<String>::new());
    assert_eq!(
        troubles(vec![planned(1, "Ethernet1")], &facts),
        [
            "cabling.port [NIC 1 (52:54:00:01:10:01, eth0)]: Unknown | chassis 00:1c:73:00:00:01 port Ethernet1, which does not tell its system name | r1-sw1 port Ethernet1 | make the switch announce its system name by LLDP, or plan the cable by its chassis id"
        ]
    );
    assert!(troubles(vec![planned(1, "Ethernet2")], &facts)[0].contains(": Fail |"), "another port is another port");
}

#[test]
fn the_wrong_native_vlan_fails() {
    let mut facts = sample::facts();
    let mut wrong = neighbour("r1-sw1", "Ethernet1");
    wrong.native_vlan = Some(20);
    facts.nics[0].neighbours = Neighbours::Heard(vec![wrong]);
    assert_eq!(
        troubles(plan(), &facts),
        [
            "cabling.vlan [NIC 1 (52:54:00:01:10:01, eth0)]: Fail | native VLAN 20; carries VLAN 10, 30 | native VLAN 10; carries VLAN 30 | set the native VLAN of r1-sw1 port Ethernet1 to 10"
        ]
    );
}

#[test]
fn a_tagged_vlan_that_is_not_announced_fails_unless_its_tag_was_seen() {
    let link = PlannedLink { tagged_vlans: vec![30, 40], ..planned(1, "Ethernet1") };
    let mut facts = sample::facts();
    assert_eq!(
        troubles(vec![link.clone()], &facts),
        [
            "cabling.vlan [NIC 1 (52:54:00:01:10:01, eth0)]: Fail | native VLAN 10; carries VLAN 30 | native VLAN 10; carries VLAN 30, 40 | carry VLAN 40 tagged on r1-sw1 port Ethernet1"
        ]
    );
    facts.nics[0].vlan.tags_seen = vec![40];
    assert_eq!(troubles(vec![link], &facts), Vec::<String>::new());
}

#[test]
fn a_switch_that_announces_no_vlans_is_unknown() {
    let mut facts = sample::facts();
    let mut quiet = neighbour("r1-sw1", "Ethernet1");
    // 0: the port does not know.
    quiet.native_vlan = Some(0);
    quiet.vlans = vec![];
    facts.nics[0].neighbours = Neighbours::Heard(vec![quiet]);
    facts.nics[0].vlan = Default::default();
    assert_eq!(
        troubles(plan(), &facts),
        [
            "cabling.vlan [NIC 1 (52:54:00:01:10:01, eth0)]: Unknown | no native VLAN announced | native VLAN 10; carries VLAN 30 | make r1-sw1 port Ethernet1 announce its native VLAN (Port VLAN ID) and announce its VLANs (VLAN Name) by LLDP"
        ]
    );
}

#[test]
fn a_slow_link_fails_and_an_untold_speed_is_unknown() {
    let mut facts = sample::facts();
    facts.nics[0].speed_mbps = Some(100);
    facts.nics[1].speed_mbps = None;
    assert_eq!(
        troubles(plan(), &facts),
        [
            "cabling.speed [NIC 1 (52:54:00:01:10:01, eth0)]: Fail | 100 Mb/s | at least 10 Gb/s | replace the cable or transceiver, and look at the speed set on r1-sw1 port Ethernet1",
            "cabling.speed [NIC 2 (52:54:00:01:10:02, eth1)]: Unknown | the driver does not tell the link's speed | at least 10 Gb/s | leave the speed out of the cabling plan where the driver can't tell it, as with virtio",
        ]
    );
}

#[test]
fn every_trouble_says_what_to_do_and_no_pass_does() {
    let mut facts = heard(&["Ethernet2", "Ethernet9"]);
    facts.nics[1].link = Link::Unknown;
    let expectation = Expectation { profile: None, cabling: Some(CablingPlan { links: plan() }), management: None };
    for finding in verify(&expectation, &facts) {
        assert_eq!(finding.remedy.is_empty(), finding.verdict == Verdict::Pass, "{finding:?}");
    }
}
