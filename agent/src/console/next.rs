//! The one line that names one next action: what a person in front of this server should do now.

use super::{Judged, NicView, SenzuReach, View};
use pious_protocol::{
    facts::{Dhcp, Link},
    finding::{Finding, Verdict},
    message::{AssetState, Evaluation},
};

/// Seconds without an answer after which DHCP is somebody's task: a switch port may take 30 s of spanning tree before it
/// forwards, and until then waiting is right.
const DHCP_PATIENCE_S: u64 = 35;

/// What to do next.
pub(super) fn of(view: &View) -> String {
    if view.busy.is_some() {
        return "wait, and do not power off".into();
    }
    if let Some(ending) = &view.ending {
        return format!("nothing: {ending}");
    }
    if let Some(finding) = worst(view, Verdict::Fail) {
        return finding.remedy.clone();
    }
    if let Some(action) = network(view) {
        return action;
    }
    if let SenzuReach::Fails { why, .. } = &view.senzu {
        return format!("nothing here; tell whoever runs Senzu that {} is not reached ({why})", view.senzu_url);
    }
    match view.judged {
        Judged::Yes => {}
        Judged::DriversLoad => return "wait: drivers are loading".into(),
        Judged::NothingExpected => return "wait: asking Senzu which asset this is".into(),
    }
    if let Some(finding) = worst(view, Verdict::Unknown) {
        return finding.remedy.clone();
    }
    if view.work.is_some() {
        return "wait: Senzu has work done at this server".into();
    }
    standing(view)
}

fn worst(view: &View, verdict: Verdict) -> Option<&Finding> {
    view.findings
        .iter()
        .find(|finding| view.judged == Judged::Yes && finding.verdict == verdict && !finding.remedy.is_empty())
}

/// What the network needs, while no NIC has an address.
fn network(view: &View) -> Option<String> {
    if matches!(view.senzu, SenzuReach::Answers) || view.nics.iter().any(|nic| !nic.addresses.is_empty()) {
        return None;
    }
    if view.nics.is_empty() {
        return Some(match view.judged {
            Judged::DriversLoad => "wait: looking for network cards".into(),
            Judged::Yes | Judged::NothingExpected => {
                "no network card is found: tell whoever builds the image that it lacks this card's driver".into()
            }
        });
    }
    let Some(up) = view.nics.iter().find(|nic| nic.link == Link::Up) else {
        if view.links_settle {
            return Some("wait: bringing links up".into());
        }
        let names = view.nics.iter().map(|nic| nic.name.as_str()).collect::<Vec<_>>().join(", ");
        return Some(format!("plug a network cable in: no link on {names}"));
    };
    let unanswered = view.nics.iter().find(|nic| match &nic.dhcp {
        Dhcp::Asking { for_s, .. } => *for_s >= DHCP_PATIENCE_S,
        Dhcp::Idle | Dhcp::Bound { .. } | Dhcp::Unknown => false,
    });
    Some(match unanswered {
        Some(nic) => format!("check that {} is in the provisioning VLAN: no DHCP server answers", place(nic)),
        None => format!("wait: asking for an address on {}", up.name),
    })
}

fn place(nic: &NicView) -> String {
    match nic.neighbours.first() {
        Some(neighbour) => format!("{} port {} ({})", neighbour.switch, neighbour.port, nic.name),
        None => format!("the switch port of {}", nic.name),
    }
}

fn standing(view: &View) -> String {
    match (view.state, view.evaluation) {
        (Some(AssetState::New), Some(Evaluation::Passed)) => "nothing: all checks passed, Senzu graduates it".into(),
        (Some(AssetState::New), _) => "wait: Senzu evaluates this server".into(),
        (Some(AssetState::Spare), _) => {
            "nothing: this server is SPARE; Senzu switches it off when nobody holds it".into()
        }
        (Some(AssetState::Baremetal), _) => "nothing: this server is BAREMETAL; its next boot is from its disk".into(),
        (Some(AssetState::Retired), _) => "take this server out of the rack: it is RETIRED".into(),
        (Some(AssetState::Unknown) | None, _) => "nothing: Senzu decides".into(),
    }
}
