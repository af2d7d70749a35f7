//! Two cables that each end in the other's planned port: one mistake, one hand movement, one finding.

use super::{Cable, Check, End, end};
use crate::{expectation::PlannedLink, finding::Finding};

impl<'a> Cable<'a> {
    /// The cable that this one is swapped with. It says the same of this one, so that every cable is in one swap at most.
    pub(super) fn swapped_with<'c>(&self, all: &'c [Self]) -> Option<&'c Self> {
        let other = self.candidate(all)?;
        let back = other.candidate(all)?;
        (back.planned.nic == self.planned.nic).then_some(other)
    }

    /// The first cable, in the plan's order, that ends where this one belongs while this one ends where it does.
    fn candidate<'c>(&self, all: &'c [Self]) -> Option<&'c Self> {
        let is_other = |other: &&Self| other.planned.nic != self.planned.nic;
        all.iter().filter(is_other).find(|other| self.is_in(other.planned) && other.is_in(self.planned))
    }

    /// Whether it ends, wrongly, in the port of that plan.
    pub(super) fn is_in(&self, planned: &PlannedLink) -> bool {
        match &self.end {
            End::Elsewhere(heard) => heard.iter().any(|neighbour| end::fits(planned, neighbour)),
            End::Planned(_) | End::Nameless(_) | End::Untold { .. } => false,
        }
    }
}

/// The finding of each swap, at the first of its two cables.
pub(super) fn judge(cable: &Cable<'_>, all: &[Cable<'_>]) -> Option<Finding> {
    let other = cable.swapped_with(all)?;
    let place = |cable: &Cable<'_>| all.iter().position(|other| other.planned.nic == cable.planned.nic);
    if place(other) < place(cable) {
        return None;
    }
    let [first, second] = [cable, other];
    let (one, two) = (first.short_name(), second.short_name());
    let ports = |[a, b]: [&Cable<'_>; 2]| format!("{one} in {}, {two} in {}", a.planned_port(), b.planned_port());
    let subject = format!("{} and {}", first.subject(), second.subject());
    let question = Check::CablingSwap.expects_of(subject, ports([first, second]));
    Some(question.fail(ports([second, first]), format!("swap the cables of {one} and {two}")))
}
