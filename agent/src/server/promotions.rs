//! `POST /v1/promotions`: an approved source asks this server to become BAREMETAL.

use super::{Face, connections::Peer, problem};
use crate::{driver::Ask, machine::PromotionOutcome};
use axum::{
    Json,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use pious_protocol::message::{PromotionAnswer, PromotionRequest};
use std::{future::poll_fn, pin::Pin, time::Duration};
use tokio::sync::oneshot;

/// The largest body: a request is two sentences.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// How much of a body that is too large is read all the same: a client that still writes when the connection closes is
/// reset, and never sees why.
const MAX_DRAINED_BYTES: usize = 4 * 1024 * 1024;

/// The longest requester and reason that are passed on.
const MAX_TEXT_CHARS: usize = 1000;

/// How long Senzu may take to decide; longer than the agent's own patience with Senzu, so that its answer comes first.
const DECISION: Duration = Duration::from_secs(12);

pub(super) async fn ask(State(face): State<Face>, ConnectInfo(peer): ConnectInfo<Peer>, body: Body) -> Response {
    let body = match whole(body).await {
        Ok(Some(body)) => body,
        Ok(None) => {
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

/// The whole body; nothing, if it is too large. How long that may take is the connection's bound.
async fn whole(mut body: Body) -> Result<Option<Vec<u8>>, axum::Error> {
    let mut whole = Vec::new();
    let mut length = 0_usize;
    while let Some(piece) = next_piece(&mut body).await? {
        length = length.saturating_add(piece.len());
        if length <= MAX_BODY_BYTES {
            whole.extend_from_slice(&piece);
        } else if length > MAX_DRAINED_BYTES {
            break;
        }
    }
    Ok((length <= MAX_BODY_BYTES).then_some(whole))
}

async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, axum::Error> {
    while let Some(frame) = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        // The other kind of frame holds trailers.
        if let Ok(piece) = frame?.into_data() {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}
