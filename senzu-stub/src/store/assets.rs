//! Assets, the values that their fingerprints are found by, and whose a MAC address is.

use super::{BOOT_TARGETS, Columns, Conn, During, Row, StoreError, count_up, int, json, listing, new_id, word};
use pious_protocol::{
    identity::{Fingerprint, in_other_byte_order},
    ids::{AssetId, BootId, MacAddress, Sequence, UnixMs},
    message::{AssetState, Boot, BootTarget, Evaluation, LeaseTier, Standing},
};

/// One asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    pub id: AssetId,
    pub name: String,
    pub standing: Standing,
    /// Counts the changes of `standing`.
    pub standing_revision: u64,
    pub fingerprint: Fingerprint,
    pub serial: Option<String>,
    /// Why it can't be told which machine this is.
    pub doubt: Option<String>,
    pub held: Option<Held>,
    pub last_seen: Option<UnixMs>,
    /// The boot session that counts.
    pub current_boot: Option<BootId>,
    /// How an instruction of ours ended that session; `None`: none did.
    pub ended_why: Option<String>,
    /// Why the loop breaker stopped it.
    pub looping: Option<String>,
    /// When a person last cleared that.
    pub loop_cleared: Option<UnixMs>,
    /// Where it stands in the world, as imported.
    pub region: Option<String>,
    pub rack: Option<String>,
}

/// Who holds an asset for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub by: String,
    pub since: UnixMs,
}

/// An asset that Senzu meets.
pub struct NewAsset<'a> {
    pub name: &'a str,
    pub fingerprint: &'a Fingerprint,
    pub doubt: Option<&'a str>,
    pub standing: Standing,
}

pub(super) fn read(row: &Row) -> Result<Asset, StoreError> {
    let held_by = row.text_opt("held_by")?;
    let held_since = row.time_opt("held_since_ms")?.unwrap_or_default();
    Ok(Asset {
        id: row.word("id")?,
        name: row.text("name")?,
        standing: Standing {
            state: row.word("state")?,
            evaluation: row.word("evaluation")?,
            step: row.text_opt("step")?,
            reason: row.text_opt("reason")?,
        },
        standing_revision: row.number("standing_revision")?,
        fingerprint: row.body("fingerprint")?,
        serial: row.text_opt("serial")?,
        doubt: row.text_opt("doubt")?,
        held: held_by.map(|by| Held { by, since: held_since }),
        last_seen: row.time_opt("last_seen_ms")?,
        current_boot: row.word_opt("current_boot")?,
        ended_why: row.text_opt("ended_why")?,
        looping: row.text_opt("looping")?,
        loop_cleared: row.time_opt("loop_cleared_ms")?,
        region: row.text_opt("region")?,
        rack: row.text_opt("rack")?,
    })
}

pub async fn by_id(conn: &mut Conn, id: AssetId) -> Result<Option<Asset>, StoreError> {
    let row = sqlx::query(
        "SELECT assets.*, sessions.ended_why FROM assets LEFT JOIN sessions ON sessions.boot_id = assets.current_boot
         WHERE assets.id = $1",
    );
    let row = row.bind(id.to_string()).fetch_optional(conn).await;
    row.during("load an asset")?.as_ref().map(read).transpose()
}

/// Of what there are rows in other tables about an asset. Most assets have next to none of it, and each question that is
/// spared is a turn of the writer's: hundreds of assets may boot in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Alerts whose cause is not over.
    pub alerts: bool,
    pub findings: bool,
    /// Instructions that have not ended.
    pub instructions: bool,
    /// What beans told the boot session that counts, ended or not.
    pub told: bool,
    /// A promotion that is under way.
    pub promotion: bool,
    /// An approval that is pending or being carried out.
    pub approval: bool,
    /// Firmware that it shall have, and that is not over.
    pub goal: bool,
    /// A campaign that it waits in.
    pub campaign: bool,
    /// Its match, or any purchase order at all.
    pub orders: bool,
}

/// As [`by_id`], with what there is beside it.
pub async fn with_beside(conn: &mut Conn, id: AssetId) -> Result<Option<(Asset, Beside)>, StoreError> {
    let row = sqlx::query(
        "SELECT assets.*, sessions.ended_why,
             (SELECT COUNT(*) FROM (SELECT id FROM alerts WHERE alerts.asset_id = assets.id AND resolved_ms IS NULL
                  LIMIT 1) AS one) AS alerts,
             (SELECT COUNT(*) FROM (SELECT position FROM findings WHERE findings.asset_id = assets.id
                  LIMIT 1) AS one) AS findings,
             (SELECT COUNT(*) FROM (SELECT id FROM instructions WHERE instructions.asset_id = assets.id
                  AND status IN ('issued', 'accepted') LIMIT 1) AS one) AS instructions,
             (SELECT COUNT(*) FROM (SELECT id FROM instructions WHERE instructions.asset_id = assets.id
                  AND instructions.boot_id = assets.current_boot AND issuer <> 'operator' LIMIT 1) AS one) AS told,
             (SELECT COUNT(*) FROM (SELECT id FROM promotions WHERE promotions.asset_id = assets.id
                  AND status = 'pending' LIMIT 1) AS one) AS promotion,
             (SELECT COUNT(*) FROM (SELECT id FROM approvals WHERE approvals.asset_id = assets.id
                  AND (status = 'pending' OR (status = 'approved' AND outcome IS NULL)) LIMIT 1) AS one) AS approval,
             (SELECT COUNT(*) FROM (SELECT id FROM firmware_goals WHERE firmware_goals.asset_id = assets.id
                  AND status IN ('open', 'recovery') LIMIT 1) AS one) AS goal,
             (SELECT COUNT(*) FROM (SELECT campaign_id FROM campaign_members
                  WHERE campaign_members.asset_id = assets.id AND status = 'waiting' LIMIT 1) AS one) AS campaign,
             (SELECT COUNT(*) FROM (SELECT asset_id AS id FROM order_matches WHERE order_matches.asset_id = assets.id
                  UNION ALL SELECT number FROM purchase_orders LIMIT 1) AS one) AS orders
         FROM assets LEFT JOIN sessions ON sessions.boot_id = assets.current_boot WHERE assets.id = $1",
    );
    let row = row.bind(id.to_string()).fetch_optional(conn).await;
    let Some(row) = row.during("load an asset and what there is beside it")? else { return Ok(None) };
    let any = |column| Ok::<_, StoreError>(row.number(column)? > 0);
    let beside = Beside {
        alerts: any("alerts")?,
        findings: any("findings")?,
        instructions: any("instructions")?,
        told: any("told")?,
        promotion: any("promotion")?,
        approval: any("approval")?,
        goal: any("goal")?,
        campaign: any("campaign")?,
        orders: any("orders")?,
    };
    Ok(Some((read(&row)?, beside)))
}

/// By id or name.
pub async fn find(conn: &mut Conn, id_or_name: &str) -> Result<Option<Asset>, StoreError> {
    let query = sqlx::query(
        "SELECT assets.*, sessions.ended_why FROM assets LEFT JOIN sessions ON sessions.boot_id = assets.current_boot
         WHERE assets.id = $1 OR assets.name = $1 ORDER BY assets.id LIMIT 1",
    );
    let row = query.bind(id_or_name).fetch_optional(conn).await;
    row.during("look an asset up")?.as_ref().map(read).transpose()
}

/// All, by name.
pub async fn all(conn: &mut Conn) -> Result<Vec<Asset>, StoreError> {
    let rows = sqlx::query(
        "SELECT assets.*, sessions.ended_why FROM assets LEFT JOIN sessions ON sessions.boot_id = assets.current_boot
         ORDER BY assets.name",
    );
    let rows = rows.fetch_all(conn).await;
    rows.during("list assets")?.iter().map(read).collect()
}

/// The most assets that one value can name and still help: behind that it is a placeholder nobody knew.
const MAX_CANDIDATES: u32 = 64;

/// Values that one question is about; SQLite takes 500 parts of a compound SELECT.
const VALUES_AT_ONCE: usize = 100;

/// An asset as far as it tells which machine it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: AssetId,
    pub name: String,
    pub fingerprint: Fingerprint,
    pub doubt: Option<String>,
    pub last_seen: Option<UnixMs>,
}

/// The assets that share a value with a fingerprint, longest known first.
pub async fn candidates(conn: &mut Conn, seen: &Fingerprint) -> Result<Vec<Candidate>, StoreError> {
    // A large server has fifty values, each of which an index finds; asked for one by one they would cost fifty turns.
    let mut found: Vec<Candidate> = Vec::new();
    for values in values(seen).chunks(VALUES_AT_ONCE) {
        let one = |at: usize| {
            let (kind, value) = (at * 2 + 1, at * 2 + 2);
            format!(
                "SELECT asset_id FROM (SELECT asset_id FROM asset_keys WHERE kind = ${kind} AND value = ${value}
                 ORDER BY asset_id LIMIT {MAX_CANDIDATES}) AS of{at}"
            )
        };
        let sql = format!(
            "SELECT id, name, fingerprint, doubt, last_seen_ms FROM assets WHERE id IN ({})",
            (0..values.len()).map(one).collect::<Vec<_>>().join(" UNION ")
        );
        // The text has no part that anybody sent: numbers of placeholders alone.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (kind, value) in values {
            query = query.bind(*kind).bind(value.clone());
        }
        for row in &query.fetch_all(&mut *conn).await.during("look candidates up")? {
            let asset = Candidate {
                id: row.word("id")?,
                name: row.text("name")?,
                fingerprint: row.body("fingerprint")?,
                doubt: row.text_opt("doubt")?,
                last_seen: row.time_opt("last_seen_ms")?,
            };
            if found.iter().all(|known| known.id != asset.id) {
                found.push(asset);
            }
        }
    }
    found.sort_by_key(|asset| asset.id);
    Ok(found)
}

/// The single values that a machine may be found by.
pub fn values(seen: &Fingerprint) -> Vec<(&'static str, String)> {
    let mut values = keys(seen);
    values.extend(seen.system_uuid.map(|uuid| ("uuid", in_other_byte_order(uuid).to_string())));
    values
}

/// The single values of a fingerprint. A serial is looked for wherever a serial stands: boards swap them about; and in
/// either case, as it is compared.
fn keys(fingerprint: &Fingerprint) -> Vec<(&'static str, String)> {
    let Fingerprint { system_uuid, system_serial, board_serial, chassis_serial, dimm_serials, macs } = fingerprint;
    let serials = [system_serial, board_serial, chassis_serial].into_iter().flatten();
    let serials = serials.map(|serial| ("serial", serial.trim().to_ascii_uppercase()));
    let uuid = system_uuid.map(|uuid| ("uuid", uuid.to_string()));
    let dimms = dimm_serials.iter().map(|serial| ("dimm", serial.trim().to_ascii_uppercase()));
    let macs = macs.iter().map(|mac| ("mac", mac.to_string()));
    let mut keys: Vec<_> = serials.chain(uuid).chain(dimms).chain(macs).filter(|(_, v)| !v.is_empty()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Makes an asset; the name must be free.
pub async fn insert(conn: &mut Conn, new: NewAsset<'_>, now: UnixMs) -> Result<AssetId, StoreError> {
    let id = AssetId(new_id());
    let query = sqlx::query(
        "INSERT INTO assets (id, name, state, evaluation, step, reason, standing_revision, fingerprint, serial, doubt,
             next_sequence, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, 1, $10)",
    )
    .bind(id.to_string())
    .bind(new.name)
    .bind(word(&new.standing.state))
    .bind(word(&new.standing.evaluation))
    .bind(&new.standing.step)
    .bind(&new.standing.reason)
    .bind(json(new.fingerprint))
    .bind(&new.fingerprint.system_serial)
    .bind(new.doubt)
    .bind(int(now.0));
    query.execute(&mut *conn).await.during("store a new asset")?;
    set_keys(conn, id, new.fingerprint).await?;
    listing::refresh(conn, id).await?;
    count_up(conn, BOOT_TARGETS).await?;
    Ok(id)
}

pub async fn rename(conn: &mut Conn, id: AssetId, name: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE assets SET name = $1 WHERE id = $2").bind(name).bind(id.to_string());
    query.execute(&mut *conn).await.during("rename an asset")?;
    let query = sqlx::query("UPDATE asset_tags SET name = $1 WHERE asset_id = $2").bind(name).bind(id.to_string());
    query.execute(&mut *conn).await.during("rename an asset among its tags")?;
    listing::refresh(conn, id).await?;
    count_up(conn, BOOT_TARGETS).await
}

/// Replaces a fingerprint and the values that it is found by.
pub async fn set_fingerprint(conn: &mut Conn, id: AssetId, fingerprint: &Fingerprint) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE assets SET fingerprint = $1, serial = $2 WHERE id = $3")
        .bind(json(fingerprint))
        .bind(&fingerprint.system_serial)
        .bind(id.to_string());
    query.execute(&mut *conn).await.during("store a fingerprint")?;
    listing::refresh(conn, id).await?;
    set_keys(conn, id, fingerprint).await
}

async fn set_keys(conn: &mut Conn, id: AssetId, fingerprint: &Fingerprint) -> Result<(), StoreError> {
    let clear = sqlx::query("DELETE FROM asset_keys WHERE asset_id = $1").bind(id.to_string());
    clear.execute(&mut *conn).await.during("replace a fingerprint's values")?;
    for (kind, value) in keys(fingerprint) {
        let query = sqlx::query("INSERT INTO asset_keys (asset_id, kind, value) VALUES ($1, $2, $3)");
        let query = query.bind(id.to_string()).bind(kind).bind(value);
        query.execute(&mut *conn).await.during("store a fingerprint's value")?;
    }
    Ok(())
}

/// Why we say that a MAC address is an asset's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacKind {
    /// It booted with it.
    Seen,
    /// The import's.
    Planned,
    /// Its BMC's.
    Bmc,
}

impl MacKind {
    fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Planned => "planned",
            Self::Bmc => "bmc",
        }
    }
}

/// Replaces an asset's MAC addresses of one kind; counts the boot targets up if that changes anything.
pub async fn set_macs(conn: &mut Conn, id: AssetId, kind: MacKind, macs: &[MacAddress]) -> Result<(), StoreError> {
    let query = sqlx::query("SELECT mac FROM asset_macs WHERE asset_id = $1 AND kind = $2 ORDER BY mac");
    let rows = query.bind(id.to_string()).bind(kind.name()).fetch_all(&mut *conn).await;
    let known: Vec<MacAddress> =
        rows.during("load an asset's addresses")?.iter().map(|row| row.word("mac")).collect::<Result<_, _>>()?;
    let mut macs = macs.to_vec();
    macs.sort_unstable();
    macs.dedup();
    // Nobody's: all zero, or a group.
    macs.retain(|mac| mac.0 != [0; 6] && mac.0[0] & 1 == 0);
    if macs == known {
        return Ok(());
    }
    let clear = sqlx::query("DELETE FROM asset_macs WHERE asset_id = $1 AND kind = $2");
    clear.bind(id.to_string()).bind(kind.name()).execute(&mut *conn).await.during("replace an asset's addresses")?;
    for mac in macs {
        let query = sqlx::query("INSERT INTO asset_macs (asset_id, mac, kind) VALUES ($1, $2, $3)");
        let query = query.bind(id.to_string()).bind(mac.to_string()).bind(kind.name());
        query.execute(&mut *conn).await.during("store an asset's address")?;
    }
    listing::refresh(conn, id).await?;
    count_up(conn, BOOT_TARGETS).await
}

/// The BMC's addresses that the import told.
pub async fn bmc_macs(conn: &mut Conn, id: AssetId) -> Result<Vec<MacAddress>, StoreError> {
    let query = sqlx::query("SELECT mac FROM asset_macs WHERE asset_id = $1 AND kind = 'bmc' ORDER BY mac");
    let rows = query.bind(id.to_string()).fetch_all(conn).await;
    rows.during("load a BMC's addresses")?.iter().map(|row| row.word("mac")).collect()
}

/// A session of the asset began: it is the one that counts, and nothing is judged yet. Answers the asset as it is now.
pub async fn begin_session(conn: &mut Conn, mut asset: Asset, boot: BootId, now: UnixMs) -> Result<Asset, StoreError> {
    asset.standing_revision += u64::from(asset.standing.evaluation != Evaluation::Pending);
    asset.standing.evaluation = Evaluation::Pending;
    (asset.current_boot, asset.last_seen, asset.ended_why) = (Some(boot), Some(now), None);
    let query = sqlx::query(
        "UPDATE assets SET current_boot = $1, last_seen_ms = $2, evaluation = $3, standing_revision = $4 WHERE id = $5",
    )
    .bind(boot.to_string())
    .bind(int(now.0))
    .bind(word(&Evaluation::Pending))
    .bind(int(asset.standing_revision))
    .bind(asset.id.to_string());
    query.execute(conn).await.during("begin a session of an asset")?;
    Ok(asset)
}

pub async fn set_last_seen(conn: &mut Conn, id: AssetId, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE assets SET last_seen_ms = $1 WHERE id = $2").bind(int(now.0)).bind(id.to_string());
    query.execute(conn).await.during("note when an asset was heard").map(|_| ())
}

/// Stores the state of an asset, if it is another; with it changes what its machine boots.
pub async fn set_state(conn: &mut Conn, asset: &Asset, state: AssetState) -> Result<(), StoreError> {
    if asset.standing.state == state {
        return Ok(());
    }
    let query = sqlx::query("UPDATE assets SET state = $1, standing_revision = standing_revision + 1 WHERE id = $2");
    let query = query.bind(word(&state)).bind(asset.id.to_string());
    query.execute(&mut *conn).await.during("store an asset's state")?;
    count_up(conn, BOOT_TARGETS).await
}

/// Where a walk left an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    pub evaluation: Evaluation,
    pub step: Option<String>,
    pub reason: Option<String>,
    /// When the DAG must be walked again though nothing happens: then, or when an instruction expires.
    pub again: Option<UnixMs>,
}

/// Stores where a walk left an asset; answers the asset as it is now.
pub async fn settle(conn: &mut Conn, mut asset: Asset, rest: Rest) -> Result<Asset, StoreError> {
    let Rest { evaluation, step, reason, again } = rest;
    let standing = Standing { state: asset.standing.state, evaluation, step, reason };
    asset.standing_revision += u64::from(standing != asset.standing);
    asset.standing = standing;
    let query = sqlx::query(
        "UPDATE assets SET evaluation = $1, step = $2, reason = $3, standing_revision = $4, next_walk_ms =
             (SELECT MIN(due) FROM (SELECT CAST($5 AS BIGINT) AS due UNION ALL
                 SELECT MIN(expires_ms) FROM instructions WHERE asset_id = $6 AND status = 'issued') AS times)
         WHERE id = $6",
    )
    .bind(word(&asset.standing.evaluation))
    .bind(&asset.standing.step)
    .bind(&asset.standing.reason)
    .bind(int(asset.standing_revision))
    .bind(again.map(|at| int(at.0)))
    .bind(asset.id.to_string());
    query.execute(conn).await.during("store where an asset stands")?;
    Ok(asset)
}

/// Whether the DAG of any asset must be walked now.
pub async fn is_any_due(conn: &mut Conn, now: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query("SELECT id FROM assets WHERE next_walk_ms <= $1 LIMIT 1").bind(int(now.0));
    Ok(query.fetch_optional(conn).await.during("look whether anything is due")?.is_some())
}

/// Stops an asset in a loop, or clears that.
pub async fn set_looping(
    conn: &mut Conn,
    id: AssetId,
    looping: Option<&str>,
    cleared: Option<UnixMs>,
) -> Result<(), StoreError> {
    let query =
        sqlx::query("UPDATE assets SET looping = $1, loop_cleared_ms = COALESCE($2, loop_cleared_ms) WHERE id = $3")
            .bind(looping)
            .bind(cleared.map(|at| int(at.0)))
            .bind(id.to_string());
    query.execute(conn).await.during("stop or clear a loop").map(|_| ())
}

pub async fn set_held(conn: &mut Conn, id: AssetId, held: Option<&Held>) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE assets SET held_by = $1, held_since_ms = $2 WHERE id = $3")
        .bind(held.map(|held| &held.by))
        .bind(held.map(|held| int(held.since.0)))
        .bind(id.to_string());
    query.execute(conn).await.during("hold or release an asset").map(|_| ())
}

/// The next place in an asset's queue of instructions.
pub async fn take_sequence(conn: &mut Conn, id: AssetId) -> Result<Sequence, StoreError> {
    let query = sqlx::query(
        "UPDATE assets SET next_sequence = next_sequence + 1 WHERE id = $1 RETURNING next_sequence - 1 AS sequence",
    );
    let row = query.bind(id.to_string()).fetch_one(conn).await;
    row.during("take a place in the queue")?.number("sequence").map(Sequence)
}

/// What one MAC address should boot, if Senzu knows it.
pub async fn boot_target(conn: &mut Conn, mac: MacAddress) -> Result<Option<BootTarget>, StoreError> {
    let query = sqlx::query(
        "SELECT asset_macs.mac, assets.name, assets.state FROM asset_macs JOIN assets ON assets.id = asset_macs.asset_id
         WHERE asset_macs.mac = $1 ORDER BY assets.id LIMIT 1",
    );
    let row = query.bind(mac.to_string()).fetch_optional(conn).await;
    row.during("look a boot target up")?.as_ref().map(read_target).transpose()
}

/// What every known MAC address should boot, by MAC. One that two assets show is the longest known one's: a newcomer
/// can't take a production server off its disk by claiming its address.
pub async fn boot_targets(conn: &mut Conn) -> Result<Vec<BootTarget>, StoreError> {
    let rows = sqlx::query(
        "SELECT asset_macs.mac, assets.name, assets.state FROM asset_macs JOIN assets ON assets.id = asset_macs.asset_id
         ORDER BY asset_macs.mac, assets.id",
    );
    let rows = rows.fetch_all(conn).await.during("list boot targets")?;
    let mut targets = rows.iter().map(read_target).collect::<Result<Vec<_>, _>>()?;
    targets.dedup_by_key(|target| target.mac);
    Ok(targets)
}

fn read_target(row: &Row) -> Result<BootTarget, StoreError> {
    let (boot, tier) = match row.word("state")? {
        AssetState::Baremetal => (Boot::LocalDisk, LeaseTier::Recognized),
        AssetState::Spare => (Boot::Pious, LeaseTier::Recognized),
        AssetState::New | AssetState::Retired | AssetState::Unknown => (Boot::Pious, LeaseTier::Unrecognized),
    };
    Ok(BootTarget { mac: row.word("mac")?, boot, tier, name: Some(row.text("name")?) })
}

pub async fn clear_doubt(conn: &mut Conn, id: AssetId) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE assets SET doubt = NULL WHERE id = $1").bind(id.to_string());
    query.execute(conn).await.during("clear a doubt").map(|_| ())
}
