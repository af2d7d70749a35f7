//! What takes two operators: asked by one, approved by another, carried out by beans.

use super::{
    Answer, Shared,
    extract::{Approver, Asked, Body, Named, Operator, Viewer},
    page_limit,
};
use crate::{
    access::{ApprovalAsk, ApprovalFilter, ApprovalView, Decision},
    store::approvals::{ApprovalKind, ApprovalStatus},
};
use axum::{Json, extract::State};
use pious_protocol::message::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// The requests are a sentence or two.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// Which requests to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ApprovalQuery {
    /// Those of one asset, by its id or name.
    asset: Option<String>,
    /// Those that are so.
    #[param(inline)]
    status: Option<ApprovalStatus>,
    /// `next` of the page before.
    after: Option<Uuid>,
    /// How many at most, 1 to 1000; left out: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Requests, newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ApprovalList {
    pub approvals: Vec<ApprovalView>,
    /// `after` of the next page; `null`: this is the last one.
    pub next: Option<Uuid>,
}

/// What was asked for, and what became of it, newest first.
#[utoipa::path(
    get, path = "/v1/approvals", tag = "approvals", params(ApprovalQuery), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = ApprovalList),
        (status = 404, description = "No such asset", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn approvals(
    State(senzu): State<Shared>,
    _: Viewer,
    Asked(asked): Asked<ApprovalQuery>,
) -> Answer<ApprovalList> {
    let limit = page_limit(asked.limit)?;
    let filter = ApprovalFilter { asset: asked.asset, status: asked.status, after: asked.after, limit };
    let approvals = senzu.approvals(&filter).await?;
    let is_full = u32::try_from(approvals.len()).is_ok_and(|count| count == limit);
    let next = approvals.last().filter(|_| is_full).map(|last| last.id);
    Ok(Json(ApprovalList { approvals, next }))
}

/// What is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// The asset's id or name.
    asset: String,
    kind: ApprovalKind,
    /// Why: whoever approves reads it.
    why: String,
    /// Until when it must be decided, and begun, in seconds: 1 to 864000; left out: a day.
    #[serde(default = "a_day")]
    #[schema(minimum = 1, maximum = 864_000)]
    expires_in_s: u64,
}

fn a_day() -> u64 {
    86_400
}

/// Asks for a promotion, a wipe, a retirement, or for firmware of what serves.
///
/// Nothing happens to the asset until another operator approves. One request of an asset is open at a time. What is approved
/// waits for the asset where it must: a powered off one is promoted at its next boot. `firmware` is for a BAREMETAL asset
/// that shall have other firmware: it is drained, and its BMC may write and restart it; that ends with what it shall run.
#[utoipa::path(
    post, path = "/v1/approvals", tag = "approvals", request_body = ApprovalRequest,
    security(("operator" = ["operator"])),
    responses(
        (status = 200, body = ApprovalView),
        (status = 404, description = "No such asset", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Not in this state, or another request is open", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn ask_approval(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Body(request): Body<ApprovalRequest, MAX_REQUEST_BYTES>,
) -> Answer<ApprovalView> {
    let ApprovalRequest { asset, kind, why, expires_in_s } = &request;
    let ask = ApprovalAsk { asset, kind: *kind, why, expires_in_s: *expires_in_s };
    Ok(Json(senzu.ask_approval(&caller, ask).await?))
}

/// One request.
#[utoipa::path(
    get, path = "/v1/approvals/{approval}", tag = "approvals",
    params(("approval" = Uuid, Path, description = "The request's id")), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = ApprovalView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn approval(State(senzu): State<Shared>, _: Viewer, Named(approval): Named<Uuid>) -> Answer<ApprovalView> {
    Ok(Json(senzu.approval(approval).await?))
}

/// What the other operator says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionRequest {
    /// Why; a denial must say it.
    why: String,
}

/// Approves what another operator asked for; beans carry it out.
#[utoipa::path(
    post, path = "/v1/approvals/{approval}/approve", tag = "approvals", request_body = DecisionRequest,
    params(("approval" = Uuid, Path, description = "The request's id")), security(("operator" = ["approver"])),
    responses(
        (status = 200, body = ApprovalView),
        (status = 403, description = "The role is too small, or the same operator asked", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is decided already", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn approve(
    State(senzu): State<Shared>,
    Approver(caller): Approver,
    Named(approval): Named<Uuid>,
    Body(request): Body<DecisionRequest, MAX_REQUEST_BYTES>,
) -> Answer<ApprovalView> {
    Ok(Json(senzu.decide_approval(&caller, approval, Decision::Approve, &request.why).await?))
}

/// Denies what an operator asked for.
#[utoipa::path(
    post, path = "/v1/approvals/{approval}/deny", tag = "approvals", request_body = DecisionRequest,
    params(("approval" = Uuid, Path, description = "The request's id")), security(("operator" = ["approver"])),
    responses(
        (status = 200, body = ApprovalView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is decided already", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn deny(
    State(senzu): State<Shared>,
    Approver(caller): Approver,
    Named(approval): Named<Uuid>,
    Body(request): Body<DecisionRequest, MAX_REQUEST_BYTES>,
) -> Answer<ApprovalView> {
    Ok(Json(senzu.decide_approval(&caller, approval, Decision::Deny, &request.why).await?))
}
