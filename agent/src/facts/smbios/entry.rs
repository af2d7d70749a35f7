//! The entry point (DSP0134 §5.2): which version, where the table is, how long.

use smbioslib::{SMBiosEntryPoint32, SMBiosEntryPoint64};
use std::{
    fmt,
    ops::{Range, RangeInclusive},
};
use thiserror::Error;

/// Length of the 32-bit entry point.
const ENTRY_32_BYTES: usize = SMBiosEntryPoint32::MINIMUM_SIZE;

/// What 32-bit entry points claim as their length: 31; 30 by a slip of version 2.1 (§5.2.1); 32 by some of Dell's.
/// smbios-lib refuses the last and panics when it is given more than 31 bytes, so its checks are made here.
const CLAIMED_32_BYTES: RangeInclusive<usize> = 0x1e..=0x20;

/// The part of a 32-bit entry point that has a checksum of its own.
const INTERMEDIATE: Range<usize> = SMBiosEntryPoint32::INTERMEDIATE_ANCHOR_OFFSET..ENTRY_32_BYTES;

/// Length of the 64-bit entry point.
const ENTRY_64_BYTES: usize = SMBiosEntryPoint64::MINIMUM_SIZE;

/// Why bytes hold no entry point to believe.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryError {
    /// Neither anchor is there.
    #[error("no SMBIOS entry point at the beginning: neither _SM3_ nor _SM_")]
    NoAnchor,
    /// The anchor is there, and not all of the rest.
    #[error("the SMBIOS entry point is cut: {bytes} bytes of {needed}")]
    Cut {
        /// Bytes there.
        bytes: usize,
        /// Bytes that the entry point has.
        needed: usize,
    },
    /// All bytes are there, and contradict each other.
    #[error("the SMBIOS entry point is broken: {why}")]
    Broken {
        /// What is wrong.
        why: String,
    },
}

/// The specification's version that the table follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub major: u8,
    pub minor: u8,
    /// Told by 64-bit entry points only.
    pub revision: Option<u8>,
}

impl Version {
    /// From here on a UUID's first three fields are little-endian (§7.2.1).
    pub fn has_little_endian_uuid(self) -> bool {
        (self.major, self.minor) >= (2, 6)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.revision.map_or(Ok(()), |revision| write!(f, ".{revision}"))
    }
}

/// How the table says where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// 32-bit entry points count the structures; a type 127 is one like the others.
    Count { structures: u16, bytes: usize },
    /// 64-bit entry points give a limit; a type 127 ends the table.
    UntilEnd { at_most_bytes: usize },
}

/// An entry point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub version: Version,
    pub table_address: u64,
    pub extent: Extent,
    /// What is odd about it.
    pub problem: Option<String>,
}

pub(super) fn has_anchor(bytes: &[u8]) -> bool {
    bytes.starts_with(&SMBiosEntryPoint64::SM3_ANCHOR) || bytes.starts_with(&SMBiosEntryPoint32::SM_ANCHOR)
}

impl Entry {
    /// Reads the entry point at the beginning of the bytes; what follows it is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.starts_with(&SMBiosEntryPoint64::SM3_ANCHOR) {
            Self::parse_64(bytes)
        } else if bytes.starts_with(&SMBiosEntryPoint32::SM_ANCHOR) {
            Self::parse_32(bytes)
        } else {
            Err(EntryError::NoAnchor)
        }
    }

    fn parse_64(bytes: &[u8]) -> Result<Self, EntryError> {
        let cut = EntryError::Cut { bytes: bytes.len(), needed: ENTRY_64_BYTES };
        let entry = bytes.get(..ENTRY_64_BYTES).ok_or(cut)?;
        let entry =
            SMBiosEntryPoint64::try_from(entry.to_vec()).map_err(|e| EntryError::Broken { why: e.to_string() })?;
        Ok(Self {
            version: Version {
                major: entry.major_version(),
                minor: entry.minor_version(),
                revision: Some(entry.docrev()),
            },
            table_address: entry.structure_table_address(),
            extent: Extent::UntilEnd {
                at_most_bytes: usize::try_from(entry.structure_table_maximum_size()).unwrap_or(usize::MAX),
            },
            problem: None,
        })
    }

    fn parse_32(bytes: &[u8]) -> Result<Self, EntryError> {
        use SMBiosEntryPoint32 as At;
        let broken = |why: &str| EntryError::Broken { why: why.to_owned() };
        let cut = EntryError::Cut { bytes: bytes.len(), needed: ENTRY_32_BYTES };
        let entry: &[u8; ENTRY_32_BYTES] = bytes.first_chunk().ok_or(cut)?;
        let claimed = usize::from(entry[At::ENTRY_POINT_LENGTH_OFFSET]);
        if !CLAIMED_32_BYTES.contains(&claimed) {
            return Err(broken(&format!("it claims to be {claimed} bytes long, and is 31")));
        }
        // Who claims 32 bytes may have written 31.
        if !sums_to_zero(bytes.get(..claimed).unwrap_or(bytes)) {
            return Err(broken("its checksum is wrong"));
        }
        let intermediate = entry.get(INTERMEDIATE).unwrap_or_default();
        if !intermediate.starts_with(&At::DMI_ANCHOR) || !sums_to_zero(intermediate) {
            return Err(broken("its second half has no _DMI_ or a wrong checksum"));
        }
        let word = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
        let address = At::STRUCTURE_TABLE_ADDRESS_OFFSET;
        let address = u32::from(word(address)) | u32::from(word(address + 2)) << 16;
        let claimed = (entry[At::MAJOR_VERSION_OFFSET], entry[At::MINOR_VERSION_OFFSET]);
        // Versions that nobody published, written by firmware that meant these (as dmidecode corrects them): a wrong
        // guess would turn the UUID's bytes around.
        let (major, minor) = match claimed {
            (2, 0x1f | 0x21) => (2, 3),
            (2, 0x33) => (2, 6),
            told => told,
        };
        let version = Version { major, minor, revision: None };
        let corrected = (claimed != (major, minor)).then(|| {
            format!(
                "the entry point claims version {}.{}, which does not exist; taken for {version}",
                claimed.0, claimed.1
            )
        });
        Ok(Self {
            version,
            table_address: address.into(),
            extent: Extent::Count {
                structures: word(At::NUMBER_OF_SMBIOS_STRUCTURES_OFFSET),
                bytes: word(At::STRUCTURE_TABLE_LENGTH_OFFSET).into(),
            },
            problem: corrected,
        })
    }
}

/// How every checksum of an entry point is made.
fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte)) == 0
}
