//! The system's firmware: how it boots, how old it is, Secure Boot, and the TPM.

use super::{
    check::{Check, Question},
    words::{READ_KERNEL, READ_SMBIOS},
};
use crate::{
    expectation::HardwareProfile,
    facts::{Facts, FirmwareMode},
    finding::Finding,
    version,
};
use std::cmp::Ordering;

pub(super) fn judge(profile: &HardwareProfile, facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = profile.firmware_mode.map(|wanted| mode(wanted, facts)).into_iter().collect();
    if let Some(firmware) = &profile.firmware {
        findings.extend(firmware.min_version.as_deref().map(|wanted| system_version(wanted, facts)));
        findings.extend(firmware.secure_boot.map(|wanted| secure_boot(wanted, facts)));
    }
    findings.extend(profile.tpm.as_ref().map(|tpm| tpm_version(tpm.version, facts)));
    findings
}

fn mode(wanted: FirmwareMode, facts: &Facts) -> Finding {
    let words = |mode| match mode {
        FirmwareMode::Bios => "legacy BIOS",
        FirmwareMode::Uefi => "UEFI",
        FirmwareMode::Unknown => "a mode that this build does not know",
    };
    let question = Check::FirmwareMode.expects(words(wanted));
    match (wanted, facts.firmware_mode) {
        (FirmwareMode::Unknown, seen) => {
            question.unknown(words(seen), "build the image anew: its agent is older than the hardware profile")
        }
        (_, FirmwareMode::Unknown) => question.unknown("the kernel does not tell how it was booted", READ_KERNEL),
        (wanted, seen) if wanted == seen => question.pass(words(seen)),
        (wanted, seen) => question
            .fail(words(seen), format!("set the boot mode to {} in the firmware's setup, then restart", words(wanted))),
    }
}

fn system_version(wanted: &str, facts: &Facts) -> Finding {
    let question = Check::FirmwareVersion.expects(format!("at least {wanted}"));
    let bios = match facts.smbios.value() {
        Err(reason) => return question.unknown(reason, READ_SMBIOS),
        Ok(smbios) => smbios.bios.as_ref(),
    };
    match bios.and_then(|bios| bios.version.as_deref()) {
        None => question.unknown("SMBIOS does not tell the firmware's version (type 0)", READ_SMBIOS),
        Some(seen) => at_least(question, wanted, seen, format!("update the system's firmware to {wanted}")),
    }
}

/// Judges a version that must be at least another.
pub(super) fn at_least(question: Question, wanted: &str, seen: &str, update: String) -> Finding {
    match version::compare(seen, wanted) {
        Some(Ordering::Less) => question.fail(seen, update),
        Some(Ordering::Equal | Ordering::Greater) => question.pass(seen),
        None => question.unknown(
            format!("{seen:?}, which has no order with {wanted:?}"),
            "write the version in the hardware profile as the firmware itself writes it",
        ),
    }
}

fn secure_boot(wanted: bool, facts: &Facts) -> Finding {
    let words = |on| if on { "on" } else { "off" };
    let question = Check::FirmwareSecureBoot.expects(words(wanted));
    let switch = || format!("switch Secure Boot {} in the firmware's setup, then restart", words(wanted));
    match facts.firmware.secure_boot.reading() {
        // Legacy BIOS has no such thing.
        None if wanted => question.fail("none", "set the boot mode to UEFI, and switch Secure Boot on"),
        None => question.pass("none"),
        Some(Err(reason)) => question.unknown(reason, READ_KERNEL),
        Some(Ok(seen)) if seen.enabled == wanted => question.pass(words(seen.enabled)),
        Some(Ok(seen)) if seen.setup_mode => {
            question.fail(format!("{}, and no platform key is enrolled", words(seen.enabled)), switch())
        }
        Some(Ok(seen)) => question.fail(words(seen.enabled), switch()),
    }
}

fn tpm_version(wanted: u32, facts: &Facts) -> Finding {
    let question = Check::FirmwareTpm.expects(format!("a TPM of version {wanted}"));
    match facts.firmware.tpm.reading() {
        None => question.fail("no TPM", "switch the TPM on in the firmware's setup; if it has none, fit the module"),
        Some(Err(reason)) => question.unknown(reason, READ_KERNEL),
        Some(Ok(tpm)) if tpm.version == wanted => question.pass(format!("version {}", tpm.version)),
        Some(Ok(tpm)) => question.fail(
            format!("version {}", tpm.version),
            format!("set the TPM to version {wanted} in the firmware's setup, or fit the ordered module"),
        ),
    }
}
