//! Who may be written to now: leases, which are over by themselves.

use super::{Columns, Conn, During, Row, StoreError, dialect, int};
use crate::campaign::slots::Slot;
use pious_protocol::ids::{AssetId, UnixMs};
use sqlx::AssertSqlSafe;

/// The counter of how many there may be in one network, unless a campaign says otherwise.
const PER_NETWORK: &str = "firmware_per_network";

fn read(row: &Row) -> Result<Slot, StoreError> {
    Ok(Slot {
        asset: row.word("asset_id")?,
        campaign: row.word_opt("campaign_id")?,
        network: row.text("network")?,
        rack: row.text_opt("rack")?,
        region: row.text_opt("region")?,
        expires: row.time("expires_ms")?,
    })
}

/// How many there may be in one network, unless a campaign says otherwise.
pub async fn per_network(conn: &mut Conn) -> Result<u32, StoreError> {
    Ok(u32::try_from(super::counter(conn, PER_NETWORK).await?).unwrap_or(u32::MAX))
}

/// As [`per_network`]; nobody else counts slots until this transaction ends.
pub async fn lock(conn: &mut Conn) -> Result<u32, StoreError> {
    let sql = format!("SELECT value FROM counters WHERE name = $1 {}", dialect::for_update(conn));
    let row = sqlx::query(AssertSqlSafe(sql)).bind(PER_NETWORK).fetch_one(conn).await;
    Ok(u32::try_from(row.during("take the firmware slots")?.number("value")?).unwrap_or(u32::MAX))
}

pub async fn set_per_network(conn: &mut Conn, most: u32) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE counters SET value = $1 WHERE name = $2").bind(i64::from(most)).bind(PER_NETWORK);
    query.execute(conn).await.during("store how many firmware slots a network has").map(|_| ())
}

/// An asset's, over or not.
pub async fn of(conn: &mut Conn, asset: AssetId) -> Result<Option<Slot>, StoreError> {
    let query = sqlx::query("SELECT * FROM firmware_slots WHERE asset_id = $1").bind(asset.to_string());
    query.fetch_optional(conn).await.during("load a firmware slot")?.as_ref().map(read).transpose()
}

/// Those that are not over.
pub async fn held(conn: &mut Conn, now: UnixMs) -> Result<Vec<Slot>, StoreError> {
    let query = sqlx::query("SELECT * FROM firmware_slots WHERE expires_ms > $1 ORDER BY asset_id").bind(int(now.0));
    query.fetch_all(conn).await.during("list firmware slots")?.iter().map(read).collect()
}

/// Stores a slot, in the place of the asset's own.
pub async fn put(conn: &mut Conn, slot: &Slot, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO firmware_slots (asset_id, campaign_id, network, rack, region, expires_ms, taken_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (asset_id) DO UPDATE SET campaign_id = excluded.campaign_id, network = excluded.network,
             rack = excluded.rack, region = excluded.region, expires_ms = excluded.expires_ms,
             taken_ms = excluded.taken_ms",
    )
    .bind(slot.asset.to_string())
    .bind(slot.campaign.map(|campaign| campaign.to_string()))
    .bind(&slot.network)
    .bind(&slot.rack)
    .bind(&slot.region)
    .bind(int(slot.expires.0))
    .bind(int(now.0));
    query.execute(conn).await.during("store a firmware slot").map(|_| ())
}

/// An asset's slot lasts until then; where it has none, it gets none.
pub async fn renew(conn: &mut Conn, asset: AssetId, until: UnixMs) -> Result<(), StoreError> {
    // What was asked for only is not had.
    let query = sqlx::query(
        "UPDATE firmware_slots SET expires_ms = $1 WHERE asset_id = $2 AND expires_ms > 0 AND expires_ms < $1",
    );
    let query = query.bind(int(until.0)).bind(asset.to_string());
    query.execute(conn).await.during("renew a firmware slot").map(|_| ())
}

/// Gives an asset's slot back; `None`: it had none.
pub async fn give_back(conn: &mut Conn, asset: AssetId) -> Result<Option<Slot>, StoreError> {
    let query = sqlx::query("DELETE FROM firmware_slots WHERE asset_id = $1 RETURNING *").bind(asset.to_string());
    query.fetch_optional(conn).await.during("give a firmware slot back")?.as_ref().map(read).transpose()
}

/// What assets ask for that have none now, those that asked first first.
pub async fn waiting(conn: &mut Conn, now: UnixMs, limit: u32) -> Result<Vec<Slot>, StoreError> {
    let query = sqlx::query(
        "SELECT firmware_slots.* FROM firmware_slots
         JOIN firmware_goals ON firmware_goals.asset_id = firmware_slots.asset_id AND firmware_goals.status = 'open'
         WHERE expires_ms <= $1 ORDER BY taken_ms, firmware_slots.asset_id LIMIT $2",
    );
    let query = query.bind(int(now.0)).bind(i64::from(limit));
    query.fetch_all(conn).await.during("list who waits for a firmware slot")?.iter().map(read).collect()
}

/// Has an asset walked soon; one that somebody is at just now is left to them: waiting for them could be waiting for each
/// other.
pub async fn walk_soon(conn: &mut Conn, asset: AssetId, now: UnixMs) -> Result<(), StoreError> {
    let sql = format!("SELECT id FROM assets WHERE id = $1 {}", dialect::skip_locked(conn));
    let query = sqlx::query(AssertSqlSafe(sql)).bind(asset.to_string());
    if query.fetch_optional(&mut *conn).await.during("look for who waits for a firmware slot")?.is_none() {
        return Ok(());
    }
    let query = sqlx::query("UPDATE assets SET next_walk_ms = $1 WHERE id = $2");
    query.bind(int(now.0)).bind(asset.to_string()).execute(conn).await.during("have an asset walked").map(|_| ())
}
