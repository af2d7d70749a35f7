//! Each change of a bean's outcome for an asset, written before it is acted on.

use super::{Columns, Conn, During, Row, StoreError, int, new_id, word};
use crate::dag::OutcomeKind;
use pious_protocol::ids::{AssetId, BootId, UnixMs};
use uuid::Uuid;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    pub boot: Option<BootId>,
    pub graph: String,
    pub bean: String,
    pub outcome: OutcomeKind,
    pub reason: String,
    pub at: UnixMs,
}

fn read(row: &Row) -> Result<Transition, StoreError> {
    Ok(Transition {
        boot: row.word_opt("boot_id")?,
        graph: row.text("graph")?,
        bean: row.text("bean")?,
        outcome: row.word("outcome")?,
        reason: row.text("reason")?,
        at: row.time("at_ms")?,
    })
}

/// A bean's newest transition for an asset.
pub async fn newest(
    conn: &mut Conn,
    asset: AssetId,
    graph: &str,
    bean: &str,
) -> Result<Option<Transition>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM transitions WHERE asset_id = $1 AND graph = $2 AND bean = $3 ORDER BY id DESC LIMIT 1",
    );
    let row = query.bind(asset.to_string()).bind(graph).bind(bean).fetch_optional(conn).await;
    row.during("load a bean's outcome")?.as_ref().map(read).transpose()
}

pub async fn insert(conn: &mut Conn, asset: AssetId, run: Uuid, transition: &Transition) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO transitions (id, asset_id, boot_id, graph, bean, outcome, reason, at_ms, run_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(new_id().to_string())
    .bind(asset.to_string())
    .bind(transition.boot.map(|boot| boot.to_string()))
    .bind(&transition.graph)
    .bind(&transition.bean)
    .bind(word(&transition.outcome))
    .bind(&transition.reason)
    .bind(int(transition.at.0))
    .bind(run.to_string());
    query.execute(conn).await.during("store a transition").map(|_| ())
}
