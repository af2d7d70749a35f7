//! People who operate Senzu.

use super::{Columns, Conn, During, Row, StoreError, int, word};
use crate::access::Role;
use pious_protocol::ids::UnixMs;

/// One operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub name: String,
    pub role: Role,
    pub made_by: String,
    pub made: UnixMs,
    /// When they were shut out.
    pub ended: Option<UnixMs>,
}

fn read(row: &Row) -> Result<Operator, StoreError> {
    Ok(Operator {
        name: row.text("name")?,
        role: row.word("role")?,
        made_by: row.text("made_by")?,
        made: row.time("made_ms")?,
        ended: row.time_opt("ended_ms")?,
    })
}

pub async fn by_name(conn: &mut Conn, name: &str) -> Result<Option<Operator>, StoreError> {
    let query = sqlx::query("SELECT * FROM operators WHERE name = $1").bind(name);
    query.fetch_optional(conn).await.during("load an operator")?.as_ref().map(read).transpose()
}

/// Every operator, by name.
pub async fn all(conn: &mut Conn) -> Result<Vec<Operator>, StoreError> {
    let rows = sqlx::query("SELECT * FROM operators ORDER BY name").fetch_all(conn).await;
    rows.during("list operators")?.iter().map(read).collect()
}

/// Makes an operator, or changes one; one who was shut out is let in again.
pub async fn set(conn: &mut Conn, name: &str, role: Role, by: &str, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO operators (name, role, made_by, made_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET role = excluded.role, ended_ms = NULL",
    )
    .bind(name)
    .bind(word(&role))
    .bind(by)
    .bind(int(now.0));
    query.execute(conn).await.during("store an operator").map(|_| ())
}

/// Shuts an operator out; says whether they were in.
pub async fn end(conn: &mut Conn, name: &str, now: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query("UPDATE operators SET ended_ms = $1 WHERE name = $2 AND ended_ms IS NULL");
    let done = query.bind(int(now.0)).bind(name).execute(conn).await.during("shut an operator out")?;
    Ok(done.rows_affected() > 0)
}
