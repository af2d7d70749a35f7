//! Campaigns: what was asked for, by whom, and how far it is.

use super::{Columns, Conn, During, Row, StoreError, int, json, new_id, word};
use crate::campaign::{Spec, Status};
use pious_protocol::ids::{AssetId, UnixMs};
use uuid::Uuid;

/// One campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    pub id: Uuid,
    pub spec: Spec,
    pub why: String,
    pub status: Status,
    pub words: Option<String>,
    pub asked_by: String,
    pub asked: UnixMs,
    pub approved_by: Option<String>,
    pub approved: Option<UnixMs>,
    pub started: Option<UnixMs>,
    pub ended: Option<UnixMs>,
    /// How many have a wave.
    pub members: u64,
    /// The wave whose members may be admitted, until when; 0: none.
    pub open_wave: u32,
    pub open_until: UnixMs,
    pub counted_since: UnixMs,
    /// The asset that its alert is raised about.
    pub halted_asset: Option<AssetId>,
}

fn read(row: &Row) -> Result<Campaign, StoreError> {
    Ok(Campaign {
        id: row.word("id")?,
        spec: row.body("spec")?,
        why: row.text("why")?,
        status: row.word("status")?,
        words: row.text_opt("words")?,
        asked_by: row.text("asked_by")?,
        asked: row.time("asked_ms")?,
        approved_by: row.text_opt("approved_by")?,
        approved: row.time_opt("approved_ms")?,
        started: row.time_opt("started_ms")?,
        ended: row.time_opt("ended_ms")?,
        members: row.number("members")?,
        open_wave: u32::try_from(row.number("open_wave")?).unwrap_or(u32::MAX),
        open_until: row.time("open_until_ms")?,
        counted_since: row.time("counted_since_ms")?,
        halted_asset: row.word_opt("halted_asset")?,
    })
}

/// A campaign to be stored.
pub struct NewCampaign<'a> {
    pub spec: &'a Spec,
    pub why: &'a str,
    pub asked_by: &'a str,
    pub members: u64,
}

pub async fn insert(conn: &mut Conn, new: &NewCampaign<'_>, now: UnixMs) -> Result<Uuid, StoreError> {
    let id = new_id();
    let query = sqlx::query(
        "INSERT INTO campaigns (id, name, spec, why, status, asked_by, asked_ms, members, open_wave, open_until_ms,
             counted_since_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0)",
    )
    .bind(id.to_string())
    .bind(&new.spec.name)
    .bind(json(new.spec))
    .bind(new.why)
    .bind(word(&Status::Draft))
    .bind(new.asked_by)
    .bind(int(now.0))
    .bind(int(new.members));
    query.execute(conn).await.during("store a campaign").map(|_| id)
}

pub async fn by_id(conn: &mut Conn, id: Uuid) -> Result<Option<Campaign>, StoreError> {
    let query = sqlx::query("SELECT * FROM campaigns WHERE id = $1").bind(id.to_string());
    query.fetch_optional(conn).await.during("load a campaign")?.as_ref().map(read).transpose()
}

/// Newest first, behind `after`.
pub async fn list(conn: &mut Conn, after: Option<Uuid>, limit: u32) -> Result<Vec<Campaign>, StoreError> {
    let query = sqlx::query("SELECT * FROM campaigns WHERE id < $1 ORDER BY id DESC LIMIT $2");
    let query = query.bind(after.unwrap_or(Uuid::max()).to_string()).bind(i64::from(limit));
    query.fetch_all(conn).await.during("list campaigns")?.iter().map(read).collect()
}

/// Stores what may change of a campaign, and when to look at it next.
pub async fn set(conn: &mut Conn, campaign: &Campaign, look: Option<UnixMs>) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE campaigns SET status = $1, words = $2, approved_by = $3, approved_ms = $4, started_ms = $5, ended_ms = $6,
             open_wave = $7, open_until_ms = $8, counted_since_ms = $9, halted_asset = $10, look_ms = $11,
             holder = NULL, lease_until_ms = NULL
         WHERE id = $12",
    )
    .bind(word(&campaign.status))
    .bind(&campaign.words)
    .bind(&campaign.approved_by)
    .bind(campaign.approved.map(|at| int(at.0)))
    .bind(campaign.started.map(|at| int(at.0)))
    .bind(campaign.ended.map(|at| int(at.0)))
    .bind(i64::from(campaign.open_wave))
    .bind(int(campaign.open_until.0))
    .bind(int(campaign.counted_since.0))
    .bind(campaign.halted_asset.map(|asset| asset.to_string()))
    .bind(look.map(|at| int(at.0)))
    .bind(campaign.id.to_string());
    query.execute(conn).await.during("store how far a campaign is").map(|_| ())
}

/// Something happened to a member: it is looked at soon. One of which nothing is to be done is left alone.
pub async fn look_soon(conn: &mut Conn, id: Uuid, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE campaigns SET look_ms = $1 WHERE id = $2 AND look_ms > $1");
    let query = query.bind(int(now.0)).bind(id.to_string());
    query.execute(conn).await.during("have a campaign looked at").map(|_| ())
}

/// Those to look at now that nobody looks at.
pub async fn due(conn: &mut Conn, now: UnixMs) -> Result<Vec<Uuid>, StoreError> {
    let query = sqlx::query(
        "SELECT id FROM campaigns WHERE look_ms <= $1 AND (lease_until_ms IS NULL OR lease_until_ms <= $1) ORDER BY look_ms",
    );
    let rows = query.bind(int(now.0)).fetch_all(conn).await.during("look for campaigns that are due")?;
    rows.iter().map(|row| row.word("id")).collect()
}

/// Takes a campaign that is due; `false`: another has it. A lease that is over was lost with its replica.
pub async fn claim(conn: &mut Conn, id: Uuid, holder: &str, now: UnixMs, until: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "UPDATE campaigns SET holder = $1, lease_until_ms = $2
         WHERE id = $3 AND look_ms <= $4 AND (lease_until_ms IS NULL OR lease_until_ms <= $4)",
    );
    let query = query.bind(holder).bind(int(until.0)).bind(id.to_string()).bind(int(now.0));
    Ok(query.execute(conn).await.during("claim a campaign")?.rows_affected() > 0)
}

/// Whether a claimed campaign is still its claimer's.
pub async fn is_ours(conn: &mut Conn, id: Uuid, holder: &str) -> Result<bool, StoreError> {
    let query = sqlx::query("SELECT id FROM campaigns WHERE id = $1 AND holder = $2").bind(id.to_string()).bind(holder);
    Ok(query.fetch_optional(conn).await.during("look at a campaign's claim")?.is_some())
}
