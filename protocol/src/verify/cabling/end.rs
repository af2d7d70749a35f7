//! Where a cable ends, as its NIC's neighbours tell, and whether that is where the plan wants it.

use super::LINK_FIRST;
use crate::{
    expectation::PlannedLink,
    facts::{Link, Neighbour, Neighbours, Nic},
};

/// Where a cable ends.
pub(super) enum End<'a> {
    /// In the planned port.
    Planned(&'a Neighbour),
    /// Elsewhere.
    Elsewhere(&'a [Neighbour]),
    /// A neighbour with the planned port's name, on a switch that does not tell its own.
    Nameless(&'a Neighbour),
    /// Nobody told.
    Untold { reason: String, remedy: String },
}

impl<'a> End<'a> {
    pub(super) fn of(planned: &PlannedLink, nic: Option<&'a Nic>) -> Self {
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
        let silence = || silence(planned, nic);
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

/// What to do about a link on which nobody announces himself.
fn silence(planned: &PlannedLink, nic: &Nic) -> String {
    let PlannedLink { switch, port, .. } = planned;
    match nic.lldp_agent.value() {
        Ok(agent) if agent.running => {
            format!("switch off LLDP in the card's own firmware ({}): it keeps the frames to itself", agent.control)
        }
        Ok(_) | Err(_) => {
            format!(
                "wait for the next LLDP frame (30 s is usual); if none comes, switch LLDP on at {switch} port {port}"
            )
        }
    }
}

pub(super) fn fits(planned: &PlannedLink, neighbour: &Neighbour) -> bool {
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

pub(super) fn switch_words(neighbour: &Neighbour) -> String {
    match name(neighbour) {
        Some(name) => name.to_owned(),
        None => format!("chassis {}", neighbour.chassis_id.value),
    }
}

/// The port as people write it: its id, or its description where the id is an address or a bare number.
pub(super) fn port_words(neighbour: &Neighbour) -> String {
    let switch = switch_words(neighbour);
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

pub(super) fn heard_words(heard: &[Neighbour]) -> String {
    match heard {
        [only] => port_words(only),
        several => {
            let list = several.iter().map(port_words).collect::<Vec<_>>().join(", ");
            format!("{} neighbours: {list}", several.len())
        }
    }
}
