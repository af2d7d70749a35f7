//! Hardware profiles, as operators see and make them.

use super::{
    Answer, Shared,
    extract::{Body, Named, Operator, Viewer},
};
use crate::senzu::{ProfileMade, ProfileView};
use axum::{Json, extract::State};
use pious_protocol::{expectation::HardwareProfile, message::Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The request is one name.
const MAX_REQUEST_BYTES: usize = 4 * 1024;

/// Every edition of every profile.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProfileList {
    pub profiles: Vec<ProfileView>,
}

/// Every edition of every hardware profile: by name, the newest first.
#[utoipa::path(
    get, path = "/v1/profiles", tag = "operators", security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = ProfileList),
        (status = 401, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn profiles(State(senzu): State<Shared>, _: Viewer) -> Answer<ProfileList> {
    Ok(Json(ProfileList { profiles: senzu.profiles().await? }))
}

/// One hardware profile.
#[utoipa::path(
    get, path = "/v1/profiles/{profile}", tag = "operators", security(("operator" = ["viewer"])),
    params(("profile" = String, Path, description = "`name@version`, or `name` for the newest")),
    responses(
        (status = 200, body = HardwareProfile),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn profile(State(senzu): State<Shared>, _: Viewer, Named(profile): Named<String>) -> Answer<HardwareProfile> {
    Ok(Json(senzu.profile(&profile).await?))
}

/// What the profile is called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileRequest {
    /// Its name; left out: that of the profile that the asset is planned with, or else its product's.
    #[serde(default)]
    name: Option<String>,
}

/// Makes a hardware profile from an asset that is as it should be.
///
/// It is a new edition where it says something else than the newest of its name. Assets that follow the newest edition are
/// judged by it from then on.
#[utoipa::path(
    post, path = "/v1/assets/{asset}/profile", tag = "operators", request_body = ProfileRequest,
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["operator"])),
    responses(
        (status = 200, body = ProfileMade),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has no facts", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn make_profile(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(asset): Named<String>,
    Body(request): Body<ProfileRequest, MAX_REQUEST_BYTES>,
) -> Answer<ProfileMade> {
    Ok(Json(senzu.make_profile(&caller, &asset, request.name.as_deref()).await?))
}
