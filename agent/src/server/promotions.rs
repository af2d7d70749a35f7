//! `POST /v1/promotions`: an approved source asks this server to become BAREMETAL.

use super::{Face, connections::Peer, problem};
use crate::{driver::Ask, machine::PromotionOutcome};
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{ConnectInfo, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use pious_protocol::message::{PromotionAnswer, PromotionRequest};
use std::time::Duration;
use tokio::sync::oneshot;

/// The largest body: a request is two sentences.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The longest requester and reason that are passed on.
const MAX_TEXT_CHARS: usize = 1000;

/// How long Senzu may take to decide; longer than the agent's own patience with Senzu, so that its answer comes first.
const DECISION: Duration = Duration::from_secs(12);

pub(super) async fn ask(State(face): State<Face>, ConnectInfo(peer): ConnectInfo<Peer>, body: Body) -> Response {
    // Reading stops at the limit; nothing tells a body that broke off from one too large but its error's cause.
    let body = match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(error) if is_length_limit(&error) => {
            let detail = format!("a promotion has at most {MAX_BODY_BYTES} bytes");
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "body too large", &detail);
        }
        Err(error) => return problem(StatusCode::BAD_REQUEST, "body not readable", &error.to_string()),
    };
    let request = match serde_json::from_slice::<PromotionRequest>(&body) {
        Ok(request) if request.requester.trim().is_empty() => {
            return problem(StatusCode::BAD_REQUEST, "not a promotion", "it names no requester");
        }
        Ok(request) => shortened(request),
        Err(error) => return problem(StatusCode::BAD_REQUEST, "not a promotion", &error.to_string()),
    };
    let (reply, answer) = oneshot::channel();
    let ask = Ask { request, source: peer.0.ip().to_canonical(), reply };
    if face.asks.try_send(ask).is_err() {
        return unavailable("the agent has no room for another request; ask again");
    }
    match tokio::time::timeout(DECISION, answer).await {
        Ok(Ok(PromotionOutcome::Granted)) => (StatusCode::ACCEPTED, Json(PromotionAnswer::Granted)).into_response(),
        Ok(Ok(PromotionOutcome::Refused(reason))) => problem(StatusCode::CONFLICT, "promotion refused", &reason),
        Ok(Ok(PromotionOutcome::Unavailable(reason))) => unavailable(&reason),
        Ok(Err(_)) => unavailable("the agent is going down"),
        Err(_) => unavailable("Senzu did not decide in time; ask again to learn what it decided"),
    }
}

fn unavailable(detail: &str) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, "Senzu not available", detail)
}

fn shortened(request: PromotionRequest) -> PromotionRequest {
    let short = |text: String| text.chars().take(MAX_TEXT_CHARS).collect();
    PromotionRequest { requester: short(request.requester), reason: request.reason.map(short) }
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        // The type is http-body-util's, which is not ours to name; its text is its name's only public trace.
        if error.to_string() == "length limit exceeded" {
            return true;
        }
        cause = error.source();
    }
    false
}
