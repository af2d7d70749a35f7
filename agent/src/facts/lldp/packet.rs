//! The shape of an LLDP TLV (IEEE 802.1AB-2016 §8.4), on pnet's packet macro, as pnet itself has no LLDP.
//!
//! The generated getters clamp silently when the length field promises more than there is, and the generated iterator
//! runs past End Of LLDPDU: [`super::tlv`] checks the bounds itself and is the only user.

#![allow(
    missing_docs,
    dead_code,
    reason = "the macro writes accessors and setters that nobody here calls or documents"
)]

use pnet_macros::packet;
use pnet_macros_support::types::{u7, u9be};

/// One TLV: seven bits of type, nine of length, the value, and whatever follows it.
#[packet]
pub struct Tlv {
    kind: u7,
    length: u9be,
    #[length = "length"]
    value: Vec<u8>,
    #[payload]
    rest: Vec<u8>,
}
