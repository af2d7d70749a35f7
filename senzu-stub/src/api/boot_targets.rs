//! What PXE calls. Without a token: what a MAC address boots is what its machine shows on the wire anyway.

use super::{
    Answer, Shared,
    extract::{Asked, Named, count},
};
use axum::{Json, extract::State};
use pious_protocol::{
    ids::MacAddress,
    message::{BootTarget, BootTargets, Problem},
};
use serde::Deserialize;
use utoipa::IntoParams;

/// What one MAC address should boot. One that Senzu never heard of boots PIOUS.
#[utoipa::path(
    get, path = "/v1/boot-targets/{mac}", tag = "pxe", params(("mac" = MacAddress, Path)),
    responses(
        (status = 200, body = BootTarget),
        (status = 400, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn one(State(senzu): State<Shared>, Named(mac): Named<MacAddress>) -> Answer<BootTarget> {
    Ok(Json(senzu.boot_target(mac).await?))
}

/// Where to go on, and how long an answer may be held back.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AfterRevision {
    /// The revision that the caller has; left out: it has none.
    #[serde(deserialize_with = "count")]
    after: Option<u64>,
    /// How long to hold the answer back while the revision is still `after`, in seconds, at most 60.
    #[serde(deserialize_with = "count")]
    wait_s: u64,
}

/// What every known MAC address should boot (long-poll).
#[utoipa::path(
    get, path = "/v1/boot-targets", tag = "pxe", params(AfterRevision),
    responses(
        (status = 200, body = BootTargets),
        (status = 400, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn all(State(senzu): State<Shared>, Asked(asked): Asked<AfterRevision>) -> Answer<BootTargets> {
    Ok(Json(senzu.boot_targets(asked.after, asked.wait_s).await?))
}
