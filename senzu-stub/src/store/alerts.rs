//! What a person should know of (alerts), and what happened by whom (audit).

use super::{Columns, Conn, During, Row, StoreError, int, new_id, webhooks, word};
use crate::access::AuditView;
use pious_protocol::ids::{AssetId, UnixMs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Two boot sessions speak as one asset.
    TwoSessions,
    /// A fingerprint fits several assets, or one only half.
    AmbiguousFingerprint,
    /// An agent process died and was restarted.
    AgentDied,
    /// It boots, or is told the same, again and again.
    Looping,
    /// There are purchase orders, and none has a place for it.
    UnknownAsset,
    /// It should speak, and was not heard for longer than its reporting period.
    Silent,
    /// A check's verdict changes again and again.
    Flapping,
    /// An update of its firmware went wrong, and a person must look.
    FirmwareRecovery,
    /// A campaign holds itself: too much of it went wrong.
    CampaignHalted,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub id: Uuid,
    pub at: UnixMs,
    pub asset: AssetId,
    pub asset_name: String,
    pub kind: AlertKind,
    pub object: String,
    pub words: String,
    pub resolved: Option<Resolved>,
}

/// How an alert ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub at: UnixMs,
    /// `None`: its cause is over.
    pub by: Option<String>,
    pub why: String,
}

fn read(row: &Row) -> Result<Alert, StoreError> {
    let (by, why) = (row.text_opt("resolved_by")?, row.text_opt("resolved_why")?.unwrap_or_default());
    Ok(Alert {
        id: row.word("id")?,
        at: row.time("at_ms")?,
        asset: row.word("asset_id")?,
        asset_name: row.text("name")?,
        kind: row.word("kind")?,
        object: row.text("object")?,
        words: row.text("words")?,
        resolved: row.time_opt("resolved_ms")?.map(|at| Resolved { at, by, why }),
    })
}

/// Raises an alert, unless it was raised about the same object already; says whether it is news. One whose cause was over
/// is raised anew; one that an operator resolved stays so.
pub async fn raise(
    conn: &mut Conn,
    asset: AssetId,
    kind: AlertKind,
    object: &str,
    words: &str,
    now: UnixMs,
) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "INSERT INTO alerts (id, asset_id, kind, object, words, at_ms) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (asset_id, kind, object) DO UPDATE SET words = excluded.words, at_ms = excluded.at_ms,
             resolved_ms = NULL, resolved_why = NULL
             WHERE alerts.resolved_ms IS NOT NULL AND alerts.resolved_by IS NULL
         RETURNING id",
    )
    .bind(new_id().to_string())
    .bind(asset.to_string())
    .bind(word(&kind))
    .bind(object)
    .bind(words)
    .bind(int(now.0));
    let row = query.fetch_optional(&mut *conn).await.during("raise an alert")?;
    let Some(id) = row.map(|row| row.word("id")).transpose()? else { return Ok(false) };
    if let Some(alert) = by_id(conn, id).await? {
        webhooks::announce(conn, "alert_raised", &alert, now).await?;
    }
    Ok(true)
}

/// Whether an asset has an open alert.
pub async fn any_open(conn: &mut Conn, asset: AssetId) -> Result<bool, StoreError> {
    let query = sqlx::query("SELECT id FROM alerts WHERE asset_id = $1 AND resolved_ms IS NULL LIMIT 1");
    let row = query.bind(asset.to_string()).fetch_optional(conn).await;
    Ok(row.during("look for an open alert")?.is_some())
}

/// The cause of an asset's alerts of one kind is over: all of them.
pub async fn clear(conn: &mut Conn, asset: AssetId, kind: AlertKind, now: UnixMs) -> Result<(), StoreError> {
    clear_where(conn, asset, kind, |_| true, now).await
}

/// The cause of some of an asset's alerts of one kind is over.
pub async fn clear_where(
    conn: &mut Conn,
    asset: AssetId,
    kind: AlertKind,
    is_over: impl Fn(&str) -> bool,
    now: UnixMs,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "SELECT alerts.*, assets.name FROM alerts JOIN assets ON assets.id = alerts.asset_id
         WHERE alerts.kind = $1 AND alerts.asset_id = $2 AND alerts.resolved_ms IS NULL",
    );
    let rows = query.bind(word(&kind)).bind(asset.to_string()).fetch_all(&mut *conn).await;
    let open = rows.during("look for open alerts")?.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for alert in open.into_iter().filter(|alert| is_over(&alert.object)) {
        resolve(conn, &alert, Resolved { at: now, by: None, why: "its cause is over".into() }).await?;
    }
    Ok(())
}

/// Ends an alert.
pub async fn resolve(conn: &mut Conn, alert: &Alert, resolved: Resolved) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE alerts SET resolved_ms = $1, resolved_by = $2, resolved_why = $3 WHERE id = $4 AND resolved_ms IS NULL",
    )
    .bind(int(resolved.at.0))
    .bind(&resolved.by)
    .bind(&resolved.why)
    .bind(alert.id.to_string());
    if query.execute(&mut *conn).await.during("resolve an alert")?.rows_affected() == 0 {
        return Ok(());
    }
    let (now, alert) = (resolved.at, Alert { resolved: Some(resolved), ..alert.clone() });
    webhooks::announce(conn, "alert_resolved", &alert, now).await
}

pub async fn by_id(conn: &mut Conn, id: Uuid) -> Result<Option<Alert>, StoreError> {
    let query = sqlx::query(
        "SELECT alerts.*, assets.name FROM alerts JOIN assets ON assets.id = alerts.asset_id WHERE alerts.id = $1",
    );
    let row = query.bind(id.to_string()).fetch_optional(conn).await;
    row.during("load an alert")?.as_ref().map(read).transpose()
}

/// The newest alerts, newest first: those that are open, those that are resolved, or all.
pub async fn newest(conn: &mut Conn, resolved: Option<bool>, limit: u32) -> Result<Vec<Alert>, StoreError> {
    let query = sqlx::query(
        "SELECT alerts.*, assets.name FROM alerts JOIN assets ON assets.id = alerts.asset_id
         WHERE ($1 = -1 OR ($1 = 0 AND alerts.resolved_ms IS NULL) OR ($1 = 1 AND alerts.resolved_ms IS NOT NULL))
         ORDER BY alerts.at_ms DESC, alerts.id DESC LIMIT $2",
    );
    let query = query.bind(resolved.map_or(-1, i64::from)).bind(i64::from(limit));
    query.fetch_all(conn).await.during("list alerts")?.iter().map(read).collect()
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    pub at: UnixMs,
    /// A bean, an operator, an agent.
    pub who: String,
    pub what: String,
    pub why: String,
}

/// Writes down what happened, to an asset or to Senzu itself.
pub async fn record(conn: &mut Conn, asset: impl Into<Option<AssetId>>, event: &AuditEvent) -> Result<(), StoreError> {
    let query = sqlx::query("INSERT INTO audit (id, asset_id, at_ms, who, what, why) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(new_id().to_string())
        .bind(asset.into().map(|asset| asset.to_string()))
        .bind(int(event.at.0))
        .bind(&event.who)
        .bind(&event.what)
        .bind(&event.why);
    query.execute(conn).await.during("record an audit event").map(|_| ())
}

/// Boots and graduations since a moment, by the hour (counted from 1970): what the audit log says of them. A day in which
/// more happened than `MOST` is told by its newest part.
pub async fn hours(conn: &mut Conn, since: UnixMs, graduated: &str) -> Result<Vec<(u64, u64, u64)>, StoreError> {
    const MOST: i64 = 200_000;
    let query = sqlx::query(
        "SELECT at_ms / 3600000 AS hour, SUM(CASE WHEN who = 'agent' THEN 1 ELSE 0 END) AS boots,
             SUM(CASE WHEN what = $1 THEN 1 ELSE 0 END) AS graduations
         FROM (SELECT at_ms, who, what FROM audit WHERE id >= $2 ORDER BY id DESC LIMIT $3) AS newest
         WHERE what = $1 OR (who = 'agent' AND what LIKE 'booted:%') GROUP BY at_ms / 3600000",
    );
    // Ids are UUIDv7: they begin with their time.
    let first = Uuid::from_u128(u128::from(since.0) << 80);
    let rows = query.bind(graduated).bind(first.to_string()).bind(MOST).fetch_all(conn).await;
    let rows = rows.during("count what happened by the hour")?;
    rows.iter().map(|row| Ok((row.number("hour")?, row.number("boots")?, row.number("graduations")?))).collect()
}

/// What happened to an asset, or anywhere, newest first; behind `after`.
pub async fn audit(
    conn: &mut Conn,
    asset: Option<AssetId>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<AuditView>, StoreError> {
    // Two statements, so that each is read from its own index, whatever the database makes of an OR.
    let query = match asset {
        Some(asset) => sqlx::query(
            "SELECT audit.*, assets.name FROM audit LEFT JOIN assets ON assets.id = audit.asset_id
             WHERE audit.asset_id = $1 AND audit.id < $2 ORDER BY audit.id DESC LIMIT $3",
        )
        .bind(asset.to_string()),
        None => sqlx::query(
            "SELECT audit.*, assets.name FROM audit LEFT JOIN assets ON assets.id = audit.asset_id
             WHERE $1 = '' AND audit.id < $2 ORDER BY audit.id DESC LIMIT $3",
        )
        .bind(String::new()),
    };
    let query = query.bind(after.unwrap_or(Uuid::max()).to_string()).bind(i64::from(limit));
    let rows = query.fetch_all(conn).await.during("list what happened")?;
    rows.iter()
        .map(|row| {
            Ok(AuditView {
                id: row.word("id")?,
                asset: row.word_opt("asset_id")?,
                name: row.text_opt("name")?,
                at_ms: row.time("at_ms")?,
                who: row.text("who")?,
                what: row.text("what")?,
                why: row.text("why")?,
            })
        })
        .collect()
}

/// What happened to an asset, newest first.
pub async fn history(conn: &mut Conn, asset: AssetId, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
    let query = sqlx::query("SELECT * FROM audit WHERE asset_id = $1 ORDER BY id DESC LIMIT $2");
    let rows = query.bind(asset.to_string()).bind(i64::from(limit)).fetch_all(conn).await;
    rows.during("load what happened")?
        .iter()
        .map(|row| {
            Ok(AuditEvent {
                at: row.time("at_ms")?,
                who: row.text("who")?,
                what: row.text("what")?,
                why: row.text("why")?,
            })
        })
        .collect()
}
