//! The walk over a table's structures (DSP0134 §6.1): each a formatted part of its own length, then strings up to a
//! double NUL. Says where and why it had to stop.

use super::entry::{Entry, Extent};
use smbioslib::{Header, UndefinedStruct};

/// Header and the double NUL: the smallest structure (§6.1.2).
const SMALLEST_BYTES: usize = Header::SIZE + STRINGS_END.len();

/// Ends a structure's strings.
const STRINGS_END: [u8; 2] = [0, 0];

/// End-of-table (§7.45).
const END_OF_TABLE: u8 = 127;

/// What a table holds.
pub(super) struct Table {
    pub structures: Vec<UndefinedStruct>,
    /// What was wrong: one sentence each.
    pub problems: Vec<String>,
}

/// Why the walk ended.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// Where the table said.
    AtEnd,
    /// Before that.
    Broken(String),
}

pub(super) fn walk(entry: &Entry, bytes: &[u8]) -> Table {
    let claimed = match entry.extent {
        Extent::Count { bytes, .. } => bytes,
        Extent::UntilEnd { at_most_bytes } => at_most_bytes,
    };
    let bytes = bytes.get(..claimed).unwrap_or(bytes);
    let mut structures = Vec::new();
    let mut at = 0;
    let stop = loop {
        let full = match entry.extent {
            // 0 is nobody's count; then the bytes decide.
            Extent::Count { structures: count, .. } => count != 0 && structures.len() >= usize::from(count),
            Extent::UntilEnd { .. } => false,
        };
        let rest = bytes.get(at..).unwrap_or_default();
        if full || (rest.is_empty() && matches!(entry.extent, Extent::Count { structures: 0, .. })) {
            break Stop::AtEnd;
        }
        match first(rest) {
            Err(why) => {
                let stop =
                    format!("the table breaks off at byte {at} of {claimed}, after {} structures", structures.len());
                break Stop::Broken(format!("{stop}: {why}"));
            }
            Ok(structure) => {
                at += structure.len();
                let structure = UndefinedStruct::new(&structure.to_vec());
                let is_end = structure.header.struct_type() == END_OF_TABLE;
                structures.push(structure);
                if is_end && matches!(entry.extent, Extent::UntilEnd { .. }) {
                    break Stop::AtEnd;
                }
            }
        }
    };
    let problems = match stop {
        Stop::AtEnd => vec![],
        Stop::Broken(problem) => vec![problem],
    };
    Table { structures, problems }
}

/// The first structure's bytes, strings and double NUL included.
fn first(bytes: &[u8]) -> Result<&[u8], String> {
    if bytes.len() < SMALLEST_BYTES {
        return Err(format!("{} bytes are left, too few for a structure", bytes.len()));
    }
    let length = bytes.get(Header::LENGTH_OFFSET).copied().map(usize::from).unwrap_or_default();
    if length < Header::SIZE {
        return Err(format!("a structure claims a length of {length}, less than its own header"));
    }
    let strings = bytes.get(length..).ok_or_else(|| format!("a structure of {length} bytes is cut"))?;
    let end = strings.windows(STRINGS_END.len()).position(|pair| pair == STRINGS_END);
    let end = end.ok_or("a structure's strings have no end")?;
    let whole = length + end + STRINGS_END.len();
    bytes.get(..whole).ok_or_else(|| "a structure is cut".to_owned())
}
