//! Organizationally specific TLVs (IEEE 802.1AB-2016 §8.6): whose they are. What is nobody's here, or malformed, stays
//! raw.

use super::{
    draft::{Draft, SetAside},
    ieee8021, ieee8023, med,
    text::hex,
};
use crate::facts::lldp::tlv::kind;
use pious_protocol::facts::RawTlv;

/// Takes what one TLV of type 127 tells.
pub(super) fn read(value: &[u8], draft: &mut Draft) {
    let [a, b, c, subtype, information @ ..] = value else {
        let problem = format!("an organizationally specific TLV of {} bytes has no OUI and subtype", value.len());
        draft.keep_raw(RawTlv { kind: kind::ORGANIZATION, organization: None, value: hex(value) });
        draft.problems.push(problem);
        return;
    };
    let taken = match [*a, *b, *c] {
        ieee8021::OUI => ieee8021::read(*subtype, information, draft),
        ieee8023::OUI => ieee8023::read(*subtype, information, draft),
        med::OUI => med::read(*subtype, information, &mut draft.neighbour),
        _ => Err(SetAside::Unknown),
    };
    draft.take(taken, || RawTlv {
        kind: kind::ORGANIZATION,
        organization: Some(format!("{a:02x}-{b:02x}-{c:02x}/{subtype}")),
        value: hex(information),
    });
}
