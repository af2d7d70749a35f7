//! Power supplies: are all in their bays, and does each give power?
//!
//! The BMC sees them now; SMBIOS (type 39) tells what the firmware saw at power-on, and is asked only where the BMC has no
//! sensor for any. Where the BMC can't be asked nobody knows.

use super::{
    check::Check,
    words::{ASK_AGAIN, DEVICE_FIRST, READ_SMBIOS, count, number},
};
use crate::facts::{BmcPowerSupply, Facts, PowerSupply};
use crate::finding::Finding;

/// One supply, whoever tells of it.
struct Supply {
    name: String,
    /// `None`: not told.
    present: Option<bool>,
    /// What is wrong with it, and what to do.
    trouble: Option<(&'static str, &'static str)>,
}

const REPLACE: &str = "replace it";
const PLUG: &str = "look at its cord, and whether the feed behind it is on";

impl Supply {
    fn by_bmc(supply: &BmcPowerSupply) -> Self {
        let BmcPowerSupply { name, present, failed, predictive_failure, input_lost, gaps } = supply;
        let trouble = match (present, failed, predictive_failure, input_lost) {
            (false, ..) => None,
            (true, _, _, true) => Some(("no input", PLUG)),
            (true, true, _, false) => Some(("failed", REPLACE)),
            (true, false, true, false) => Some(("will fail soon", REPLACE)),
            (true, false, false, false) => None,
        };
        // A sensor that gave no reading knows nothing of its supply.
        let present = gaps.reason("present").is_none().then_some(*present);
        Self { name: name.clone(), present, trouble: trouble.filter(|_| present.is_some()) }
    }

    fn by_smbios(supply: &PowerSupply) -> Self {
        let name = supply.location.as_ref().or(supply.name.as_ref()).map_or("a nameless supply", |name| name.trim());
        let is_bad = matches!(supply.status.as_deref(), Some("Critical" | "Non-critical"));
        let trouble = match (supply.present, supply.plugged) {
            (Some(false), _) => None,
            (_, Some(false)) => Some(("no input", PLUG)),
            (_, Some(true) | None) if is_bad => Some(("failed", REPLACE)),
            (_, Some(true) | None) => None,
        };
        Self { name: name.to_owned(), present: supply.present, trouble }
    }
}

/// Every supply that anybody tells of; or why nobody does, and what to do about that.
fn supplies(facts: &Facts) -> Result<Vec<Supply>, (&str, &'static str)> {
    let by_bmc = match facts.bmc.reading() {
        None => Vec::new(),
        Some(bmc) => match bmc.map_err(|reason| (reason, DEVICE_FIRST))?.power_supplies.reading() {
            None => Vec::new(),
            Some(supplies) => supplies.map_err(|reason| (reason, ASK_AGAIN))?.iter().map(Supply::by_bmc).collect(),
        },
    };
    match by_bmc.is_empty() {
        false => Ok(by_bmc),
        true => {
            let smbios = facts.smbios.value().map_err(|reason| (reason, READ_SMBIOS))?;
            Ok(smbios.power_supplies.iter().map(Supply::by_smbios).collect())
        }
    }
}

pub(super) fn count_of(wanted: u32, facts: &Facts) -> Finding {
    let question = Check::PowerSupplies.expects(count(wanted, "power supply"));
    let supplies = match supplies(facts) {
        Err((reason, remedy)) => return question.unknown(reason, remedy),
        Ok(supplies) => supplies,
    };
    if supplies.is_empty() {
        return question
            .unknown("neither the BMC nor SMBIOS tells of any", "count them, and leave power out of the profile");
    }
    let untold: Vec<&Supply> = supplies.iter().filter(|supply| supply.present.is_none()).collect();
    let present: Vec<&Supply> = supplies.iter().filter(|supply| supply.present == Some(true)).collect();
    let empty: Vec<&Supply> = supplies.iter().filter(|supply| supply.present == Some(false)).collect();
    let names = |supplies: &[&Supply]| supplies.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
    let seen = if present.is_empty() { "none".into() } else { format!("{}: {}", present.len(), names(&present)) };
    let seen = if empty.is_empty() { seen } else { format!("{seen}; empty: {}", names(&empty)) };
    if number(&present) > wanted {
        question.fail(seen, "compare the power supplies with the order; remove what was not ordered")
    } else if !untold.is_empty() {
        question.unknown(format!("it is not told whether {} is there", names(&untold)), READ_SMBIOS)
    } else if number(&present) == wanted {
        question.pass(seen)
    } else {
        question.fail(seen, "push the missing power supply into its bay; reseat it, and replace it if it stays dead")
    }
}

/// Whether every supply that is there gives power; `None` where nobody tells of any, and where the BMC as a whole can't be
/// asked: `bmc.device` says that.
pub(super) fn health(facts: &Facts) -> Option<Finding> {
    if facts.bmc.reading().is_some_and(|bmc| bmc.is_err()) {
        return None;
    }
    let question = Check::HealthPower.expects("power from every supply");
    let supplies = match supplies(facts) {
        Err((reason, remedy)) => return Some(question.unknown(reason, remedy)),
        Ok(supplies) => supplies,
    };
    let troubles: Vec<_> = supplies.iter().filter_map(|supply| Some((&supply.name, supply.trouble?))).collect();
    let there = supplies.iter().filter(|supply| supply.present != Some(false)).map(|s| s.name.as_str());
    let there = there.collect::<Vec<_>>().join(", ");
    match (troubles.as_slice(), there.as_str()) {
        ([], "") => None,
        ([], there) => Some(question.pass(there)),
        (troubles, _) => {
            let seen = troubles.iter().map(|(name, (what, _))| format!("{name}: {what}"));
            let remedy = troubles.iter().map(|(name, (_, remedy))| format!("{name}: {remedy}"));
            Some(question.fail(seen.collect::<Vec<_>>().join("; "), remedy.collect::<Vec<_>>().join("; ")))
        }
    }
}
