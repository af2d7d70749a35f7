//! Sense data: how a SCSI disk says why it did not do something, and how an ATA disk behind SCSI answers with its
//! registers. Bytes in; SPC-5 §4.4, SAT-4 §12.2.2.6 and §12.2.2.7.

use std::fmt;

/// A SCSI command's outcome (SAM-6 §5.3.1).
const GOOD: u8 = 0x00;
const CHECK_CONDITION: u8 = 0x02;

/// Sense keys (SPC-5 §4.4.3, table 49).
const NO_SENSE: u8 = 0x0;
const RECOVERED_ERROR: u8 = 0x1;
const UNIT_ATTENTION: u8 = 0x6;

/// Why a SCSI disk refused: its status, and what its sense data says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sense {
    status: u8,
    /// `None` where no sense data came.
    key: Option<u8>,
    code: u8,
    qualifier: u8,
}

impl Sense {
    /// Reads sense data of either format.
    pub(super) fn parse(status: u8, bytes: &[u8]) -> Self {
        let at = |index: usize| bytes.get(index).copied();
        let (key, code, qualifier) = match at(0).map(|format| format & 0x7f) {
            Some(0x70 | 0x71) => (at(2), at(12), at(13)),
            Some(0x72 | 0x73) => (at(1), at(2), at(3)),
            Some(_) | None => (None, None, None),
        };
        let [code, qualifier] = [code, qualifier].map(Option::unwrap_or_default);
        Self { status, key: key.map(|key| key & 0x0f), code, qualifier }
    }

    /// Whether the command was carried out.
    pub(super) fn is_good(self) -> bool {
        match self.status {
            GOOD => true,
            // How an ATA command's registers are given back.
            CHECK_CONDITION => self.key.is_some_and(|key| key == NO_SENSE || key == RECOVERED_ERROR),
            _ => false,
        }
    }

    /// Whether it told what happened to it (a reset, a changed medium) instead of carrying the command out.
    pub(super) fn is_unit_attention(self) -> bool {
        self.key == Some(UNIT_ATTENTION)
    }
}

impl fmt::Display for Sense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(key) = self.key else { return write!(f, "SCSI status {:02x}h", self.status) };
        let word = match key {
            0x2 => "not ready",
            0x3 => "medium error",
            0x4 => "hardware error",
            0x5 => "illegal request",
            UNIT_ATTENTION => "unit attention",
            0x7 => "data protect",
            0xb => "aborted command",
            _ => "sense key",
        };
        write!(f, "{word} ({key:x}h, {:02x}h/{:02x}h)", self.code, self.qualifier)
    }
}

/// LBA(15:8) and LBA(23:16) as an ATA command left them, from the sense data that CK_COND asks for.
pub(super) fn ata_lba(bytes: &[u8]) -> Option<(u8, u8)> {
    const DESCRIPTORS: usize = 8;
    const ATA_STATUS_RETURN: u8 = 0x09;
    match bytes.first()? & 0x7f {
        // Descriptors, each with its kind and its length behind the two bytes.
        0x72 | 0x73 => {
            let mut rest = bytes.get(DESCRIPTORS..)?;
            while let [kind, length, ..] = rest {
                if *kind == ATA_STATUS_RETURN {
                    return Some((*rest.get(9)?, *rest.get(11)?));
                }
                rest = rest.get(2 + usize::from(*length)..)?;
            }
            None
        }
        // The fixed format: what newer kernels give where the disk's D_SENSE is off. ASC 00h/1Dh says that it is that.
        0x70 | 0x71 if bytes.get(12..14)? == [0x00, 0x1d] => Some((*bytes.get(10)?, *bytes.get(11)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DESCRIPTOR: [u8; 22] = [0x72, 1, 0, 0x1d, 0, 0, 0, 14, 9, 12, 0, 0, 0, 0, 0, 0, 0, 0xf4, 0, 0x2c, 0xa0, 0x50];
    const FIXED: [u8; 18] = [0x70, 0, 1, 0, 0x50, 0, 0, 10, 0, 0, 0x4f, 0xc2, 0, 0x1d, 0, 0, 0, 0];

    #[test]
    fn registers_come_back_in_either_format() {
        assert_eq!(ata_lba(&DESCRIPTOR), Some((0xf4, 0x2c)));
        assert_eq!(ata_lba(&FIXED), Some((0x4f, 0xc2)));
        let mut behind_another = DESCRIPTOR[..8].to_vec();
        behind_another.extend([0, 2, 0xaa, 0xaa]);
        behind_another.extend(&DESCRIPTOR[8..]);
        assert_eq!(ata_lba(&behind_another), Some((0xf4, 0x2c)));
        assert_eq!(ata_lba(&[0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0x4f, 0xc2, 0x24, 0, 0, 0, 0, 0]), None);
    }

    #[test]
    fn what_is_a_refusal_and_how_it_reads() {
        let illegal = [0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0, 0, 0];
        let cases: [(u8, &[u8], bool, &str); 5] = [
            (0, &[], true, "SCSI status 00h"),
            (2, &DESCRIPTOR, true, "sense key (1h, 00h/1dh)"),
            (2, &illegal, false, "illegal request (5h, 24h/00h)"),
            (2, &[0x72, 0x0b, 0, 0], false, "aborted command (bh, 00h/00h)"),
            (8, &[], false, "SCSI status 08h"),
        ];
        for (status, bytes, good, words) in cases {
            let sense = Sense::parse(status, bytes);
            assert_eq!((sense.is_good(), sense.to_string().as_str()), (good, words));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(status: u8, bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Sense::parse(status, &bytes).to_string();
            let _ = ata_lba(&bytes);
        }

        #[test]
        fn no_truncation_makes_registers_up(length in 0usize..20) {
            prop_assert_eq!(ata_lba(&DESCRIPTOR[..length]), None);
        }
    }
}
