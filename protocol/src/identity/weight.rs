//! The weights, part by part.

use super::{Fingerprint, Sameness, placeholder};
use crate::ids::MacAddress;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What a field weighs when it agrees, and when it differs.
struct Weight {
    pro: u32,
    contra: u32,
}

/// Vendors have given one UUID to whole batches, so it is no more than what it takes to decide when nothing else speaks.
const SYSTEM_UUID: Weight = Weight { pro: 3, contra: 3 };
/// The serial on the sticker and on the order; a replaced mainboard gets it written again, or has none.
const SYSTEM_SERIAL: Weight = Weight { pro: 4, contra: 4 };
/// Differs for an honest reason: the board was replaced.
const BOARD_SERIAL: Weight = Weight { pro: 3, contra: 2 };
/// Nodes of one multi-node chassis share it.
const CHASSIS_SERIAL: Weight = Weight { pro: 3, contra: 3 };
/// All DIMMs, at least two of them; one DIMM alone weighs half. They travel between servers, and get replaced.
const DIMMS: Weight = Weight { pro: 4, contra: 2 };
/// MACs out of vendors' ranges: unique by IEEE's word, but cards travel.
const UNIVERSAL_MACS: Weight = Weight { pro: 5, contra: 3 };
/// Permanent MACs that software made up, as QEMU's 52:54:00: good within one rack, unique by nobody's word.
const LOCAL_MACS: Weight = Weight { pro: 3, contra: 2 };

/// UUID, system serial and board serial change together when the mainboard is replaced: that is one event, and weighs no
/// more than this.
const MAINBOARD_CONTRA_MAX: u32 = 5;
/// The least evidence that makes two sightings the same asset: any one of UUID, serial or MACs, with nothing against it.
const SAME_PRO_MIN: u32 = 3;
/// How far one side must outweigh the other.
const MARGIN: i64 = 2;

/// Evidence for and against two sightings being one asset.
#[derive(Debug, Default)]
pub(super) struct Weighed {
    pub(super) pro: u32,
    pub(super) contra: u32,
    pub(super) evidence: Vec<String>,
}

impl Weighed {
    pub(super) fn net(&self) -> i64 {
        i64::from(self.pro) - i64::from(self.contra)
    }

    pub(super) fn sameness(&self) -> Sameness {
        if self.net() >= MARGIN && self.pro >= SAME_PRO_MIN {
            Sameness::Same
        } else if self.net() <= -MARGIN {
            Sameness::Different
        } else {
            Sameness::Ambiguous
        }
    }

    fn add(&mut self, part: Self) {
        self.pro += part.pro;
        self.contra += part.contra;
        self.evidence.extend(part.evidence);
    }

    fn agrees(pro: u32, words: String) -> Self {
        Self { pro, contra: 0, evidence: vec![words] }
    }

    fn differs(contra: u32, words: String) -> Self {
        Self { pro: 0, contra, evidence: vec![words] }
    }
}

pub(super) fn weigh(known: &Fingerprint, seen: &Fingerprint) -> Weighed {
    let mut mainboard = Weighed::default();
    mainboard.add(uuids(known.system_uuid, seen.system_uuid));
    mainboard.add(serials("system serial", &SYSTEM_SERIAL, &known.system_serial, &seen.system_serial));
    mainboard.add(serials("board serial", &BOARD_SERIAL, &known.board_serial, &seen.board_serial));
    mainboard.contra = mainboard.contra.min(MAINBOARD_CONTRA_MAX);

    let mut all = mainboard;
    all.add(serials("chassis serial", &CHASSIS_SERIAL, &known.chassis_serial, &seen.chassis_serial));
    all.add(dimms(&known.dimm_serials, &seen.dimm_serials));
    all.add(macs(&known.macs, &seen.macs));
    all
}

fn uuids(known: Option<Uuid>, seen: Option<Uuid>) -> Weighed {
    let real = |uuid: Option<Uuid>| uuid.filter(|uuid| !placeholder::is_placeholder_uuid(*uuid));
    let (Some(known), Some(seen)) = (real(known), real(seen)) else {
        return Weighed::default();
    };
    let turned = super::in_other_byte_order(seen);
    if known == seen {
        Weighed::agrees(SYSTEM_UUID.pro, format!("same system UUID {seen}"))
    } else if known == turned {
        Weighed::agrees(SYSTEM_UUID.pro, format!("same system UUID {known}, in the other byte order"))
    } else {
        Weighed::differs(SYSTEM_UUID.contra, format!("system UUID {seen}, was {known}"))
    }
}

/// A serial as it is compared; `None` for a placeholder.
fn real(serial: &str) -> Option<String> {
    (!placeholder::is_placeholder(serial)).then(|| serial.trim().to_ascii_uppercase())
}

fn serials(field: &str, weight: &Weight, known: &Option<String>, seen: &Option<String>) -> Weighed {
    match (known.as_deref().and_then(real), seen.as_deref().and_then(real)) {
        (Some(known), Some(seen)) if known == seen => Weighed::agrees(weight.pro, format!("same {field} {seen}")),
        (Some(known), Some(seen)) => Weighed::differs(weight.contra, format!("{field} {seen}, was {known}")),
        (None, _) | (_, None) => Weighed::default(),
    }
}

fn dimms(known: &[String], seen: &[String]) -> Weighed {
    let real = |serials: &[String]| serials.iter().filter_map(|serial| real(serial)).collect::<BTreeSet<_>>();
    let (known, seen) = (real(known), real(seen));
    let Some(share) = Share::of(&known, &seen) else {
        return Weighed::default();
    };
    if share.common == 0 {
        return Weighed::differs(DIMMS.contra, "none of the known DIMMs".into());
    }
    // DIMM serials have 32 bits and are unique per vendor only, so one alone is no proof.
    let full = if share.common == 1 { DIMMS.pro / 2 } else { DIMMS.pro };
    Weighed::agrees(share.of_weight(full), format!("{} of {} known DIMMs", share.common, known.len()))
}

fn macs(known: &[MacAddress], seen: &[MacAddress]) -> Weighed {
    let usable = |macs: &[MacAddress]| {
        let unicast = |mac: &MacAddress| mac.0 != [0; 6] && mac.0[0] & 1 == 0;
        macs.iter().copied().filter(unicast).collect::<BTreeSet<_>>()
    };
    let (known, seen) = (usable(known), usable(seen));
    let Some(share) = Share::of(&known, &seen) else {
        return Weighed::default();
    };
    let universal = |macs: &BTreeSet<MacAddress>| macs.iter().any(|mac| mac.is_global_unicast());
    if share.common == 0 {
        let both = universal(&known) && universal(&seen);
        let weight = if both { UNIVERSAL_MACS.contra } else { LOCAL_MACS.contra };
        return Weighed::differs(weight, "none of the known MAC addresses".into());
    }
    let weight = if universal(&(&known & &seen)) { UNIVERSAL_MACS.pro } else { LOCAL_MACS.pro };
    Weighed::agrees(share.of_weight(weight), format!("{} of {} known MAC addresses", share.common, known.len()))
}

/// How much two sets have in common, of the smaller one: parts that were added say nothing against a machine.
struct Share {
    common: u32,
    of: u32,
}

impl Share {
    /// `None` where one set is empty, so that there is nothing to compare.
    fn of<T: Ord>(known: &BTreeSet<T>, seen: &BTreeSet<T>) -> Option<Self> {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let of = count(known.len().min(seen.len()));
        (of > 0).then(|| Self { common: count(known.intersection(seen).count()), of })
    }

    /// The share of a weight, rounded down: a part that moved must not be what decides.
    fn of_weight(&self, weight: u32) -> u32 {
        weight.saturating_mul(self.common) / self.of
    }
}
