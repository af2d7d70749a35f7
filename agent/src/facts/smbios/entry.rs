//! The entry point (DSP0134 §5.2): which version, where the table is, how long.

use smbioslib::{SMBiosEntryPoint32, SMBiosEntryPoint64};
use std::fmt;
use thiserror::Error;

/// Length of the 32-bit entry point, and all that smbios-lib may be given of it: it panics on more.
const ENTRY_32_BYTES: usize = SMBiosEntryPoint32::MINIMUM_SIZE;

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
        let entry = exactly(bytes, ENTRY_64_BYTES)?;
        let entry = SMBiosEntryPoint64::try_from(entry).map_err(|e| EntryError::Broken { why: e.to_string() })?;
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
        let entry = exactly(bytes, ENTRY_32_BYTES)?;
        let entry = SMBiosEntryPoint32::try_from(entry).map_err(|e| EntryError::Broken { why: e.to_string() })?;
        let claimed = (entry.major_version(), entry.minor_version());
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
            table_address: entry.structure_table_address().into(),
            extent: Extent::Count {
                structures: entry.number_of_smbios_structures(),
                bytes: entry.structure_table_length().into(),
            },
            problem: corrected,
        })
    }
}

fn exactly(bytes: &[u8], needed: usize) -> Result<Vec<u8>, EntryError> {
    bytes.get(..needed).map(<[u8]>::to_vec).ok_or(EntryError::Cut { bytes: bytes.len(), needed })
}
