//! Runs of assets' graphs: who runs one, until when, and the way that it took.

use super::{Columns, Conn, During, StoreError, dialect, int, json, new_id};
use crate::dag::replay::Step;
use pious_protocol::ids::{AssetId, BootId, UnixMs};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// A run that a replica has to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub run: Uuid,
    pub asset: AssetId,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: Uuid,
    pub boot: Option<BootId>,
    pub holder: String,
    pub begun: UnixMs,
    pub path: Vec<Step>,
}

/// Takes runs of the assets whose time has come and that nobody runs; replicas that claim at once get different ones. A run
/// whose lease is over was lost with its replica: it is closed, and the asset claimed anew.
pub async fn claim(
    conn: &mut Conn,
    holder: &str,
    now: UnixMs,
    until: UnixMs,
    limit: u32,
) -> Result<Vec<Claim>, StoreError> {
    let sql = format!(
        "SELECT assets.id, assets.current_boot FROM assets WHERE next_walk_ms <= $1 AND NOT EXISTS
             (SELECT 1 FROM runs WHERE runs.asset_id = assets.id AND ended_ms IS NULL AND lease_until_ms > $1)
         ORDER BY next_walk_ms LIMIT $2 {}",
        dialect::skip_locked(conn)
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(int(now.0)).bind(i64::from(limit));
    let rows = query.fetch_all(&mut *conn).await.during("look for what is due")?;
    let mut claims = Vec::new();
    for row in &rows {
        let claim = Claim { run: new_id(), asset: row.word("id")? };
        let lost = sqlx::query(
            "UPDATE runs SET ended_ms = $1 WHERE asset_id = $2 AND ended_ms IS NULL AND lease_until_ms <= $1",
        );
        let lost = lost.bind(int(now.0)).bind(claim.asset.to_string());
        lost.execute(&mut *conn).await.during("close a lost run")?;
        let query = sqlx::query(
            "INSERT INTO runs (id, asset_id, boot_id, holder, lease_until_ms, begun_ms) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT DO NOTHING",
        )
        .bind(claim.run.to_string())
        .bind(claim.asset.to_string())
        .bind(row.text_opt("current_boot")?)
        .bind(holder)
        .bind(int(until.0))
        .bind(int(now.0));
        // Another replica may have claimed it since we looked.
        if query.execute(&mut *conn).await.during("claim a run")?.rows_affected() > 0 {
            claims.push(claim);
        }
    }
    Ok(claims)
}

/// Whether a claimed run is still its claimer's: nobody took it over.
pub async fn is_ours(conn: &mut Conn, claim: Claim) -> Result<bool, StoreError> {
    let query = sqlx::query("SELECT id FROM runs WHERE id = $1 AND ended_ms IS NULL").bind(claim.run.to_string());
    Ok(query.fetch_optional(conn).await.during("look at a claim")?.is_some())
}

/// Ends a claimed run; `false`: it is another's by now, and what was done in this transaction must not be.
pub async fn end(conn: &mut Conn, claim: Claim, path: &[Step], now: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query("UPDATE runs SET ended_ms = $1, path = $2 WHERE id = $3 AND ended_ms IS NULL");
    let query = query.bind(int(now.0)).bind(json(&path)).bind(claim.run.to_string());
    Ok(query.execute(conn).await.during("end a run")?.rows_affected() > 0)
}

/// Stores a run that was begun and ended in one transaction.
pub async fn insert(conn: &mut Conn, asset: AssetId, run: &Run) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO runs (id, asset_id, boot_id, holder, lease_until_ms, begun_ms, ended_ms, path)
         VALUES ($1, $2, $3, $4, $5, $5, $5, $6)",
    )
    .bind(run.id.to_string())
    .bind(asset.to_string())
    .bind(run.boot.map(|boot| boot.to_string()))
    .bind(&run.holder)
    .bind(int(run.begun.0))
    .bind(json(&run.path));
    query.execute(conn).await.during("store a run").map(|_| ())
}

/// An asset's newest runs that went their way, newest first.
pub async fn of_asset(conn: &mut Conn, asset: AssetId, limit: u32) -> Result<Vec<Run>, StoreError> {
    let query = sqlx::query("SELECT * FROM runs WHERE asset_id = $1 AND path IS NOT NULL ORDER BY id DESC LIMIT $2");
    let rows = query.bind(asset.to_string()).bind(i64::from(limit)).fetch_all(conn).await;
    rows.during("list runs")?
        .iter()
        .map(|row| {
            Ok(Run {
                id: row.word("id")?,
                boot: row.word_opt("boot_id")?,
                holder: row.text("holder")?,
                begun: row.time("begun_ms")?,
                path: row.body("path")?,
            })
        })
        .collect()
}
