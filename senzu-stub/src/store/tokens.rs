//! Operators' tokens: hashes, never secrets.

use super::{Columns, Conn, During, Row, StoreError, int, new_id, word};
use crate::access::{Origin, Role, TokenView};
use pious_protocol::ids::UnixMs;
use uuid::Uuid;

/// A token to be stored.
pub struct NewToken<'a> {
    pub hash: &'a str,
    pub operator: &'a str,
    pub name: &'a str,
    pub role: Role,
    pub origin: Origin,
    pub made_by: &'a str,
    pub expires: Option<UnixMs>,
}

/// A token, and its operator as they are now.
pub struct Found {
    pub token: TokenView,
    pub origin: Origin,
    pub operator_role: Role,
    pub operator_ended: Option<UnixMs>,
}

fn read(row: &Row) -> Result<TokenView, StoreError> {
    Ok(TokenView {
        id: row.word("id")?,
        operator: row.text("operator")?,
        name: row.text("name")?,
        role: row.word("role")?,
        made_by: row.text("made_by")?,
        made_ms: row.time("made_ms")?,
        expires_ms: row.time_opt("expires_ms")?,
        ended_ms: row.time_opt("ended_ms")?,
        ended_by: row.text_opt("ended_by")?,
    })
}

fn read_found(row: &Row) -> Result<Found, StoreError> {
    Ok(Found {
        token: read(row)?,
        origin: row.word("origin")?,
        operator_role: row.word("operator_role")?,
        operator_ended: row.time_opt("operator_ended_ms")?,
    })
}

pub async fn insert(conn: &mut Conn, new: &NewToken<'_>, now: UnixMs) -> Result<Uuid, StoreError> {
    let id = new_id();
    let query = sqlx::query(
        "INSERT INTO tokens (id, token_hash, operator, name, role, origin, made_by, made_ms, expires_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(id.to_string())
    .bind(new.hash)
    .bind(new.operator)
    .bind(new.name)
    .bind(word(&new.role))
    .bind(word(&new.origin))
    .bind(new.made_by)
    .bind(int(now.0))
    .bind(new.expires.map(|at| int(at.0)));
    query.execute(conn).await.during("store an operator's token")?;
    Ok(id)
}

pub async fn by_hash(conn: &mut Conn, hash: &str) -> Result<Option<Found>, StoreError> {
    let query = sqlx::query(
        "SELECT tokens.*, operators.role AS operator_role, operators.ended_ms AS operator_ended_ms
         FROM tokens JOIN operators ON operators.name = tokens.operator WHERE tokens.token_hash = $1",
    );
    let row = query.bind(hash).fetch_optional(conn).await;
    row.during("look an operator's token up")?.as_ref().map(read_found).transpose()
}

/// A token by its id, with its operator.
pub async fn with_operator(conn: &mut Conn, id: Uuid) -> Result<Option<Found>, StoreError> {
    let query = sqlx::query(
        "SELECT tokens.*, operators.role AS operator_role, operators.ended_ms AS operator_ended_ms
         FROM tokens JOIN operators ON operators.name = tokens.operator WHERE tokens.id = $1",
    );
    let row = query.bind(id.to_string()).fetch_optional(conn).await;
    row.during("load an operator's token")?.as_ref().map(read_found).transpose()
}

pub async fn by_id(conn: &mut Conn, id: Uuid) -> Result<Option<TokenView>, StoreError> {
    let query = sqlx::query("SELECT * FROM tokens WHERE id = $1").bind(id.to_string());
    query.fetch_optional(conn).await.during("load an operator's token")?.as_ref().map(read).transpose()
}

/// Every token, newest first.
pub async fn all(conn: &mut Conn) -> Result<Vec<TokenView>, StoreError> {
    let rows = sqlx::query("SELECT * FROM tokens ORDER BY id DESC").fetch_all(conn).await;
    rows.during("list operators' tokens")?.iter().map(read).collect()
}

pub async fn count(conn: &mut Conn) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT COUNT(*) AS count FROM tokens").fetch_one(conn).await;
    row.during("count operators' tokens")?.number("count")
}

/// Revokes a token; says whether it was good until now.
pub async fn end(conn: &mut Conn, id: Uuid, by: &str, now: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query("UPDATE tokens SET ended_ms = $1, ended_by = $2 WHERE id = $3 AND ended_ms IS NULL");
    let query = query.bind(int(now.0)).bind(by).bind(id.to_string());
    Ok(query.execute(conn).await.during("revoke a token")?.rows_affected() > 0)
}

/// Revokes every token of one origin.
pub async fn end_of_origin(conn: &mut Conn, origin: Origin, by: &str, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE tokens SET ended_ms = $1, ended_by = $2 WHERE origin = $3 AND ended_ms IS NULL");
    let query = query.bind(int(now.0)).bind(by).bind(word(&origin));
    query.execute(conn).await.during("revoke tokens").map(|_| ())
}
