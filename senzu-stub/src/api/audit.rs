//! The audit log.

use super::{
    Answer, Shared,
    extract::{Asked, Viewer},
    page_limit,
};
use crate::access::{AuditFilter, AuditView};
use axum::{Json, extract::State};
use pious_protocol::message::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which events to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Those of one asset, by its id or name; left out: all, Senzu's own too.
    asset: Option<String>,
    /// `next` of the page before.
    after: Option<Uuid>,
    /// How many at most, 1 to 1000; left out: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// What happened, newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    pub events: Vec<AuditView>,
    /// `after` of the next page; `null`: this is the last one.
    pub next: Option<Uuid>,
}

/// Who did what, when and why, newest first.
#[utoipa::path(
    get, path = "/v1/audit", tag = "access", params(AuditQuery), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = AuditList),
        (status = 404, description = "No such asset", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn audit(State(senzu): State<Shared>, _: Viewer, Asked(asked): Asked<AuditQuery>) -> Answer<AuditList> {
    let limit = page_limit(asked.limit)?;
    let events = senzu.audit(&AuditFilter { asset: asked.asset, after: asked.after, limit }).await?;
    let is_full = u32::try_from(events.len()).is_ok_and(|count| count == limit);
    let next = events.last().filter(|_| is_full).map(|last| last.id);
    Ok(Json(AuditList { events, next }))
}
