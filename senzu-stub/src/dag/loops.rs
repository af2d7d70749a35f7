//! The loop breaker: an asset that boots again and again, or is told the same again and again, is left alone until a
//! person has looked at it. Each round wears its disks and fills its history, and none of them helps.

use super::Situation;
use crate::store::instructions::Status;
use pious_protocol::ids::UnixMs;
use std::{collections::HashMap, time::Duration};

/// Where an asset stands that was stopped.
pub const STEP: &str = "LOOP_BREAKER";

/// A server needs three minutes and more to boot, so this many boots in [`BOOTS_WITHIN`] is nothing but booting. (Somebody
/// who mends cables boots it a few times in an hour.)
const BOOTS: usize = 8;
const BOOTS_WITHIN: Duration = Duration::from_secs(30 * 60);
/// A bean waits ever longer between instructions that came to nothing, up to an hour: this many of them in
/// [`REPEATS_WITHIN`] are no accident any more.
const REPEATS: usize = 6;
const REPEATS_WITHIN: Duration = Duration::from_secs(6 * 3600);

/// Why an asset must be stopped; `None`: it need not.
pub fn notice(situation: &Situation) -> Option<String> {
    let cleared = situation.asset.loop_cleared.unwrap_or_default();
    let counts = |at: UnixMs, within: Duration| at > cleared && super::later(at, within) > situation.now;
    let boots = situation.boots.iter().filter(|at| counts(**at, BOOTS_WITHIN)).count();
    if boots >= BOOTS {
        return Some(format!("it booted {boots} times within {} minutes", BOOTS_WITHIN.as_secs() / 60));
    }
    let mut repeats: HashMap<&str, usize> = HashMap::new();
    for issued in &situation.instructions {
        let is_vain = match issued.status {
            Status::Failed | Status::Refused | Status::Expired => true,
            Status::Issued | Status::Accepted | Status::Done | Status::Withdrawn => false,
        };
        if is_vain && counts(issued.instruction.issued_ms, REPEATS_WITHIN) {
            *repeats.entry(&issued.issuer).or_default() += 1;
        }
    }
    let (bean, count) = repeats.into_iter().max_by_key(|(bean, count)| (*count, *bean))?;
    let hours = REPEATS_WITHIN.as_secs() / 3600;
    (count >= REPEATS).then(|| format!("what {bean} told it came to nothing {count} times within {hours} hours"))
}

/// What a person does about it.
pub fn remedy(asset: &str) -> String {
    format!("find out why (its console, its BMC's event log), then clear it: senzu-stub dag clear {asset}")
}
