//! Does the port that a cable ends in carry the planned VLANs?

use super::{Cable, Check, End, LINK_FIRST, Question};
use crate::{
    expectation::PlannedLink,
    facts::{Neighbour, Nic},
    finding::Finding,
};

impl Cable<'_> {
    pub(super) fn vlan(&self, mend_first: &str) -> Option<Finding> {
        let PlannedLink { native_vlan, tagged_vlans, .. } = self.planned;
        if native_vlan.is_none() && tagged_vlans.is_empty() {
            return None;
        }
        let question = self.question(Check::CablingVlan, vlan_words(*native_vlan, tagged_vlans));
        let (nic, neighbour) = match (&self.end, self.nic) {
            (End::Planned(neighbour) | End::Nameless(neighbour), Some(nic)) => (nic, neighbour),
            // What the wrong port carries says nothing of the right one, and nobody should configure the wrong one.
            (End::Elsewhere(_), _) => {
                return Some(question.unknown("the cable is not in the planned port", mend_first));
            }
            (End::Untold { reason, remedy }, _) => return Some(question.unknown(reason, remedy)),
            (End::Planned(_) | End::Nameless(_), None) => return Some(question.unknown("no interface", LINK_FIRST)),
        };
        Some(self.judge_vlans(question, &Carried::of(nic, neighbour)))
    }

    fn judge_vlans(&self, question: Question, carried: &Carried) -> Finding {
        let port = self.planned_port();
        let mut wrong = Vec::new();
        let mut untold = Vec::new();
        match (self.planned.native_vlan, carried.native) {
            (Some(wanted), Some(seen)) if wanted != seen => {
                wrong.push(format!("set the native VLAN of {port} to {wanted}"));
            }
            (Some(_), None) => untold.push("announce its native VLAN (Port VLAN ID)"),
            (Some(_), Some(_)) | (None, _) => {}
        }
        let lacking: Vec<u16> =
            self.planned.tagged_vlans.iter().copied().filter(|id| !carried.tagged.contains(id)).collect();
        match (lacking.is_empty(), carried.announces_names) {
            (true, _) => {}
            (false, true) => wrong.push(format!("carry VLAN {} tagged on {port}", list(&lacking))),
            (false, false) => untold.push("announce its VLANs (VLAN Name)"),
        }
        if !wrong.is_empty() {
            question.fail(carried.words(), wrong.join(", and "))
        } else if !untold.is_empty() {
            question.unknown(carried.words(), format!("make {port} {} by LLDP", untold.join(" and ")))
        } else {
            question.pass(carried.words())
        }
    }
}

/// What a port carries, as far as it is known.
struct Carried {
    native: Option<u16>,
    tagged: Vec<u16>,
    announces_names: bool,
}

impl Carried {
    fn of(nic: &Nic, neighbour: &Neighbour) -> Self {
        let names = if neighbour.vlans.is_empty() { &nic.vlan.announced } else { &neighbour.vlans };
        // A VLAN whose tag was on the wire is carried, whether it was announced or not.
        let mut tagged: Vec<u16> = names.iter().map(|vlan| vlan.id).chain(nic.vlan.tags_seen.iter().copied()).collect();
        tagged.sort_unstable();
        tagged.dedup();
        Self {
            // 0 says that the port does not know (IEEE 802.1Q-2018 Annex D.2.1).
            native: neighbour.native_vlan.or(nic.vlan.announced_native).filter(|id| *id != 0),
            tagged,
            announces_names: !names.is_empty(),
        }
    }

    fn words(&self) -> String {
        let native = match self.native {
            Some(id) => format!("native VLAN {id}"),
            None => "no native VLAN announced".into(),
        };
        // Ports announce their native VLAN's name as well; that is no second VLAN.
        let others: Vec<u16> = self.tagged.iter().copied().filter(|id| Some(*id) != self.native).collect();
        if others.is_empty() { native } else { format!("{native}; carries VLAN {}", list(&others)) }
    }
}

fn vlan_words(native: Option<u16>, tagged: &[u16]) -> String {
    match (native, tagged) {
        (Some(native), []) => format!("native VLAN {native}"),
        (Some(native), tagged) => format!("native VLAN {native}; carries VLAN {}", list(tagged)),
        (None, tagged) => format!("carries VLAN {}", list(tagged)),
    }
}

fn list(ids: &[u16]) -> String {
    ids.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
