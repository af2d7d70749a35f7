//! SMBIOS (DMTF DSP0134 3.9): a table's bytes in, typed facts out. Strings and names agree with dmidecode's.
//!
//! smbios-lib types the structures. Around it stand our own entry point's checks and our own walk over the table
//! ([`table`]): the crate panics on an entry point longer than 31 bytes, refuses one that some firmware writes, and breaks
//! off silently at a structure that it can't take, where an engineer wants to know what is wrong.

mod board;
mod entry;
mod host_interface;
mod management;
mod memory;
mod names;
mod processor;
mod reader;
mod structures;
mod system;
mod table;

pub use entry::EntryError;

use super::Host;
use entry::Entry;
use pious_protocol::facts::{Observed, Smbios};
use thiserror::Error;

/// Where Linux shows the firmware's entry point.
const ENTRY_PATH: &str = "/sys/firmware/dmi/tables/smbios_entry_point";

/// Where Linux shows the firmware's structures.
const TABLE_PATH: &str = "/sys/firmware/dmi/tables/DMI";

/// Why bytes are no SMBIOS table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SmbiosError {
    /// No entry point, or a broken one.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A dump whose table lies outside it.
    #[error("the entry point puts the table at byte {address}, and the dump has {bytes}")]
    TableOutside {
        /// Where the table should begin.
        address: u64,
        /// The dump's length.
        bytes: usize,
    },
    /// Not one structure could be read.
    #[error("the table holds no structure that can be read: {why}")]
    NoStructure {
        /// What was wrong with the first.
        why: String,
    },
}

/// Decodes a dump as `dmidecode --dump-bin` writes it: the entry point, and the table where that says, from the dump's
/// beginning.
///
/// # Errors
/// [`SmbiosError`], when there is nothing to decode. A table that is partly broken is decoded as far as it goes, and
/// [`Smbios::problems`] says what is wrong.
pub fn decode_dump(dump: &[u8]) -> Result<Smbios, SmbiosError> {
    let entry = Entry::parse(dump)?;
    let outside = SmbiosError::TableOutside { address: entry.table_address, bytes: dump.len() };
    let start = usize::try_from(entry.table_address).ok().filter(|&start| start < dump.len());
    let table = start.and_then(|start| dump.get(start..)).ok_or(outside)?;
    decode_table(&entry, table)
}

/// Decodes what Linux shows under `/sys/firmware/dmi/tables`: the entry point and the table, a file each.
///
/// # Errors
/// As [`decode_dump`].
pub fn decode_pair(entry: &[u8], table: &[u8]) -> Result<Smbios, SmbiosError> {
    decode_table(&Entry::parse(entry)?, table)
}

/// Whether bytes begin with an entry point's anchor, well-formed or not.
pub fn has_entry_point(bytes: &[u8]) -> bool {
    entry::has_anchor(bytes)
}

fn decode_table(entry: &Entry, bytes: &[u8]) -> Result<Smbios, SmbiosError> {
    let table = table::walk(entry, bytes);
    if table.structures.is_empty() {
        return Err(SmbiosError::NoStructure { why: table.problems.join("; ") });
    }
    let mut smbios = Smbios { version: entry.version.to_string(), ..Smbios::default() };
    smbios.problems.extend(entry.problem.clone());
    smbios.problems.extend(table.problems);
    for structure in &table.structures {
        structures::add(structure, entry.version, &mut smbios);
    }
    Ok(smbios)
}

pub(crate) fn read(host: &dyn Host) -> Observed<Smbios> {
    let read = |path| host.read(path).map_err(|error| format!("{path} can't be read: {error}"));
    let decoded = read(ENTRY_PATH)
        .and_then(|entry| Ok((entry, read(TABLE_PATH)?)))
        .and_then(|(entry, table)| decode_pair(&entry, &table).map_err(|error| format!("{TABLE_PATH}: {error}")));
    match decoded {
        Ok(smbios) => Observed::seen(TABLE_PATH, smbios),
        Err(reason) => Observed::absent(reason),
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::example;
