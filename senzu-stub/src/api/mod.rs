//! The HTTP API: routes, their documentation, and nothing that decides. OpenAPI 3.1 is made from the same functions.

mod agents;
mod alerts;
mod approvals;
mod artifacts;
mod audit;
mod boot_targets;
mod campaigns;
mod components;
mod dag;
mod document;
mod examples;
mod extract;
mod goals;
mod images;
mod leftover;
mod operators;
mod orders;
mod problem;
mod profiles;
mod tokens;

pub use alerts::AlertList;
pub use approvals::ApprovalList;
pub use artifacts::ArtifactList;
pub use audit::AuditList;
pub use extract::{Asked, Peer};
pub use operators::AssetList;
pub use orders::OrderList;
pub use problem::{Failure, chain};
pub use profiles::ProfileList;
pub use tokens::{OperatorList, TokenList};

use crate::{senzu::Senzu, ui};
use axum::{Extension, Json, Router, http::HeaderValue, http::header, middleware, routing::get};
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What every handler gets.
pub type Shared = Arc<Senzu>;

fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(document::Described::openapi())
        .routes(routes!(agents::boot_event))
        .routes(routes!(agents::facts))
        .routes(routes!(agents::instructions))
        .routes(routes!(agents::report))
        .routes(routes!(agents::bmc_access))
        .routes(routes!(agents::promotion))
        .routes(routes!(boot_targets::one))
        .routes(routes!(boot_targets::all))
        .routes(routes!(operators::assets))
        .routes(routes!(operators::asset))
        .routes(routes!(operators::set_tags))
        .routes(routes!(operators::hold))
        .routes(routes!(operators::order))
        .routes(routes!(goals::firmware, goals::set_firmware))
        .routes(routes!(goals::withdraw_firmware))
        .routes(routes!(goals::retry_firmware))
        .routes(routes!(dag::dag))
        .routes(routes!(dag::replay))
        .routes(routes!(dag::clear_loop))
        .routes(routes!(profiles::profiles))
        .routes(routes!(profiles::profile))
        .routes(routes!(profiles::make_profile))
        .routes(routes!(alerts::alerts))
        .routes(routes!(alerts::resolve_alert))
        .routes(routes!(alerts::fleet))
        .routes(routes!(alerts::webhooks, alerts::make_webhook))
        .routes(routes!(alerts::end_webhook))
        .routes(routes!(alerts::dead_letters))
        .routes(routes!(alerts::retry_dead_letter))
        .routes(routes!(orders::orders))
        .routes(routes!(orders::purchase_order))
        .routes(routes!(orders::import_orders))
        .routes(routes!(orders::vendors))
        .routes(routes!(orders::assign))
        .routes(routes!(artifacts::artifacts, artifacts::announce_artifact))
        .routes(routes!(artifacts::artifact, artifacts::remove_artifact))
        .routes(routes!(images::image, images::bring_image))
        .routes(routes!(images::ticketed_image))
        .routes(routes!(tokens::operators))
        .routes(routes!(tokens::set_operator, tokens::end_operator))
        .routes(routes!(tokens::tokens, tokens::make_token))
        .routes(routes!(tokens::end_token))
        .routes(routes!(approvals::approvals, approvals::ask_approval))
        .routes(routes!(approvals::approval))
        .routes(routes!(approvals::approve))
        .routes(routes!(approvals::deny))
        .routes(routes!(campaigns::campaigns, campaigns::make_campaign))
        .routes(routes!(campaigns::preview_campaign))
        .routes(routes!(campaigns::campaign))
        .routes(routes!(campaigns::approve_campaign))
        .routes(routes!(campaigns::start_campaign))
        .routes(routes!(campaigns::pause_campaign))
        .routes(routes!(campaigns::resume_campaign))
        .routes(routes!(campaigns::abort_campaign))
        .routes(routes!(audit::audit))
        .routes(routes!(operators::health))
}

/// The OpenAPI document as it is served and checked in.
pub fn document() -> String {
    let (_, document) = described().split_for_parts();
    let mut text = document::text(document).unwrap_or_else(|error| error.to_string());
    text.push('\n');
    text
}

/// Everything that is served.
pub fn router(senzu: Shared, cookies: ui::Cookies) -> Router {
    let (api, _) = described().split_for_parts();
    let text = document();
    let openapi = move || async move { ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text) };
    api.merge(ui::router())
        .route("/openapi.json", get(openapi))
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(Extension(cookies))
        .layer(middleware::from_fn(leftover::read_on))
        .with_state(senzu)
}

/// A JSON answer, or what went wrong.
type Answer<T> = Result<Json<T>, Failure>;

/// The longest page of a list, and the usual one.
const MAX_PAGE: u32 = 1000;
const USUAL_PAGE: u32 = 100;

/// How long a page is wanted.
fn page_limit(asked: Option<u32>) -> Result<u32, Failure> {
    match asked {
        None => Ok(USUAL_PAGE),
        Some(limit) if (1..=MAX_PAGE).contains(&limit) => Ok(limit),
        Some(limit) => {
            let (field, value) = ("limit", limit.to_string());
            Err(crate::senzu::Refusal::OutOfRange { field, value, remedy: "from 1 to 1000" }.into())
        }
    }
}
