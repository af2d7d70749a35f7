//! What the agent says on its cable: which VLANs it asks for DHCP, and its goodbye.

use crate::{
    room::{End, PATIENCE, Room},
    wire::Wire,
};
use nix::sys::signal::Signal;

const TAG: [u8; 2] = [0x81, 0x00];
const LLDP: [u8; 2] = [0x88, 0xcc];

/// Addresses, tag, type, IPv4, UDP: where BOOTP begins in a tagged frame.
const BOOTP_AT: usize = 18 + 20 + 8;

/// The VLAN of a tagged DHCPDISCOVER: from port 68 to 67, option 53 is 1.
fn asked_vlan(frame: &[u8]) -> Option<u16> {
    let is_question = frame.get(12..14) == Some(&TAG) && frame.get(38..42) == Some(&[0, 68, 0, 67]);
    let is_discover = frame.get(BOOTP_AT + 240..BOOTP_AT + 243) == Some(&[53, 1, 1]);
    (is_question && is_discover).then(|| u16::from_be_bytes([frame[14], frame[15]]))
}

/// Somebody's frame on a VLAN, of a type that nobody heeds.
fn tagged(vlan: u8) -> Vec<u8> {
    let mut frame = [[0xff; 6], [2, 0, 0, 0, 0, 9]].concat();
    frame.extend([TAG, [0, vlan], [0x88, 0xb5]].concat());
    frame.resize(60, 0);
    frame
}

/// The server's answer: its own ports, BOOTREPLY.
fn answer(question: &[u8]) -> Vec<u8> {
    let mut frame = question.to_vec();
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    frame[38..42].copy_from_slice(&[0, 67, 0, 68]);
    frame[BOOTP_AT] = 2;
    frame
}

#[test]
fn where_untagged_dhcp_is_in_vain_each_tagged_vlan_is_asked_until_one_answers() {
    let room = Room::boot();
    let wire = Wire::of(&room);
    // Nobody answers; tags are on the wire whenever the agent has said something, and so listens.
    let question = wire.next("a DHCPDISCOVER on VLAN 20", |frame| {
        wire.send(&tagged(20));
        wire.send(&tagged(30));
        asked_vlan(frame) == Some(20)
    });
    wire.send(&answer(&question));
    let mut on = [0, 0];
    wire.next("the third DHCPDISCOVER on VLAN 30", |frame| {
        match asked_vlan(frame) {
            Some(20) => on[0] += 1,
            Some(30) => on[1] += 1,
            _ => {}
        }
        on[1] == 3
    });
    assert_eq!(on, [0, 3], "VLAN 20 has answered and is asked no more");
}

#[test]
fn a_session_that_ends_in_order_says_goodbye_by_lldp() {
    let room = Room::boot();
    let wire = Wire::of(&room);
    let is_lldp = |frame: &[u8]| frame.get(12..14) == Some(&LLDP);
    // Chassis id and port id (a subtype and an address each), then the time to live.
    let ttl = |frame: &[u8]| frame.get(32..36).map(<[u8]>::to_vec);
    let first = wire.next("LLDP", is_lldp);
    assert_eq!(ttl(&first), Some(vec![0x06, 2, 0, 120]), "{first:x?}");
    room.init().signal(Signal::SIGPWR);
    let last = wire.next("a goodbye", |frame| is_lldp(frame) && ttl(frame) != ttl(&first));
    assert_eq!((ttl(&last), &last[14..32]), (Some(vec![0x06, 2, 0, 0]), &first[14..32]), "the same chassis and port");
    assert_eq!(room.end(PATIENCE), End::PowerOff);
}
