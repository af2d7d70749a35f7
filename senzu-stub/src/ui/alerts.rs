//! Alerts: open ones with what ends them, and those that are over.

use super::{
    Page,
    frame::{Frame, Here},
    session::MaybeVisitor,
    show,
};
use crate::{
    alerts::{AlertFilter, AlertView},
    api::{Asked, Shared},
    store::{alerts::AlertKind, word},
    words,
};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;

/// One alert.
pub struct AlertLine {
    pub id: String,
    pub kind: String,
    pub asset: String,
    pub name: String,
    pub words: String,
    pub at: String,
    /// How it ended.
    pub end: Option<String>,
    /// Whether it is a machine that no order has a place for.
    pub is_unknown_asset: bool,
}

impl AlertLine {
    pub fn of(alert: AlertView) -> Self {
        let end = alert.resolved_ms.map(|at| {
            let by = alert.resolved_by.as_deref().map_or("its cause is over".into(), |by| format!("{by} resolved it"));
            let why = alert.resolved_why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            format!("{} {by}{why}", words::time(at))
        });
        Self {
            id: alert.id.to_string(),
            kind: word(&alert.kind).replace('_', " "),
            asset: alert.asset.to_string(),
            name: alert.name,
            words: alert.words,
            at: words::time(alert.at_ms),
            end,
            is_unknown_asset: alert.kind == AlertKind::UnknownAsset,
        }
    }
}

/// Which alerts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    show: String,
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct Alerts {
    frame: Frame,
    alerts: Vec<AlertLine>,
    are_open: bool,
}

pub async fn alerts(
    State(senzu): State<Shared>,
    MaybeVisitor(visitor): MaybeVisitor,
    Asked(wanted): Asked<Wanted>,
) -> Page {
    let are_open = wanted.show != "resolved";
    let filter = if are_open { AlertFilter::Open } else { AlertFilter::Resolved };
    let alerts = senzu.alerts(filter).await?.into_iter().map(AlertLine::of).collect();
    Ok(show(&Alerts { frame: Frame::new(Here::Alerts, visitor), alerts, are_open }))
}
