//! What takes two people: what waits for a decision, and what became of the rest.

use super::{
    Page,
    frame::{Frame, Here},
    session::SignedIn,
    show,
};
use crate::{
    access::{ApprovalFilter, ApprovalView},
    api::{Asked, Shared},
    store::{approvals::ApprovalStatus, word},
    words,
};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use uuid::Uuid;

/// Requests on a page.
const PAGE: u32 = 50;

/// Where the page before ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    after: Option<Uuid>,
}

#[derive(Template)]
#[template(path = "approvals.html")]
struct Approvals {
    frame: Frame,
    waiting: Vec<Request>,
    others: Vec<Request>,
    next: Option<Uuid>,
}

struct Request {
    id: String,
    kind: &'static str,
    asset: String,
    name: String,
    asked_by: String,
    asked: String,
    why: String,
    expires: String,
    /// What became of it.
    words: String,
    class: &'static str,
    /// Whether the visitor asked for it.
    is_own: bool,
}

pub async fn approvals(State(senzu): State<Shared>, SignedIn(visitor): SignedIn, Asked(wanted): Asked<Wanted>) -> Page {
    let pending = ApprovalFilter { status: Some(ApprovalStatus::Pending), limit: 1000, ..ApprovalFilter::default() };
    let all = ApprovalFilter { after: wanted.after, limit: PAGE, ..ApprovalFilter::default() };
    let frame = Frame::new(Here::Approvals, Some(visitor));
    let waiting = senzu.approvals(&pending).await?;
    let others = senzu.approvals(&all).await?;
    let next = others.last().filter(|_| others.len() == PAGE as usize).map(|last| last.id);
    let line = |ask: &ApprovalView| Request::of(ask, &frame);
    let (waiting, others) = (
        waiting.iter().map(line).collect(),
        others.iter().filter(|ask| ask.status != ApprovalStatus::Pending).map(line).collect(),
    );
    Ok(show(&Approvals { frame, waiting, others, next }))
}

impl Request {
    fn of(ask: &ApprovalView, frame: &Frame) -> Self {
        let decided = ask.decided_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let decided_why = ask.decided_why.as_ref().filter(|why| !why.is_empty());
        let why = decided_why.map(|why| format!(": {why}")).unwrap_or_default();
        let end = ask.words.as_ref().map(|words| format!("; {words}")).unwrap_or_default();
        Self {
            id: ask.id.to_string(),
            kind: ask.kind.name(),
            asset: ask.asset.to_string(),
            name: ask.name.clone(),
            asked_by: ask.asked_by.clone(),
            asked: words::time(ask.asked_ms),
            why: ask.why.clone(),
            expires: words::time(ask.expires_ms),
            words: format!("{}{decided}{why}{end}", word(&ask.status)),
            class: match ask.status {
                ApprovalStatus::Pending => "pending",
                ApprovalStatus::Approved => "pass",
                ApprovalStatus::Denied | ApprovalStatus::Expired => "unknown",
            },
            is_own: frame.is(&ask.asked_by),
        }
    }
}
