//! Each change of a bean's outcome for an asset, written before it is acted on.

use super::{Columns, Conn, During, Row, StoreError, int, new_id, word};
use crate::dag::OutcomeKind;
use pious_protocol::ids::{AssetId, BootId, UnixMs};
use sqlx::AssertSqlSafe;
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

impl Transition {
    /// Whether it is this bean's, of this graph.
    pub fn is_of(&self, graph: &str, bean: &str) -> bool {
        self.graph == graph && self.bean == bean
    }
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

/// The newest transition for an asset of each of these beans, named with their graphs; of those that have one.
pub async fn newest(conn: &mut Conn, asset: AssetId, beans: &[(&str, &str)]) -> Result<Vec<Transition>, StoreError> {
    if beans.is_empty() {
        return Ok(Vec::new());
    }
    let one = |at: usize| {
        let (graph, bean) = (at * 2 + 2, at * 2 + 3);
        format!(
            "SELECT * FROM (SELECT * FROM transitions WHERE asset_id = $1 AND graph = ${graph} AND bean = ${bean}
             ORDER BY id DESC LIMIT 1) AS of{at}"
        )
    };
    let sql = (0..beans.len()).map(one).collect::<Vec<_>>().join(" UNION ALL ");
    // The text has no part that anybody sent: numbers of placeholders alone.
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(asset.to_string());
    for (graph, bean) in beans {
        query = query.bind(graph.to_string()).bind(bean.to_string());
    }
    query.fetch_all(conn).await.during("load beans' outcomes")?.iter().map(read).collect()
}

/// Stores what a run found; later ones sort behind.
pub async fn insert(conn: &mut Conn, asset: AssetId, run: Uuid, news: &[Transition]) -> Result<(), StoreError> {
    /// Columns that differ from row to row.
    const EACH: usize = 7;
    if news.is_empty() {
        return Ok(());
    }
    let row = |at: usize| {
        let each: Vec<_> = (0..EACH).map(|column| format!("${}", at * EACH + column + 3)).collect();
        format!("($1, $2, {})", each.join(", "))
    };
    let sql = format!(
        "INSERT INTO transitions (asset_id, run_id, id, boot_id, graph, bean, outcome, reason, at_ms) VALUES {}",
        (0..news.len()).map(row).collect::<Vec<_>>().join(", ")
    );
    // As above.
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(asset.to_string()).bind(run.to_string());
    for transition in news {
        query = query
            .bind(new_id().to_string())
            .bind(transition.boot.map(|boot| boot.to_string()))
            .bind(&transition.graph)
            .bind(&transition.bean)
            .bind(word(&transition.outcome))
            .bind(&transition.reason)
            .bind(int(transition.at.0));
    }
    query.execute(conn).await.during("store transitions").map(|_| ())
}
