//! What operators ask of an asset's DAG.

use super::{
    Answer, Failure, Shared,
    extract::{Body, Named, Operator, Viewer},
};
use crate::senzu::{DagView, ReplayView};
use axum::{Json, extract::State, http::StatusCode};
use pious_protocol::message::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

/// A name and little else.
const MAX_CLEAR_BYTES: usize = 16 * 1024;

/// An asset's DAG: its vertices and edges, where the asset stands in it and why, and its newest runs.
#[utoipa::path(
    get, path = "/v1/assets/{asset}/dag", tag = "operators",
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = DagView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn dag(State(senzu): State<Shared>, _: Viewer, Named(asset): Named<String>) -> Answer<DagView> {
    Ok(Json(senzu.dag(&asset).await?))
}

/// An asset's recorded history, re-executed on paper: whether the graphs of today take the same way.
#[utoipa::path(
    get, path = "/v1/assets/{asset}/dag/replay", tag = "operators",
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = ReplayView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn replay(State(senzu): State<Shared>, _: Viewer, Named(asset): Named<String>) -> Answer<ReplayView> {
    Ok(Json(senzu.replay(&asset).await?))
}

/// Who looked at an asset in a loop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClearRequest {
    /// Who looked at it, for the record.
    by: String,
}

/// Lets an asset go on that the loop breaker stopped. Idempotent.
#[utoipa::path(
    post, path = "/v1/assets/{asset}/loop/clear", tag = "operators", request_body = ClearRequest,
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["operator"])),
    responses(
        (status = 204, description = "It goes on"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn clear_loop(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(asset): Named<String>,
    Body(request): Body<ClearRequest, MAX_CLEAR_BYTES>,
) -> Result<StatusCode, Failure> {
    senzu.clear_loop(&caller, &asset, &request.by).await?;
    Ok(StatusCode::NO_CONTENT)
}
