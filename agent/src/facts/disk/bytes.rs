//! Numbers at an offset of a page; `None` where the page ends before.

fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

pub(super) fn u16_le(bytes: &[u8], offset: usize) -> Option<u16> {
    at(bytes, offset).map(u16::from_le_bytes)
}

pub(super) fn u32_le(bytes: &[u8], offset: usize) -> Option<u32> {
    at(bytes, offset).map(u32::from_le_bytes)
}

pub(super) fn u64_le(bytes: &[u8], offset: usize) -> Option<u64> {
    at(bytes, offset).map(u64::from_le_bytes)
}

pub(super) fn u128_le(bytes: &[u8], offset: usize) -> Option<u128> {
    at(bytes, offset).map(u128::from_le_bytes)
}

pub(super) fn u16_be(bytes: &[u8], offset: usize) -> Option<u16> {
    at(bytes, offset).map(u16::from_be_bytes)
}

/// A big-endian number of up to eight bytes, as SCSI's counters are of any length.
pub(super) fn number_be(bytes: &[u8]) -> Option<u64> {
    let significant = bytes.get(bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..)?;
    let fits = significant.len() <= 8;
    fits.then(|| significant.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length() {
        let cases: [(&[u8], Option<u64>); 4] = [
            (&[], Some(0)),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2], Some(0x0102)),
            (&[0xff; 8], Some(u64::MAX)),
            (&[1; 9], None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(number_be(bytes), expected, "{bytes:?}");
        }
    }
}
