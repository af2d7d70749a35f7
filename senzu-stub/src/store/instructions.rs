//! Instructions and what agents report of them.

use super::{Columns, Conn, During, Row, StoreError, int, json, word};
use pious_protocol::{
    ids::{AssetId, BootId, InstructionId, Sequence, UnixMs},
    instruction::Instruction,
    message::Report,
};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

/// How far an instruction got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not answered yet.
    Issued,
    /// The agent is at it.
    Accepted,
    /// Done.
    Done,
    /// Tried, and it went wrong.
    Failed,
    /// Not tried.
    Refused,
    /// Nobody took it in time, or its boot session is over.
    Expired,
    /// Senzu took it back before anybody took it.
    Withdrawn,
}

/// An instruction with its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    pub instruction: Instruction,
    /// The bean, or `operator`.
    pub issuer: String,
    pub status: Status,
    /// When the status last changed.
    pub changed: UnixMs,
    /// Senzu does it itself, through the BMC; no agent is handed it.
    pub out_of_band: bool,
}

/// The issuer of an operator's instructions.
pub const OPERATOR: &str = "operator";

fn read(row: &Row) -> Result<Issued, StoreError> {
    Ok(Issued {
        instruction: row.body("body")?,
        issuer: row.text("issuer")?,
        status: row.word("status")?,
        changed: row.time("changed_ms")?,
        out_of_band: row.number("out_of_band")? > 0,
    })
}

pub async fn insert(conn: &mut Conn, instruction: &Instruction, issuer: &str) -> Result<(), StoreError> {
    insert_as(conn, instruction, issuer, false).await
}

/// As [`insert`], of what Senzu does itself.
pub async fn insert_out_of_band(conn: &mut Conn, instruction: &Instruction, issuer: &str) -> Result<(), StoreError> {
    insert_as(conn, instruction, issuer, true).await
}

async fn insert_as(
    conn: &mut Conn,
    instruction: &Instruction,
    issuer: &str,
    out_of_band: bool,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO instructions (id, asset_id, sequence, boot_id, issuer, kind, body, status, issued_ms, expires_ms,
             changed_ms, out_of_band)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $11)",
    )
    .bind(instruction.id.to_string())
    .bind(instruction.asset.to_string())
    .bind(int(instruction.sequence.0))
    .bind(instruction.boot.map(|boot| boot.to_string()))
    .bind(issuer)
    .bind(instruction.action.kind())
    .bind(json(instruction))
    .bind(word(&Status::Issued))
    .bind(int(instruction.issued_ms.0))
    .bind(int(instruction.expires_ms.0))
    .bind(i64::from(out_of_band));
    query.execute(conn).await.during("store an instruction").map(|_| ())
}

pub async fn by_id(conn: &mut Conn, id: InstructionId) -> Result<Option<Issued>, StoreError> {
    let query = sqlx::query("SELECT * FROM instructions WHERE id = $1").bind(id.to_string());
    query.fetch_optional(conn).await.during("load an instruction")?.as_ref().map(read).transpose()
}

/// An asset's newest instructions, newest first.
pub async fn of_asset(conn: &mut Conn, asset: AssetId, limit: u32) -> Result<Vec<Issued>, StoreError> {
    let query = sqlx::query("SELECT * FROM instructions WHERE asset_id = $1 ORDER BY sequence DESC LIMIT $2");
    let rows = query.bind(asset.to_string()).bind(i64::from(limit)).fetch_all(conn).await;
    rows.during("list instructions")?.iter().map(read).collect()
}

/// The open power-off or reboot of a boot session: it is done before whatever comes behind it in the queue.
pub async fn open_power(conn: &mut Conn, asset: AssetId, boot: BootId) -> Result<Option<Issued>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM instructions WHERE asset_id = $1 AND (boot_id = $2 OR boot_id IS NULL) AND out_of_band = 0
             AND status IN ('issued', 'accepted') AND kind IN ('shutdown', 'reboot') ORDER BY sequence LIMIT 1",
    );
    let row = query.bind(asset.to_string()).bind(boot.to_string()).fetch_optional(conn).await;
    row.during("look for an open power-off")?.as_ref().map(read).transpose()
}

/// How many of an asset's instructions have not ended.
pub async fn count_open(conn: &mut Conn, asset: AssetId) -> Result<u64, StoreError> {
    let query = sqlx::query(
        "SELECT COUNT(*) AS open FROM instructions WHERE asset_id = $1 AND status IN ('issued', 'accepted')",
    );
    query.bind(asset.to_string()).fetch_one(conn).await.during("count open instructions")?.number("open")
}

/// What beans told a boot session, newest first. Operators' are left out: however many there are, a bean finds its own.
pub async fn of_beans(conn: &mut Conn, asset: AssetId, boot: BootId, limit: u32) -> Result<Vec<Issued>, StoreError> {
    // A limit is text: see [`super::sessions::briefs`].
    let sql = format!(
        "SELECT * FROM instructions WHERE asset_id = $1 AND boot_id = $2 AND issuer <> 'operator'
         ORDER BY sequence DESC LIMIT {limit}"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(asset.to_string()).bind(boot.to_string());
    query.fetch_all(conn).await.during("list beans' instructions")?.iter().map(read).collect()
}

/// An instruction with what was said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub issued: Issued,
    /// The newest report of progress.
    pub progress: Option<Report>,
    /// The last word.
    pub last: Option<Report>,
}

/// What beans told an asset since a moment, whichever its boot session; newest first.
pub async fn told_since(conn: &mut Conn, asset: AssetId, since: UnixMs, limit: u32) -> Result<Vec<Told>, StoreError> {
    // A limit is text: see [`super::sessions::briefs`].
    let sql = format!(
        "SELECT instructions.*, progress.body AS progress, final.body AS final FROM instructions
         LEFT JOIN reports AS progress ON progress.instruction_id = instructions.id AND progress.stage = 'progress'
         LEFT JOIN reports AS final ON final.instruction_id = instructions.id AND final.stage = 'final'
         WHERE asset_id = $1 AND issued_ms >= $2 AND issuer <> 'operator' ORDER BY sequence DESC LIMIT {limit}"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(asset.to_string()).bind(int(since.0));
    let rows = query.fetch_all(conn).await.during("list what an asset was told")?;
    rows.iter()
        .map(|row| Ok(Told { issued: read(row)?, progress: row.body_opt("progress")?, last: row.body_opt("final")? }))
        .collect()
}

/// What a session should be handed: open, behind `after`, not expired, not another boot's; in sequence.
pub async fn to_hand_out(
    conn: &mut Conn,
    asset: AssetId,
    boot: BootId,
    after: Sequence,
    now: UnixMs,
) -> Result<Vec<Instruction>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM instructions
         WHERE asset_id = $1 AND (boot_id IS NULL OR boot_id = $2) AND out_of_band = 0 AND sequence > $3
           AND ((status = 'issued' AND expires_ms > $4) OR status = 'accepted')
         ORDER BY sequence",
    );
    let query = query.bind(asset.to_string()).bind(boot.to_string()).bind(int(after.0)).bind(int(now.0));
    let rows = query.fetch_all(conn).await.during("look for instructions")?;
    rows.iter().map(|row| read(row).map(|issued| issued.instruction)).collect()
}

pub async fn set_status(conn: &mut Conn, id: InstructionId, status: Status, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE instructions SET status = $1, changed_ms = $2 WHERE id = $3 AND status <> $1");
    let query = query.bind(word(&status)).bind(int(now.0)).bind(id.to_string());
    query.execute(conn).await.during("store an instruction's status").map(|_| ())
}

/// Marks what nobody may start any more: past its time, or bound to a boot session that is over. Says whether there was any.
pub async fn expire(conn: &mut Conn, asset: AssetId, boot: Option<BootId>, now: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "UPDATE instructions SET status = 'expired', changed_ms = $1
         WHERE asset_id = $2 AND ((status = 'issued' AND expires_ms <= $1)
             OR (status IN ('issued', 'accepted') AND boot_id IS NOT NULL AND boot_id <> $3))",
    );
    let query = query.bind(int(now.0)).bind(asset.to_string()).bind(boot.map(|b| b.to_string()).unwrap_or_default());
    Ok(query.execute(conn).await.during("expire instructions")?.rows_affected() > 0)
}

/// Takes "done" back of a boot session's power-off or reboot: the machine is still there.
pub async fn doubt_last_power(conn: &mut Conn, asset: AssetId, boot: BootId, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE instructions SET status = 'failed', changed_ms = $1
         WHERE asset_id = $2 AND boot_id = $3 AND status = 'done' AND kind IN ('shutdown', 'reboot')",
    );
    let query = query.bind(int(now.0)).bind(asset.to_string()).bind(boot.to_string());
    query.execute(conn).await.during("take a done power-off back").map(|_| ())
}

/// The three reports that are kept of an instruction: the first word, the newest progress, the last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Accepted,
    Progress,
    Final,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Progress => "progress",
            Self::Final => "final",
        }
    }
}

/// A report as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReport {
    pub at: UnixMs,
    pub report: Report,
}

pub async fn set_report(
    conn: &mut Conn,
    id: InstructionId,
    stage: Stage,
    report: &Report,
    now: UnixMs,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO reports (instruction_id, stage, at_ms, body) VALUES ($1, $2, $3, $4)
         ON CONFLICT (instruction_id, stage) DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body",
    );
    let query = query.bind(id.to_string()).bind(stage.name()).bind(int(now.0)).bind(json(report));
    query.execute(conn).await.during("store a report").map(|_| ())
}

pub async fn final_report(conn: &mut Conn, id: InstructionId) -> Result<Option<Report>, StoreError> {
    let query = sqlx::query("SELECT body FROM reports WHERE instruction_id = $1 AND stage = 'final'");
    let row = query.bind(id.to_string()).fetch_optional(conn).await.during("load a final report")?;
    row.map(|row| row.body("body")).transpose()
}

/// An instruction's reports, in order.
pub async fn reports(conn: &mut Conn, id: InstructionId) -> Result<Vec<StoredReport>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM reports WHERE instruction_id = $1
         ORDER BY CASE stage WHEN 'accepted' THEN 0 WHEN 'progress' THEN 1 ELSE 2 END",
    );
    let rows = query.bind(id.to_string()).fetch_all(conn).await.during("load reports")?;
    rows.iter().map(|row| Ok(StoredReport { at: row.time("at_ms")?, report: row.body("body")? })).collect()
}

/// What Senzu is to do itself and nobody has begun, the oldest first.
pub async fn out_of_band(conn: &mut Conn, now: UnixMs, limit: u32) -> Result<Vec<Issued>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM instructions WHERE out_of_band = 1 AND status = 'issued' AND expires_ms > $1
             AND (lease_until_ms IS NULL OR lease_until_ms <= $1) ORDER BY issued_ms LIMIT $2",
    );
    let query = query.bind(int(now.0)).bind(i64::from(limit));
    query.fetch_all(conn).await.during("look for what is done out of band")?.iter().map(read).collect()
}

/// What a replica let go that had begun it, the oldest first.
pub async fn let_go(conn: &mut Conn, limit: u32) -> Result<Vec<Issued>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM instructions WHERE out_of_band = 1 AND status = 'accepted' AND lease_until_ms IS NULL
         ORDER BY issued_ms LIMIT $1",
    );
    let query = query.bind(i64::from(limit));
    query.fetch_all(conn).await.during("look for what was let go out of band")?.iter().map(read).collect()
}

/// What a replica had begun that has not been heard since its lease was over.
pub async fn abandoned(conn: &mut Conn, now: UnixMs) -> Result<Vec<Issued>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM instructions WHERE out_of_band = 1 AND status = 'accepted' AND lease_until_ms <= $1
         ORDER BY issued_ms",
    );
    let query = query.bind(int(now.0));
    query.fetch_all(conn).await.during("look for what was left out of band")?.iter().map(read).collect()
}

/// Takes what nobody has begun, or whoever had has let go; `false`: another was faster.
pub async fn claim(
    conn: &mut Conn,
    id: InstructionId,
    holder: &str,
    now: UnixMs,
    until: UnixMs,
) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "UPDATE instructions SET holder = $1, lease_until_ms = $2
         WHERE id = $3 AND ((status = 'issued' AND (lease_until_ms IS NULL OR lease_until_ms <= $4))
             OR (status = 'accepted' AND lease_until_ms IS NULL))",
    );
    let query = query.bind(holder).bind(int(until.0)).bind(id.to_string()).bind(int(now.0));
    Ok(query.execute(conn).await.during("claim what is done out of band")?.rows_affected() > 0)
}

/// Whoever is at it lets it go, for the next one to go on with; what has ended meanwhile is left as it is.
pub async fn release(conn: &mut Conn, id: InstructionId, holder: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE instructions SET holder = NULL, lease_until_ms = NULL
         WHERE id = $1 AND holder = $2 AND status = 'accepted'",
    );
    let query = query.bind(id.to_string()).bind(holder);
    query.execute(conn).await.during("let go what is done out of band").map(|_| ())
}

/// Whoever is at it has it for longer; `false`: it is over, or another's.
pub async fn renew(
    conn: &mut Conn,
    id: InstructionId,
    holder: &str,
    now: UnixMs,
    until: UnixMs,
) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "UPDATE instructions SET lease_until_ms = $1
         WHERE id = $2 AND holder = $3 AND lease_until_ms > $4 AND status IN ('issued', 'accepted')",
    );
    let query = query.bind(int(until.0)).bind(id.to_string()).bind(holder).bind(int(now.0));
    Ok(query.execute(conn).await.during("renew what is done out of band")?.rows_affected() > 0)
}

/// Ends what was left; `false`: somebody is at it.
pub async fn give_up(conn: &mut Conn, id: InstructionId, now: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "UPDATE instructions SET status = 'expired', changed_ms = $1
         WHERE id = $2 AND status = 'accepted' AND lease_until_ms <= $1",
    );
    let query = query.bind(int(now.0)).bind(id.to_string());
    Ok(query.execute(conn).await.during("end what was left out of band")?.rows_affected() > 0)
}
