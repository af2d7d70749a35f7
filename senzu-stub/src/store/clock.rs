//! Times that lie in the future because the clock was set back, and what to do with them: a server that was heard
//! "tomorrow" would never be missed, and what is due "tomorrow" would not be done today.

use super::{Columns, Conn, During, StoreError, int};
use pious_protocol::ids::UnixMs;
use sqlx::AssertSqlSafe;
use std::time::Duration;
use uuid::Uuid;

/// Where times stand by which Senzu decides: when something happened, or is due. (The audit log is not among them: it
/// stays as it was written.)
const TIMES: [(&str, &[&str]); 15] = [
    ("assets", &["last_seen_ms", "next_walk_ms", "held_since_ms", "loop_cleared_ms"]),
    ("sessions", &["started_ms", "last_seen_ms", "ended_ms"]),
    ("facts", &["received_ms"]),
    ("runs", &["lease_until_ms", "begun_ms", "ended_ms"]),
    ("instructions", &["lease_until_ms", "changed_ms"]),
    ("firmware_goals", &["asked_ms", "since_ms", "ended_ms"]),
    ("firmware_installed", &["read_ms"]),
    ("firmware_slots", &["expires_ms", "taken_ms"]),
    ("campaigns", &["look_ms", "lease_until_ms", "open_until_ms", "counted_since_ms"]),
    ("campaign_members", &["changed_ms"]),
    ("alerts", &["at_ms", "resolved_ms"]),
    ("approvals", &["decided_ms", "begun_ms", "ended_ms"]),
    ("verdict_changes", &["at_ms"]),
    ("webhook_deliveries", &["made_ms", "next_ms", "ended_ms"]),
    ("operators", &["made_ms", "ended_ms"]),
];

/// What expires, and when it was made: an end in the future is as it should be, unless its beginning is there too.
const EXPIRING: [(&str, &str); 3] = [("approvals", "asked_ms"), ("tokens", "made_ms"), ("ui_sessions", "made_ms")];

/// Where rows are put in order by their names.
const ORDERED: [&str; 4] = ["audit", "runs", "transitions", "alerts"];

/// The newest moment at which an asset was heard or looked at.
pub async fn newest(conn: &mut Conn) -> Result<Option<UnixMs>, StoreError> {
    let query = sqlx::query(
        "SELECT MAX(at_ms) AS at_ms FROM (SELECT MAX(last_seen_ms) AS at_ms FROM assets
         UNION ALL SELECT begun_ms AS at_ms FROM runs WHERE id = (SELECT MAX(id) FROM runs)) AS newest",
    );
    query.fetch_one(conn).await.during("look for the newest time")?.time_opt("at_ms")
}

/// The newest name of a row.
pub async fn newest_id(conn: &mut Conn) -> Result<Option<Uuid>, StoreError> {
    let each = ORDERED.map(|table| format!("SELECT MAX(id) AS id FROM {table}")).join(" UNION ALL ");
    let sql = format!("SELECT MAX(id) AS id FROM ({each}) AS newest");
    sqlx::query(AssertSqlSafe(sql)).fetch_one(conn).await.during("look for the newest row")?.word_opt("id")
}

/// Moves what lies in the future back by as much as the clock was. What agents were told and have not taken ends: it says
/// itself until when it holds. Answers how many rows that were.
pub async fn move_back(conn: &mut Conn, now: UnixMs, by: Duration) -> Result<u64, StoreError> {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    let mut statements =
        vec!["UPDATE instructions SET expires_ms = $1 WHERE status = 'issued' AND issued_ms > $1".into()];
    for (table, made) in EXPIRING {
        statements.push(format!(
            "UPDATE {table} SET {made} = {made} - {by}, expires_ms = expires_ms - {by} WHERE {made} > $1"
        ));
    }
    for (table, columns) in TIMES {
        for column in columns {
            statements.push(format!("UPDATE {table} SET {column} = {column} - {by} WHERE {column} > $1"));
        }
    }
    let mut moved = 0;
    for statement in statements {
        let done = sqlx::query(AssertSqlSafe(statement)).bind(int(now.0)).execute(&mut *conn).await;
        moved += done.during("move times back")?.rows_affected();
    }
    Ok(moved)
}
