//! How many assets are written to at once. Pure: what is taken comes from outside.

use pious_protocol::ids::{AssetId, UnixMs};
use std::fmt;
use uuid::Uuid;

/// The permission to be written to, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub asset: AssetId,
    /// `None`: an operator asked for this one asset.
    pub campaign: Option<Uuid>,
    /// The management network that images and BMCs' answers go through.
    pub network: String,
    pub rack: Option<String>,
    pub region: Option<String>,
    /// From then on it counts as none.
    pub expires: UnixMs,
}

/// What bounds a candidate: in its network, rack and region all that are written to count, whoever asked for them; in its
/// campaign, that one's. Others' limits bind others: a candidate without one for its rack is not kept back by theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub per_network: u32,
    pub per_rack: Option<u32>,
    pub per_region: Option<u32>,
    /// Of the campaign.
    pub at_once: Option<u32>,
}

/// What has no slot left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullOf {
    pub what: Bounded,
    pub taken: usize,
    pub max: u32,
}

/// What is bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bounded {
    Network(String),
    Rack(String),
    Region(String),
    Campaign,
}

/// `a slot: 16 of 16 in network 10.78.0.0/24 are taken`
impl fmt::Display for FullOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a slot: {} of {} ", self.taken, self.max)?;
        match &self.what {
            Bounded::Network(network) => write!(f, "in network {network}")?,
            Bounded::Rack(rack) => write!(f, "in rack {rack}")?,
            Bounded::Region(region) => write!(f, "in region {region}")?,
            Bounded::Campaign => f.write_str("of the campaign")?,
        }
        f.write_str(" are taken")
    }
}

/// Whether one more may be written to beside those that have a slot. Its own slot and those that are over do not count.
pub fn fits(limits: &Limits, held: &[Slot], candidate: &Slot, now: UnixMs) -> Result<(), FullOf> {
    let others = || held.iter().filter(|slot| slot.expires > now && slot.asset != candidate.asset);
    let count = |is_alike: &dyn Fn(&&Slot) -> bool| others().filter(is_alike).count();
    let fits = |what: Bounded, taken: usize, max: Option<u32>| match max {
        Some(max) if taken >= usize::try_from(max).unwrap_or(usize::MAX) => Err(FullOf { what, taken, max }),
        Some(_) | None => Ok(()),
    };
    if candidate.campaign.is_some() {
        let taken = count(&|slot| slot.campaign == candidate.campaign);
        fits(Bounded::Campaign, taken, limits.at_once)?;
    }
    let taken = count(&|slot| slot.network == candidate.network);
    fits(Bounded::Network(candidate.network.clone()), taken, Some(limits.per_network))?;
    if let Some(rack) = &candidate.rack {
        // Racks of two regions may have one name.
        let taken = count(&|slot| slot.rack.as_ref() == Some(rack) && slot.region == candidate.region);
        fits(Bounded::Rack(rack.clone()), taken, limits.per_rack)?;
    }
    if let Some(region) = &candidate.region {
        fits(Bounded::Region(region.clone()), count(&|slot| slot.region.as_ref() == Some(region)), limits.per_region)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slot(asset: u128, campaign: Option<u128>, network: &str, rack: &str, expires: u64) -> Slot {
        Slot {
            asset: AssetId(Uuid::from_u128(asset)),
            campaign: campaign.map(Uuid::from_u128),
            network: network.into(),
            rack: Some(rack.into()),
            region: Some("eu".into()),
            expires: UnixMs(expires),
        }
    }

    const LIMITS: Limits = Limits { per_network: 2, per_rack: Some(2), per_region: Some(4), at_once: Some(3) };

    #[test]
    fn the_first_that_is_full_is_named() {
        let now = UnixMs(10);
        let candidate = slot(9, Some(1), "n", "r", 0);
        let full = |held: &[Slot]| fits(&LIMITS, held, &candidate, now).map_err(|full| full.to_string());
        assert_eq!(full(&[]), Ok(()));
        // Those that are over, and its own, count for nothing.
        assert_eq!(
            full(&[slot(1, None, "n", "r", 10), slot(2, None, "n", "r", 9), slot(9, None, "n", "r", 99)]),
            Ok(())
        );
        assert_eq!(
            full(&[slot(1, None, "n", "a", 11), slot(2, Some(2), "n", "b", 11)]),
            Err("a slot: 2 of 2 in network n are taken".into())
        );
        assert_eq!(
            full(&[slot(1, None, "m", "r", 11), slot(2, Some(2), "o", "r", 11)]),
            Err("a slot: 2 of 2 in rack r are taken".into())
        );
        assert_eq!(
            full(&[1, 2, 3].map(|asset| slot(asset, Some(1), &asset.to_string(), &asset.to_string(), 11))),
            Err("a slot: 3 of 3 of the campaign are taken".into())
        );
        assert_eq!(
            full(&[1, 2, 3, 4].map(|asset| slot(asset, None, &asset.to_string(), &asset.to_string(), 11))),
            Err("a slot: 4 of 4 in region eu are taken".into())
        );
    }

    proptest! {
        /// However slots are taken: never more at once than each limit says.
        #[test]
        fn nothing_is_ever_exceeded(asks in proptest::collection::vec((0..20_u128, 0..2_u128, 0..3_u8, 0..3_u8, 0..50_u64), 0..200)) {
            let mut held: Vec<Slot> = Vec::new();
            for (at, (asset, campaign, network, rack, lasts)) in asks.into_iter().enumerate() {
                let now = UnixMs(at as u64);
                let campaign = (campaign > 0).then_some(campaign);
                let one = slot(asset, campaign, &network.to_string(), &rack.to_string(), now.0 + 1 + lasts);
                if fits(&LIMITS, &held, &one, now).is_ok() {
                    held.retain(|slot| slot.asset != one.asset);
                    held.push(one);
                }
                let now_held: Vec<_> = held.iter().filter(|slot| slot.expires > now).collect();
                for name in ["0", "1", "2"] {
                    prop_assert!(now_held.iter().filter(|slot| slot.network == name).count() <= 2);
                    prop_assert!(now_held.iter().filter(|slot| slot.rack.as_deref() == Some(name)).count() <= 2);
                }
                prop_assert!(now_held.len() <= 4);
                prop_assert!(now_held.iter().filter(|slot| slot.campaign.is_some()).count() <= 3);
            }
        }
    }
}
