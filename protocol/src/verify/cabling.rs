//! The cabling's checks: does each cable end where the plan says, and does the port it ends in carry what it should?
//!
//! The other end is known by LLDP alone. A NIC may hear several neighbours (something in between passes LLDP on); one
//! that fits is enough.

use super::check::{Check, Question};
use crate::{
    expectation::{CablingPlan, PlannedLink},
    facts::{Facts, Link, Neighbour, Neighbours, Nic},
    finding::Finding,
};

/// Remedy of a check that can't look before another is mended.
const LINK_FIRST: &str = "mend cabling.link of this interface first";
const PORT_FIRST: &str = "mend cabling.port of this interface first";

pub(super) fn judge(plan: Option<&CablingPlan>, facts: &Facts) -> Vec<Finding> {
    let Some(plan) = plan else {
        return vec![Check::CablingPlan.expects("a cabling plan for this asset").unknown(
            "nobody said how this asset is cabled",
            "import the asset with its links: which interface goes to which switch port",
        )];
    };
    let cables: Vec<_> = plan.links.iter().map(|planned| Cable::of(planned, facts)).collect();
    cables.iter().flat_map(|cable| cable.judge(&cables, facts)).collect()
}

/// One planned cable with what is known of it.
struct Cable<'a> {
    planned: &'a PlannedLink,
    nic: Option<&'a Nic>,
    end: End<'a>,
}

/// Where a cable ends.
enum End<'a> {
    /// In the planned port.
    Planned(&'a Neighbour),
    /// Elsewhere.
    Elsewhere(&'a [Neighbour]),
    /// A neighbour with the planned port's name, on a switch that does not tell its own.
    Nameless(&'a Neighbour),
    /// Nobody told.
    Untold { reason: String, remedy: String },
}

impl<'a> Cable<'a> {
    fn of(planned: &'a PlannedLink, facts: &'a Facts) -> Self {
        let nic = facts.nics.iter().find(|nic| nic.lasting_mac() == Some(planned.nic));
        Self { planned, nic, end: End::of(planned, nic) }
    }

    fn judge(&self, all: &[Self], facts: &Facts) -> Vec<Finding> {
        let mut findings = vec![self.link(facts), self.port(all)];
        findings.extend(self.vlan());
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
            let others = facts.nics.iter().map(|nic| match nic.lasting_mac() {
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
        let others = || all.iter().filter(|other| other.planned.nic != self.planned.nic);
        let is_in = |cable: &Self, planned: &PlannedLink| match &cable.end {
            End::Elsewhere(heard) => heard.iter().any(|neighbour| fits(planned, neighbour)),
            End::Planned(_) | End::Nameless(_) | End::Untold { .. } => false,
        };
        if let Some(other) = others().find(|other| is_in(self, other.planned) && is_in(other, self.planned)) {
            // Both cables get the same words, in the plan's order, so that nobody swaps them twice.
            let (first, second) =
                if position(all, self) < position(all, other) { (self, other) } else { (other, self) };
            return format!("swap the cables of {} and {}", first.short_name(), second.short_name());
        }
        let target = self.planned_port();
        let occupied = match others().find(|other| is_in(other, self.planned)) {
            Some(other) => format!("; the cable of {} is in that port now", other.short_name()),
            None => String::new(),
        };
        match heard {
            [only] => format!("move the cable from {} to {target}{occupied}", port_words(only)),
            _ => format!("plug the cable of {} straight into {target}{occupied}", self.short_name()),
        }
    }

    fn vlan(&self) -> Option<Finding> {
        let PlannedLink { native_vlan, tagged_vlans, .. } = self.planned;
        if native_vlan.is_none() && tagged_vlans.is_empty() {
            return None;
        }
        let question = self.question(Check::CablingVlan, vlan_words(*native_vlan, tagged_vlans));
        let (nic, neighbour) = match (&self.end, self.nic) {
            (End::Planned(neighbour) | End::Nameless(neighbour), Some(nic)) => (nic, neighbour),
            // What the wrong port carries says nothing of the right one, and nobody should configure the wrong one.
            (End::Elsewhere(_), _) => {
                return Some(question.unknown("the cable is not in the planned port", PORT_FIRST));
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

impl<'a> End<'a> {
    fn of(planned: &PlannedLink, nic: Option<&'a Nic>) -> Self {
        let untold = |reason: &str, remedy: &str| Self::Untold { reason: reason.into(), remedy: remedy.into() };
        let Some(nic) = nic else {
            return untold("no interface has this address", LINK_FIRST);
        };
        match nic.link {
            // A neighbour that is still remembered from before the cable came out is no neighbour.
            Link::NoCarrier => return untold("no carrier", LINK_FIRST),
            Link::Disabled => return untold("the interface is switched off in software", LINK_FIRST),
            Link::Up | Link::Unknown => {}
        }
        let silence = || {
            let PlannedLink { switch, port, .. } = planned;
            format!(
                "wait for the next LLDP frame (30 s is usual); if none comes, switch LLDP on at {switch} port {port}"
            )
        };
        let heard = match &nic.neighbours {
            Neighbours::Silent { reason } => return Self::Untold { reason: reason.clone(), remedy: silence() },
            Neighbours::Heard(heard) if heard.is_empty() => {
                return Self::Untold { reason: "no neighbour heard".into(), remedy: silence() };
            }
            Neighbours::Heard(heard) => heard,
        };
        if let Some(neighbour) = heard.iter().find(|neighbour| fits(planned, neighbour)) {
            return Self::Planned(neighbour);
        }
        match heard.iter().find(|neighbour| name(neighbour).is_none() && is_port(planned, neighbour)) {
            Some(neighbour) => Self::Nameless(neighbour),
            None => Self::Elsewhere(heard),
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

fn speed_words(mbps: u32) -> String {
    if mbps >= 1000 && mbps.is_multiple_of(1000) { format!("{} Gb/s", mbps / 1000) } else { format!("{mbps} Mb/s") }
}

fn position(all: &[Cable<'_>], cable: &Cable<'_>) -> Option<usize> {
    all.iter().position(|other| other.planned.nic == cable.planned.nic)
}

fn fits(planned: &PlannedLink, neighbour: &Neighbour) -> bool {
    is_switch(planned, neighbour) && is_port(planned, neighbour)
}

fn name(neighbour: &Neighbour) -> Option<&str> {
    neighbour.system_name.as_deref().map(str::trim).filter(|name| !name.is_empty())
}

/// By system name, in either case; one written without its domain is the same as one with it. A switch that does not
/// tell its name goes by its chassis id.
fn is_switch(planned: &PlannedLink, neighbour: &Neighbour) -> bool {
    let wanted = planned.switch.trim();
    let Some(seen) = name(neighbour) else {
        return wanted.eq_ignore_ascii_case(&neighbour.chassis_id.value);
    };
    let host = |name: &str| name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let both_full = wanted.contains('.') && seen.contains('.');
    wanted.eq_ignore_ascii_case(seen) || !both_full && host(wanted) == host(seen)
}

fn is_port(planned: &PlannedLink, neighbour: &Neighbour) -> bool {
    let wanted = planned.port.trim();
    wanted.eq_ignore_ascii_case(neighbour.port_id.value.trim())
        || neighbour.port_description.as_deref().is_some_and(|seen| wanted.eq_ignore_ascii_case(seen.trim()))
}

/// The port as people write it: its id, or its description where the id is an address or a bare number.
fn port_words(neighbour: &Neighbour) -> String {
    let switch = match name(neighbour) {
        Some(name) => name.to_owned(),
        None => format!("chassis {}", neighbour.chassis_id.value),
    };
    let id = neighbour.port_id.value.trim();
    let by_address = matches!(neighbour.port_id.subtype.as_str(), "mac_address" | "network_address");
    let port = match neighbour.port_description.as_deref().map(str::trim) {
        Some(description) if !description.is_empty() && (by_address || id.bytes().all(|b| b.is_ascii_digit())) => {
            description
        }
        Some(_) | None => id,
    };
    format!("{switch} port {port}")
}

fn heard_words(heard: &[Neighbour]) -> String {
    match heard {
        [only] => port_words(only),
        several => {
            let list = several.iter().map(port_words).collect::<Vec<_>>().join(", ");
            format!("{} neighbours: {list}", several.len())
        }
    }
}
