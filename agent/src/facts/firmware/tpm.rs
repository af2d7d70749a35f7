//! The trusted platform module: the kernel's driver for it, or who else says that there is one.

use crate::facts::{Host, sysfs};
use pious_protocol::facts::{Observed, Smbios, Tpm};

/// The first, and on servers the only one.
const DEVICE: &str = "/sys/class/tpm/tpm0";

/// The tables by which firmware tells of a TPM of version 2 and 1.2 (TCG ACPI Specification 1.4 §7, §6).
const ACPI_TABLES: [&str; 2] = ["TPM2", "TCPA"];

pub(super) fn read(host: &dyn Host, smbios: &Observed<Smbios>) -> Observed<Tpm> {
    if host.list(DEVICE).is_err() {
        return without_driver(host, smbios);
    }
    let description = sysfs::link_name(host, &format!("{DEVICE}/device"));
    // Kernels before 5.6 do not tell the version; of 1.2 alone they show what it can do.
    let told = sysfs::number(host, &format!("{DEVICE}/tpm_version_major"));
    let is_1_2 = || sysfs::text(host, &format!("{DEVICE}/caps")).map(|_| 1);
    match told.or_else(is_1_2) {
        Some(version) => Observed::seen(DEVICE, Tpm { version, description }),
        None => Observed::absent(format!("{DEVICE}/tpm_version_major can't be read")),
    }
}

/// "There is none" is said only where nobody says that there is one.
fn without_driver(host: &dyn Host, smbios: &Observed<Smbios>) -> Observed<Tpm> {
    if let Ok(Smbios { tpm: Some(tpm), .. }) = smbios.value() {
        let version = tpm.specification.as_deref().unwrap_or("of a version that it does not tell");
        return Observed::absent(format!("SMBIOS tells of a TPM {version}, and no driver of this image found it"));
    }
    let Ok(tables) = host.list("/sys/firmware/acpi/tables") else {
        return Observed::absent("no driver of this image found a TPM, and the ACPI tables can't be listed");
    };
    match ACPI_TABLES.into_iter().find(|&table| tables.iter().any(|name| name == table)) {
        Some(table) => Observed::absent(format!("ACPI has a table {table}, and no driver of this image found the TPM")),
        None => Observed::nothing("the firmware tells of no TPM, neither in ACPI nor in SMBIOS"),
    }
}
