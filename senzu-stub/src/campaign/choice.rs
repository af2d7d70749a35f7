//! Who qualifies for a campaign, and who does not, and why. Pure.

use super::MemberStatus;
use crate::{
    dag::firmware::Need,
    firmware::{ArtifactInfo, Machine, Planned, Recipes, Wanted, plan},
    senzu::PlanView,
};
use pious_protocol::{firmware::InstalledFirmware, message::AssetState};

/// What is known of an asset that a query found.
pub struct Candidate<'a> {
    pub state: AssetState,
    /// What it is being brought to already.
    pub open_goal: Option<&'a [Wanted]>,
    /// `None`: it has not told.
    pub machine: Option<&'a Machine>,
    pub installed: &'a [InstalledFirmware],
    /// Why nobody but a person can turn it on, where it is off and that is so.
    pub sleeps: Option<&'static str>,
}

/// Whether it qualifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// `waiting`: it does.
    pub status: MemberStatus,
    /// The way, by what was read last.
    pub plan: Vec<PlanView>,
    /// Why it does not; of one that does, what is not known.
    pub why: Option<String>,
}

/// Whether an asset may be written to in its state; else why not.
pub fn may_be_written(state: AssetState) -> Result<(), String> {
    match state {
        AssetState::New | AssetState::Spare => Ok(()),
        AssetState::Baremetal => Err("serves: drained and approved first".into()),
        AssetState::Retired | AssetState::Unknown => Err(format!("it is {state}: nothing is done to it")),
    }
}

/// Whether an asset qualifies.
pub fn choose(candidate: &Candidate<'_>, wanted: &[Wanted], recipes: &Recipes, artifacts: &[ArtifactInfo]) -> Choice {
    let choice = by_versions(candidate, wanted, recipes, artifacts);
    match candidate.sleeps.filter(|_| choice.status == MemberStatus::Waiting) {
        Some(why) => {
            Choice { status: MemberStatus::Skipped, why: Some(format!("{why}; switch it on")), plan: choice.plan }
        }
        None => choice,
    }
}

/// Whether it qualifies, be it on or off.
fn by_versions(candidate: &Candidate<'_>, wanted: &[Wanted], recipes: &Recipes, artifacts: &[ArtifactInfo]) -> Choice {
    let out = |status, plan, why: String| Choice { status, plan, why: Some(why) };
    if let Err(why) = may_be_written(candidate.state) {
        return out(MemberStatus::Skipped, Vec::new(), why);
    }
    if let Some(other) = candidate.open_goal {
        let why = format!("it is being brought to {} already", crate::senzu::wanted_words(other));
        return out(MemberStatus::Skipped, Vec::new(), why);
    }
    let unread = |why: &str| Choice { status: MemberStatus::Waiting, plan: Vec::new(), why: Some(why.into()) };
    let Some(machine) = candidate.machine else { return unread("not read yet: it has not told who made it") };
    if let Err(none) = recipes.of(machine) {
        let (why, who_acts) = none.words(machine);
        return out(MemberStatus::Impossible, Vec::new(), format!("{why}; {who_acts}"));
    }
    let is_read = |wanted: &Wanted| candidate.installed.iter().any(|read| read.component == wanted.component);
    if !wanted.iter().all(is_read) {
        return unread("not read yet: which versions it runs is not known");
    }
    let planned = plan(wanted, candidate.installed, machine, recipes, artifacts);
    let impossible = planned.iter().find_map(|(_, planned)| match planned {
        Planned::Impossible { why, who_acts } => Some(format!("{why}; {who_acts}")),
        Planned::Done { .. } | Planned::NotDone { .. } => None,
    });
    let is_done = planned.iter().all(|(_, planned)| matches!(planned, Planned::Done { .. }));
    let plan = planned.into_iter().map(|(component, planned)| Need { component, planned }.into()).collect();
    match impossible {
        Some(why) => out(MemberStatus::Impossible, plan, why),
        None if is_done => out(MemberStatus::Skipped, plan, "it runs what it shall".into()),
        None => Choice { status: MemberStatus::Waiting, plan, why: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pious_protocol::firmware::FirmwareComponent;

    #[test]
    fn whoever_serves_or_is_at_it_or_is_there_does_not_qualify() {
        let recipes = Recipes::ours().unwrap();
        let wanted = [Wanted { component: FirmwareComponent::Bmc, version: "2.0".into(), downgrade: false }];
        let machine = |model: &str| Machine { manufacturer: "PIOUS".into(), model: model.into() };
        let (lab, strange) = (machine("Lab Server"), machine("Toaster"));
        let read = |version: &str| {
            vec![InstalledFirmware {
                component: FirmwareComponent::Bmc,
                version: version.into(),
                source: "test".into(),
            }]
        };
        let choose = |state, open_goal, machine, installed: &[InstalledFirmware]| {
            let candidate = Candidate { state, open_goal, machine, installed, sleeps: None };
            let choice = super::choose(&candidate, &wanted, &recipes, &[]);
            (choice.status, choice.why.unwrap_or_default())
        };
        use AssetState::{Baremetal, Retired, Spare};
        use MemberStatus::{Impossible, Skipped, Waiting};
        assert_eq!(
            choose(Baremetal, None, Some(&lab), &read("1.0")),
            (Skipped, "serves: drained and approved first".into())
        );
        assert_eq!(choose(Retired, None, Some(&lab), &[]).0, Skipped);
        assert_eq!(
            choose(Spare, Some(&wanted), Some(&lab), &read("1.0")),
            (Skipped, "it is being brought to BMC 2.0 already".into())
        );
        assert_eq!(choose(Spare, None, Some(&strange), &read("1.0")).0, Impossible);
        assert_eq!(choose(Spare, None, Some(&lab), &[]).0, Waiting);
        assert_eq!(choose(Spare, None, None, &[]).0, Waiting);
        assert_eq!(choose(Spare, None, Some(&lab), &read("2.0")), (Skipped, "it runs what it shall".into()));
        // There is no image.
        assert_eq!(choose(Spare, None, Some(&lab), &read("1.0")).0, Impossible);
    }

    #[test]
    fn whoever_would_qualify_and_is_off_for_good_is_left_out() {
        let recipes = Recipes::ours().unwrap();
        let wanted = [Wanted { component: FirmwareComponent::Bmc, version: "2.0".into(), downgrade: false }];
        let choose = |state, sleeps| {
            let candidate = Candidate { state, open_goal: None, machine: None, installed: &[], sleeps };
            let choice = super::choose(&candidate, &wanted, &recipes, &[]);
            (choice.status, choice.why.unwrap_or_default())
        };
        let off = Some("off, and its BMC is not known");
        use AssetState::{Baremetal, Spare};
        assert_eq!(choose(Spare, None).0, MemberStatus::Waiting);
        let left_out = (MemberStatus::Skipped, "off, and its BMC is not known; switch it on".to_owned());
        assert_eq!(choose(Spare, off), left_out);
        // The first reason counts.
        assert_eq!(choose(Baremetal, off).1, "serves: drained and approved first");
    }
}
