//! The beans, one file each, and the graphs that they are composed into. To add one: its file, and its lines here.

mod firmware;
mod graduate;
mod match_purchase_order;
mod power_off_spare;
mod promote;
mod reboot;
mod reconcile_state;
mod retire;
mod verify_hardware;
mod verify_network;
mod whoami;
mod wipe;

pub use firmware::idle;

use crate::dag::{
    Condition::{Done, NotNeeded, Passed},
    Engine, Graph, GraphError, Outcome, Situation, later,
};
use crate::firmware::Recipes;
use crate::store::{
    instructions::{Issued, Status},
    new_id,
};
use pious_protocol::finding::{Finding, Verdict};
use std::{sync::Arc, time::Duration};

/// Composes and checks the graphs.
pub fn compose(recipes: &Arc<Recipes>) -> Result<Engine, GraphError> {
    Ok(Engine {
        discovery: discovery()?,
        promotion: promotion()?,
        retirement: retirement()?,
        wiping: wiping()?,
        firmware: firmware::graph(recipes)?,
        holder: new_id().to_string(),
    })
}

/// What every asset goes through at every boot.
fn discovery() -> Result<Graph, GraphError> {
    Graph::builder("discovery")
        .about("What every asset goes through at every boot")
        .bean(whoami::Whoami)
        .bean(verify_hardware::VerifyHardware)
        .bean(verify_network::VerifyNetwork)
        .bean(match_purchase_order::MatchPurchaseOrder)
        .bean(graduate::Graduate)
        .bean(reconcile_state::ReconcileState)
        .bean(power_off_spare::PowerOffSpare)
        .edge("WHOAMI", Passed, "VERIFY_HARDWARE")
        .edge("VERIFY_HARDWARE", Passed, "VERIFY_NETWORK")
        .edge("VERIFY_NETWORK", Passed, "MATCH_PURCHASE_ORDER")
        .edge("MATCH_PURCHASE_ORDER", Passed, "GRADUATE")
        .edge("GRADUATE", Done, "RECONCILE_STATE")
        .edge("GRADUATE", NotNeeded, "RECONCILE_STATE")
        .edge("RECONCILE_STATE", Passed, "POWER_OFF_SPARE")
        .build()
}

/// What a granted promotion goes through.
fn promotion() -> Result<Graph, GraphError> {
    Graph::builder("promotion")
        .about("What an asset goes through whose promotion was granted")
        .bean(promote::Promote)
        .bean(reboot::Reboot)
        .edge("PROMOTE", Passed, "REBOOT")
        .build()
}

/// What an approved retirement goes through.
fn retirement() -> Result<Graph, GraphError> {
    Graph::builder("retirement")
        .about("What an asset goes through whose retirement two operators agreed on")
        .bean(retire::Retire)
        .build()
}

/// What an approved wipe goes through: only where it is certain which machine this is.
fn wiping() -> Result<Graph, GraphError> {
    Graph::builder("wiping")
        .about("What an asset goes through whose wiping two operators agreed on")
        .bean(whoami::Whoami)
        .bean(wipe::Wipe)
        .edge("WHOAMI", Passed, "WIPE")
        .build()
}

/// How a family of checks came out: the same for hardware and network.
fn judged(situation: &Situation, family: &'static str, is_ours: fn(&Finding) -> bool) -> Outcome {
    if !situation.has_facts() {
        return Outcome::Wait { what: "facts of this boot".into(), until: None };
    }
    let ours: Vec<&Finding> = situation.findings.iter().filter(|finding| is_ours(finding)).collect();
    let open: Vec<&Finding> = ours.iter().copied().filter(|finding| finding.is_obstacle()).collect();
    match open.as_slice() {
        [] => match ours.iter().filter(|finding| finding.verdict != Verdict::Pass).count() {
            0 => Outcome::Done { words: format!("{} {family} checks passed", ours.len()) },
            minor => Outcome::Done { words: format!("{} {family} checks, of which {minor} warn", ours.len()) },
        },
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            let subject = first.subject.as_deref().map(|subject| format!(" of {subject}")).unwrap_or_default();
            let seen = match first.verdict {
                Verdict::Pass | Verdict::Fail => format!("seen {}, expected {}", first.seen, first.expected),
                // Nothing was seen, and this says why.
                Verdict::Unknown => format!("unknown: {}", first.seen),
            };
            Outcome::Blocked {
                by: format!("{}{subject}: {seen}{more}", first.check),
                who_acts: if first.remedy.is_empty() { "look at the asset".into() } else { first.remedy.clone() },
            }
        }
    }
}

/// Whether a finding is of the network's family: its names all begin alike.
fn is_network(finding: &Finding) -> bool {
    finding.check.starts_with("cabling.")
}

/// The first wait before an instruction that came to nothing is given again; it doubles up to [`LAST_RETRY`].
const FIRST_RETRY: Duration = Duration::from_secs(60);
/// The longest wait.
const LAST_RETRY: Duration = Duration::from_secs(3600);

/// What to do about an instruction that came to nothing: wait, then `None`: give it again.
fn retry(situation: &Situation, bean: &str, vain: &Issued, words: String) -> Option<Outcome> {
    rest(situation, situation.attempts(bean), vain, words)
}

/// As [`retry`], with the attempts that count; they double the wait.
fn rest(situation: &Situation, attempts: u32, vain: &Issued, words: String) -> Option<Outcome> {
    let doublings = attempts.saturating_sub(1).min(16);
    let wait = FIRST_RETRY.saturating_mul(1 << doublings).min(LAST_RETRY);
    let retry_at = later(vain.changed, wait);
    (retry_at > situation.now).then_some(Outcome::Failed { reason: words, retry_at })
}

/// An open instruction, in words.
fn under_way(issued: &Issued) -> String {
    let kind = issued.instruction.action.kind();
    let who = if issued.out_of_band { "Senzu" } else { "the agent" };
    match issued.status {
        Status::Issued => format!("{who} to take {kind}"),
        Status::Accepted => format!("{who} to finish {kind}"),
        Status::Done | Status::Failed | Status::Refused | Status::Expired | Status::Withdrawn => {
            format!("nothing: {kind} ended")
        }
    }
}
