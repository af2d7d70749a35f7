//! The cabling's checks: does each cable end where the plan says, and does the port it ends in carry what it should?
//!
//! The other end is known by LLDP alone. A NIC may hear several neighbours (something in between passes LLDP on); one
//! that fits is enough.
//!
//! What can be wrong with a cable is told apart by the check's name: `cabling.link` (no link), `cabling.swap` (two cables
//! in each other's port), `cabling.port` (in another port), `cabling.vlan` (the right port carries the wrong VLANs),
//! `cabling.speed` (a slow link), `cabling.redundancy` (the links of one group end in one switch).

mod end;
mod redundancy;
mod swap;
mod vlan;

use super::check::{Check, Question};
use crate::{
    expectation::{CablingPlan, PlannedLink},
    facts::{Facts, Link, Neighbour, Nic},
    finding::Finding,
};
use end::{End, heard_words, port_words};

/// Remedy of a check that can't look before another is mended.
const LINK_FIRST: &str = "mend cabling.link of this interface first";
const PORT_FIRST: &str = "mend cabling.port of this interface first";
const SWAP_FIRST: &str = "mend cabling.swap of this interface first";

pub(super) fn judge(plan: Option<&CablingPlan>, facts: &Facts) -> Vec<Finding> {
    let Some(plan) = plan else {
        return vec![Check::CablingPlan.expects("a cabling plan for this asset").unknown(
            "nobody said how this asset is cabled",
            "import the asset with its links: which interface goes to which switch port",
        )];
    };
    let cables: Vec<_> = plan.links.iter().map(|planned| Cable::of(planned, facts)).collect();
    let mut findings: Vec<_> = cables.iter().flat_map(|cable| cable.judge(&cables, facts)).collect();
    findings.extend(redundancy::judge(&cables));
    findings
}

/// One planned cable with what is known of it.
struct Cable<'a> {
    planned: &'a PlannedLink,
    nic: Option<&'a Nic>,
    end: End<'a>,
}

impl<'a> Cable<'a> {
    fn of(planned: &'a PlannedLink, facts: &'a Facts) -> Self {
        let nic = facts.data_nics().find(|nic| nic.lasting_mac() == Some(planned.nic));
        Self { planned, nic, end: End::of(planned, nic) }
    }

    fn judge(&self, all: &[Self], facts: &Facts) -> Vec<Finding> {
        let mut findings = vec![self.link(facts)];
        let is_swapped = self.swapped_with(all).is_some();
        match is_swapped {
            true => findings.extend(swap::judge(self, all)),
            false => findings.push(self.port(all)),
        }
        findings.extend(self.vlan(if is_swapped { SWAP_FIRST } else { PORT_FIRST }));
        findings.extend(self.speed());
        findings
    }

    /// The interface as the engineer finds it: what is printed beside the socket, the address on the sticker, and the
    /// name on the screen.
    fn subject(&self) -> String {
        let mac = self.planned.nic;
        let name = self.nic.map(|nic| nic.name.as_str());
        match (self.planned.label.as_deref(), name) {
            (Some(label), Some(name)) => format!("{label} ({mac}, {name})"),
            (Some(label), None) => format!("{label} ({mac})"),
            (None, Some(name)) => format!("{name} ({mac})"),
            (None, None) => mac.to_string(),
        }
    }

    /// As [`Cable::subject`], where it is told from the server's others only.
    fn short_name(&self) -> String {
        let label = self.planned.label.as_deref().or(self.nic.map(|nic| nic.name.as_str()));
        label.map_or_else(|| self.planned.nic.to_string(), str::to_owned)
    }

    fn planned_port(&self) -> String {
        format!("{} port {}", self.planned.switch, self.planned.port)
    }

    fn question(&self, check: Check, expected: impl Into<String>) -> Question {
        check.expects_of(self.subject(), expected)
    }

    fn link(&self, facts: &Facts) -> Finding {
        let question = self.question(Check::CablingLink, format!("a working link to {}", self.planned_port()));
        let Some(nic) = self.nic else {
            let others = facts.data_nics().map(|nic| match nic.lasting_mac() {
                Some(mac) => format!("{} ({mac})", nic.name),
                None => nic.name.clone(),
            });
            let others = others.collect::<Vec<_>>().join(", ");
            return question.fail(
                format!("no interface has this address; there is {}", if others.is_empty() { "none" } else { &others }),
                "reseat the network card; if it was replaced, correct its address in the cabling plan",
            );
        };
        match nic.link {
            Link::Up => question.pass("carrier"),
            Link::NoCarrier => question.fail(
                "no carrier: no cable, or its other end is dead",
                format!("plug the cable into {} at both ends; replace it if it stays dark", self.planned_port()),
            ),
            Link::Disabled => {
                question.unknown("the interface is switched off in software", "bring the interface up, then look again")
            }
            Link::Unknown => question.unknown("the driver does not tell", "look at the lamps beside the socket"),
        }
    }

    fn port(&self, all: &[Self]) -> Finding {
        let question = self.question(Check::CablingPort, self.planned_port());
        match &self.end {
            End::Planned(fits) => question.pass(match self.neighbours() {
                1 => port_words(fits),
                several => format!("{}, one of {several} neighbours heard", port_words(fits)),
            }),
            End::Untold { reason, remedy } => question.unknown(reason, remedy),
            End::Nameless(neighbour) => question.unknown(
                format!("{}, which does not tell its system name", port_words(neighbour)),
                "make the switch announce its system name by LLDP, or plan the cable by its chassis id",
            ),
            End::Elsewhere(heard) => question.fail(heard_words(heard), self.way_home(heard, all)),
        }
    }

    /// What to do with a cable that ends elsewhere.
    fn way_home(&self, heard: &[Neighbour], all: &[Self]) -> String {
        let target = self.planned_port();
        let is_other = |other: &&Self| other.planned.nic != self.planned.nic;
        let occupied = match all.iter().filter(is_other).find(|other| other.is_in(self.planned)) {
            Some(other) => format!("; the cable of {} is in that port now", other.short_name()),
            None => String::new(),
        };
        match heard {
            [only] => format!("move the cable from {} to {target}{occupied}", port_words(only)),
            _ => format!("plug the cable of {} straight into {target}{occupied}", self.short_name()),
        }
    }

    fn speed(&self) -> Option<Finding> {
        let least_mbps = self.planned.min_speed_mbps?;
        let question = self.question(Check::CablingSpeed, format!("at least {}", speed_words(least_mbps)));
        Some(match self.nic.map(|nic| (nic.link, nic.speed_mbps)) {
            None => question.unknown("no interface has this address", LINK_FIRST),
            Some((Link::NoCarrier, _)) => question.unknown("no carrier", LINK_FIRST),
            Some((Link::Disabled, _)) => question.unknown("the interface is switched off in software", LINK_FIRST),
            Some((Link::Up | Link::Unknown, None)) => question.unknown(
                "the driver does not tell the link's speed",
                "leave the speed out of the cabling plan where the driver can't tell it, as with virtio",
            ),
            Some((Link::Up | Link::Unknown, Some(mbps))) if mbps >= least_mbps => question.pass(speed_words(mbps)),
            Some((Link::Up | Link::Unknown, Some(mbps))) => question.fail(
                speed_words(mbps),
                format!("replace the cable or transceiver, and look at the speed set on {}", self.planned_port()),
            ),
        })
    }

    fn neighbours(&self) -> usize {
        self.nic.map_or(0, |nic| nic.neighbours.heard().len())
    }
}

fn speed_words(mbps: u32) -> String {
    if mbps >= 1000 && mbps.is_multiple_of(1000) { format!("{} Gb/s", mbps / 1000) } else { format!("{mbps} Mb/s") }
}
