//! Who is signed in on the pages.

use super::{Columns, Conn, During, StoreError, int};
use pious_protocol::ids::UnixMs;
use uuid::Uuid;

/// One session.
pub struct UiSession {
    pub token: Uuid,
    pub csrf: String,
    pub expires: UnixMs,
}

pub async fn insert(
    conn: &mut Conn,
    hash: &str,
    token: Uuid,
    csrf: &str,
    now: UnixMs,
    expires: UnixMs,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO ui_sessions (session_hash, token_id, csrf, made_ms, expires_ms) VALUES ($1, $2, $3, $4, $5)",
    );
    let query = query.bind(hash).bind(token.to_string()).bind(csrf).bind(int(now.0)).bind(int(expires.0));
    query.execute(conn).await.during("store a session of the pages").map(|_| ())
}

pub async fn by_hash(conn: &mut Conn, hash: &str) -> Result<Option<UiSession>, StoreError> {
    let query = sqlx::query("SELECT * FROM ui_sessions WHERE session_hash = $1").bind(hash);
    let row = query.fetch_optional(conn).await.during("load a session of the pages")?;
    row.map(|row| {
        Ok(UiSession { token: row.word("token_id")?, csrf: row.text("csrf")?, expires: row.time("expires_ms")? })
    })
    .transpose()
}

pub async fn remove(conn: &mut Conn, hash: &str) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM ui_sessions WHERE session_hash = $1").bind(hash);
    query.execute(conn).await.during("end a session of the pages").map(|_| ())
}

pub async fn remove_expired(conn: &mut Conn, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM ui_sessions WHERE expires_ms <= $1").bind(int(now.0));
    query.execute(conn).await.during("remove sessions of the pages that ended").map(|_| ())
}
