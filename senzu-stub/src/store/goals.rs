//! Which firmware assets shall have, and what they were read to have.

use super::{Columns, Conn, During, Row, StoreError, int, json, new_id, word};
use crate::firmware::Wanted;
use pious_protocol::{
    firmware::{FirmwareComponent, InstalledFirmware},
    ids::{AssetId, BootId, UnixMs},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How far a goal got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoalStatus {
    /// Beans pursue it.
    Open,
    /// It went wrong, and a person must look before anything else is tried.
    Recovery,
    /// Every component was read to run what it shall.
    Done,
    /// An operator took it back.
    Withdrawn,
}

/// What an asset shall run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    pub id: Uuid,
    pub asset: AssetId,
    pub wanted: Vec<Wanted>,
    pub campaign: Option<Uuid>,
    pub why: String,
    pub asked_by: String,
    pub asked: UnixMs,
    /// What was tried before that does not count.
    pub since: UnixMs,
    pub status: GoalStatus,
    pub words: Option<String>,
    pub ended: Option<UnixMs>,
}

fn read(row: &Row) -> Result<Goal, StoreError> {
    Ok(Goal {
        id: row.word("id")?,
        asset: row.word("asset_id")?,
        wanted: row.body("wanted")?,
        campaign: row.word_opt("campaign_id")?,
        why: row.text("why")?,
        asked_by: row.text("asked_by")?,
        asked: row.time("asked_ms")?,
        since: row.time("since_ms")?,
        status: row.word("status")?,
        words: row.text_opt("words")?,
        ended: row.time_opt("ended_ms")?,
    })
}

/// A goal to be stored.
pub struct NewGoal<'a> {
    pub asset: AssetId,
    pub wanted: &'a [Wanted],
    pub campaign: Option<Uuid>,
    pub why: &'a str,
    pub asked_by: &'a str,
}

/// Stores a goal; `None`: the asset has one that is not over.
pub async fn insert(conn: &mut Conn, new: &NewGoal<'_>, now: UnixMs) -> Result<Option<Uuid>, StoreError> {
    let id = new_id();
    let query = sqlx::query(
        "INSERT INTO firmware_goals (id, asset_id, wanted, campaign_id, why, asked_by, asked_ms, since_ms, status)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 'open') ON CONFLICT DO NOTHING",
    )
    .bind(id.to_string())
    .bind(new.asset.to_string())
    .bind(json(&new.wanted))
    .bind(new.campaign.map(|campaign| campaign.to_string()))
    .bind(new.why)
    .bind(new.asked_by)
    .bind(int(now.0));
    let stored = query.execute(conn).await.during("store a firmware goal")?.rows_affected() > 0;
    Ok(stored.then_some(id))
}

/// An asset's goal that is not over.
pub async fn open_of(conn: &mut Conn, asset: AssetId) -> Result<Option<Goal>, StoreError> {
    let query = sqlx::query("SELECT * FROM firmware_goals WHERE asset_id = $1 AND status IN ('open', 'recovery')");
    let row = query.bind(asset.to_string()).fetch_optional(conn).await;
    row.during("look for a firmware goal")?.as_ref().map(read).transpose()
}

/// An asset's newest goals, newest first.
pub async fn of_asset(conn: &mut Conn, asset: AssetId, limit: u32) -> Result<Vec<Goal>, StoreError> {
    let query = sqlx::query("SELECT * FROM firmware_goals WHERE asset_id = $1 ORDER BY id DESC LIMIT $2");
    let rows = query.bind(asset.to_string()).bind(i64::from(limit)).fetch_all(conn).await;
    rows.during("list firmware goals")?.iter().map(read).collect()
}

/// Ends a goal, or stops it for a person to look.
pub async fn set_status(
    conn: &mut Conn,
    id: Uuid,
    status: GoalStatus,
    words: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE firmware_goals SET status = $1, words = $2, ended_ms = $3 WHERE id = $4 AND status IN ('open', 'recovery')",
    );
    let query = query.bind(word(&status)).bind(words).bind(int(now.0)).bind(id.to_string());
    query.execute(conn).await.during("store a firmware goal's status").map(|_| ())
}

/// Opens a goal anew: what was tried until now does not count any more.
pub async fn reopen(conn: &mut Conn, id: Uuid, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE firmware_goals SET status = 'open', words = NULL, ended_ms = NULL, since_ms = $1
         WHERE id = $2 AND status IN ('open', 'recovery')",
    );
    query.bind(int(now.0)).bind(id.to_string()).execute(conn).await.during("open a firmware goal anew").map(|_| ())
}

/// What a component ran when it was last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    pub firmware: InstalledFirmware,
    /// Who read it; `None`: Senzu, from outside.
    pub boot: Option<BootId>,
    pub read: UnixMs,
}

pub async fn installed(conn: &mut Conn, asset: AssetId) -> Result<Vec<Installed>, StoreError> {
    let query = sqlx::query("SELECT * FROM firmware_installed WHERE asset_id = $1 ORDER BY component");
    let rows = query.bind(asset.to_string()).fetch_all(conn).await.during("list installed firmware")?;
    rows.iter()
        .map(|row| {
            let component: FirmwareComponent = row.word("component")?;
            let firmware = InstalledFirmware { component, version: row.text("version")?, source: row.text("source")? };
            Ok(Installed { firmware, boot: row.word_opt("boot_id")?, read: row.time("read_ms")? })
        })
        .collect()
}

pub async fn set_installed(
    conn: &mut Conn,
    asset: AssetId,
    firmware: &InstalledFirmware,
    boot: Option<BootId>,
    now: UnixMs,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO firmware_installed (asset_id, component, version, source, boot_id, read_ms)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (asset_id, component) DO UPDATE SET version = excluded.version, source = excluded.source,
             boot_id = excluded.boot_id, read_ms = excluded.read_ms",
    )
    .bind(asset.to_string())
    .bind(word(&firmware.component))
    .bind(&firmware.version)
    .bind(&firmware.source)
    .bind(boot.map(|boot| boot.to_string()))
    .bind(int(now.0));
    query.execute(conn).await.during("store installed firmware").map(|_| ())
}
