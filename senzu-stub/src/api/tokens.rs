//! Who may do what: operators and their tokens.

use super::{
    Answer, Failure, Shared,
    extract::{Admin, Body, Named, Viewer},
};
use crate::access::{OperatorView, Role, TokenAsk, TokenMade, TokenView};
use axum::{Json, extract::State, http::StatusCode};
use pious_protocol::message::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The requests are names.
const MAX_REQUEST_BYTES: usize = 4 * 1024;

/// Every operator.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OperatorList {
    pub operators: Vec<OperatorView>,
}

/// Every operator, by name.
#[utoipa::path(
    get, path = "/v1/operators", tag = "access", security(("operator" = ["viewer"])),
    responses((status = 200, body = OperatorList))
)]
pub async fn operators(State(senzu): State<Shared>, _: Viewer) -> Answer<OperatorList> {
    Ok(Json(OperatorList { operators: senzu.operators().await? }))
}

/// What an operator may do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorRequest {
    role: Role,
}

/// Makes an operator, or gives one another role; one who was shut out is let in again.
#[utoipa::path(
    put, path = "/v1/operators/{operator}", tag = "access", request_body = OperatorRequest,
    params(("operator" = String, Path, description = "1 to 63 lower-case letters, digits and -_.@+")),
    security(("operator" = ["admin"])),
    responses(
        (status = 204, description = "Taken"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn set_operator(
    State(senzu): State<Shared>,
    Admin(caller): Admin,
    Named(operator): Named<String>,
    Body(request): Body<OperatorRequest, MAX_REQUEST_BYTES>,
) -> Result<StatusCode, Failure> {
    senzu.set_operator(&caller, &operator, request.role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shuts an operator out: none of their tokens is good any more.
#[utoipa::path(
    delete, path = "/v1/operators/{operator}", tag = "access",
    params(("operator" = String, Path, description = "The operator's name")), security(("operator" = ["admin"])),
    responses(
        (status = 204, description = "Shut out"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn end_operator(
    State(senzu): State<Shared>,
    Admin(caller): Admin,
    Named(operator): Named<String>,
) -> Result<StatusCode, Failure> {
    senzu.end_operator(&caller, &operator).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every token, none with its secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    pub tokens: Vec<TokenView>,
}

/// Every token, newest first, those that ended too.
#[utoipa::path(
    get, path = "/v1/tokens", tag = "access", security(("operator" = ["admin"])),
    responses((status = 200, body = TokenList))
)]
pub async fn tokens(State(senzu): State<Shared>, _: Admin) -> Answer<TokenList> {
    Ok(Json(TokenList { tokens: senzu.tokens().await? }))
}

/// A token that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Whose it is.
    operator: String,
    /// What it is for.
    name: String,
    /// At most the operator's own.
    role: Role,
    /// For how long it is good, in seconds: 1 to 31622400.
    #[schema(minimum = 1, maximum = 31_622_400)]
    expires_in_s: u64,
}

/// Makes a token. Its secret is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v1/tokens", tag = "access", request_body = TokenRequest, security(("operator" = ["admin"])),
    responses(
        (status = 200, body = TokenMade),
        (status = 404, description = "No such operator", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn make_token(
    State(senzu): State<Shared>,
    Admin(caller): Admin,
    Body(request): Body<TokenRequest, MAX_REQUEST_BYTES>,
) -> Answer<TokenMade> {
    let TokenRequest { operator, name, role, expires_in_s } = &request;
    let ask = TokenAsk { operator, name, role: *role, expires_in_s: *expires_in_s };
    Ok(Json(senzu.make_token(&caller, ask).await?))
}

/// Revokes a token, at once.
#[utoipa::path(
    delete, path = "/v1/tokens/{token}", tag = "access",
    params(("token" = Uuid, Path, description = "The token's id")), security(("operator" = ["admin"])),
    responses(
        (status = 204, description = "Revoked"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn end_token(
    State(senzu): State<Shared>,
    Admin(caller): Admin,
    Named(token): Named<Uuid>,
) -> Result<StatusCode, Failure> {
    senzu.end_token(&caller, token).await?;
    Ok(StatusCode::NO_CONTENT)
}
