//! A neighbour while its TLVs are being read.

use pious_protocol::facts::{LinkAggregation, Neighbour, RawTlv};

/// What the TLVs read so far tell.
#[derive(Debug)]
pub(super) struct Draft {
    pub neighbour: Neighbour,
    /// Link aggregation as IEEE 802.3 told it before it became 802.1's: counts where the newer TLV does not come.
    pub old_link_aggregation: Option<LinkAggregation>,
    /// What was malformed: one sentence each.
    pub problems: Vec<String>,
}

/// Why a TLV's content was not taken. It stays raw either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SetAside {
    /// Nothing here knows it.
    Unknown,
    /// It is not as its standard wants it: one sentence.
    Malformed(String),
}

impl SetAside {
    /// For a TLV that ends before what it has to tell.
    pub fn short(tlv: &str, bytes: usize) -> Self {
        Self::Malformed(format!("the {tlv} TLV of {bytes} bytes is too short"))
    }
}

impl Draft {
    pub fn of(neighbour: Neighbour) -> Self {
        Self { neighbour, old_link_aggregation: None, problems: Vec::new() }
    }

    /// Books how reading one TLV went; `raw` is the TLV as it came.
    pub fn take(&mut self, taken: Result<(), SetAside>, raw: impl FnOnce() -> RawTlv) {
        let set_aside = match taken {
            Ok(()) => return,
            Err(set_aside) => set_aside,
        };
        match set_aside {
            SetAside::Unknown => {}
            SetAside::Malformed(problem) => self.problems.push(problem),
        }
        self.keep_raw(raw());
    }

    pub fn keep_raw(&mut self, raw: RawTlv) {
        self.neighbour.other.push(raw);
    }

    /// The neighbour, and what was malformed.
    pub fn finish(self) -> (Neighbour, Vec<String>) {
        let mut neighbour = self.neighbour;
        neighbour.link_aggregation = neighbour.link_aggregation.or(self.old_link_aggregation);
        // In an order of our own: the set is the fact, and a sender may shuffle it from frame to frame.
        neighbour.vlans.sort();
        neighbour.vlans.dedup();
        neighbour.protocol_vlans.sort_by_key(|vlan| vlan.id);
        neighbour.protocols.sort();
        neighbour.protocols.dedup();
        (neighbour, self.problems)
    }
}

/// Fills the place of a TLV that may come once: the first stands (IEEE 802.1AB-2016 §9.2.7.7.2).
pub(super) fn once<T>(place: &mut Option<T>, tlv: &str, told: T) -> Result<(), SetAside> {
    if place.is_some() {
        return Err(SetAside::Malformed(format!("the {tlv} TLV comes twice; the first stands")));
    }
    *place = Some(told);
    Ok(())
}
