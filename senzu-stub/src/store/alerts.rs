//! What a person should know of (alerts), and what happened by whom (audit).

use super::{Columns, Conn, During, StoreError, int, new_id};
use crate::access::AuditView;
use pious_protocol::ids::{AssetId, UnixMs};
use uuid::Uuid;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// Two boot sessions speak as one asset.
    TwoSessions,
    /// A fingerprint fits several assets, or one only half.
    AmbiguousFingerprint,
    /// An agent process died and was restarted.
    AgentDied,
}

impl AlertKind {
    fn name(self) -> &'static str {
        match self {
            Self::TwoSessions => "two_sessions",
            Self::AmbiguousFingerprint => "ambiguous_fingerprint",
            Self::AgentDied => "agent_died",
        }
    }
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub at: UnixMs,
    pub asset: AssetId,
    pub asset_name: String,
    pub kind: String,
    pub words: String,
}

/// Raises an alert, unless it was raised about the same object already; says whether it is new.
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
         ON CONFLICT (asset_id, kind, object) DO NOTHING",
    )
    .bind(new_id().to_string())
    .bind(asset.to_string())
    .bind(kind.name())
    .bind(object)
    .bind(words)
    .bind(int(now.0));
    Ok(query.execute(conn).await.during("raise an alert")?.rows_affected() > 0)
}

/// The newest alerts, newest first.
pub async fn newest(conn: &mut Conn, limit: u32) -> Result<Vec<Alert>, StoreError> {
    let query = sqlx::query(
        "SELECT alerts.*, assets.name FROM alerts JOIN assets ON assets.id = alerts.asset_id
         ORDER BY alerts.id DESC LIMIT $1",
    );
    let rows = query.bind(i64::from(limit)).fetch_all(conn).await.during("list alerts")?;
    rows.iter()
        .map(|row| {
            Ok(Alert {
                at: row.time("at_ms")?,
                asset: row.word("asset_id")?,
                asset_name: row.text("name")?,
                kind: row.text("kind")?,
                words: row.text("words")?,
            })
        })
        .collect()
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
