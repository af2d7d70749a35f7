//! Captures: writing what passes a port, and reading a captured frame to replay. The classic pcap format
//! (draft-ietf-opsawg-pcap), link type Ethernet. Bytes in, bytes out.

use std::time::Duration;
use thiserror::Error;

/// Microsecond timestamps, in the writer's byte order.
const MAGIC_MICROS: u32 = 0xa1b2_c3d4;
/// Nanosecond timestamps.
const MAGIC_NANOS: u32 = 0xa1b2_3c4d;
/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;
/// No frame of ours is longer.
const SNAPSHOT_BYTES: u32 = 65_535;
const FILE_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;

/// Why a capture can't be replayed.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum PcapError {
    /// Another format.
    #[error("not a classic pcap file")]
    Magic,
    /// Something other than Ethernet.
    #[error("link type {0} is not Ethernet")]
    LinkType(u32),
    /// It ends too early.
    #[error("cut short")]
    Short,
    /// It holds no frame.
    #[error("holds no frame")]
    Empty,
}

/// A capture file's header.
pub fn header() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FILE_HEADER_BYTES);
    bytes.extend(MAGIC_MICROS.to_le_bytes());
    bytes.extend(2u16.to_le_bytes());
    bytes.extend(4u16.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(SNAPSHOT_BYTES.to_le_bytes());
    bytes.extend(ETHERNET.to_le_bytes());
    bytes
}

/// One frame's record. `at` counts from 1970.
pub fn record(at: Duration, frame: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RECORD_HEADER_BYTES + frame.len());
    bytes.extend((at.as_secs() as u32).to_le_bytes());
    bytes.extend(at.subsec_micros().to_le_bytes());
    bytes.extend((frame.len() as u32).to_le_bytes());
    bytes.extend((frame.len() as u32).to_le_bytes());
    bytes.extend(frame);
    bytes
}

/// The first frame of a capture.
pub fn first_frame(bytes: &[u8]) -> Result<Vec<u8>, PcapError> {
    frames(bytes)?.next().ok_or(PcapError::Empty)?.map(<[u8]>::to_vec)
}

/// Every frame of a capture; one that is cut short is the last.
pub fn frames(bytes: &[u8]) -> Result<impl Iterator<Item = Result<&[u8], PcapError>>, PcapError> {
    let magic: [u8; 4] = four(bytes, 0)?;
    let number: fn([u8; 4]) -> u32 = match (u32::from_le_bytes(magic), u32::from_be_bytes(magic)) {
        (MAGIC_MICROS | MAGIC_NANOS, _) => u32::from_le_bytes,
        (_, MAGIC_MICROS | MAGIC_NANOS) => u32::from_be_bytes,
        _ => return Err(PcapError::Magic),
    };
    match number(four(bytes, 20)?) & 0xffff {
        ETHERNET => {}
        other => return Err(PcapError::LinkType(other)),
    }
    let mut rest = bytes.get(FILE_HEADER_BYTES..).unwrap_or_default();
    Ok(std::iter::from_fn(move || {
        let frame = match rest {
            [] => return None,
            record => four(record, 8).and_then(|length| {
                let end = RECORD_HEADER_BYTES.saturating_add(number(length) as usize);
                record.get(RECORD_HEADER_BYTES..end).ok_or(PcapError::Short)
            }),
        };
        let taken = frame.as_ref().map_or(rest.len(), |frame| RECORD_HEADER_BYTES + frame.len());
        rest = rest.get(taken..).unwrap_or_default();
        Some(frame)
    }))
}

fn four(bytes: &[u8], at: usize) -> Result<[u8; 4], PcapError> {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).ok_or(PcapError::Short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_cut_files_are_refused() {
        let frame = b"an Ethernet frame, say".to_vec();
        let file =
            [header(), record(Duration::from_micros(1_500_000), &frame), record(Duration::ZERO, b"another")].concat();
        assert_eq!(first_frame(&file), Ok(frame.clone()));
        let all: Result<Vec<&[u8]>, _> = frames(&file).unwrap().collect();
        assert_eq!(all, Ok(vec![&frame[..], b"another"]));
        let cut: Vec<_> = frames(&file[..file.len() - 1]).unwrap().collect();
        assert_eq!(cut, [Ok(&frame[..]), Err(PcapError::Short)]);
        for cut in 0..FILE_HEADER_BYTES + RECORD_HEADER_BYTES + frame.len() {
            let expected = if cut == FILE_HEADER_BYTES { PcapError::Empty } else { PcapError::Short };
            assert_eq!(first_frame(&file[..cut]), Err(expected), "cut at {cut}");
        }
        assert_eq!(first_frame(b"\x0a\x0d\x0d\x0a...................."), Err(PcapError::Magic), "pcapng");
    }
}
