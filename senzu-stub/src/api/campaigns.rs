//! Firmware for many assets, in waves.

use super::{
    Answer, Shared,
    extract::{Approver, Asked, Body, Named, Operator, Viewer},
    page_limit,
};
use crate::campaign::{Act, CampaignDetail, CampaignPage, CampaignView, Preview, Spec};
use axum::{Json, extract::State};
use pious_protocol::message::Problem;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A thousand names, and what is asked of them.
const MAX_CAMPAIGN_BYTES: usize = 128 * 1024;
/// A sentence or two.
const MAX_WHY_BYTES: usize = 16 * 1024;

/// Which campaigns to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct CampaignQuery {
    /// `next` of the page before.
    after: Option<Uuid>,
    /// How many at most, 1 to 1000; left out: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Which of a campaign's members to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct MemberQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// How many at most, 1 to 1000; left out: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A campaign to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignRequest {
    spec: Spec,
    /// Why: whoever approves reads it.
    why: String,
}

/// Why something is done about a campaign.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CampaignWhy {
    /// It stands in the audit; needed to pause, resume and abort.
    why: String,
}

/// Campaigns, newest first.
#[utoipa::path(
    get, path = "/v1/campaigns", tag = "campaigns", params(CampaignQuery), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = CampaignPage),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn campaigns(
    State(senzu): State<Shared>,
    _: Viewer,
    Asked(asked): Asked<CampaignQuery>,
) -> Answer<CampaignPage> {
    Ok(Json(senzu.campaigns(asked.after, page_limit(asked.limit)?).await?))
}

/// Who would be a member of a campaign, who would not, and why. Nothing is stored.
#[utoipa::path(
    post, path = "/v1/campaigns/preview", tag = "campaigns", request_body = Spec,
    security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = Preview),
        (status = 404, description = "An asset that it names is not there", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn preview_campaign(
    State(senzu): State<Shared>,
    _: Viewer,
    Body(spec): Body<Spec, MAX_CAMPAIGN_BYTES>,
) -> Answer<Preview> {
    Ok(Json(senzu.preview_campaign(&spec).await?))
}

/// Makes a campaign of the assets that qualify now. Nothing happens until another operator approves, and it is started.
#[utoipa::path(
    post, path = "/v1/campaigns", tag = "campaigns", request_body = CampaignRequest,
    security(("operator" = ["operator"])),
    responses(
        (status = 200, body = CampaignView),
        (status = 404, description = "An asset that it names is not there", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn make_campaign(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Body(request): Body<CampaignRequest, MAX_CAMPAIGN_BYTES>,
) -> Answer<CampaignView> {
    Ok(Json(senzu.make_campaign(&caller, &request.spec, &request.why).await?))
}

/// One campaign: how far it is, its waves, and a page of its members by name.
#[utoipa::path(
    get, path = "/v1/campaigns/{campaign}", tag = "campaigns",
    params(("campaign" = Uuid, Path, description = "The campaign's id"), MemberQuery),
    security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = CampaignDetail),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn campaign(
    State(senzu): State<Shared>,
    _: Viewer,
    Named(campaign): Named<Uuid>,
    Asked(asked): Asked<MemberQuery>,
) -> Answer<CampaignDetail> {
    let after = asked.after.unwrap_or_default();
    Ok(Json(senzu.campaign(campaign, &after, page_limit(asked.limit)?).await?))
}

/// Approves a campaign that another operator made.
#[utoipa::path(
    post, path = "/v1/campaigns/{campaign}/approve", tag = "campaigns", request_body = CampaignWhy,
    params(("campaign" = Uuid, Path, description = "The campaign's id")), security(("operator" = ["approver"])),
    responses(
        (status = 200, body = CampaignView),
        (status = 403, description = "The role is too small, or the same operator made it", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is no draft", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn approve_campaign(
    State(senzu): State<Shared>,
    Approver(caller): Approver,
    Named(campaign): Named<Uuid>,
    Body(ask): Body<CampaignWhy, MAX_WHY_BYTES>,
) -> Answer<CampaignView> {
    Ok(Json(senzu.act_on_campaign(&caller, campaign, Act::Approve, &ask.why).await?))
}

/// What any operator may do about a campaign.
macro_rules! act {
    ($(#[$words:meta])* $name:ident, $path:literal, $act:ident) => {
        $(#[$words])*
        #[utoipa::path(
            post, path = $path, tag = "campaigns", request_body = CampaignWhy,
            params(("campaign" = Uuid, Path, description = "The campaign's id")), security(("operator" = ["operator"])),
            responses(
                (status = 200, body = CampaignView),
                (status = 404, body = Problem, content_type = "application/problem+json"),
                (status = 409, description = "Not as far as it is", body = Problem, content_type = "application/problem+json"),
                (status = 422, body = Problem, content_type = "application/problem+json"),
            )
        )]
        pub async fn $name(
            State(senzu): State<Shared>,
            Operator(caller): Operator,
            Named(campaign): Named<Uuid>,
            Body(ask): Body<CampaignWhy, MAX_WHY_BYTES>,
        ) -> Answer<CampaignView> {
            Ok(Json(senzu.act_on_campaign(&caller, campaign, Act::$act, &ask.why).await?))
        }
    };
}
act!(
    /// Starts a campaign that was approved: its canaries are admitted.
    start_campaign, "/v1/campaigns/{campaign}/start", Start
);
act!(
    /// Holds a campaign: nobody is admitted, and nobody begins. What a BMC writes goes on to its end.
    pause_campaign, "/v1/campaigns/{campaign}/pause", Pause
);
act!(
    /// Goes on with a campaign that was paused, or that halted itself: what went wrong until now does not count any more.
    resume_campaign, "/v1/campaigns/{campaign}/resume", Resume
);
act!(
    /// Ends a campaign for good: nobody is admitted any more, and what was not begun is taken back. What a BMC writes goes on to its end.
    abort_campaign, "/v1/campaigns/{campaign}/abort", Abort
);
