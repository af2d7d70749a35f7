//! What a person should know of: alerts, their receivers, and the fleet.

use super::{
    Answer, Failure, Shared,
    extract::{Admin, Asked, Body, Named, Operator, Viewer},
    orders::LineName,
    page_limit,
};
use crate::{
    alerts::{AlertFilter, AlertView, DeadLetter, FleetView, WebhookAsk, WebhookMade, WebhookView},
    chakshu::Ordered,
};
use axum::{Json, extract::State, http::StatusCode};
use pious_protocol::message::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// The requests are a sentence, a URL, and an authority's certificates.
const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// Which alerts to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AlertQuery {
    /// Left out: those that are open.
    #[param(inline)]
    show: Option<AlertFilter>,
}

/// What a person should know of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertList {
    pub alerts: Vec<AlertView>,
}

/// The newest alerts, newest first, at most 1000.
///
/// An alert is raised once about one thing. It ends by itself when its cause is over, and is raised anew when that is back; one
/// that an operator resolved is not raised about the same thing again.
#[utoipa::path(
    get, path = "/v1/alerts", tag = "alerts", params(AlertQuery), security(("operator" = ["viewer"])),
    responses((status = 200, body = AlertList))
)]
pub async fn alerts(State(senzu): State<Shared>, _: Viewer, Asked(asked): Asked<AlertQuery>) -> Answer<AlertList> {
    Ok(Json(AlertList { alerts: senzu.alerts(asked.show.unwrap_or(AlertFilter::Open)).await? }))
}

/// Why an alert is over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveRequest {
    why: String,
    /// Of an unknown asset: the order line that it is of; left out: it needs no order.
    #[serde(default)]
    assign: Option<LineName>,
}

/// Resolves an alert.
#[utoipa::path(
    post, path = "/v1/alerts/{alert}/resolve", tag = "alerts", request_body = ResolveRequest,
    params(("alert" = Uuid, Path, description = "Its id")), security(("operator" = ["operator"])),
    responses(
        (status = 200, body = AlertView),
        (status = 404, description = "No such alert, order or line", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The line has no place", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn resolve_alert(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(alert): Named<Uuid>,
    Body(request): Body<ResolveRequest, MAX_REQUEST_BYTES>,
) -> Answer<AlertView> {
    let said = request.assign.map(Ordered::from);
    Ok(Json(senzu.resolve_alert(&caller, alert, &request.why, said).await?))
}

/// The fleet in numbers: states, versions, who is silent, which checks change their mind.
#[utoipa::path(
    get, path = "/v1/fleet", tag = "alerts", security(("operator" = ["viewer"])),
    responses((status = 200, body = FleetView))
)]
pub async fn fleet(State(senzu): State<Shared>, _: Viewer) -> Answer<FleetView> {
    Ok(Json(senzu.fleet().await?))
}

/// Receivers of alerts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookList {
    pub webhooks: Vec<WebhookView>,
}

/// Every receiver of alerts, oldest first.
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "alerts", security(("operator" = ["admin"])),
    responses((status = 200, body = WebhookList))
)]
pub async fn webhooks(State(senzu): State<Shared>, _: Admin) -> Answer<WebhookList> {
    Ok(Json(WebhookList { webhooks: senzu.webhooks().await? }))
}

/// A receiver that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    name: String,
    /// `http://` or `https://`.
    url: String,
    /// The authority in PEM that an `https://` receiver is believed by; left out: those of the system.
    #[serde(default)]
    ca: Option<String>,
}

/// Adds a receiver of alerts. Its secret is in this answer and shown nowhere else.
///
/// Each alert that is raised or resolved is sent by POST as JSON: `id` (the message's, the same however often it is sent),
/// `event` (`alert_raised`, `alert_resolved`), `at_ms`, `alert`. The header `X-Senzu-Signature` is `t=MS,v1=HEX`: HMAC-SHA256 by
/// the secret over `MS.BODY`. Any 2xx takes it; else it is sent again, 24 times, with waits that double from 1 s to an hour;
/// then it is a dead letter.
#[utoipa::path(
    post, path = "/v1/webhooks", tag = "alerts", request_body = WebhookRequest, security(("operator" = ["admin"])),
    responses(
        (status = 200, body = WebhookMade),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn make_webhook(
    State(senzu): State<Shared>,
    Admin(caller): Admin,
    Body(request): Body<WebhookRequest, MAX_REQUEST_BYTES>,
) -> Answer<WebhookMade> {
    let WebhookRequest { name, url, ca } = request;
    Ok(Json(senzu.make_webhook(&caller, WebhookAsk { name, url, ca }).await?))
}

/// Removes a receiver, with what is on its way to it.
#[utoipa::path(
    delete, path = "/v1/webhooks/{webhook}", tag = "alerts",
    params(("webhook" = Uuid, Path, description = "Its id")), security(("operator" = ["admin"])),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn end_webhook(
    State(senzu): State<Shared>,
    Admin(caller): Admin,
    Named(webhook): Named<Uuid>,
) -> Result<StatusCode, Failure> {
    senzu.end_webhook(&caller, webhook).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which dead letters to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct DeadLetterQuery {
    /// `next` of the page before.
    after: Option<Uuid>,
    /// How many at most, 1 to 1000; left out: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Messages that no receiver took.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterList {
    pub dead_letters: Vec<DeadLetter>,
    /// `after` of the next page; `null`: this is the last one.
    pub next: Option<Uuid>,
}

/// Messages that were given up, newest first.
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "alerts", params(DeadLetterQuery), security(("operator" = ["admin"])),
    responses(
        (status = 200, body = DeadLetterList),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn dead_letters(
    State(senzu): State<Shared>,
    _: Admin,
    Asked(asked): Asked<DeadLetterQuery>,
) -> Answer<DeadLetterList> {
    let limit = page_limit(asked.limit)?;
    let dead_letters = senzu.dead_letters(asked.after, limit).await?;
    let is_full = u32::try_from(dead_letters.len()).is_ok_and(|count| count == limit);
    let next = dead_letters.last().filter(|_| is_full).map(|last| last.id);
    Ok(Json(DeadLetterList { dead_letters, next }))
}

/// Sends a message again that was given up.
#[utoipa::path(
    post, path = "/v1/dead-letters/{letter}/retry", tag = "alerts",
    params(("letter" = Uuid, Path, description = "The message's id")), security(("operator" = ["admin"])),
    responses(
        (status = 204, description = "It is on its way"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn retry_dead_letter(
    State(senzu): State<Shared>,
    Admin(caller): Admin,
    Named(letter): Named<Uuid>,
) -> Result<StatusCode, Failure> {
    senzu.retry_dead_letter(&caller, letter).await?;
    Ok(StatusCode::NO_CONTENT)
}
