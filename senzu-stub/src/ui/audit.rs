//! The audit log: who did what, when and why, newest first.

use super::{
    Page,
    frame::{Frame, Here},
    session::SignedIn,
    show,
};
use crate::{
    access::{AuditFilter, AuditView},
    api::{Asked, Shared},
    words,
};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use uuid::Uuid;

/// Events on a page.
const PAGE: u32 = 100;

/// Which events.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    asset: String,
    after: Option<Uuid>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    frame: Frame,
    wanted: String,
    events: Vec<Event>,
    next: Option<String>,
}

struct Event {
    at: String,
    who: String,
    asset: Option<(String, String)>,
    what: String,
    why: String,
}

pub async fn audit(State(senzu): State<Shared>, SignedIn(visitor): SignedIn, Asked(wanted): Asked<Wanted>) -> Page {
    let asset = Some(wanted.asset.trim().to_owned()).filter(|asset| !asset.is_empty());
    let events = senzu.audit(&AuditFilter { asset, after: wanted.after, limit: PAGE }).await?;
    let is_full = events.len() == PAGE as usize;
    let next = events.last().filter(|_| is_full).map(|last| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("asset", &wanted.asset).append_pair("after", &last.id.to_string());
        format!("/audit?{}", query.finish())
    });
    let event = |event: AuditView| Event {
        at: words::time(event.at_ms),
        who: event.who,
        asset: event.asset.zip(event.name).map(|(id, name)| (id.to_string(), name)),
        what: event.what,
        why: event.why,
    };
    let events = events.into_iter().map(event).collect();
    Ok(show(&Audit { frame: Frame::new(Here::Audit, Some(visitor)), wanted: wanted.asset, events, next }))
}
