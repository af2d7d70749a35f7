//! Which firmware an asset shall have.

use super::{
    Answer, Shared,
    extract::{Body, Named, Operator, Viewer},
};
use crate::{
    firmware::Wanted,
    senzu::{FirmwareView, NewCertificate},
};
use axum::{Json, extract::State};
use pious_protocol::message::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

/// A few components, and a sentence or two.
const MAX_GOAL_BYTES: usize = 16 * 1024;

/// What an asset shall run.
#[derive(Debug, Deserialize, ToSchema)]
pub struct GoalRequest {
    /// One version of each component; what is not named stays as it is.
    wanted: Vec<Wanted>,
    /// Why: it stands in the audit.
    why: String,
}

/// Why something is tried again.
#[derive(Debug, Deserialize, ToSchema)]
pub struct GoalRetry {
    why: String,
    /// Whether the certificate that the BMC shows next is the one that it must show from then on. Whoever shows it gets the
    /// BMC's password: say so only where its change is explained.
    #[serde(default)]
    accept_new_certificate: bool,
}

/// Why something is done.
#[derive(Debug, Deserialize, ToSchema)]
pub struct GoalWhy {
    why: String,
}

/// What an asset's components run, shall run, and the way there.
#[utoipa::path(
    get, path = "/v1/assets/{asset}/firmware", tag = "firmware",
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = FirmwareView),
        (status = 404, description = "No such asset", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn firmware(State(senzu): State<Shared>, _: Viewer, Named(asset): Named<String>) -> Answer<FirmwareView> {
    Ok(Json(senzu.firmware_of(&asset).await?))
}

/// Brings an asset to these versions: its BMC first, then its BIOS, then the rest.
///
/// A version counts once it was read from the device. An older one than what runs is taken only where `downgrade` says so.
/// Refused with 409 while the asset is being brought to others.
#[utoipa::path(
    put, path = "/v1/assets/{asset}/firmware", tag = "firmware", request_body = GoalRequest,
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["operator"])),
    responses(
        (status = 200, body = FirmwareView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such asset", body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn set_firmware(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(asset): Named<String>,
    Body(goal): Body<GoalRequest, MAX_GOAL_BYTES>,
) -> Answer<FirmwareView> {
    Ok(Json(senzu.set_goal(&caller, &asset, &goal.wanted, &goal.why).await?))
}

/// Takes back what an asset shall run.
///
/// Refused with 409 while its BMC may be writing, and where nobody wants other firmware of it.
#[utoipa::path(
    post, path = "/v1/assets/{asset}/firmware/withdraw", tag = "firmware", request_body = GoalWhy,
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["operator"])),
    responses(
        (status = 200, body = FirmwareView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such asset", body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn withdraw_firmware(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(asset): Named<String>,
    Body(ask): Body<GoalWhy, MAX_GOAL_BYTES>,
) -> Answer<FirmwareView> {
    Ok(Json(senzu.withdraw_goal(&caller, &asset, &ask.why).await?))
}

/// Tries again what an asset shall run: a person has looked.
///
/// What was tried before does not count any more, and the BMC gets a new password. Refused with 409 where nothing went
/// wrong.
#[utoipa::path(
    post, path = "/v1/assets/{asset}/firmware/retry", tag = "firmware", request_body = GoalRetry,
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["operator"])),
    responses(
        (status = 200, body = FirmwareView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such asset", body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn retry_firmware(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(asset): Named<String>,
    Body(ask): Body<GoalRetry, MAX_GOAL_BYTES>,
) -> Answer<FirmwareView> {
    let new_certificate = if ask.accept_new_certificate { NewCertificate::Believed } else { NewCertificate::Refused };
    Ok(Json(senzu.retry_goal(&caller, &asset, &ask.why, new_certificate).await?))
}
