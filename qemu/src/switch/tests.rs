//! The switch, frame by frame.

use super::{AGEING, Output, Side, Switch};
use crate::rack::SwitchSpec;
use proptest::prelude::*;
use std::time::Duration;

const A: [u8; 6] = [0x52, 0x54, 0, 0, 0, 0xa];
const B: [u8; 6] = [0x52, 0x54, 0, 0, 0, 0xb];
const EVERYBODY: [u8; 6] = [0xff; 6];
const LLDP: [u8; 6] = [0x01, 0x80, 0xc2, 0, 0, 0x0e];
const T0: Duration = Duration::ZERO;

fn switch(ports: &str) -> Switch {
    let spec: SwitchSpec =
        toml::from_str(&format!("name = 's'\nchassis = '52:54:00:5e:00:01'\nports = [{ports}]")).unwrap();
    Switch::new(&spec, 7)
}

/// Ports 0 and 1 in VLAN 10, port 2 in VLAN 20, port 3 a trunk of both, port 4 with VLAN 10 native and 20 tagged.
fn five_ports() -> Switch {
    switch(
        "{name='p0',native=10}, {name='p1',native=10}, {name='p2',native=20}, {name='p3',tagged=[10,20]},
         {name='p4',native=10,tagged=[20]}",
    )
}

fn frame(to: [u8; 6], from: [u8; 6], tag: Option<u16>, kind: u16) -> Vec<u8> {
    let tag = tag.map(|tag| [0x81, 0x00, (tag >> 8) as u8, tag as u8]);
    [&to[..], &from, tag.as_ref().map_or(&[][..], |tag| &tag[..]), &kind.to_be_bytes(), b"payload"].concat()
}

fn ip(to: [u8; 6], from: [u8; 6], tag: Option<u16>) -> Vec<u8> {
    frame(to, from, tag, 0x0800)
}

fn out(port: usize, frame: Vec<u8>) -> Output {
    Output { to: Side::Wire(port), frame, delay: T0 }
}

#[test]
fn an_unknown_destination_floods_its_vlan_only() {
    let outputs = five_ports().receive(Side::Wire(0), &ip(B, A, None), T0);
    assert_eq!(outputs, [out(1, ip(B, A, None)), out(3, ip(B, A, Some(10))), out(4, ip(B, A, None))]);
}

#[test]
fn a_tagged_frame_leaves_untagged_where_its_vlan_is_native() {
    let outputs = five_ports().receive(Side::Wire(3), &ip(EVERYBODY, A, Some(20)), T0);
    assert_eq!(outputs, [out(2, ip(EVERYBODY, A, None)), out(4, ip(EVERYBODY, A, Some(20)))]);
}

#[test]
fn priority_survives_the_change_of_tag() {
    // Priority 5 (0xa000) on VLAN 20, into the other trunk.
    let outputs = five_ports().receive(Side::Wire(3), &ip(EVERYBODY, A, Some(0xa000 | 20)), T0);
    assert_eq!(outputs[1], out(4, ip(EVERYBODY, A, Some(0xa000 | 20))));
}

#[test]
fn what_a_port_does_not_carry_is_dropped() {
    let mut switch = five_ports();
    assert_eq!(switch.receive(Side::Wire(0), &ip(B, A, Some(20)), T0), [], "a foreign tag");
    assert_eq!(switch.receive(Side::Wire(3), &ip(B, A, None), T0), [], "untagged on a trunk without a native VLAN");
    assert_eq!(switch.receive(Side::Wire(0), &[0; 13], T0), [], "a runt");
    assert_eq!(switch.receive(Side::Wire(0), &ip(B, A, Some(10))[..17], T0), [], "cut within its tag");
}

#[test]
fn a_priority_tag_counts_as_untagged() {
    let outputs = five_ports().receive(Side::Wire(0), &ip(B, A, Some(0xe000)), T0);
    assert_eq!(outputs[0], out(1, ip(B, A, None)));
}

#[test]
fn an_address_is_learnt_moves_and_ages() {
    let mut switch = five_ports();
    switch.receive(Side::Wire(0), &ip(B, A, None), T0);
    assert_eq!(switch.receive(Side::Wire(1), &ip(A, B, None), T0), [out(0, ip(A, B, None))], "learnt");
    switch.receive(Side::Wire(4), &ip(B, A, None), T0);
    assert_eq!(switch.receive(Side::Wire(1), &ip(A, B, None), T0), [out(4, ip(A, B, None))], "moved");
    assert_eq!(switch.receive(Side::Wire(1), &ip(A, B, None), AGEING).len(), 3, "aged: flooded");
    switch.receive(Side::Wire(0), &ip(B, A, None), T0);
    switch.forget(0);
    assert_eq!(switch.receive(Side::Wire(1), &ip(A, B, None), T0).len(), 3, "forgotten with its cable");
}

#[test]
fn one_address_in_two_vlans_is_two_addresses() {
    let mut switch = five_ports();
    switch.receive(Side::Wire(0), &ip(B, A, None), T0);
    assert_eq!(switch.receive(Side::Wire(2), &ip(A, B, None), T0).len(), 2, "VLAN 20 does not know where A is");
}

#[test]
fn a_group_address_as_source_is_not_learnt() {
    let mut switch = five_ports();
    switch.receive(Side::Wire(0), &ip(B, EVERYBODY, None), T0);
    assert_eq!(switch.receive(Side::Wire(1), &ip(EVERYBODY, B, None), T0).len(), 3);
}

#[test]
fn link_local_multicast_is_never_forwarded() {
    for last in 0..=0x0f {
        let group = [0x01, 0x80, 0xc2, 0, 0, last];
        assert_eq!(five_ports().receive(Side::Wire(0), &frame(group, A, None, 0x88cc), T0), [], "{last:02x}");
    }
    let next = [0x01, 0x80, 0xc2, 0, 0, 0x10];
    assert_eq!(
        five_ports().receive(Side::Wire(0), &frame(next, A, None, 0x88cc), T0).len(),
        3,
        "10 is ordinary multicast"
    );
}

#[test]
fn a_ports_own_daemon_hears_and_speaks_lldp_and_nothing_else() {
    let mut switch = switch("{name='p0',native=10,lldp='lldpd'}, {name='p1',native=10}");
    let lldp = frame(LLDP, A, None, 0x88cc);
    let heard = Output { to: Side::Daemon(0), frame: lldp.clone(), delay: T0 };
    assert_eq!(switch.receive(Side::Wire(0), &lldp, T0), [heard]);
    assert_eq!(switch.receive(Side::Daemon(0), &lldp, T0), [out(0, lldp.clone())]);
    assert_eq!(switch.receive(Side::Daemon(0), &ip(EVERYBODY, B, None), T0), [], "a daemon's other chatter");
    assert_eq!(switch.receive(Side::Wire(0), &frame(LLDP, A, None, 0x8809), T0), [], "LACP");
    assert_eq!(switch.receive(Side::Wire(1), &lldp, T0), [], "another port's LLDP");
}

#[test]
fn a_port_that_is_down_neither_takes_nor_gives() {
    let mut switch = switch("{name='p0',native=10,down=true}, {name='p1',native=10}, {name='p2',native=10}");
    assert_eq!(switch.receive(Side::Wire(0), &ip(B, A, None), T0), []);
    assert_eq!(switch.receive(Side::Wire(1), &ip(EVERYBODY, B, None), T0), [out(2, ip(EVERYBODY, B, None))]);
    assert_eq!(switch.announce(0, ip(EVERYBODY, B, None)), None);
    switch.port_mut(0).unwrap().down = false;
    assert_eq!(switch.receive(Side::Wire(1), &ip(EVERYBODY, B, None), T0).len(), 2);
}

#[test]
fn both_ports_delays_add_up() {
    let mut switch = switch("{name='p0',native=10,delay_ms=3}, {name='p1',native=10,delay_ms=4}");
    let outputs = switch.receive(Side::Wire(0), &ip(B, A, None), T0);
    assert_eq!(outputs.iter().map(|output| output.delay).collect::<Vec<_>>(), [Duration::from_millis(7)]);
}

#[test]
fn loss_is_about_what_it_says_and_the_same_each_run() {
    let run = |percent: u8| {
        let mut switch = switch(&format!("{{name='p0',native=10,loss_percent={percent}}}, {{name='p1',native=10}}"));
        (0..10_000).filter(|_| switch.receive(Side::Wire(0), &ip(B, A, None), T0).is_empty()).count()
    };
    assert_eq!((run(0), run(100)), (0, 10_000));
    assert!((2_800..3_200).contains(&run(30)), "{}", run(30));
    assert_eq!(run(30), run(30));
}

proptest! {
    /// Whatever comes in: nothing panics, nothing leaves where it came from, and an access port only ever sees untagged
    /// frames of its own VLAN.
    #[test]
    fn no_frame_leaks(frames in prop::collection::vec((0usize..5, prop::collection::vec(any::<u8>(), 0..64), any::<Option<u16>>(), 0u8..4), 1..50)) {
        let mut switch = five_ports();
        for (port, junk, tag, shape) in frames {
            let bytes = match shape {
                0 => junk,
                1 => ip(A, B, tag),
                2 => ip(B, A, tag),
                _ => ip(EVERYBODY, A, tag),
            };
            let vlan = |port: usize, bytes: &[u8]| {
                let tag = super::Frame::parse(bytes).and_then(|frame| frame.vlan());
                tag.or([Some(10), Some(10), Some(20), None, Some(10)][port])
            };
            for output in switch.receive(Side::Wire(port), &bytes, T0) {
                let Side::Wire(target) = output.to else { panic!("no port has a daemon") };
                prop_assert_ne!(target, port);
                prop_assert_eq!(vlan(target, &output.frame), vlan(port, &bytes));
            }
        }
    }
}
