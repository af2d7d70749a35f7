//! The pages that people look at: rendered here, whole, for any browser, without a network beyond Senzu itself.
//!
//! [`page`] makes words of what Senzu knows; the templates arrange them. Pages stay true by a small script, and by a
//! refresh where scripts don't run.

mod page;
mod session;
mod words;

use crate::{
    alerts::AlertFilter,
    api::{Failure, Shared},
    senzu::now,
};
use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};

/// Nothing from elsewhere, nothing inline: what an agent reports can't run in an operator's browser.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

pub use session::Cookies;

/// The pages' routes.
pub fn router() -> Router<Shared> {
    session::router()
        .route("/", get(assets))
        .route("/assets/{asset}", get(asset))
        .route("/style.css", get(|| asset_file("text/css; charset=utf-8", include_str!("../../assets/style.css"))))
        .route("/live.js", get(|| asset_file("text/javascript; charset=utf-8", include_str!("../../assets/live.js"))))
}

async fn asset_file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CACHE_CONTROL, NO_STORE)], text)
}

/// Pages are true for seconds; files change with the binary.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-cache");

async fn assets(State(senzu): State<Shared>) -> Result<Response, Failure> {
    let page = page::Assets::of(senzu.assets().await?, senzu.alerts(AlertFilter::Open).await?, now());
    Ok(render(&page))
}

async fn asset(State(senzu): State<Shared>, Path(asset): Path<String>) -> Result<Response, Failure> {
    Ok(render(&page::OneAsset::of(senzu.asset(&asset).await?, now())))
}

fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let headers = [
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::CACHE_CONTROL, NO_STORE),
                (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            ];
            (headers, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "can't render a page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
