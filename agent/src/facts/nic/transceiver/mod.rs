//! The module in a NIC's cage: what its memory says of it. Bytes in, [`Transceiver`] out; how they are read is not known
//! here.
//!
//! A module's memory is a lower half of 128 bytes and, above it, pages of 128 more. Which of three memory maps it has,
//! its first byte tells (SFF-8024 rev 4.12, table 4-1): SFF-8472 for SFP, SFF-8636 for QSFP, CMIS for what came later.
//! Where the map has a checksum, bytes that do not match it are no facts.
//!
//! Unproven on hardware: no emulated NIC has a cage. Tested on pages built by hand from the specifications.

mod cmis;
mod half;
mod names;
mod sff8472;
mod sff8636;

use half::Half;
use pious_protocol::facts::Transceiver;
use thiserror::Error;

/// Bytes in a half of the memory.
pub(super) const HALF_BYTES: usize = 128;

/// Why bytes are no module's description.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum ModuleError {
    #[error("the module's {what} has {found} bytes, not {HALF_BYTES}")]
    Short { what: &'static str, found: usize },
    #[error("the module is of kind {0:#04x} (SFF-8024 table 4-1), whose memory is not known here")]
    Kind(u8),
    #[error("the module's {what}: checksum {written:#04x}, but its bytes make {computed:#04x}")]
    Checksum { what: &'static str, written: u8, computed: u8 },
}

/// The three memory maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Map {
    Sff8472,
    Sff8636,
    Cmis,
}

/// Whether the module describes itself in the upper half, too. `false` where even the first byte is lacking.
pub(super) fn needs_upper(lower: &[u8]) -> bool {
    match lower.first().and_then(|kind| names::kind(*kind)) {
        Some((_, Map::Sff8636 | Map::Cmis)) => true,
        Some((_, Map::Sff8472)) | None => false,
    }
}

/// What the memory says: its lower half, and its upper page 0 where [`needs_upper`].
pub(super) fn decode(lower: &[u8], upper: &[u8]) -> Result<Transceiver, ModuleError> {
    let lower = Half::lower(lower)?;
    let (kind, map) = names::kind(lower.byte(0)).ok_or(ModuleError::Kind(lower.byte(0)))?;
    let transceiver = match map {
        Map::Sff8472 => sff8472::decode(&lower)?,
        Map::Sff8636 => sff8636::decode(&Half::upper(upper)?)?,
        Map::Cmis => cmis::decode(&lower, &Half::upper(upper)?)?,
    };
    Ok(Transceiver { kind: kind.to_owned(), ..transceiver })
}

#[cfg(test)]
pub(super) mod tests;
