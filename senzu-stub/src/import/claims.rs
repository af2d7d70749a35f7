//! What plans claim for their assets must be nobody else's: a serial, a UUID, an address or a switch port that two assets
//! claim makes one of them wait for ever, and nobody sees why. Looked at over all plans that are stored, so that two
//! imports can't contradict each other either.

use crate::store::plans::StoredPlan;
use pious_protocol::{identity::in_other_byte_order, ids::MacAddress};
use std::collections::HashMap;
use uuid::Uuid;

/// Two claims of one thing.
#[derive(Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Who came second.
    pub asset: String,
    pub problem: String,
}

/// Whose is what.
#[derive(Default)]
struct Claims<'a> {
    serials: HashMap<String, &'a str>,
    uuids: HashMap<Uuid, &'a str>,
    macs: HashMap<MacAddress, Owner<'a>>,
    ports: HashMap<(String, String), &'a str>,
}

/// Whose an address is. A machine's own may stand in its `macs` and its links alike, but not be its BMC's too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner<'a> {
    Machine(&'a str),
    Bmc(&'a str),
}

impl std::fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Machine(name) => f.write_str(name),
            Self::Bmc(name) => write!(f, "the BMC of {name}"),
        }
    }
}

/// Looks for the first contradiction among all plans.
pub fn check(plans: &[StoredPlan]) -> Result<(), Contradiction> {
    let mut claims = Claims::default();
    for stored in plans {
        claims.add(stored).map_err(|problem| Contradiction { asset: stored.asset.clone(), problem })?;
    }
    Ok(())
}

impl<'a> Claims<'a> {
    fn add(&mut self, stored: &'a StoredPlan) -> Result<(), String> {
        let StoredPlan { asset, plan, bmc_macs } = stored;
        if let Some(serial) = &plan.serial
            && let Some(other) = self.serials.insert(serial.to_ascii_uppercase(), asset)
        {
            return Err(format!("the serial {serial:?} is {other}'s already: correct one of the two"));
        }
        if let Some(uuid) = plan.uuid {
            let turned = self.uuids.get(&in_other_byte_order(uuid)).copied();
            if let Some(other) = self.uuids.insert(uuid, asset).or(turned) {
                return Err(format!("the UUID {uuid} is {other}'s already: correct one of the two, or go by serial"));
            }
        }
        let links = || plan.cabling.iter().flat_map(|plan| &plan.links);
        let own = plan.macs.iter().copied().chain(links().map(|link| link.nic));
        let own = own.map(|mac| (mac, Owner::Machine(asset)));
        for (mac, owner) in own.chain(bmc_macs.iter().map(|mac| (*mac, Owner::Bmc(asset)))) {
            match self.macs.insert(mac, owner) {
                Some(other) if other != owner => {
                    return Err(format!("the address {mac} is that of {other} already: correct one of the two"));
                }
                Some(_) | None => {}
            }
        }
        for link in links() {
            let place = (link.switch.trim().to_ascii_lowercase(), link.port.trim().to_ascii_lowercase());
            if let Some(other) = self.ports.insert(place, asset) {
                return Err(format!(
                    "{} port {} is planned for a cable of {other} already: one port takes one cable",
                    link.switch, link.port
                ));
            }
        }
        Ok(())
    }
}
