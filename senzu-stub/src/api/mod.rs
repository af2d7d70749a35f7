//! The HTTP API: routes, their documentation, and nothing that decides. OpenAPI 3.1 is made from the same functions.

mod agents;
mod boot_targets;
mod dag;
mod document;
mod examples;
mod extract;
mod operators;
mod problem;
mod profiles;

pub use operators::{AlertList, AssetList};
pub use problem::{Failure, chain};
pub use profiles::ProfileList;

use crate::{senzu::Senzu, ui};
use axum::{Json, Router, http::HeaderValue, http::header, routing::get};
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
        .routes(routes!(agents::promotion))
        .routes(routes!(boot_targets::one))
        .routes(routes!(boot_targets::all))
        .routes(routes!(operators::assets))
        .routes(routes!(operators::asset))
        .routes(routes!(operators::hold))
        .routes(routes!(operators::order))
        .routes(routes!(dag::dag))
        .routes(routes!(dag::replay))
        .routes(routes!(dag::clear_loop))
        .routes(routes!(profiles::profiles))
        .routes(routes!(profiles::profile))
        .routes(routes!(profiles::make_profile))
        .routes(routes!(operators::alerts))
        .routes(routes!(operators::health))
}

/// The OpenAPI document as it is served and checked in.
pub fn document() -> String {
    let (_, mut document) = described().split_for_parts();
    document::complete(&mut document);
    let mut text = document.to_pretty_json().unwrap_or_else(|error| error.to_string());
    text.push('\n');
    text
}

/// Everything that is served.
pub fn router(senzu: Shared) -> Router {
    let (api, _) = described().split_for_parts();
    let text = document();
    let openapi = move || async move { ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text) };
    api.merge(ui::router())
        .route("/openapi.json", get(openapi))
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .with_state(senzu)
}

/// A JSON answer, or what went wrong.
type Answer<T> = Result<Json<T>, Failure>;
