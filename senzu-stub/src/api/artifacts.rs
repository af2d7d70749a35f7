//! Firmware images: what is known of them.

use super::{
    Answer, Failure, Shared,
    extract::{Asked, Body, Named, Operator, Viewer},
    page_limit,
};
use crate::firmware::{ArtifactAsk, ArtifactView, Sha256Hex};
use axum::{Json, extract::State, http::StatusCode};
use pious_protocol::message::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A note of ten thousand letters, a signature, names.
const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// Which artifacts to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ArtifactQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// How many at most, 1 to 1000; left out: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Artifacts, by digest.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ArtifactList {
    pub artifacts: Vec<ArtifactView>,
    /// `after` of the next page; `null`: this is the last one.
    pub next: Option<String>,
}

/// Firmware images, by digest.
#[utoipa::path(
    get, path = "/v1/artifacts", tag = "firmware", params(ArtifactQuery), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = ArtifactList),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn artifacts(
    State(senzu): State<Shared>,
    _: Viewer,
    Asked(asked): Asked<ArtifactQuery>,
) -> Answer<ArtifactList> {
    let limit = page_limit(asked.limit)?;
    let artifacts = senzu.artifacts(asked.after.as_deref(), limit).await?;
    let is_full = u32::try_from(artifacts.len()).is_ok_and(|count| count == limit);
    let next = artifacts.last().filter(|_| is_full).map(|last| last.sha256.clone());
    Ok(Json(ArtifactList { artifacts, next }))
}

/// Says what a firmware image is, before it is brought by `PUT /v1/artifacts/{sha256}/image`.
///
/// The image must be signed (minisign, prehashed) by the key whose public half is the file `firmware.pub` in Senzu's data
/// directory; a signature by another is refused. The same again is nothing new.
#[utoipa::path(
    post, path = "/v1/artifacts", tag = "firmware", request_body = ArtifactAsk, security(("operator" = ["operator"])),
    responses(
        (status = 200, body = ArtifactView),
        (status = 409, description = "It is known as something else, or Senzu has no key", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn announce_artifact(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Body(ask): Body<ArtifactAsk, MAX_REQUEST_BYTES>,
) -> Answer<ArtifactView> {
    Ok(Json(senzu.add_artifact(&caller, &ask).await?))
}

/// One firmware image.
#[utoipa::path(
    get, path = "/v1/artifacts/{sha256}", tag = "firmware",
    params(("sha256" = String, Path, description = "Its SHA-256, 64 hexadecimal digits")),
    security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = ArtifactView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn artifact(State(senzu): State<Shared>, _: Viewer, Named(sha256): Named<String>) -> Answer<ArtifactView> {
    let sha256: Sha256Hex = sha256.parse()?;
    Ok(Json(senzu.artifact(&sha256).await?))
}

/// Removes a firmware image and what is known of it, unless something still names it.
#[utoipa::path(
    delete, path = "/v1/artifacts/{sha256}", tag = "firmware",
    params(("sha256" = String, Path, description = "Its SHA-256, 64 hexadecimal digits")),
    security(("operator" = ["operator"])),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Something names it", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn remove_artifact(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(sha256): Named<String>,
) -> Result<StatusCode, Failure> {
    let sha256: Sha256Hex = sha256.parse()?;
    senzu.remove_artifact(&caller, &sha256).await?;
    Ok(StatusCode::NO_CONTENT)
}
