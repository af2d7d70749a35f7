//! Firmware files that drivers asked for in vain: the image's lack, which may cost the machine a part.

use super::{check::Check, words::READ_KERNEL};
use crate::{facts::Facts, finding::Finding};

/// How many files are named; the rest are in the facts.
const NAMED_FILES: usize = 3;

pub(super) fn firmware_files(facts: &Facts) -> Finding {
    let question = Check::KernelFirmware.expects("every firmware file that a driver asked for");
    let kernel = &facts.kernel;
    if kernel.release.is_empty() {
        return question.unknown("not looked at yet", READ_KERNEL);
    }
    if let Some(reason) = kernel.gaps.reason("failed_firmware") {
        return question.unknown(reason, READ_KERNEL);
    }
    let named = |failure: &crate::facts::FirmwareFailure| {
        format!("{} for {} ({})", failure.file, failure.driver, failure.device)
    };
    match kernel.failed_firmware.as_slice() {
        [] => question.pass("none is lacking"),
        failures => {
            let words = failures.iter().take(NAMED_FILES).map(named).collect::<Vec<_>>().join(", ");
            let more = match failures.len().saturating_sub(NAMED_FILES) {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            question.fail(
                format!("lacking: {words}{more}"),
                "report it to whoever builds the image, if the part that is named does not work",
            )
        }
    }
}
