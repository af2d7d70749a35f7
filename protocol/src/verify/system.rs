//! The server as a whole: is it the model that was ordered?

use super::{check::Check, words::READ_SMBIOS};
use crate::{
    expectation::HardwareProfile,
    facts::{Facts, Smbios},
    finding::Finding,
};

pub(super) fn model(profile: &HardwareProfile, facts: &Facts) -> Option<Finding> {
    let wanted = [profile.manufacturer.as_deref(), profile.product.as_deref()];
    if wanted == [None, None] {
        return None;
    }
    let question = Check::HardwareModel.expects(words(wanted));
    let system = match facts.smbios.value() {
        Err(reason) => return Some(question.unknown(reason, READ_SMBIOS)),
        Ok(Smbios { system: None, .. }) => {
            return Some(question.unknown("SMBIOS has no system information (type 1)", READ_SMBIOS));
        }
        Ok(Smbios { system: Some(system), .. }) => system,
    };
    let seen = [system.manufacturer.as_deref(), system.product.as_deref()];
    let differs = wanted.iter().zip(seen).any(|(wanted, seen)| match (wanted, seen) {
        // Blanks at either end are invisible on the screen, so they can't be what tells two models apart.
        (Some(wanted), Some(seen)) => wanted.trim() != seen.trim(),
        (Some(_), None) | (None, _) => false,
    });
    let untold = wanted.iter().zip(seen).any(|(wanted, seen)| wanted.is_some() && seen.is_none());
    Some(if differs {
        question.fail(words(seen), "put the ordered server here, or give this asset the profile of what was delivered")
    } else if untold {
        question.unknown(format!("SMBIOS tells only {:?}", words(seen)), READ_SMBIOS)
    } else {
        question.pass(words(seen))
    })
}

fn words<const N: usize>(parts: [Option<&str>; N]) -> String {
    parts.into_iter().flatten().map(str::trim).collect::<Vec<_>>().join(" ")
}
