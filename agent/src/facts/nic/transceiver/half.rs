//! 128 bytes of a module's memory, addressed as the specifications number them. No address can panic.

use super::{HALF_BYTES, ModuleError};
use std::ops::Range;

pub(super) struct Half {
    bytes: [u8; HALF_BYTES],
    /// The number of the first byte: 0, or 128.
    first: usize,
}

impl Half {
    pub(super) fn lower(bytes: &[u8]) -> Result<Self, ModuleError> {
        Self::of("lower memory", 0, bytes)
    }

    pub(super) fn upper(bytes: &[u8]) -> Result<Self, ModuleError> {
        Self::of("upper page 0", HALF_BYTES, bytes)
    }

    fn of(what: &'static str, first: usize, bytes: &[u8]) -> Result<Self, ModuleError> {
        let bytes = bytes.try_into().map_err(|_| ModuleError::Short { what, found: bytes.len() })?;
        Ok(Self { bytes, first })
    }

    pub(super) fn byte(&self, at: usize) -> u8 {
        self.part(at..at + 1).first().copied().unwrap_or_default()
    }

    fn part(&self, range: Range<usize>) -> &[u8] {
        let place = |at: usize| at.saturating_sub(self.first);
        self.bytes.get(place(range.start)..place(range.end)).unwrap_or_default()
    }

    /// ASCII, padded with blanks (SFF-8472 §4.7, SFF-8636 §6.3.13, CMIS §8.3.2), by some vendors with NULs or FFs.
    /// Nothing else than printable ASCII is taken.
    pub(super) fn text(&self, range: Range<usize>) -> Option<String> {
        let printable = self.part(range).iter().filter(|byte| byte.is_ascii_graphic() || **byte == b' ');
        let text: String = printable.map(|byte| char::from(*byte)).collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Three bytes as `00-02-c9`; a vendor without one writes zeros.
    pub(super) fn oui(&self, range: Range<usize>) -> Option<String> {
        match self.part(range) {
            [0, 0, 0] => None,
            [a, b, c] => Some(format!("{a:02x}-{b:02x}-{c:02x}")),
            _ => None,
        }
    }

    /// The low eight bits of the sum of these bytes is the byte after them.
    pub(super) fn check(&self, what: &'static str, range: Range<usize>) -> Result<(), ModuleError> {
        let written = self.byte(range.end);
        let computed = self.part(range).iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        if written == computed { Ok(()) } else { Err(ModuleError::Checksum { what, written, computed }) }
    }
}
