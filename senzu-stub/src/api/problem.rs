//! Errors as they travel: problem documents (RFC 9457).

use crate::{firmware::ArtifactError, senzu::Refusal, store::StoreError};
use axum::{
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use pious_protocol::message::Problem;
use std::error::Error;
use thiserror::Error;

/// Why a request is not answered as it hoped.
#[derive(Debug, Error)]
pub enum Failure {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Path(String),
    #[error("{0}")]
    Query(String),
    #[error("the body is no {what} in JSON: {problem}")]
    Body { what: &'static str, problem: String },
    #[error("the body has more than {max_bytes} bytes: send less")]
    TooLarge { max_bytes: usize },
    #[error("the body did not come whole within {within_s} s: send it again")]
    TooSlow { within_s: u64 },
    #[error("the body is no UTF-8: write the file in that")]
    NotText,
    #[error("the body broke off: send it again")]
    Broken,
    #[error("the body is {got:?}: send Content-Type: {wanted}")]
    MediaType { got: String, wanted: &'static str },
    #[error("nothing came of the body for {within_s} s: send it again")]
    Stalled { within_s: u64 },
    #[error("the image has {size} bytes, and none from there on")]
    BeyondImage { size: u64 },
    #[error("there is no {0}: GET /openapi.json lists what there is")]
    NoRoute(String),
    #[error("{0}: GET /openapi.json lists what there is")]
    NoMethod(String),
    #[error("the store does not answer")]
    Unwell,
}

impl Failure {
    /// What it is in HTTP.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refused(refusal),
            Self::Path(_) | Self::Query(_) | Self::Body { .. } | Self::NotText | Self::Broken => {
                StatusCode::BAD_REQUEST
            }
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow { .. } | Self::Stalled { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::BeyondImage { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::MediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NoRoute(_) => StatusCode::NOT_FOUND,
            Self::NoMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unwell => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Failure {
    /// What whoever asked is told. What goes wrong inside is told in the log alone.
    pub fn told(&self) -> String {
        match self {
            Self::Refused(Refusal::Store(error)) => {
                tracing::error!("{}", chain(error));
                "Senzu's store failed; its log says how. Try again".to_owned()
            }
            Self::Refused(Refusal::Artifact(error @ ArtifactError::Disk { .. })) => {
                tracing::error!("{error}");
                "Senzu's disk failed; its log says how. Try again".to_owned()
            }
            other => other.to_string(),
        }
    }
}

fn refused(refusal: &Refusal) -> StatusCode {
    match refusal {
        // The whole database: locked, full, away. It may be there again in a moment.
        Refusal::Store(StoreError::Trouble { .. }) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Refusal::NoSuchAsset(_) | Refusal::NoSuchProfile(_) | Refusal::NoSuchInstruction { .. } => {
            StatusCode::NOT_FOUND
        }
        Refusal::Artifact(error) => of_artifact(error),
        Refusal::NoSuchOrder(_)
        | Refusal::NoSuchAlert(_)
        | Refusal::NoSuchWebhook(_)
        | Refusal::NoSuchMessage(_)
        | Refusal::NoSuchOperator(_)
        | Refusal::NoSuchToken(_)
        | Refusal::NoSuchApproval(_)
        | Refusal::NoSuchCampaign(_) => StatusCode::NOT_FOUND,
        Refusal::UnknownToken | Refusal::NotAnOperator | Refusal::TokenEnded { .. } => StatusCode::UNAUTHORIZED,
        Refusal::OtherSession { .. }
        | Refusal::RoleTooSmall { .. }
        | Refusal::ForeignForm
        | Refusal::NoTicket
        | Refusal::OwnRequest { .. }
        | Refusal::NeedsGoal { .. }
        | Refusal::NeedsApproval { .. } => StatusCode::FORBIDDEN,
        Refusal::OtherMachine(_)
        | Refusal::StaleGeneration { .. }
        | Refusal::FinalReportStands(_)
        | Refusal::MayNotGoOn { .. }
        | Refusal::NoFacts(_)
        | Refusal::NotNow { .. }
        | Refusal::ApprovalOpen { .. }
        | Refusal::ApprovalDecided { .. }
        | Refusal::QueueFull { .. } => StatusCode::CONFLICT,
        Refusal::BadRow { .. } | Refusal::TooMany { .. } | Refusal::Empty { .. } | Refusal::OutOfRange { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

fn of_artifact(error: &ArtifactError) -> StatusCode {
    match error {
        ArtifactError::NoSuch(_) | ArtifactError::NoImage(_) => StatusCode::NOT_FOUND,
        ArtifactError::Differs { .. }
        | ArtifactError::Named { .. }
        | ArtifactError::NoKey { .. }
        | ArtifactError::BadKey { .. } => StatusCode::CONFLICT,
        ArtifactError::NoSignature
        | ArtifactError::Stranger { .. }
        | ArtifactError::NotPrehashed
        | ArtifactError::TooLong { .. }
        | ArtifactError::OtherSize { .. }
        | ArtifactError::OtherDigest { .. }
        | ArtifactError::OtherSignature { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        ArtifactError::Disk { .. } => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = problem(status, self.told());
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// An error with all its causes.
pub fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

fn problem(status: StatusCode, detail: String) -> Response {
    let title = status.canonical_reason().unwrap_or("Error").to_owned();
    with_problem(status, &Problem { status: status.as_u16(), title, detail: Some(detail) })
}

/// A problem document, or one with members of its own beside (RFC 9457 §3.2).
pub fn with_problem<T: serde::Serialize>(status: StatusCode, body: &T) -> Response {
    let kind = HeaderValue::from_static("application/problem+json");
    (status, [(header::CONTENT_TYPE, kind)], crate::store::json(body)).into_response()
}

pub async fn no_route(uri: Uri) -> Failure {
    Failure::NoRoute(uri.path().to_owned())
}

pub async fn no_method(method: Method, uri: Uri) -> Failure {
    Failure::NoMethod(format!("{method} is not for {}", uri.path()))
}
