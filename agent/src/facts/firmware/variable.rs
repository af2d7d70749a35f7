//! UEFI's global variables, as efivarfs shows them: a file `NAME-GUID` each, four bytes of attributes, then the data.

use crate::facts::Host;
use std::io;
use thiserror::Error;

/// Where efivarfs is mounted.
const FOLDER: &str = "/sys/firmware/efi/efivars";

/// EFI_GLOBAL_VARIABLE (UEFI 2.10 §3.3).
const GLOBAL: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// How long a variable is stored and who may read it (UEFI 2.10 §8.2): of no interest here.
const ATTRIBUTES_BYTES: usize = 4;

/// Why a variable tells nothing.
#[derive(Debug, Error)]
pub(super) enum VariableError {
    /// There are variables, and not this one.
    #[error("the firmware has no variable {name}")]
    NotThere { name: String },
    /// There are none at all: no firmware is so bare.
    #[error("{FOLDER} is empty: efivarfs is not mounted")]
    NotMounted,
    /// The kernel would not read it.
    #[error("the firmware's variable {name} can't be read: {source}")]
    Read { name: String, source: io::Error },
    /// It is shorter than what it should hold.
    #[error("the firmware's variable {name} has {bytes} bytes, and needs {needed}")]
    Cut { name: String, bytes: usize, needed: usize },
}

/// A global variable's file.
pub(super) fn path(name: &str) -> String {
    format!("{FOLDER}/{name}-{GLOBAL}")
}

/// A global variable's data.
pub(super) fn read(host: &dyn Host, name: &str) -> Result<Vec<u8>, VariableError> {
    let bytes = host.read(&path(name)).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound if host.list(FOLDER).is_ok_and(|names| names.is_empty()) => VariableError::NotMounted,
        io::ErrorKind::NotFound => VariableError::NotThere { name: name.to_owned() },
        _ => VariableError::Read { name: name.to_owned(), source },
    })?;
    let cut = VariableError::Cut { name: name.to_owned(), bytes: bytes.len(), needed: ATTRIBUTES_BYTES };
    bytes.get(ATTRIBUTES_BYTES..).map(<[u8]>::to_vec).ok_or(cut)
}

/// A variable of one byte, 1 for yes.
pub(super) fn flag(host: &dyn Host, name: &str) -> Result<bool, VariableError> {
    let data = read(host, name)?;
    data.first().map(|&byte| byte == 1).ok_or(VariableError::Cut { name: name.to_owned(), bytes: 0, needed: 1 })
}
