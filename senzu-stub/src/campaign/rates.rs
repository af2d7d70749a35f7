//! How fast images go into a management network, as campaigns say (`caps.per_network.bytes_per_s`).

use super::leases;
use crate::{
    firmware::Lane,
    store::{Conn, StoreError, assets, campaigns, goals, slots},
};
use pious_protocol::ids::{AssetId, UnixMs};
use uuid::Uuid;

/// Where an image for an asset goes, and the least that its own campaign and those that write in that network now allow.
pub async fn lane(conn: &mut Conn, asset: AssetId, now: UnixMs) -> Result<Lane, StoreError> {
    let held = slots::held(conn, now).await?;
    let network = match held.iter().find(|slot| slot.asset == asset) {
        Some(own) => own.network.clone(),
        None => {
            let boot = assets::by_id(conn, asset).await?.and_then(|asset| asset.current_boot);
            leases::network(conn, asset, boot).await?
        }
    };
    let of_others = held.iter().filter(|slot| slot.network == network).filter_map(|slot| slot.campaign);
    let mut concerned: Vec<Uuid> = of_others.collect();
    concerned.extend(goals::open_of(conn, asset).await?.and_then(|goal| goal.campaign));
    concerned.sort_unstable();
    concerned.dedup();
    let mut bytes_per_s: Option<u64> = None;
    for campaign in concerned {
        let campaign = campaigns::by_id(conn, campaign).await?;
        let rate = campaign.and_then(|campaign| campaign.spec.caps.per_network.bytes_per_s);
        bytes_per_s = [bytes_per_s, rate].into_iter().flatten().min();
    }
    Ok(Lane { network, bytes_per_s })
}
