//! Why a frame is no LLDPDU to believe, and which TLVs that hangs on.

use crate::facts::lldp::tlv::kind;
use std::fmt;
use thiserror::Error;

/// A TLV without which there is no LLDPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum MandatoryTlv {
    ChassisId,
    PortId,
    TimeToLive,
}

impl MandatoryTlv {
    /// In the order in which they must come.
    pub(super) const ALL: [Self; 3] = [Self::ChassisId, Self::PortId, Self::TimeToLive];

    pub(super) fn kind(self) -> u8 {
        match self {
            Self::ChassisId => kind::CHASSIS_ID,
            Self::PortId => kind::PORT_ID,
            Self::TimeToLive => kind::TIME_TO_LIVE,
        }
    }
}

impl fmt::Display for MandatoryTlv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChassisId => "chassis id",
            Self::PortId => "port id",
            Self::TimeToLive => "time to live",
        })
    }
}

/// Why a frame is no LLDPDU to believe.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LldpError {
    /// Too short for an Ethernet header and its tags.
    #[error("the frame is {bytes} bytes, too short for an Ethernet header")]
    ShortFrame {
        /// The frame's length.
        bytes: usize,
    },
    /// Another protocol's frame.
    #[error("the frame is not LLDP: its EtherType is {ethertype:#06x}, not 0x88cc")]
    NotLldp {
        /// The EtherType behind any tags.
        ethertype: u16,
    },
    /// The first three TLVs are not the mandatory ones in order.
    #[error("the {expected} TLV is missing: a TLV of type {found} stands in its place")]
    WrongOrder {
        /// What had to come here.
        expected: MandatoryTlv,
        /// The TLV type that came.
        found: u8,
    },
    /// The LLDPDU ended before the mandatory TLVs were complete.
    #[error("the LLDPDU ends before its {expected} TLV")]
    Missing {
        /// What had to come here.
        expected: MandatoryTlv,
    },
    /// A mandatory TLV claims more bytes than the frame has.
    #[error("the {tlv} TLV claims {claimed} bytes, and the frame has {present} left")]
    Truncated {
        /// The TLV.
        tlv: MandatoryTlv,
        /// Bytes claimed.
        claimed: usize,
        /// Bytes there.
        present: usize,
    },
    /// A mandatory TLV of impossible length.
    #[error("the {tlv} TLV is {bytes} bytes long, which the standard does not allow")]
    BadLength {
        /// The TLV.
        tlv: MandatoryTlv,
        /// Its value's length.
        bytes: usize,
    },
    /// A mandatory TLV came twice.
    #[error("the {tlv} TLV comes twice")]
    Duplicate {
        /// The TLV.
        tlv: MandatoryTlv,
    },
}
