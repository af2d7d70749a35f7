//! Where alerts are sent, and what is on its way: an outbox, written with what it tells of and emptied behind.

use super::{Columns, Conn, During, Row, StoreError, alerts::Alert, int, json, new_id, word};
use pious_protocol::ids::UnixMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub id: Uuid,
    pub name: String,
    pub url: String,
    pub secret: String,
    pub ca: Option<String>,
    pub made_by: String,
    pub made: UnixMs,
    pub ended: Option<UnixMs>,
}

/// How far a delivery got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is tried, and tried again.
    Pending,
    Delivered,
    /// It was given up, until somebody says: again.
    Dead,
}

/// One message to one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: Uuid,
    pub webhook: Uuid,
    pub body: String,
    pub status: DeliveryStatus,
    pub attempts: u32,
    pub made: UnixMs,
    pub next: UnixMs,
    pub ended: Option<UnixMs>,
    pub last_error: Option<String>,
}

/// What receivers get.
#[derive(Serialize)]
struct Told<'a> {
    /// The message's id: the same however often it is sent.
    id: Uuid,
    event: &'a str,
    at_ms: UnixMs,
    alert: ToldAlert<'a>,
}

#[derive(Serialize)]
struct ToldAlert<'a> {
    id: Uuid,
    kind: String,
    asset: String,
    name: &'a str,
    words: &'a str,
    raised_ms: UnixMs,
    resolved_ms: Option<UnixMs>,
    resolved_by: Option<&'a str>,
    resolved_why: Option<&'a str>,
}

fn read(row: &Row) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        id: row.word("id")?,
        name: row.text("name")?,
        url: row.text("url")?,
        secret: row.text("secret")?,
        ca: row.text_opt("ca")?,
        made_by: row.text("made_by")?,
        made: row.time("made_ms")?,
        ended: row.time_opt("ended_ms")?,
    })
}

fn read_message(row: &Row) -> Result<Message, StoreError> {
    Ok(Message {
        id: row.word("id")?,
        webhook: row.word("webhook_id")?,
        body: row.text("body")?,
        status: row.word("status")?,
        attempts: u32::try_from(row.number("attempts")?).unwrap_or(u32::MAX),
        made: row.time("made_ms")?,
        next: row.time("next_ms")?,
        ended: row.time_opt("ended_ms")?,
        last_error: row.text_opt("last_error")?,
    })
}

pub async fn insert(conn: &mut Conn, webhook: &Webhook) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO webhooks (id, name, url, secret, ca, made_by, made_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(webhook.id.to_string())
    .bind(&webhook.name)
    .bind(&webhook.url)
    .bind(&webhook.secret)
    .bind(&webhook.ca)
    .bind(&webhook.made_by)
    .bind(int(webhook.made.0));
    query.execute(conn).await.during("store a webhook").map(|_| ())
}

/// Those that have not ended, oldest first.
pub async fn all(conn: &mut Conn) -> Result<Vec<Webhook>, StoreError> {
    let rows = sqlx::query("SELECT * FROM webhooks WHERE ended_ms IS NULL ORDER BY id").fetch_all(conn).await;
    rows.during("list webhooks")?.iter().map(read).collect()
}

pub async fn by_id(conn: &mut Conn, id: Uuid) -> Result<Option<Webhook>, StoreError> {
    let query = sqlx::query("SELECT * FROM webhooks WHERE id = $1").bind(id.to_string());
    query.fetch_optional(conn).await.during("load a webhook")?.as_ref().map(read).transpose()
}

/// Ends a webhook, and what is on its way to it.
pub async fn end(conn: &mut Conn, id: Uuid, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE webhooks SET ended_ms = $1 WHERE id = $2 AND ended_ms IS NULL");
    query.bind(int(now.0)).bind(id.to_string()).execute(&mut *conn).await.during("end a webhook")?;
    let query = sqlx::query("DELETE FROM webhook_deliveries WHERE webhook_id = $1 AND status <> 'delivered'");
    query.bind(id.to_string()).execute(conn).await.during("drop a webhook's messages").map(|_| ())
}

/// Puts a message for every receiver into the outbox.
pub async fn announce(conn: &mut Conn, event: &str, alert: &Alert, now: UnixMs) -> Result<(), StoreError> {
    for webhook in all(conn).await? {
        let id = new_id();
        let resolved = alert.resolved.as_ref();
        let told = Told {
            id,
            event,
            at_ms: now,
            alert: ToldAlert {
                id: alert.id,
                kind: word(&alert.kind),
                asset: alert.asset.to_string(),
                name: &alert.asset_name,
                words: &alert.words,
                raised_ms: alert.at,
                resolved_ms: resolved.map(|resolved| resolved.at),
                resolved_by: resolved.and_then(|resolved| resolved.by.as_deref()),
                resolved_why: resolved.map(|resolved| resolved.why.as_str()),
            },
        };
        let query = sqlx::query(
            "INSERT INTO webhook_deliveries (id, webhook_id, body, status, attempts, made_ms, next_ms)
             VALUES ($1, $2, $3, 'pending', 0, $4, $4)",
        );
        let query = query.bind(id.to_string()).bind(webhook.id.to_string()).bind(json(&told)).bind(int(now.0));
        query.execute(&mut *conn).await.during("put a message into the outbox")?;
    }
    Ok(())
}

/// The messages whose time has come, oldest first.
pub async fn due(conn: &mut Conn, now: UnixMs, limit: u32) -> Result<Vec<Message>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM webhook_deliveries WHERE status = 'pending' AND next_ms <= $1 ORDER BY next_ms, id LIMIT $2",
    );
    let rows = query.bind(int(now.0)).bind(i64::from(limit)).fetch_all(conn).await;
    rows.during("list due messages")?.iter().map(read_message).collect()
}

/// Takes a message to send it; says whether nobody else did. If nothing is heard of it by `until`, it is tried again.
pub async fn claim(conn: &mut Conn, message: &Message, until: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "UPDATE webhook_deliveries SET next_ms = $1, attempts = attempts + 1
         WHERE id = $2 AND status = 'pending' AND next_ms = $3 AND attempts = $4",
    )
    .bind(int(until.0))
    .bind(message.id.to_string())
    .bind(int(message.next.0))
    .bind(i64::from(message.attempts));
    Ok(query.execute(conn).await.during("take a message")?.rows_affected() > 0)
}

pub async fn delivered(conn: &mut Conn, id: Uuid, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE webhook_deliveries SET status = 'delivered', ended_ms = $1, last_error = NULL WHERE id = $2",
    );
    query.bind(int(now.0)).bind(id.to_string()).execute(conn).await.during("end a message").map(|_| ())
}

/// A message was not taken: it is tried again at `next`, or never (`None`).
pub async fn failed(
    conn: &mut Conn,
    id: Uuid,
    error: &str,
    next: Option<UnixMs>,
    now: UnixMs,
) -> Result<(), StoreError> {
    let status = if next.is_some() { DeliveryStatus::Pending } else { DeliveryStatus::Dead };
    let query = sqlx::query(
        "UPDATE webhook_deliveries SET status = $1, next_ms = $2, last_error = $3, ended_ms = $4 WHERE id = $5",
    )
    .bind(word(&status))
    .bind(int(next.unwrap_or(now).0))
    .bind(error)
    .bind(if next.is_some() { None } else { Some(int(now.0)) })
    .bind(id.to_string());
    query.execute(conn).await.during("note that a message failed").map(|_| ())
}

pub async fn message(conn: &mut Conn, id: Uuid) -> Result<Option<Message>, StoreError> {
    let query = sqlx::query("SELECT * FROM webhook_deliveries WHERE id = $1").bind(id.to_string());
    query.fetch_optional(conn).await.during("load a message")?.as_ref().map(read_message).transpose()
}

/// Messages that were given up, newest first; behind `after`.
pub async fn dead(conn: &mut Conn, after: Option<Uuid>, limit: u32) -> Result<Vec<Message>, StoreError> {
    let query =
        sqlx::query("SELECT * FROM webhook_deliveries WHERE status = 'dead' AND id < $1 ORDER BY id DESC LIMIT $2");
    let query = query.bind(after.unwrap_or(Uuid::max()).to_string()).bind(i64::from(limit));
    query.fetch_all(conn).await.during("list dead letters")?.iter().map(read_message).collect()
}

/// A message that was given up is tried again, from the first attempt on.
pub async fn revive(conn: &mut Conn, id: Uuid, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE webhook_deliveries SET status = 'pending', attempts = 0, next_ms = $1, ended_ms = NULL
         WHERE id = $2 AND status = 'dead'",
    );
    query.bind(int(now.0)).bind(id.to_string()).execute(conn).await.during("try a dead letter again").map(|_| ())
}

/// Forgets messages that were delivered before `before`.
pub async fn forget(conn: &mut Conn, before: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM webhook_deliveries WHERE status = 'delivered' AND ended_ms < $1");
    query.bind(int(before.0)).execute(conn).await.during("forget delivered messages").map(|_| ())
}
