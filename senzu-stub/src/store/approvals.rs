//! What one operator asked for and another decided.

use super::{Columns, Conn, During, Row, StoreError, int, new_id, word};
use pious_protocol::ids::{AssetId, UnixMs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What takes two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalKind {
    /// SPARE → BAREMETAL.
    Promote,
    /// Every disk of it is erased.
    Wipe,
    /// It becomes RETIRED.
    Retire,
    /// It serves and is drained: its BMC may write firmware and restart it.
    Firmware,
}

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// Nobody decided yet.
    Pending,
    /// Beans carry it out, or did: see `outcome`.
    Approved,
    /// Somebody said no.
    Denied,
    /// Nobody decided in time, or it could not be begun in time.
    Expired,
}

/// How carrying it out ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalOutcome {
    Done,
    Failed,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub id: Uuid,
    pub asset: AssetId,
    pub asset_name: String,
    pub kind: ApprovalKind,
    pub why: String,
    pub status: ApprovalStatus,
    pub asked_by: String,
    pub asked: UnixMs,
    pub expires: UnixMs,
    pub decided_by: Option<String>,
    pub decided: Option<UnixMs>,
    pub decided_why: Option<String>,
    pub begun: Option<UnixMs>,
    pub outcome: Option<ApprovalOutcome>,
    pub words: Option<String>,
    pub ended: Option<UnixMs>,
}

impl ApprovalKind {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Wipe => "wipe",
            Self::Retire => "retire",
            Self::Firmware => "firmware",
        }
    }
}

fn read(row: &Row) -> Result<Approval, StoreError> {
    Ok(Approval {
        id: row.word("id")?,
        asset: row.word("asset_id")?,
        asset_name: row.text("name")?,
        kind: row.word("kind")?,
        why: row.text("why")?,
        status: row.word("status")?,
        asked_by: row.text("asked_by")?,
        asked: row.time("asked_ms")?,
        expires: row.time("expires_ms")?,
        decided_by: row.text_opt("decided_by")?,
        decided: row.time_opt("decided_ms")?,
        decided_why: row.text_opt("decided_why")?,
        begun: row.time_opt("begun_ms")?,
        outcome: row.word_opt("outcome")?,
        words: row.text_opt("words")?,
        ended: row.time_opt("ended_ms")?,
    })
}

/// A request to be stored.
pub struct NewApproval<'a> {
    pub asset: AssetId,
    pub kind: ApprovalKind,
    pub why: &'a str,
    pub asked_by: &'a str,
    pub expires: UnixMs,
}

pub async fn insert(conn: &mut Conn, new: &NewApproval<'_>, now: UnixMs) -> Result<Uuid, StoreError> {
    let id = new_id();
    let query = sqlx::query(
        "INSERT INTO approvals (id, asset_id, kind, why, status, asked_by, asked_ms, expires_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id.to_string())
    .bind(new.asset.to_string())
    .bind(word(&new.kind))
    .bind(new.why)
    .bind(word(&ApprovalStatus::Pending))
    .bind(new.asked_by)
    .bind(int(now.0))
    .bind(int(new.expires.0));
    query.execute(conn).await.during("store a request for approval")?;
    Ok(id)
}

pub async fn by_id(conn: &mut Conn, id: Uuid) -> Result<Option<Approval>, StoreError> {
    let query = sqlx::query(
        "SELECT approvals.*, assets.name FROM approvals JOIN assets ON assets.id = approvals.asset_id
         WHERE approvals.id = $1",
    );
    let row = query.bind(id.to_string()).fetch_optional(conn).await;
    row.during("load a request for approval")?.as_ref().map(read).transpose()
}

/// The one that is pending or being carried out.
pub async fn open_of(conn: &mut Conn, asset: AssetId) -> Result<Option<Approval>, StoreError> {
    let query = sqlx::query(
        "SELECT approvals.*, assets.name FROM approvals JOIN assets ON assets.id = approvals.asset_id
         WHERE approvals.asset_id = $1
           AND (approvals.status = 'pending' OR (approvals.status = 'approved' AND approvals.outcome IS NULL))",
    );
    let row = query.bind(asset.to_string()).fetch_optional(conn).await;
    row.during("look for an open request for approval")?.as_ref().map(read).transpose()
}

/// Which requests to list.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub asset: Option<AssetId>,
    pub status: Option<ApprovalStatus>,
    /// Those that are older than this one.
    pub after: Option<Uuid>,
}

/// Requests, newest first.
pub async fn list(conn: &mut Conn, wanted: &Wanted, limit: u32) -> Result<Vec<Approval>, StoreError> {
    let query = sqlx::query(
        "SELECT approvals.*, assets.name FROM approvals JOIN assets ON assets.id = approvals.asset_id
         WHERE (approvals.asset_id = $1 OR $1 IS NULL) AND (approvals.status = $2 OR $2 IS NULL)
           AND (approvals.id < $3 OR $3 IS NULL) ORDER BY approvals.id DESC LIMIT $4",
    )
    .bind(wanted.asset.map(|asset| asset.to_string()))
    .bind(wanted.status.map(|status| word(&status)))
    .bind(wanted.after.map(|id| id.to_string()))
    .bind(i64::from(limit));
    query.fetch_all(conn).await.during("list requests for approval")?.iter().map(read).collect()
}

/// A decision, as it is stored.
pub struct Decided<'a> {
    pub status: ApprovalStatus,
    pub by: &'a str,
    pub why: &'a str,
}

pub async fn decide(conn: &mut Conn, id: Uuid, decided: &Decided<'_>, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE approvals SET status = $1, decided_by = $2, decided_why = $3, decided_ms = $4
         WHERE id = $5 AND status = 'pending'",
    )
    .bind(word(&decided.status))
    .bind(decided.by)
    .bind(decided.why)
    .bind(int(now.0))
    .bind(id.to_string());
    query.execute(conn).await.during("store a decision").map(|_| ())
}

/// A bean begins to carry it out.
pub async fn begin(conn: &mut Conn, id: Uuid, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE approvals SET begun_ms = $1 WHERE id = $2 AND begun_ms IS NULL");
    let query = query.bind(int(now.0)).bind(id.to_string());
    query.execute(conn).await.during("begin what was approved").map(|_| ())
}

/// A bean carried it out, or could not.
pub async fn end(
    conn: &mut Conn,
    id: Uuid,
    outcome: ApprovalOutcome,
    words: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let query =
        sqlx::query("UPDATE approvals SET outcome = $1, words = $2, ended_ms = $3 WHERE id = $4 AND outcome IS NULL");
    let query = query.bind(word(&outcome)).bind(words).bind(int(now.0)).bind(id.to_string());
    query.execute(conn).await.during("end what was approved").map(|_| ())
}

/// Those whose time is over: nobody decided, or nothing could be begun.
pub async fn overdue(conn: &mut Conn, now: UnixMs) -> Result<Vec<Approval>, StoreError> {
    let query = sqlx::query(
        "SELECT approvals.*, assets.name FROM approvals JOIN assets ON assets.id = approvals.asset_id
         WHERE approvals.status IN ('pending', 'approved') AND approvals.outcome IS NULL
           AND approvals.begun_ms IS NULL AND approvals.expires_ms <= $1",
    );
    let rows = query.bind(int(now.0)).fetch_all(conn).await;
    rows.during("list overdue requests for approval")?.iter().map(read).collect()
}

pub async fn expire(conn: &mut Conn, id: Uuid, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE approvals SET status = 'expired', ended_ms = $1 WHERE id = $2 AND outcome IS NULL");
    query.bind(int(now.0)).bind(id.to_string()).execute(conn).await.during("expire a request").map(|_| ())
}

/// Firmware is nobody's wish any more: what was agreed on for its sake is over.
pub async fn end_firmware(
    conn: &mut Conn,
    asset: AssetId,
    outcome: ApprovalOutcome,
    words: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let Some(open) = open_of(conn, asset).await?.filter(|open| open.kind == ApprovalKind::Firmware) else {
        return Ok(());
    };
    match open.status {
        ApprovalStatus::Approved => end(conn, open.id, outcome, words, now).await,
        ApprovalStatus::Pending | ApprovalStatus::Denied | ApprovalStatus::Expired => expire(conn, open.id, now).await,
    }
}
