//! The facts as they stand: what was gathered, with what the network told since laid over it.

use super::event::LinkSeen;
use crate::facts::{Part, Parts};
use pious_protocol::facts::{Dhcp, Facts, Link, Neighbours, Nic, Observed, Sensor, Vlan};
use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

/// What the network told of one NIC.
#[derive(Clone, Debug, Default)]
struct Overlay {
    link: Option<LinkSeen>,
    dhcp: Dhcp,
    addresses: Option<Vec<IpAddr>>,
    vlan: Vlan,
    neighbours: Neighbours,
}

/// Facts of one moment, and what of them matters: all but the counters and readings that tick by themselves (how long
/// DHCP asks, a temperature). Those travel with the next sending and are no reason for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sighting {
    facts: Arc<Facts>,
    settled: Arc<Facts>,
}

impl Sighting {
    fn of(facts: Facts) -> Self {
        Self { settled: Arc::new(settled(&facts)), facts: Arc::new(facts) }
    }

    /// The facts.
    pub fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    /// Whether another differs in what matters.
    pub fn differs(&self, other: &Self) -> bool {
        !Arc::ptr_eq(&self.settled, &other.settled) && self.settled != other.settled
    }
}

/// The facts as they stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inventory {
    read: Facts,
    is_gathered: bool,
    overlays: BTreeMap<String, Overlay>,
    current: Sighting,
}

impl Inventory {
    /// The facts now.
    pub fn facts(&self) -> &Arc<Facts> {
        self.current.facts()
    }

    /// The facts now, and what of them matters.
    pub fn sighting(&self) -> &Sighting {
        &self.current
    }

    /// Whether the hardware was looked at: what names the machine, and its NICs.
    pub fn is_gathered(&self) -> bool {
        self.is_gathered
    }

    /// Takes parts that were read.
    pub fn read(&mut self, parts: &Parts, from: &mut Facts) {
        for part in parts {
            part.take(&mut self.read, from);
        }
        self.is_gathered |= [Part::Smbios, Part::Nics].iter().all(|part| parts.contains(part));
        self.lay();
    }

    /// Whether there is a link among these that the network did not tell of before.
    pub fn is_news_of_a_link(&self, links: &[LinkSeen]) -> bool {
        links.iter().any(|link| self.overlays.get(&link.name).is_none_or(|overlay| overlay.link.is_none()))
    }

    /// Takes the links; whether the NICs must be read anew: one came or went that is not known yet, or a carrier did,
    /// with which go its modes.
    pub fn links(&mut self, links: Vec<LinkSeen>) -> bool {
        let is_other_carrier = |link: &LinkSeen| {
            let known = self.overlays.get(&link.name).and_then(|overlay| overlay.link.as_ref());
            known.is_some_and(|known| known.link != link.link)
        };
        let is_other_carrier = links.iter().any(is_other_carrier);
        for overlay in self.overlays.values_mut() {
            overlay.link = None;
        }
        for link in links {
            let overlay = self.overlays.entry(link.name.clone()).or_default();
            overlay.link = Some(link);
        }
        self.overlays.retain(|_, overlay| overlay.link.is_some());
        self.lay();
        if !self.is_gathered {
            return false;
        }
        let known = |name: &str| self.read.nics.iter().any(|nic| nic.name == name);
        is_other_carrier
            || self.overlays.keys().any(|name| !known(name))
            || self.read.nics.iter().any(|nic| !self.overlays.contains_key(&nic.name))
    }

    /// Takes DHCP's progress on one NIC.
    pub fn dhcp(&mut self, nic: &str, dhcp: Dhcp, addresses: Vec<IpAddr>) {
        let overlay = self.overlays.entry(nic.to_owned()).or_default();
        overlay.vlan.dhcp_answers_untagged |= matches!(dhcp, Dhcp::Bound { .. });
        overlay.dhcp = dhcp;
        overlay.addresses = Some(addresses);
        self.lay();
    }

    /// Takes what LLDP told of one NIC.
    pub fn lldp(&mut self, nic: &str, neighbours: Neighbours, vlan: Vlan) {
        let overlay = self.overlays.entry(nic.to_owned()).or_default();
        let dhcp_answers_untagged = vlan.dhcp_answers_untagged || overlay.vlan.dhcp_answers_untagged;
        overlay.neighbours = neighbours;
        overlay.vlan = Vlan { dhcp_answers_untagged, ..vlan };
        self.lay();
    }

    /// Whether any NIC of the server can reach another network than its own link.
    pub fn has_address(&self) -> bool {
        self.facts().data_nics().flat_map(|nic| &nic.addresses).any(|address| is_routable(*address))
    }

    /// Whether any link works, but for the BMC's.
    pub fn has_link(&self) -> bool {
        self.facts().data_nics().any(|nic| nic.link == Link::Up)
    }

    fn lay(&mut self) {
        let mut facts = self.read.clone();
        for (name, overlay) in &self.overlays {
            let position = facts.nics.iter().position(|nic| nic.name == *name);
            let nic = match position.and_then(|at| facts.nics.get_mut(at)) {
                Some(nic) => nic,
                // Known to the network before the hardware was looked at (again).
                None => {
                    facts.nics.push(Nic { name: name.clone(), ..Nic::default() });
                    let Some(nic) = facts.nics.last_mut() else { continue };
                    nic
                }
            };
            overlay.lay_over(nic);
        }
        facts.nics.sort_by(|a, b| a.name.cmp(&b.name));
        self.current = Sighting::of(facts);
    }
}

impl Overlay {
    fn lay_over(&self, nic: &mut Nic) {
        if let Some(seen) = &self.link {
            nic.link = seen.link;
            nic.speed_mbps = seen.speed_mbps;
            nic.mac = seen.mac.or(nic.mac);
            nic.permanent_mac = seen.permanent_mac.or(nic.permanent_mac);
            nic.role = seen.role;
            if let Some(agent) = &seen.lldp_agent {
                nic.lldp_agent = agent.clone();
            }
        }
        if let Some(addresses) = &self.addresses {
            nic.addresses.clone_from(addresses);
        }
        nic.dhcp = self.dhcp.clone();
        nic.vlan = self.vlan.clone();
        nic.neighbours = self.kept_by_firmware(nic).unwrap_or_else(|| self.neighbours.clone());
    }

    /// Why nobody is heard, where that is known better than by listening: the NIC's firmware takes the frames first.
    fn kept_by_firmware(&self, nic: &Nic) -> Option<Neighbours> {
        let agent = nic.lldp_agent.value().ok().filter(|agent| agent.running)?;
        match (&self.neighbours, nic.link) {
            (Neighbours::Silent { .. }, Link::Up) => {
                let refusal = agent.refusal.iter().map(|refusal| format!("; it could not be switched off: {refusal}"));
                let refusal = refusal.collect::<String>();
                let control = &agent.control;
                Some(Neighbours::Silent {
                    reason: format!("the NIC's firmware keeps LLDP to itself (its agent is on: {control}){refusal}"),
                })
            }
            (Neighbours::Silent { .. }, Link::NoCarrier | Link::Disabled | Link::Unknown)
            | (Neighbours::Heard(_), _) => None,
        }
    }
}

/// Whether an address is good for more than its own link or host.
pub(crate) fn is_routable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local() && !v4.is_unspecified(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local() && !v6.is_unspecified(),
    }
}

/// Facts without what ticks by itself.
fn settled(facts: &Facts) -> Facts {
    let mut facts = facts.clone();
    for nic in &mut facts.nics {
        nic.counters = None;
        nic.carrier_changes = None;
        if let Dhcp::Asking { for_s, attempts } = &mut nic.dhcp {
            (*for_s, *attempts) = (0, 0);
        }
        if let Neighbours::Silent { reason } = &mut nic.neighbours {
            reason.retain(|c| !c.is_ascii_digit());
        }
    }
    for disk in &mut facts.disks {
        if let Observed::Seen { value: health, .. } = &mut disk.health {
            (health.temperature_celsius, health.power_on_hours) = (None, None);
            (health.written_bytes, health.read_bytes) = (None, None);
        }
    }
    still(&mut facts.sensors);
    if let Observed::Seen { value: bmc, .. } = &mut facts.bmc {
        still(&mut bmc.sensors);
    }
    facts
}

/// A reading moves all the time; that it left its bounds is told by its state.
fn still(sensors: &mut Observed<Vec<Sensor>>) {
    if let Observed::Seen { value: sensors, .. } = sensors {
        sensors.iter_mut().for_each(|sensor| sensor.value_milli = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pious_protocol::facts::{LldpAgent, NicRole};

    fn link(name: &str) -> LinkSeen {
        LinkSeen { name: name.into(), link: Link::Up, speed_mbps: Some(1000), ..LinkSeen::default() }
    }

    fn gather(inventory: &mut Inventory, mut facts: Facts) {
        inventory.read(&Part::ALL.into(), &mut facts);
    }

    #[test]
    fn a_nic_that_the_gathered_facts_lack_asks_for_another_look() {
        let mut inventory = Inventory::default();
        assert!(!inventory.links(vec![link("eth0")]), "nothing gathered yet: the first look is under way anyhow");
        gather(&mut inventory, Facts { nics: vec![Nic { name: "eth0".into(), ..Nic::default() }], ..Facts::default() });
        assert!(!inventory.links(vec![link("eth0")]));
        let dark = LinkSeen { link: Link::NoCarrier, speed_mbps: None, ..link("eth0") };
        assert!(inventory.links(vec![dark.clone()]), "a carrier that went");
        assert!(!inventory.links(vec![dark]));
        inventory.links(vec![link("eth0")]);
        assert!(inventory.links(vec![link("eth0"), link("eth1")]));
        assert!(inventory.links(vec![]), "a NIC that went");
    }

    #[test]
    fn ticking_counters_are_no_change_and_a_lease_is() {
        let facts = |dhcp| Facts { nics: vec![Nic { dhcp, ..Nic::default() }], ..Facts::default() };
        let asking = |for_s| facts(Dhcp::Asking { for_s, attempts: 1 });
        let differ = |a, b| Sighting::of(a).differs(&Sighting::of(b));
        assert!(!differ(asking(3), asking(4)));
        assert!(differ(asking(3), facts(Dhcp::Idle)));
        let warm = |value_milli, state: &str| {
            let sensor = Sensor { value_milli: Some(value_milli), state: Some(state.into()), ..Sensor::default() };
            Facts { sensors: Observed::seen("hwmon", vec![sensor]), ..Facts::default() }
        };
        assert!(!differ(warm(41_000, "ok"), warm(42_000, "ok")));
        assert!(differ(warm(41_000, "ok"), warm(101_000, "critical")));
    }

    #[test]
    fn the_network_is_laid_over_what_was_gathered_in_either_order() {
        let bound = Dhcp::Bound {
            address: [10, 77, 0, 10].into(),
            prefix_length: 24,
            server: [10, 77, 0, 1].into(),
            lease_s: 120,
        };
        let address: IpAddr = [10, 77, 0, 10].into();
        let gathered = Facts {
            nics: vec![Nic { name: "eth0".into(), driver: Some("e1000e".into()), ..Nic::default() }],
            ..Facts::default()
        };
        let network = |inventory: &mut Inventory| {
            inventory.links(vec![link("eth0")]);
            inventory.dhcp("eth0", bound.clone(), vec![address]);
        };
        let (mut before, mut after) = (Inventory::default(), Inventory::default());
        network(&mut before);
        gather(&mut before, gathered.clone());
        gather(&mut after, gathered);
        network(&mut after);
        assert_eq!(before.facts(), after.facts());
        assert!(after.has_address() && after.has_link());
    }

    #[test]
    fn the_bmcs_interface_is_no_network() {
        let door = LinkSeen { role: NicRole::HostInterface, ..link("usb0") };
        let mut inventory = Inventory::default();
        inventory.links(vec![door.clone()]);
        inventory.dhcp("usb0", Dhcp::Idle, vec!["10.0.0.2".parse().expect("an address")]);
        assert_eq!((inventory.has_link(), inventory.has_address()), (false, false));
        inventory.links(vec![door, link("eth0")]);
        inventory.dhcp("eth0", Dhcp::Idle, vec!["10.77.0.2".parse().expect("an address")]);
        assert_eq!((inventory.has_link(), inventory.has_address()), (true, true));
    }

    #[test]
    fn what_became_of_the_firmwares_lldp_is_laid_over_what_was_gathered() {
        let agent = LldpAgent { switched_off_by_us: true, control: "fw-lldp-agent".into(), ..LldpAgent::default() };
        let seen = Observed::seen("ethtool", agent);
        let mut inventory = Inventory::default();
        let known = Facts { nics: vec![Nic { name: "eth0".into(), ..Nic::default() }], ..Facts::default() };
        gather(&mut inventory, known);
        inventory.links(vec![LinkSeen { lldp_agent: Some(seen.clone()), ..link("eth0") }]);
        assert_eq!(inventory.facts().nics.first().map(|nic| nic.lldp_agent.clone()), Some(seen));
    }
}
