//! Whether two sightings are the same asset. SMBIOS is dirty, so no field decides against the others.
//!
//! Evidence is weighed by part, because parts are what people replace: the mainboard (system UUID, system serial and
//! board serial live in its flash and change together), the chassis, the DIMMs, the network cards. What either side lacks
//! or fills with a placeholder weighs nothing. An asset of which only one thing is known (a serial from an order) is
//! recognized by that one thing.
//!
//! The weights are in `weight`; [`compare`] decides between two, [`pick`] among many.

mod placeholder;
mod weight;

pub use placeholder::{is_placeholder, is_placeholder_uuid};

use crate::ids::MacAddress;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What names a machine, as read: placeholders are still in it, and weigh nothing. An asset that is expected and was
/// never seen has what its order says, be it one serial.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Fingerprint {
    /// SMBIOS type 1.
    pub system_uuid: Option<Uuid>,
    /// SMBIOS type 1.
    pub system_serial: Option<String>,
    /// SMBIOS type 2, the first.
    pub board_serial: Option<String>,
    /// SMBIOS type 3, the first.
    pub chassis_serial: Option<String>,
    /// SMBIOS type 17, populated slots.
    pub dimm_serials: Vec<String>,
    /// Permanent MACs of the server's own NICs; not of the BMC's door to its host, which many machines share. Locally administered ones (virtual machines have nothing else) weigh less.
    pub macs: Vec<MacAddress>,
}

impl Fingerprint {
    /// What names the machine whose facts these are.
    pub fn of(facts: &crate::facts::Facts) -> Self {
        let Ok(smbios) = facts.smbios.value() else {
            return Self { macs: lasting_macs(facts), ..Self::default() };
        };
        let system = smbios.system.as_ref();
        Self {
            system_uuid: system.and_then(|system| system.uuid),
            system_serial: system.and_then(|system| system.serial.clone()),
            board_serial: smbios.baseboards.first().and_then(|board| board.serial.clone()),
            chassis_serial: smbios.chassis.first().and_then(|chassis| chassis.serial.clone()),
            dimm_serials: smbios
                .memory_devices
                .iter()
                .filter(|d| d.populated)
                .filter_map(|d| d.serial.clone())
                .collect(),
            macs: lasting_macs(facts),
        }
    }
}

fn lasting_macs(facts: &crate::facts::Facts) -> Vec<MacAddress> {
    let mut macs: Vec<_> = facts.data_nics().filter_map(crate::facts::Nic::lasting_mac).collect();
    macs.sort();
    macs
}

/// A UUID with its first three fields turned round. Before SMBIOS 2.6 nobody said in which byte order they are (DSP0134
/// §7.2.1), so a firmware update, another reader, or an order's sticker may show either.
pub fn in_other_byte_order(uuid: Uuid) -> Uuid {
    Uuid::from_bytes_le(*uuid.as_bytes())
}

/// Whether two sightings are the same asset, with the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The decision.
    pub sameness: Sameness,
    /// One sentence per field that spoke, for or against.
    pub evidence: Vec<String>,
}

/// Whether two sightings are the same asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sameness {
    /// The same.
    Same,
    /// Not the same.
    Different,
    /// Evidence on both sides, or none: a person decides.
    Ambiguous,
}

/// Decides whether `seen` is the asset that was `known`.
pub fn compare(known: &Fingerprint, seen: &Fingerprint) -> Comparison {
    let weighed = weight::weigh(known, seen);
    Comparison { sameness: weighed.sameness(), evidence: weighed.evidence }
}

/// Which known asset a machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick<Id> {
    /// This one; the evidence for and against.
    One(Id, Vec<String>),
    /// None: the machine is new.
    None,
    /// It may be any of these, or none: a person decides. There may be one alone, with evidence on both sides. The
    /// evidence is a list per asset, in the order of the assets: the likeliest first.
    Several(Vec<Id>, Vec<Vec<String>>),
}

/// Picks the known asset that was seen. Where several would be taken for it, one of them is picked only if it outweighs
/// each other twice over: an asset known by all its parts against one known by a UUID that its vendor gave out twice.
pub fn pick<'a, Id>(known: impl IntoIterator<Item = (Id, &'a Fingerprint)>, seen: &Fingerprint) -> Pick<Id> {
    let mut same = Vec::new();
    let mut ambiguous = Vec::new();
    for (id, known) in known {
        let weighed = weight::weigh(known, seen);
        match weighed.sameness() {
            Sameness::Same => same.push((id, weighed)),
            // An asset with nothing to compare would else be a candidate for every machine.
            Sameness::Ambiguous if weighed.pro > 0 => ambiguous.push((id, weighed)),
            Sameness::Ambiguous | Sameness::Different => {}
        }
    }
    // A clear fit leaves the doubtful ones behind.
    let mut candidates = if same.is_empty() { ambiguous } else { same };
    candidates.sort_by_key(|(_, weighed)| std::cmp::Reverse(weighed.net()));
    let clear = match candidates.as_slice() {
        [] => return Pick::None,
        [(_, only)] => only.sameness() == Sameness::Same,
        [(_, best), (_, next), ..] => best.sameness() == Sameness::Same && best.net() >= 2 * next.net(),
    };
    let others = candidates.len() - 1;
    if clear && let Some((id, mut best)) = candidates.drain(..1).next() {
        match others {
            0 => {}
            1 => best.evidence.push("one other known asset fits, less well".into()),
            _ => best.evidence.push(format!("{others} other known assets fit, less well")),
        }
        return Pick::One(id, best.evidence);
    }
    let (ids, evidence) = candidates.into_iter().map(|(id, weighed)| (id, weighed.evidence)).unzip();
    Pick::Several(ids, evidence)
}
