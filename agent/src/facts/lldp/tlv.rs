//! Walking a sequence of TLVs, within its bounds and up to End Of LLDPDU.

use super::packet::TlvPacket;

/// The TLV types of IEEE 802.1AB-2016 table 8-1.
pub(in crate::facts::lldp) mod kind {
    pub const END: u8 = 0;
    pub const CHASSIS_ID: u8 = 1;
    pub const PORT_ID: u8 = 2;
    pub const TIME_TO_LIVE: u8 = 3;
    pub const PORT_DESCRIPTION: u8 = 4;
    pub const SYSTEM_NAME: u8 = 5;
    pub const SYSTEM_DESCRIPTION: u8 = 6;
    pub const SYSTEM_CAPABILITIES: u8 = 7;
    pub const MANAGEMENT_ADDRESS: u8 = 8;
    pub const ORGANIZATION: u8 = 127;
}

/// Type and length: seven bits and nine.
const HEADER_BYTES: usize = 2;

/// One TLV whose whole value is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tlv<'a> {
    pub kind: u8,
    pub value: &'a [u8],
}

/// A TLV that runs past the end of the frame, or a lone byte where a TLV should begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overrun {
    /// The TLV's type, where even that is there.
    pub kind: Option<u8>,
    /// How long its value claims to be.
    pub claimed: usize,
    /// How much of it is there.
    pub present: usize,
}

/// The TLVs of an LLDPDU, up to End Of LLDPDU or the end of the bytes. After an [`Overrun`] there is nothing more.
pub(super) struct Tlvs<'a> {
    rest: &'a [u8],
}

impl<'a> Tlvs<'a> {
    pub fn new(lldpdu: &'a [u8]) -> Self {
        Self { rest: lldpdu }
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Result<Tlv<'a>, Overrun>;

    fn next(&mut self) -> Option<Self::Item> {
        let all = std::mem::take(&mut self.rest);
        if all.is_empty() {
            return None;
        }
        let Some(packet) = TlvPacket::new(all) else {
            return Some(Err(Overrun { kind: None, claimed: HEADER_BYTES, present: all.len() }));
        };
        let (kind, claimed) = (packet.get_kind(), usize::from(packet.get_length()));
        if kind == kind::END {
            return None;
        }
        // Not packet.get_value(): it clamps.
        match all.get(HEADER_BYTES..HEADER_BYTES + claimed) {
            Some(value) => {
                self.rest = all.get(HEADER_BYTES + claimed..).unwrap_or_default();
                Some(Ok(Tlv { kind, value }))
            }
            None => Some(Err(Overrun { kind: Some(kind), claimed, present: all.len().saturating_sub(HEADER_BYTES) })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_end_of_lldpdu_whatever_follows() {
        let bytes = [0x02, 0x02, 0x04, 0xaa, 0x00, 0x00, 0x06, 0x02, 0x00, 0x78];
        let tlvs: Vec<_> = Tlvs::new(&bytes).collect();
        assert_eq!(tlvs, [Ok(Tlv { kind: 1, value: &[0x04, 0xaa] })]);
    }

    #[test]
    fn a_tlv_longer_than_the_frame_is_an_overrun_and_the_last() {
        let bytes = [0x06, 0x02, 0x00, 0x78, 0x0b, 0xff, 0x41];
        let tlvs: Vec<_> = Tlvs::new(&bytes).collect();
        let overrun = Overrun { kind: Some(5), claimed: 0x1ff, present: 1 };
        assert_eq!(tlvs, [Ok(Tlv { kind: 3, value: &[0x00, 0x78] }), Err(overrun)]);
    }

    #[test]
    fn a_lone_byte_is_an_overrun() {
        let tlvs: Vec<_> = Tlvs::new(&[0x08]).collect();
        assert_eq!(tlvs, [Err(Overrun { kind: None, claimed: 2, present: 1 })]);
    }
}
