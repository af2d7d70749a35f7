//! The audit log: who did what, when and why, to an asset or to Senzu itself.

use crate::{
    senzu::{Refusal, Senzu, find},
    store::alerts,
};
use pious_protocol::ids::{AssetId, UnixMs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// An asset's id or name.
    pub asset: Option<String>,
    /// Those that are older than this one.
    pub after: Option<Uuid>,
    pub limit: u32,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    pub id: Uuid,
    /// The asset's id; `null`: it happened to Senzu itself.
    pub asset: Option<AssetId>,
    /// The asset's name.
    pub name: Option<String>,
    pub at_ms: UnixMs,
    /// An operator, a bean, `agent`, `import`, `senzu`, or who asked an agent for a promotion.
    pub who: String,
    pub what: String,
    pub why: String,
}

impl Senzu {
    /// What happened, newest first.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditView>, Refusal> {
        let mut tx = self.db.read().await?;
        let asset = match &filter.asset {
            Some(asset) => Some(find(&mut tx, asset).await?.id),
            None => None,
        };
        Ok(alerts::audit(&mut tx, asset, filter.after, filter.limit).await?)
    }
}
