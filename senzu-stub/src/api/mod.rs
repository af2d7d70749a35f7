//! The HTTP API: routes, their documentation, and nothing that decides. OpenAPI 3.1 is made from the same functions.

mod agents;
mod boot_targets;
mod extract;
mod operators;
mod problem;

pub use operators::{AlertList, AssetList};
pub use problem::{Failure, chain};

use crate::{senzu::Senzu, ui};
use axum::{Json, Router, http::HeaderValue, http::header, routing::get};
use pious_protocol::message::Problem;
use std::sync::Arc;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What every handler gets.
pub type Shared = Arc<Senzu>;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Senzu",
        description = "What PIOUS agents, PXE and operators say to Senzu. Unknown fields are ignored; an unknown enum \
                       value is never an error. Every error is a problem document (RFC 9457). A held back answer \
                       (long-poll) comes after `wait_s` seconds at the latest; more than 60 is taken as 60."
    ),
    components(schemas(Problem)),
    modifiers(&Tokens)
)]
struct Described;

/// The two kinds of bearer token.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut Document) {
        let bearer = |words: &str| {
            let mut http = Http::new(HttpAuthScheme::Bearer);
            http.description = Some(words.to_owned());
            SecurityScheme::Http(http)
        };
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("session", bearer("The session token of Whoami, bound to its boot id"));
        components.add_security_scheme("operator", bearer("The file operator-token in Senzu's data directory"));
    }
}

fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Described::openapi())
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
        .routes(routes!(operators::alerts))
        .routes(routes!(operators::health))
}

/// The OpenAPI document as it is served and checked in.
pub fn document() -> String {
    let (_, document) = described().split_for_parts();
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
