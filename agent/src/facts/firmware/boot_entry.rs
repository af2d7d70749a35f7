//! One entry of the firmware's boot menu: an EFI_LOAD_OPTION (UEFI 2.10 §3.1.3).

use super::{device_path::DevicePath, variable};
use crate::facts::Host;
use pious_protocol::facts::BootEntry;
use thiserror::Error;

/// LOAD_OPTION_ACTIVE: the firmware tries it.
const ACTIVE: u32 = 1;

/// Attributes, and the length of the device path.
const HEAD_BYTES: usize = 6;

/// Why bytes are no load option.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum LoadOptionError {
    /// The fixed part is not whole.
    #[error("a load option of {bytes} bytes is shorter than its head of {HEAD_BYTES}")]
    Head { bytes: usize },
    /// The description does not end.
    #[error("a load option's description has no end in {bytes} bytes")]
    Description { bytes: usize },
}

/// `Boot####`; what can't be read of it is in its gaps.
pub(super) fn read(host: &dyn Host, number: u16) -> BootEntry {
    let name = format!("Boot{number:04X}");
    let mut entry = match variable::read(host, &name).map_err(|error| error.to_string()) {
        Ok(data) => parse(&data).unwrap_or_else(|error| unread(error.to_string())),
        Err(why) => unread(why),
    };
    entry.name = name;
    entry
}

fn unread(why: String) -> BootEntry {
    let mut entry = BootEntry::default();
    entry.gaps.note("description", why.clone());
    entry.gaps.note("device_path", why);
    entry
}

/// A load option's bytes: attributes, the device path's length, the description in UCS-2 up to a NUL, the device path,
/// and data of the entry's own, which is not looked at.
pub(super) fn parse(bytes: &[u8]) -> Result<BootEntry, LoadOptionError> {
    let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>().ok_or(LoadOptionError::Head { bytes: bytes.len() })?;
    let attributes = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let path_bytes = usize::from(u16::from_le_bytes([head[4], head[5]]));
    let units = rest.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let end = units.clone().position(|unit| unit == 0).ok_or(LoadOptionError::Description { bytes: rest.len() })?;
    let mut entry =
        BootEntry { description: text(units.take(end)), active: attributes & ACTIVE != 0, ..BootEntry::default() };
    let behind = rest.get(2 * (end + 1)..).unwrap_or_default();
    let path = DevicePath::parse(behind.get(..path_bytes).unwrap_or(behind));
    if let Some(why) = path.problem {
        entry.gaps.note("device_path", why);
    }
    entry.device_path = (!path.text.is_empty()).then_some(path.text);
    Ok(entry)
}

/// UCS-2 as text; what is none, or would act on a terminal, becomes a dot.
pub(super) fn text(units: impl Iterator<Item = u16>) -> String {
    char::decode_utf16(units).map(|c| c.ok().filter(|c| !c.is_control()).unwrap_or('.')).collect()
}
