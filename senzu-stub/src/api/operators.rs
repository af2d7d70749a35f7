//! What operators call, and whoever wants to know whether Senzu is well.

use super::{
    Answer, Failure, MAX_PAGE, Shared,
    extract::{Asked, Body, Named, Operator, Viewer},
    page_limit,
};
use crate::senzu::{AssetDetail, AssetFilter, AssetPage, AssetView, Order, Refusal};
use axum::{Json, extract::State, http::StatusCode};
use pious_protocol::{
    ids::{BootId, InstructionId},
    instruction::{Action, Precondition},
    message::{AssetState, Evaluation, Problem},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An operator's requests are a sentence or a URL.
const MAX_ORDER_BYTES: usize = 64 * 1024;

/// A page of assets.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AssetList {
    pub assets: Vec<AssetView>,
    /// `after` of the next page; `null`: this is the last one.
    #[serde(default)]
    pub next: Option<String>,
}

/// Which assets to list; each filter that is there must fit.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AssetQuery {
    #[param(inline)]
    state: Option<AssetState>,
    #[param(inline)]
    evaluation: Option<Evaluation>,
    tag: Option<String>,
    region: Option<String>,
    rack: Option<String>,
    /// The name of the planned profile, without version.
    profile: Option<String>,
    /// The beginning of a word of a name, a serial or a MAC address (also of its last two or three octets), in either case;
    /// only letters and digits count.
    search: Option<String>,
    /// `next` of the page before, with the same filters.
    after: Option<String>,
    /// How many at most, 1 to 1000; left out: 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Assets, by name; of a search, by what was found.
#[utoipa::path(
    get, path = "/v1/assets", tag = "operators", params(AssetQuery), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = AssetList),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn assets(State(senzu): State<Shared>, _: Viewer, Asked(asked): Asked<AssetQuery>) -> Answer<AssetList> {
    let AssetQuery { state, evaluation, tag, region, rack, profile, search, after, limit } = asked;
    let limit = page_limit(limit.or(Some(MAX_PAGE)))?;
    known("state", state, AssetState::Unknown, "NEW, SPARE, BAREMETAL or RETIRED")?;
    known("evaluation", evaluation, Evaluation::Unknown, "pending, failing or passed")?;
    let filter = AssetFilter { state, evaluation, tag, region, rack, profile, search, after, limit };
    let AssetPage { assets, next } = senzu.asset_page(&filter).await?;
    Ok(Json(AssetList { assets, next }))
}

/// A filter by a value that there is not would find nothing, and look as if there were nothing.
fn known<T: PartialEq>(field: &'static str, asked: Option<T>, unknown: T, remedy: &'static str) -> Result<(), Failure> {
    match asked == Some(unknown) {
        true => Err(Refusal::OutOfRange { field, value: "none that there is".into(), remedy }.into()),
        false => Ok(()),
    }
}

/// An asset's tags.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Tags {
    /// At most 32, of 1 to 63 letters, digits and -_.:= each.
    pub tags: Vec<String>,
}

/// Replaces an asset's tags; answers them as they are stored: sorted, none twice.
#[utoipa::path(
    put, path = "/v1/assets/{asset}/tags", tag = "operators", request_body = Tags,
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["operator"])),
    responses(
        (status = 200, body = Tags),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn set_tags(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(asset): Named<String>,
    Body(request): Body<Tags, MAX_ORDER_BYTES>,
) -> Answer<Tags> {
    Ok(Json(Tags { tags: senzu.set_tags(&caller, &asset, &request.tags).await? }))
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
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// What to do. A kind that Senzu does not know travels by its name alone, for an agent to refuse.
    action: Action,
    /// For how long it may be started, in seconds: 1 to 864000.
    #[schema(minimum = 1, maximum = 864_000)]
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
