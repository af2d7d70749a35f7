//! The pages that people look at: rendered here, whole, for any browser, without a network beyond Senzu itself.
//!
//! A file for each page makes words of what Senzu knows; the templates arrange them; `drawing` makes geometry; `act` takes
//! the forms. Pages stay true by a small script, and by a refresh where scripts don't run.
//!
//! Whoever reaches Senzu may look at assets, racks and alerts: they are what an engineer at a rack needs, whose telephone
//! has read a server's QR code. Orders, approvals, campaigns, the audit log and every form want somebody who signed in.

mod act;
mod alerts;
mod approvals;
mod asset;
mod audit;
mod campaigns;
mod card;
mod docs;
mod drawing;
mod firmware;
mod frame;
mod list;
mod mark;
mod orders;
mod overview;
mod session;
mod sorry;
mod way;

use crate::api::Shared;
use askama::Template;
use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use sorry::Sorry;

/// Nothing from elsewhere, nothing inline: what an agent reports can't run in an operator's browser.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

pub use session::Cookies;

/// What a page's handler answers.
type Page = Result<Response, Sorry>;

/// The pages' routes.
pub fn router() -> Router<Shared> {
    session::router()
        .merge(act::router())
        .merge(firmware::router())
        .route("/", get(overview::overview))
        .route("/assets", get(list::assets))
        .route("/assets/{asset}", get(asset::asset))
        .route("/racks", get(list::racks))
        .route("/rack", get(list::rack))
        .route("/alerts", get(alerts::alerts))
        .route("/orders", get(orders::orders))
        .route("/approvals", get(approvals::approvals))
        .route("/campaigns", get(campaigns::campaigns))
        .route("/campaigns/{campaign}", get(campaigns::campaign))
        .route("/audit", get(audit::audit))
        .route("/docs", get(docs::docs))
        .route("/style.css", get(|| asset_file("text/css; charset=utf-8", include_str!("../../assets/style.css"))))
        .route("/live.js", get(|| asset_file("text/javascript; charset=utf-8", include_str!("../../assets/live.js"))))
}

async fn asset_file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CACHE_CONTROL, NO_STORE)], text)
}

/// Pages are true for seconds; files change with the binary.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-cache");

fn show(page: &impl Template) -> Response {
    show_with(StatusCode::OK, page)
}

fn show_with(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let headers = [
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::CACHE_CONTROL, NO_STORE),
                (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            ];
            (status, headers, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "can't render a page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
