//! The pages.

use crate::api::Shared;
use axum::Router;

pub fn router() -> Router<Shared> {
    Router::new()
}
