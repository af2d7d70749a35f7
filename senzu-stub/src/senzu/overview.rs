//! Numbers over all assets that pages begin with.

use super::{Refusal, Senzu};
use crate::store::{alerts, listing};
use pious_protocol::{
    ids::UnixMs,
    message::{AssetState, Evaluation},
};

const HOUR_MS: u64 = 3_600_000;

/// A rack and how its assets stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RackView {
    pub region: Option<String>,
    /// `None`: assets that stand in no rack that was told.
    pub rack: Option<String>,
    pub assets: u64,
    pub failing: u64,
    pub pending: u64,
}

impl Senzu {
    /// Every rack: those with failing assets first, then by region and name.
    pub async fn racks(&self) -> Result<Vec<RackView>, Refusal> {
        let mut racks: Vec<RackView> = Vec::new();
        for (region, rack, evaluation, assets) in listing::racks(&mut *self.db.read().await?).await? {
            let same = |known: &RackView| known.region == region && known.rack == rack;
            if !racks.last().is_some_and(same) {
                racks.push(RackView { region, rack, assets: 0, failing: 0, pending: 0 });
            }
            let Some(rack) = racks.last_mut() else { continue };
            rack.assets += assets;
            match evaluation {
                Evaluation::Failing | Evaluation::Unknown => rack.failing += assets,
                Evaluation::Pending => rack.pending += assets,
                Evaluation::Passed => {}
            }
        }
        // The sort is stable: within each half, the order of the rows.
        racks.sort_by_key(|rack| rack.failing == 0);
        Ok(racks)
    }

    /// Boots and graduations in each of the last `HOURS` hours, the newest last.
    pub async fn hours<const HOURS: usize>(&self, now: UnixMs) -> Result<[(u64, u64); HOURS], Refusal> {
        let hour = |ms: u64| ms / HOUR_MS;
        let since = UnixMs((hour(now.0) + 1).saturating_sub(HOURS as u64) * HOUR_MS);
        let graduated = format!("{} → {}", AssetState::New, AssetState::Spare);
        let mut hours = [(0, 0); HOURS];
        for (at, boots, graduations) in alerts::hours(&mut *self.db.read().await?, since, &graduated).await? {
            let ago = usize::try_from(hour(now.0).saturating_sub(at)).unwrap_or(usize::MAX);
            if let Some(counts) = hours.get_mut((HOURS - 1).wrapping_sub(ago)) {
                *counts = (boots, graduations);
            }
        }
        Ok(hours)
    }
}
