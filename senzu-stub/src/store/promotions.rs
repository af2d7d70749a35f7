//! Promotions that were asked for, granted or not.

use super::{Columns, Conn, During, Row, StoreError, approvals::Approval, int, new_id, word};
use pious_protocol::{
    ids::{AssetId, BootId, UnixMs},
    message::PromotionAsk,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How far a promotion got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromotionStatus {
    /// Granted, and under way.
    Pending,
    /// The asset is BAREMETAL.
    Done,
    /// Granted, and it went wrong; the asset stays what it is.
    Failed,
    /// Not granted.
    Refused,
}

/// One promotion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    pub id: Uuid,
    pub requester: String,
    pub asked: UnixMs,
    /// What it carries out; `None`: it was asked through the agent.
    pub approval: Option<Uuid>,
}

fn read(row: &Row) -> Result<Promotion, StoreError> {
    Ok(Promotion {
        id: row.word("id")?,
        requester: row.text("requester")?,
        asked: row.time("asked_ms")?,
        approval: row.word_opt("approval_id")?,
    })
}

/// The one that is under way.
pub async fn pending(conn: &mut Conn, asset: AssetId) -> Result<Option<Promotion>, StoreError> {
    let query = sqlx::query("SELECT * FROM promotions WHERE asset_id = $1 AND status = 'pending'");
    let row = query.bind(asset.to_string()).fetch_optional(conn).await;
    row.during("look for a pending promotion")?.as_ref().map(read).transpose()
}

/// Stores what was asked and how it was answered.
pub async fn insert(
    conn: &mut Conn,
    asset: AssetId,
    boot: BootId,
    ask: &PromotionAsk,
    refused: Option<&str>,
    now: UnixMs,
) -> Result<(), StoreError> {
    let status = if refused.is_some() { PromotionStatus::Refused } else { PromotionStatus::Pending };
    let query = sqlx::query(
        "INSERT INTO promotions (id, asset_id, boot_id, requester, why, source, asked_ms, status, words)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(new_id().to_string())
    .bind(asset.to_string())
    .bind(boot.to_string())
    .bind(&ask.request.requester)
    .bind(&ask.request.reason)
    .bind(ask.source.to_string())
    .bind(int(now.0))
    .bind(word(&status))
    .bind(refused);
    query.execute(conn).await.during("store a promotion").map(|_| ())
}

/// Stores a promotion that two operators agreed on.
pub async fn insert_approved(
    conn: &mut Conn,
    asset: AssetId,
    boot: BootId,
    approved: &Approval,
    now: UnixMs,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO promotions (id, asset_id, boot_id, requester, why, source, asked_ms, status, approval_id)
         VALUES ($1, $2, $3, $4, $5, 'approval', $6, $7, $8)",
    )
    .bind(new_id().to_string())
    .bind(asset.to_string())
    .bind(boot.to_string())
    .bind(&approved.asked_by)
    .bind(&approved.why)
    .bind(int(now.0))
    .bind(word(&PromotionStatus::Pending))
    .bind(approved.id.to_string());
    query.execute(conn).await.during("store an approved promotion").map(|_| ())
}

/// Ends the promotion that is under way.
pub async fn end(conn: &mut Conn, id: Uuid, status: PromotionStatus, words: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE promotions SET status = $1, words = $2 WHERE id = $3 AND status = 'pending'");
    let query = query.bind(word(&status)).bind(words).bind(id.to_string());
    query.execute(conn).await.during("end a promotion").map(|_| ())
}
