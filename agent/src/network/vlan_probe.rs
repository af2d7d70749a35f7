//! Whether a DHCP server answers on tagged VLANs. Pure: frames and times in, frames and times out.
//!
//! A port that is wired for production may have the provisioning VLAN tagged, or none at all; DHCP, which asks untagged,
//! then only says that nobody answers. So when it has asked in vain for some seconds, a DISCOVER is sent on each VLAN
//! that the neighbour announces or whose tags were seen. An answer is a fact and no more: the offer is not taken, and the
//! server forgets it. A DISCOVER is built here and not by the DHCP client's crate, which speaks of no tags and keeps its
//! messages to itself.
//!
//! Bounded: [`MOST_VLANS`] VLANs, [`MOST_QUESTIONS`] each, until the cable is moved.

use super::filter;
use pious_protocol::ids::MacAddress;
use std::{collections::BTreeMap, time::Duration};

/// A trunk may carry thousands of VLANs; those of one server are few. The announced ones come first.
const MOST_VLANS: usize = 16;

/// A question or its answer may be lost: so many are sent on one VLAN, so far apart (RFC 2131 §4.1's first wait).
const MOST_QUESTIONS: u32 = 4;
const PERIOD: Duration = Duration::from_secs(4);

/// VLAN ids that are none (IEEE 802.1Q-2018 table 9-2).
const FIRST_ID: u16 = 1;
const LAST_ID: u16 = 4094;

const ETHERTYPE_TAG: [u8; 2] = [0x81, 0x00];
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
/// Version 4, five words of header (RFC 791 §3.1).
const VERSION_AND_LENGTH: u8 = 0x45;
const TIME_TO_LIVE: u8 = 64;
const UDP: u8 = 17;
const IP_HEADER_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;
/// RFC 2131 §4.1.
const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;

/// BOOTP's fixed part (RFC 2131 §2): where its fields are, and their values.
const FIXED_BYTES: usize = 236;
const CHADDR_AT: usize = 28;
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ETHERNET: u8 = 1;
const BROADCAST_FLAG: [u8; 2] = [0x80, 0x00];
const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Option 53, one byte, DISCOVER; option 61, type and address; the end (RFC 2132 §9.6, §9.14, §3.2).
const IS_DISCOVER: [u8; 3] = [53, 1, 1];
const CLIENT_ID: [u8; 3] = [61, 7, ETHERNET];
const END: u8 = 255;
/// Relays may drop shorter messages (RFC 1542 §2.1).
const SHORTEST_MESSAGE: usize = 300;

/// The probe of one link.
pub(super) struct VlanProbe {
    mac: MacAddress,
    vlans: BTreeMap<u16, Asked>,
    /// Since when untagged DHCP is known to be in vain.
    next_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Times(u32),
    Answered,
}

impl VlanProbe {
    pub(super) fn new(mac: MacAddress) -> Self {
        Self { mac, vlans: BTreeMap::new(), next_at: None }
    }

    /// The cable was moved: all that was learnt is of another port.
    pub(super) fn forget(&mut self) {
        self.vlans.clear();
        self.next_at = None;
    }

    /// Whether untagged DHCP is in vain; the questions begin at once.
    pub(super) fn untagged_is_silent(&mut self, is_silent: bool, now: Duration) {
        self.next_at = match (is_silent, self.next_at) {
            (true, None) => Some(now),
            (true, known) => known,
            (false, _) => None,
        };
    }

    /// When [`VlanProbe::questions`] has something to ask on these VLANs.
    pub(super) fn next_at(&self, candidates: &[u16]) -> Option<Duration> {
        self.next_at.filter(|_| candidates.iter().any(|vlan| self.is_open(*vlan)))
    }

    /// The frames to send now. `candidates` in the order of their promise; the native VLAN is none of them.
    pub(super) fn questions(&mut self, candidates: &[u16], now: Duration) -> Vec<Vec<u8>> {
        if self.next_at.is_none_or(|at| now < at) {
            return Vec::new();
        }
        self.next_at = Some(now + PERIOD);
        let open: Vec<u16> = candidates.iter().copied().filter(|vlan| self.is_open(*vlan)).collect();
        let mut frames = Vec::new();
        for vlan in open {
            if self.vlans.len() >= MOST_VLANS && !self.vlans.contains_key(&vlan) {
                continue;
            }
            if let Asked::Times(times) = self.vlans.entry(vlan).or_insert(Asked::Times(0)) {
                *times += 1;
                frames.push(discover(self.mac, vlan));
            }
        }
        frames
    }

    fn is_open(&self, vlan: u16) -> bool {
        let may_be_asked = match self.vlans.get(&vlan) {
            Some(Asked::Times(times)) => *times < MOST_QUESTIONS,
            Some(Asked::Answered) => false,
            None => self.vlans.len() < MOST_VLANS,
        };
        (FIRST_ID..=LAST_ID).contains(&vlan) && may_be_asked
    }

    /// Takes a frame that was heard, with the tag that the NIC took off.
    pub(super) fn heard(&mut self, frame: &[u8], stripped_vlan: Option<u16>) {
        let Some(vlan) = stripped_vlan.or_else(|| filter::tags(frame).next()) else { return };
        let was_asked = matches!(self.vlans.get(&vlan), Some(Asked::Times(_)));
        if was_asked && is_answer(frame, self.mac, vlan) {
            self.vlans.insert(vlan, Asked::Answered);
        }
    }

    /// The VLANs on which somebody answered, sorted.
    pub(super) fn answered(&self) -> Vec<u16> {
        self.vlans.iter().filter(|(_, asked)| **asked == Asked::Answered).map(|(vlan, _)| *vlan).collect()
    }
}

/// Tells our question from everybody else's, together with our address: the same at every asking, so that a late answer
/// counts.
fn transaction(mac: MacAddress, vlan: u16) -> [u8; 4] {
    let [_, _, a, b, c, d] = mac.0;
    (u32::from_be_bytes([a, b, c, d]) ^ u32::from(vlan)).to_be_bytes()
}

/// A whole tagged frame to everybody.
fn discover(mac: MacAddress, vlan: u16) -> Vec<u8> {
    let mut message = vec![REQUEST, ETHERNET, 6, 0];
    message.extend(transaction(mac, vlan));
    // Seconds, then flags: an answer to everybody comes through a NIC that has no address.
    message.extend([0, 0]);
    message.extend(BROADCAST_FLAG);
    message.resize(CHADDR_AT, 0);
    message.extend(mac.0);
    message.resize(FIXED_BYTES, 0);
    message.extend(MAGIC_COOKIE);
    message.extend(IS_DISCOVER);
    message.extend(CLIENT_ID);
    message.extend(mac.0);
    message.push(END);
    message.resize(message.len().max(SHORTEST_MESSAGE), 0);

    let udp_bytes = UDP_HEADER_BYTES + message.len();
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = vec![VERSION_AND_LENGTH, 0];
    header.extend(length(IP_HEADER_BYTES + udp_bytes));
    header.extend([0, 0, 0, 0, TIME_TO_LIVE, UDP]);
    let before_checksum = header.len();
    header.extend([0, 0]);
    header.extend([0; 4]);
    header.extend([255; 4]);
    let sum = checksum(&header).to_be_bytes();
    header.splice(before_checksum..before_checksum + 2, sum);

    let mut frame = vec![0xff; 6];
    frame.extend(mac.0);
    frame.extend(ETHERTYPE_TAG);
    frame.extend(vlan.to_be_bytes());
    frame.extend(ETHERTYPE_IPV4);
    frame.extend(header);
    frame.extend(CLIENT_PORT.to_be_bytes());
    frame.extend(SERVER_PORT.to_be_bytes());
    frame.extend(length(udp_bytes));
    // UDP's checksum is optional on IPv4 (RFC 768).
    frame.extend([0, 0]);
    frame.extend(message);
    frame
}

/// RFC 1071.
fn checksum(header: &[u8]) -> u16 {
    let words = header.chunks(2).map(|word| match word {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// Whether a frame's head is of a reply to our question on this VLAN.
fn is_answer(frame: &[u8], mac: MacAddress, vlan: u16) -> bool {
    let message = || {
        let at = 12 + 4 * filter::tags(frame).count();
        let packet = frame.get(at..)?.strip_prefix(&ETHERTYPE_IPV4)?;
        let header_bytes = usize::from(packet.first()? & 0x0f) * 4;
        let is_udp = packet.get(9) == Some(&UDP);
        let datagram = packet.get(header_bytes..).filter(|_| is_udp)?;
        let ports = [SERVER_PORT.to_be_bytes(), CLIENT_PORT.to_be_bytes()].concat();
        datagram.strip_prefix(ports.as_slice())?.get(4..)
    };
    let Some(message) = message() else { return false };
    message.first() == Some(&REPLY)
        && message.get(4..8) == Some(&transaction(mac, vlan))
        && message.get(CHADDR_AT..CHADDR_AT + 6) == Some(&mac.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAC: MacAddress = MacAddress([0x52, 0x54, 0, 1, 0x10, 1]);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The VLANs that a probe asks on now.
    fn asked(probe: &mut VlanProbe, candidates: &[u16], now: u64) -> Vec<u16> {
        probe.questions(candidates, at(now)).iter().filter_map(|frame| filter::tags(frame).next()).collect()
    }

    /// What a server makes of a question: as RFC 2131 §4.3.1 says, from its own port to ours.
    fn answer(question: &[u8]) -> Vec<u8> {
        let mut frame = question.to_vec();
        frame[38..42].copy_from_slice(&[0, 67, 0, 68]);
        frame[46] = REPLY;
        frame
    }

    #[test]
    fn a_question_is_a_whole_dhcpdiscover() {
        let frame = discover(MAC, 20);
        let (link, rest) = frame.split_at(18);
        assert_eq!(link, [&[0xff; 6], MAC.0.as_slice(), &[0x81, 0, 0, 20, 8, 0]].concat());
        let (ip, rest) = rest.split_at(20);
        assert_eq!(ip[..10], [0x45, 0, 1, 72, 0, 0, 0, 0, 64, 17], "20 + 8 + 300 bytes of UDP");
        assert_eq!((checksum(ip), &ip[12..]), (0, [[0; 4], [255; 4]].concat().as_slice()));
        let (udp, message) = rest.split_at(8);
        assert_eq!(udp, [0, 68, 0, 67, 1, 52, 0, 0]);
        assert_eq!(message.len(), 300);
        assert_eq!((&message[..4], &message[10..12]), ([1, 1, 6, 0].as_slice(), [0x80, 0].as_slice()));
        assert_eq!(message[28..34], MAC.0);
        let options = [&[99, 130, 83, 99, 53, 1, 1, 61, 7, 1], MAC.0.as_slice(), &[255]].concat();
        assert_eq!(message[236..236 + options.len()], options);
    }

    #[test]
    fn nobody_is_asked_while_untagged_dhcp_may_answer() {
        let mut probe = VlanProbe::new(MAC);
        assert_eq!((asked(&mut probe, &[20], 0), probe.next_at(&[20])), (vec![], None));
        probe.untagged_is_silent(true, at(5));
        assert_eq!(probe.next_at(&[20]), Some(at(5)));
        assert_eq!(probe.next_at(&[]), None, "no VLAN is known");
        assert_eq!(asked(&mut probe, &[20], 5), [20]);
        probe.untagged_is_silent(false, at(6));
        assert_eq!((asked(&mut probe, &[20], 60), probe.next_at(&[20])), (vec![], None));
    }

    #[test]
    fn questions_end_with_an_answer_or_after_a_few() {
        let mut probe = VlanProbe::new(MAC);
        probe.untagged_is_silent(true, at(0));
        let first = probe.questions(&[20, 30, 0, 4095], at(0));
        assert_eq!(first.len(), 2, "0 and 4095 are no VLANs");
        probe.heard(&answer(&first[0]), None);
        assert_eq!(probe.answered(), [20]);
        assert_eq!(asked(&mut probe, &[20, 30], 3), [] as [u16; 0], "not yet");
        let later: Vec<_> = (1..10).flat_map(|round| asked(&mut probe, &[20, 30], 4 * round)).collect();
        assert_eq!(later, [30, 30, 30], "four in all");
        assert_eq!(probe.next_at(&[20, 30]), None);
        assert_eq!(asked(&mut probe, &[20, 30, 40], 60), [40], "a VLAN that was seen later");
        probe.forget();
        assert_eq!((probe.answered(), probe.next_at(&[20])), (vec![], None));
    }

    #[test]
    fn a_trunk_of_thousands_is_not_asked_through() {
        let mut probe = VlanProbe::new(MAC);
        probe.untagged_is_silent(true, at(0));
        let many: Vec<u16> = (100..4000).collect();
        let all: Vec<_> = (0..50).flat_map(|round| asked(&mut probe, &many, 4 * round)).collect();
        assert_eq!(all.len(), MOST_VLANS * MOST_QUESTIONS as usize);
    }

    #[test]
    fn only_a_reply_to_us_on_that_vlan_is_an_answer() {
        let ours = answer(&discover(MAC, 20));
        let changed = |at: usize, byte: u8| {
            let mut frame = ours.clone();
            frame[at] = byte;
            frame
        };
        let taken_off = [&ours[..12], &ours[16..]].concat();
        let cases: [(&str, &[u8], Option<u16>, bool); 8] = [
            ("tagged", &ours, None, true),
            ("its tag taken off by the NIC", &taken_off, Some(20), true),
            ("the head alone", &ours[..80], None, true),
            ("a question of somebody else", &discover(MAC, 20), None, false),
            ("on another VLAN", &changed(15, 30), None, false),
            ("of another transaction", &changed(50, 0xaa), None, false),
            ("to another machine", &changed(79, 0xaa), None, false),
            ("not UDP", &changed(27, 6), None, false),
        ];
        for (case, frame, stripped, expected) in cases {
            let mut probe = VlanProbe::new(MAC);
            probe.untagged_is_silent(true, at(0));
            probe.questions(&[20, 30], at(0));
            probe.heard(frame, stripped);
            assert_eq!(!probe.answered().is_empty(), expected, "{case}");
        }
    }

    proptest! {
        #[test]
        fn no_frame_panics(mut frame in prop::collection::vec(any::<u8>(), 0..400), cut in 0usize..400, vlan in any::<Option<u16>>()) {
            let mut probe = VlanProbe::new(MAC);
            probe.untagged_is_silent(true, at(0));
            probe.questions(&[20], at(0));
            let whole = answer(&discover(MAC, 20));
            probe.heard(whole.get(..cut).unwrap_or(&whole), vlan);
            if let Some(head) = frame.get_mut(12..18) {
                head.copy_from_slice(&[0x81, 0, 0, 20, 8, 0]);
            }
            probe.heard(&frame, vlan);
        }
    }
}
