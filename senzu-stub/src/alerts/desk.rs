//! Alerts, as operators see and end them.

use crate::{
    access::Caller,
    chakshu::Ordered,
    senzu::{Refusal, Senzu, audit, now},
    store::{
        During,
        alerts::{self, Alert, AlertKind, Resolved},
    },
};
use pious_protocol::ids::{AssetId, UnixMs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A list longer than this is read by nobody.
const SHOWN: u32 = 1000;

/// Which alerts to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertFilter {
    Open,
    Resolved,
    All,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertView {
    pub id: Uuid,
    pub at_ms: UnixMs,
    /// The asset's id.
    pub asset: AssetId,
    /// The asset's name.
    pub name: String,
    pub kind: AlertKind,
    pub words: String,
    /// When it ended; `null`: it is open.
    pub resolved_ms: Option<UnixMs>,
    /// Who ended it; `null`: its cause is over.
    pub resolved_by: Option<String>,
    pub resolved_why: Option<String>,
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> Self {
        let (at, by, why) = match alert.resolved {
            Some(Resolved { at, by, why }) => (Some(at), by, Some(why)),
            None => (None, None, None),
        };
        Self {
            id: alert.id,
            at_ms: alert.at,
            asset: alert.asset,
            name: alert.asset_name,
            kind: alert.kind,
            words: alert.words,
            resolved_ms: at,
            resolved_by: by,
            resolved_why: why,
        }
    }
}

impl Senzu {
    /// The newest alerts, newest first.
    pub async fn alerts(&self, filter: AlertFilter) -> Result<Vec<AlertView>, Refusal> {
        let resolved = match filter {
            AlertFilter::Open => Some(false),
            AlertFilter::Resolved => Some(true),
            AlertFilter::All => None,
        };
        let alerts = alerts::newest(&mut *self.db.read().await?, resolved, SHOWN).await?;
        Ok(alerts.into_iter().map(AlertView::from).collect())
    }

    /// Ends an alert: it is not raised about the same thing again. Of an unknown asset, `said` is where it belongs; left out,
    /// it needs no order.
    pub async fn resolve_alert(
        &self,
        by: &Caller,
        id: Uuid,
        why: &str,
        said: Option<Ordered>,
    ) -> Result<AlertView, Refusal> {
        let now = now();
        let why = match why.trim() {
            "" => return Err(Refusal::Empty { field: "why", remedy: "say why, so that it is on record" }),
            why => why,
        };
        let alert = alerts::by_id(&mut *self.db.read().await?, id).await?.ok_or(Refusal::NoSuchAlert(id))?;
        match (alert.kind, said) {
            (AlertKind::UnknownAsset, said) if alert.resolved.is_none() => {
                let said = said.unwrap_or(Ordered::Dismissed);
                self.set_order(by, &alert.asset.to_string(), &said, why).await?;
            }
            (_, None) | (AlertKind::UnknownAsset, Some(_)) => {}
            (_, Some(_)) => {
                let value = format!("of an alert about {}", crate::store::word(&alert.kind));
                return Err(Refusal::OutOfRange { field: "assign", value, remedy: "it is for unknown_asset alone" });
            }
        }
        let mut tx = self.db.write().await?;
        let alert = alerts::by_id(&mut tx, id).await?.ok_or(Refusal::NoSuchAlert(id))?;
        if alert.resolved.is_none() {
            let resolved = Resolved { at: now, by: Some(by.operator.clone()), why: why.to_owned() };
            alerts::resolve(&mut tx, &alert, resolved).await?;
            let what = format!("resolved the alert {} ({id})", crate::store::word(&alert.kind));
            audit(&mut tx, alert.asset, &by.operator, what, why).await?;
        }
        let view = alerts::by_id(&mut tx, id).await?.ok_or(Refusal::NoSuchAlert(id))?.into();
        tx.commit().await.during("commit an alert's end")?;
        self.wake(alert.asset);
        Ok(view)
    }
}
