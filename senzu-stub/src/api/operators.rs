//! What operators call, and whoever wants to know whether Senzu is well.

use super::{
    Answer, Failure, Shared,
    extract::{Body, Named, Operator, Viewer},
};
use crate::senzu::{AlertView, AssetDetail, AssetView, Order};
use axum::{Json, extract::State, http::StatusCode};
use pious_protocol::{
    ids::{BootId, InstructionId},
    instruction::{Action, Precondition},
    message::Problem,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An operator's requests are a sentence or a URL.
const MAX_ORDER_BYTES: usize = 64 * 1024;

/// Every asset.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AssetList {
    pub assets: Vec<AssetView>,
}

/// Every asset, by name.
#[utoipa::path(
    get, path = "/v1/assets", tag = "operators", security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = AssetList),
        (status = 401, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn assets(State(senzu): State<Shared>, _: Viewer) -> Answer<AssetList> {
    Ok(Json(AssetList { assets: senzu.assets().await? }))
}

/// One asset with all that is known of it.
#[utoipa::path(
    get, path = "/v1/assets/{asset}", tag = "operators",
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = AssetDetail),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn asset(State(senzu): State<Shared>, _: Viewer, Named(asset): Named<String>) -> Answer<AssetDetail> {
    Ok(Json(senzu.asset(&asset).await?))
}

/// Whether to hold an asset, and for whom.
#[derive(Debug, Deserialize, ToSchema)]
pub struct HoldRequest {
    /// Hold or release.
    held: bool,
    /// For whom it is held; who releases it.
    #[serde(default)]
    by: Option<String>,
}

/// Holds an asset for use, or releases it.
#[utoipa::path(
    post, path = "/v1/assets/{asset}/hold", tag = "operators", request_body = HoldRequest,
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["operator"])),
    responses(
        (status = 204, description = "Held, or released"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn hold(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(asset): Named<String>,
    Body(request): Body<HoldRequest, MAX_ORDER_BYTES>,
) -> Result<StatusCode, Failure> {
    senzu.hold(&caller, &asset, request.by.as_deref(), request.held).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An instruction that no bean asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct OrderRequest {
    /// What to do. A kind that Senzu does not know travels by its name alone, for an agent to refuse.
    action: Action,
    /// For how long it may be started, in seconds: 1 to 864000.
    expires_in_s: u64,
    /// What must hold for it to be done.
    #[serde(default)]
    precondition: Option<Precondition>,
    /// The one boot session that it is for; left out: whichever runs.
    #[serde(default)]
    boot: Option<BootId>,
}

/// The instruction's name.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderAnswer {
    id: InstructionId,
}

/// Gives an asset an instruction.
///
/// What takes two operators (BAREMETAL, RETIRED, a wipe) is refused with 403: ask by `POST /v1/approvals`. Switching to SPARE
/// or NEW needs the role admin.
#[utoipa::path(
    post, path = "/v1/assets/{asset}/instructions", tag = "operators", request_body = OrderRequest,
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["operator"])),
    responses(
        (status = 200, body = OrderAnswer),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The asset's queue is full", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn order(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(asset): Named<String>,
    Body(request): Body<OrderRequest, MAX_ORDER_BYTES>,
) -> Answer<OrderAnswer> {
    let OrderRequest { action, expires_in_s, precondition, boot } = request;
    let id = senzu.order(&caller, &asset, Order { action, expires_in_s, precondition, boot }).await?;
    Ok(Json(OrderAnswer { id }))
}

/// What a person should know of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertList {
    pub alerts: Vec<AlertView>,
}

/// The newest alerts, newest first, at most 1000.
///
/// An alert is raised once about one thing, and stays on the list though its cause is over: look at the asset for what
/// holds now.
#[utoipa::path(
    get, path = "/v1/alerts", tag = "operators", security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = AlertList),
        (status = 401, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn alerts(State(senzu): State<Shared>, _: Viewer) -> Answer<AlertList> {
    Ok(Json(AlertList { alerts: senzu.alerts().await? }))
}

/// Whether Senzu and its store answer.
#[utoipa::path(
    get, path = "/healthz", tag = "operators",
    responses(
        (status = 200, description = "It is well", body = String, content_type = "text/plain"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn health(State(senzu): State<Shared>) -> Result<&'static str, Failure> {
    match senzu.is_well().await {
        Ok(()) => Ok("ok\n"),
        Err(error) => {
            tracing::error!("{}", super::problem::chain(&error));
            Err(Failure::Unwell)
        }
    }
}
