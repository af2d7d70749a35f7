//! What the machine's firmware tells: how it booted us, Secure Boot, what it boots in which order, the TPM.
//!
//! A machine that was booted by legacy BIOS has no variables to read, which is known and no gap.

mod boot_entry;
mod device_path;
mod mode;
mod tpm;
mod variable;

use super::Host;
use pious_protocol::facts::{BootEntry, Firmware, FirmwareMode, Observed, SecureBoot, Smbios};
use variable::VariableError;

/// How the firmware booted us.
pub(super) fn mode(host: &dyn Host) -> FirmwareMode {
    mode::read(host)
}

/// What it tells beside; the SMBIOS table is asked for the TPM, too.
pub(super) fn read(host: &dyn Host, mode: FirmwareMode, smbios: &Observed<Smbios>) -> Firmware {
    Firmware {
        secure_boot: by_uefi(mode, || secure_boot(host)),
        boot_order: by_uefi(mode, || boot_order(host)),
        booted_by: by_uefi(mode, || booted_by(host)),
        tpm: tpm::read(host, smbios),
    }
}

fn by_uefi<T>(mode: FirmwareMode, read: impl FnOnce() -> Result<Observed<T>, VariableError>) -> Observed<T> {
    match mode {
        FirmwareMode::Uefi => read().unwrap_or_else(|error| Observed::absent(error.to_string())),
        FirmwareMode::Bios => Observed::nothing("booted by legacy BIOS"),
        FirmwareMode::Unknown => Observed::absent("whether UEFI booted this machine can't be told"),
    }
}

/// UEFI 2.10 §3.3: one byte each.
fn secure_boot(host: &dyn Host) -> Result<Observed<SecureBoot>, VariableError> {
    let enabled = match variable::flag(host, "SecureBoot") {
        Err(VariableError::NotThere { .. }) => {
            return Ok(Observed::nothing("the firmware has no variable SecureBoot: it does not know Secure Boot"));
        }
        told => told?,
    };
    let setup_mode = variable::flag(host, "SetupMode")?;
    Ok(Observed::seen(variable::path("SecureBoot"), SecureBoot { enabled, setup_mode }))
}

/// UEFI 2.10 §3.3: an array of the numbers of `Boot####`.
fn boot_order(host: &dyn Host) -> Result<Observed<Vec<BootEntry>>, VariableError> {
    const NAME: &str = "BootOrder";
    let data = variable::read(host, NAME)?;
    let numbers = data.chunks_exact(2).filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)));
    Ok(Observed::seen(variable::path(NAME), numbers.map(|number| boot_entry::read(host, number)).collect()))
}

/// UEFI 2.10 §3.3: the number of a `Boot####`. Not there where the firmware's own menu, or a shell, started us.
fn booted_by(host: &dyn Host) -> Result<Observed<BootEntry>, VariableError> {
    const NAME: &str = "BootCurrent";
    let data = variable::read(host, NAME)?;
    let number =
        data.first_chunk().ok_or(VariableError::Cut { name: NAME.to_owned(), bytes: data.len(), needed: 2 })?;
    Ok(Observed::seen(variable::path(NAME), boot_entry::read(host, u16::from_le_bytes(*number))))
}

#[cfg(test)]
mod tests;
