//! Why a page can't be shown, or a form was not taken, as a page.

use super::{
    frame::{Frame, Here},
    show_with,
};
use crate::{api::Failure, senzu::Refusal};
use askama::Template;
use axum::response::{IntoResponse, Response};

/// A failure that a person reads.
pub struct Sorry(Failure);

impl<E: Into<Failure>> From<E> for Sorry {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

#[derive(Template)]
#[template(path = "sorry.html")]
struct SorryPage {
    frame: Frame,
    title: &'static str,
    words: String,
    signs_in: bool,
}

impl IntoResponse for Sorry {
    fn into_response(self) -> Response {
        let status = self.0.status();
        let page = SorryPage {
            frame: Frame::of_anybody(Here::Elsewhere),
            title: status.canonical_reason().unwrap_or("Error"),
            words: self.0.told(),
            signs_in: matches!(self.0, Failure::Refused(Refusal::ForeignForm | Refusal::RoleTooSmall { .. })),
        };
        show_with(status, &page)
    }
}
