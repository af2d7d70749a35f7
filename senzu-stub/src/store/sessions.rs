//! Boot sessions, their tokens, and the newest facts of each.

use super::{Columns, Conn, During, Row, StoreError, int, json, word};
use pious_protocol::{
    facts::{Facts, FirmwareMode},
    identity::Fingerprint,
    ids::{AssetId, BootId, Generation, UnixMs},
    message::{BootEvent, TimelineEntry},
};
use sqlx::AssertSqlSafe;

/// How a session ended whose machine is off; see `Session::ended_why`.
pub const POWERED_OFF: &str = "powered off";

/// One boot session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub boot_id: BootId,
    pub asset: AssetId,
    pub started: UnixMs,
    pub last_seen: UnixMs,
    /// When an instruction of ours ended it.
    pub ended: Option<UnixMs>,
    pub ended_why: Option<String>,
    pub firmware_mode: FirmwareMode,
    pub agent_version: String,
    pub fingerprint: Fingerprint,
    pub timeline: Vec<TimelineEntry>,
    pub last_words: Option<String>,
    /// The newest standing that the agent was told.
    pub told_revision: u64,
    /// A digest of the newest expectation that the agent was told.
    pub told_expectation: String,
}

/// The newest facts of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFacts {
    pub generation: Generation,
    pub received: UnixMs,
    pub facts: Facts,
}

fn read(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        boot_id: row.word("boot_id")?,
        asset: row.word("asset_id")?,
        started: row.time("started_ms")?,
        last_seen: row.time("last_seen_ms")?,
        ended: row.time_opt("ended_ms")?,
        ended_why: row.text_opt("ended_why")?,
        firmware_mode: row.word("firmware_mode")?,
        agent_version: row.text("agent_version")?,
        fingerprint: row.body("fingerprint")?,
        timeline: row.body("timeline")?,
        last_words: row.text_opt("last_words")?,
        told_revision: row.number("told_revision")?,
        told_expectation: row.text("told_expectation")?,
    })
}

pub async fn by_boot(conn: &mut Conn, boot: BootId) -> Result<Option<Session>, StoreError> {
    let query = sqlx::query("SELECT * FROM sessions WHERE boot_id = $1").bind(boot.to_string());
    query.fetch_optional(conn).await.during("load a session")?.as_ref().map(read).transpose()
}

/// An asset's newest sessions, newest first.
pub async fn of_asset(conn: &mut Conn, asset: AssetId, limit: u32) -> Result<Vec<Session>, StoreError> {
    let query =
        sqlx::query("SELECT * FROM sessions WHERE asset_id = $1 ORDER BY started_ms DESC, boot_id DESC LIMIT $2");
    let rows = query.bind(asset.to_string()).bind(i64::from(limit)).fetch_all(conn).await;
    rows.during("list sessions")?.iter().map(read).collect()
}

/// A session as far as it tells who speaks, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    pub boot_id: BootId,
    pub started: UnixMs,
    pub last_seen: UnixMs,
    pub ended: Option<UnixMs>,
    /// Whether its facts came.
    pub has_facts: bool,
}

/// As [`of_asset`], without what a walk never looks at: fingerprints, timelines and facts are most of a session. `current`
/// is among them even if the clock went back and others seem to be newer.
pub async fn briefs(
    conn: &mut Conn,
    asset: AssetId,
    current: Option<BootId>,
    limit: u32,
) -> Result<Vec<Brief>, StoreError> {
    // A limit is text: SQLite makes the plan of a statement anew whenever another is bound.
    let sql = format!(
        "SELECT sessions.boot_id, started_ms, last_seen_ms, ended_ms, facts.generation FROM sessions
         LEFT JOIN facts ON facts.boot_id = sessions.boot_id
         WHERE sessions.boot_id IN (SELECT CAST($1 AS TEXT) UNION SELECT boot_id FROM
             (SELECT boot_id FROM sessions WHERE asset_id = $2 ORDER BY started_ms DESC, boot_id DESC LIMIT {limit}) AS newest)
         ORDER BY started_ms DESC, sessions.boot_id DESC"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(current.map(|boot| boot.to_string())).bind(asset.to_string());
    query
        .fetch_all(conn)
        .await
        .during("list sessions")?
        .iter()
        .map(|row| {
            Ok(Brief {
                boot_id: row.word("boot_id")?,
                started: row.time("started_ms")?,
                last_seen: row.time("last_seen_ms")?,
                ended: row.time_opt("ended_ms")?,
                has_facts: row.number_opt("generation")?.is_some(),
            })
        })
        .collect()
}

/// Stores a session's first BOOT_EVENT.
pub async fn insert(conn: &mut Conn, event: &BootEvent, asset: AssetId, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO sessions (boot_id, asset_id, started_ms, last_seen_ms, firmware_mode, agent_version, fingerprint,
             timeline, last_words, told_revision, told_expectation)
         VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, 0, '')",
    )
    .bind(event.boot_id.to_string())
    .bind(asset.to_string())
    .bind(int(now.0))
    .bind(word(&event.firmware_mode))
    .bind(&event.agent_version)
    .bind(json(&event.fingerprint))
    .bind(json(&event.timeline))
    .bind(&event.last_words);
    query.execute(conn).await.during("store a boot session").map(|_| ())
}

/// Stores what a repeated BOOT_EVENT says, and lets generations of facts start anew: an agent that died counts from 1.
pub async fn repeat(conn: &mut Conn, event: &BootEvent, now: UnixMs) -> Result<(), StoreError> {
    let boot = event.boot_id.to_string();
    let query = sqlx::query(
        "UPDATE sessions SET last_seen_ms = $1, agent_version = $2, timeline = $3, last_words = COALESCE($4, last_words)
         WHERE boot_id = $5",
    )
    .bind(int(now.0))
    .bind(&event.agent_version)
    .bind(json(&event.timeline))
    .bind(&event.last_words)
    .bind(&boot);
    query.execute(&mut *conn).await.during("store a repeated boot event")?;
    let query = sqlx::query("UPDATE facts SET generation = 0 WHERE boot_id = $1").bind(&boot);
    query.execute(conn).await.during("let generations start anew").map(|_| ())
}

pub async fn set_last_seen(conn: &mut Conn, boot: BootId, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE sessions SET last_seen_ms = $1 WHERE boot_id = $2");
    let query = query.bind(int(now.0)).bind(boot.to_string());
    query.execute(conn).await.during("note when a session was heard").map(|_| ())
}

pub async fn set_timeline(conn: &mut Conn, boot: BootId, timeline: &[TimelineEntry]) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE sessions SET timeline = $1 WHERE boot_id = $2");
    let query = query.bind(json(&timeline)).bind(boot.to_string());
    query.execute(conn).await.during("store a timeline").map(|_| ())
}

/// Remembers what the agent was told.
pub async fn set_told(conn: &mut Conn, boot: BootId, revision: u64, expectation: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE sessions SET told_revision = $1, told_expectation = $2 WHERE boot_id = $3");
    let query = query.bind(int(revision)).bind(expectation).bind(boot.to_string());
    query.execute(conn).await.during("note what an agent was told").map(|_| ())
}

pub async fn end(conn: &mut Conn, boot: BootId, why: &str, now: UnixMs) -> Result<(), StoreError> {
    let query =
        sqlx::query("UPDATE sessions SET ended_ms = $1, ended_why = $2 WHERE boot_id = $3 AND ended_ms IS NULL");
    let query = query.bind(int(now.0)).bind(why).bind(boot.to_string());
    query.execute(conn).await.during("end a session").map(|_| ())
}

/// A session that ended goes on.
pub async fn reopen(conn: &mut Conn, boot: BootId) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE sessions SET ended_ms = NULL, ended_why = NULL WHERE boot_id = $1");
    query.bind(boot.to_string()).execute(conn).await.during("reopen a session").map(|_| ())
}

/// How many tokens of one session are good at once. BOOT_EVENT is sent again when its answer was lost, and two such
/// answers may overtake each other; behind that, older ones are nobody's.
const TOKENS_PER_SESSION: i64 = 4;

/// Stores a token's hash; the oldest of too many goes.
pub async fn add_token(conn: &mut Conn, boot: BootId, hash: &str) -> Result<(), StoreError> {
    let boot = boot.to_string();
    let query = sqlx::query(
        "INSERT INTO session_tokens (token_hash, boot_id, issue)
         SELECT $1, $2, COALESCE(MAX(issue), 0) + 1 FROM session_tokens WHERE boot_id = $2 RETURNING issue",
    );
    let row = query.bind(hash).bind(&boot).fetch_one(&mut *conn).await.during("store a session's token")?;
    let issue = row.number("issue")?;
    // Most sessions are greeted once.
    if int(issue) <= TOKENS_PER_SESSION {
        return Ok(());
    }
    let query = sqlx::query("DELETE FROM session_tokens WHERE boot_id = $1 AND issue <= $2");
    let query = query.bind(&boot).bind(int(issue) - TOKENS_PER_SESSION);
    query.execute(conn).await.during("drop a session's oldest token").map(|_| ())
}

/// Whose token this is.
pub async fn by_token(conn: &mut Conn, hash: &str) -> Result<Option<Session>, StoreError> {
    let query = sqlx::query(
        "SELECT sessions.* FROM sessions JOIN session_tokens ON session_tokens.boot_id = sessions.boot_id
         WHERE session_tokens.token_hash = $1",
    );
    query.bind(hash).fetch_optional(conn).await.during("look a token up")?.as_ref().map(read).transpose()
}

pub async fn facts(conn: &mut Conn, boot: BootId) -> Result<Option<StoredFacts>, StoreError> {
    let query = sqlx::query("SELECT * FROM facts WHERE boot_id = $1").bind(boot.to_string());
    let row = query.fetch_optional(conn).await.during("load facts")?;
    row.map(|row| {
        Ok(StoredFacts {
            generation: Generation(row.number("generation")?),
            received: row.time("received_ms")?,
            facts: row.body("body")?,
        })
    })
    .transpose()
}

/// The generation of the facts that are stored.
pub async fn generation(conn: &mut Conn, boot: BootId) -> Result<Generation, StoreError> {
    let query = sqlx::query("SELECT generation FROM facts WHERE boot_id = $1").bind(boot.to_string());
    let row = query.fetch_optional(conn).await.during("load a generation")?;
    row.map_or(Ok(Generation(0)), |row| row.number("generation").map(Generation))
}

/// Replaces a session's facts.
pub async fn set_facts(conn: &mut Conn, boot: BootId, facts: &StoredFacts) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO facts (boot_id, generation, received_ms, body) VALUES ($1, $2, $3, $4)
         ON CONFLICT (boot_id) DO UPDATE SET generation = excluded.generation, received_ms = excluded.received_ms,
             body = excluded.body",
    )
    .bind(boot.to_string())
    .bind(int(facts.generation.0))
    .bind(int(facts.received.0))
    .bind(json(&facts.facts));
    query.execute(conn).await.during("store facts").map(|_| ())
}
