//! Members of campaigns, and the assets that may become some.

use super::{Columns, Conn, During, Row, StoreError, bmcs, int, sessions, word};
use crate::{
    campaign::{MemberStatus, decide, spec::Query},
    firmware::{Machine, Wanted},
};
use pious_protocol::{
    firmware::InstalledFirmware,
    ids::{AssetId, BootId, UnixMs},
    message::AssetState,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// A member, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub asset: AssetId,
    pub name: String,
    /// 0: it did not qualify.
    pub wave: u32,
    pub status: MemberStatus,
    pub words: Option<String>,
    pub changed: UnixMs,
    /// Where the asset stands: what its beans wait for.
    pub step: Option<String>,
    pub reason: Option<String>,
}

fn wave(row: &Row) -> Result<u32, StoreError> {
    row.number("wave").map(|wave| u32::try_from(wave).unwrap_or(u32::MAX))
}

pub async fn insert(
    conn: &mut Conn,
    campaign: Uuid,
    asset: AssetId,
    wave: u32,
    status: MemberStatus,
    words: Option<&str>,
    now: UnixMs,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO campaign_members (campaign_id, asset_id, wave, status, words, changed_ms)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(campaign.to_string())
    .bind(asset.to_string())
    .bind(i64::from(wave))
    .bind(word(&status))
    .bind(words)
    .bind(int(now.0));
    query.execute(conn).await.during("store a campaign's member").map(|_| ())
}

/// Those that have a wave, as far as they decide.
pub async fn of_waves(conn: &mut Conn, campaign: Uuid) -> Result<Vec<decide::Member>, StoreError> {
    let query = sqlx::query(
        "SELECT campaign_members.*, assets.name FROM campaign_members JOIN assets ON assets.id = campaign_members.asset_id
         WHERE campaign_id = $1 AND wave > 0 ORDER BY wave, assets.name",
    );
    let rows = query.bind(campaign.to_string()).fetch_all(conn).await.during("load a campaign's members")?;
    let member = |row: &Row| {
        Ok(decide::Member {
            asset: row.word("asset_id")?,
            wave: wave(row)?,
            status: row.word("status")?,
            changed: row.time("changed_ms")?,
        })
    };
    rows.iter().map(member).collect()
}

/// One page, by name.
pub async fn page(conn: &mut Conn, campaign: Uuid, after: &str, limit: u32) -> Result<Vec<Member>, StoreError> {
    let query = sqlx::query(
        "SELECT campaign_members.*, assets.name, assets.step, assets.reason FROM campaign_members
         JOIN assets ON assets.id = campaign_members.asset_id
         WHERE campaign_id = $1 AND assets.name > $2 ORDER BY assets.name LIMIT $3",
    );
    let query = query.bind(campaign.to_string()).bind(after).bind(i64::from(limit));
    let rows = query.fetch_all(conn).await.during("list a campaign's members")?;
    let member = |row: &Row| {
        Ok(Member {
            asset: row.word("asset_id")?,
            name: row.text("name")?,
            wave: wave(row)?,
            status: row.word("status")?,
            words: row.text_opt("words")?,
            changed: row.time("changed_ms")?,
            step: row.text_opt("step")?,
            reason: row.text_opt("reason")?,
        })
    };
    rows.iter().map(member).collect()
}

/// How many of each wave are how far, by wave.
pub async fn counts(conn: &mut Conn, campaign: Uuid) -> Result<Vec<(u32, MemberStatus, u64)>, StoreError> {
    let query = sqlx::query(
        "SELECT wave, status, COUNT(*) AS members FROM campaign_members WHERE campaign_id = $1
         GROUP BY wave, status ORDER BY wave, status",
    );
    let rows = query.bind(campaign.to_string()).fetch_all(conn).await.during("count a campaign's members")?;
    rows.iter().map(|row| Ok((wave(row)?, row.word("status")?, row.number("members")?))).collect()
}

/// A member got further. What it is stays if it is so already: since when it is decides about the soak.
pub async fn set_status(
    conn: &mut Conn,
    campaign: Uuid,
    asset: AssetId,
    status: MemberStatus,
    words: Option<&str>,
    now: UnixMs,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE campaign_members SET words = $1, changed_ms = CASE WHEN status = $2 THEN changed_ms ELSE $3 END, status = $2
         WHERE campaign_id = $4 AND asset_id = $5",
    )
    .bind(words)
    .bind(word(&status))
    .bind(int(now.0))
    .bind(campaign.to_string())
    .bind(asset.to_string());
    query.execute(conn).await.during("store how far a campaign's member is").map(|_| ())
}

/// Every member that waits is left out.
pub async fn skip_waiting(conn: &mut Conn, campaign: Uuid, words: &str, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE campaign_members SET status = 'skipped', words = $1, changed_ms = $2
         WHERE campaign_id = $3 AND status = 'waiting'",
    );
    let query = query.bind(words).bind(int(now.0)).bind(campaign.to_string());
    query.execute(conn).await.during("leave a campaign's members out").map(|_| ())
}

/// The members that are being brought to their versions, with the boot session that counts and where they stand.
pub async fn admitted(
    conn: &mut Conn,
    campaign: Uuid,
) -> Result<Vec<(AssetId, Option<BootId>, Option<String>)>, StoreError> {
    let query = sqlx::query(
        "SELECT assets.id, assets.current_boot, assets.step FROM campaign_members
         JOIN assets ON assets.id = campaign_members.asset_id
         WHERE campaign_id = $1 AND campaign_members.status = 'admitted' ORDER BY assets.id",
    );
    let rows = query.bind(campaign.to_string()).fetch_all(conn).await.during("list who is admitted")?;
    rows.iter().map(|row| Ok((row.word("id")?, row.word_opt("current_boot")?, row.text_opt("step")?))).collect()
}

/// The campaigns that an asset waits in, with its wave there, the oldest first.
pub async fn waiting_in(conn: &mut Conn, asset: AssetId) -> Result<Vec<(Uuid, u32)>, StoreError> {
    let query = sqlx::query(
        "SELECT campaign_id, wave FROM campaign_members WHERE asset_id = $1 AND status = 'waiting' ORDER BY campaign_id",
    );
    let rows = query.bind(asset.to_string()).fetch_all(conn).await.during("look which campaigns an asset waits in")?;
    rows.iter().map(|row| Ok((row.word("campaign_id")?, wave(row)?))).collect()
}

/// An asset that a query found, and what is known of its firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub asset: AssetId,
    pub name: String,
    pub state: AssetState,
    /// Whether PIOUS runs on it, as far as is known.
    pub is_up: bool,
    /// Why nobody but a person can turn it on, where it is off and that is so.
    pub sleeps: Option<&'static str>,
    /// `None`: it has not told.
    pub machine: Option<Machine>,
    /// What it is being brought to already.
    pub open_goal: Option<Vec<Wanted>>,
    pub installed: Vec<InstalledFirmware>,
}

/// The assets that fit a query, of so many behind that name, by name; and behind which name to go on, if there are more.
pub async fn find(
    conn: &mut Conn,
    query: &Query,
    after: &str,
    limit: u32,
) -> Result<(Vec<Found>, Option<String>), StoreError> {
    // One question for each tag; the text has numbers of placeholders alone.
    let tags: String = (0..query.tags.len())
        .map(|at| {
            let tag = at + 6;
            format!(
                " AND EXISTS (SELECT 1 FROM asset_tags WHERE asset_tags.asset_id = assets.id AND asset_tags.tag = ${tag})"
            )
        })
        .collect();
    // A row for each component that was read, and one for an asset of which none was.
    let sql = format!(
        "SELECT found.id, found.name, found.state, found.profile, machines.manufacturer, machines.model,
             firmware_goals.wanted, firmware_installed.component, firmware_installed.version, firmware_installed.source,
             sessions.boot_id, sessions.ended_why, machines.bmc_address, bmcs.proved
         FROM (SELECT id, name, state, profile, current_boot FROM assets
             WHERE (state = $1 OR $1 IS NULL) AND (region = $2 OR $2 IS NULL) AND (rack = $3 OR $3 IS NULL)
                 AND name > $4{tags} ORDER BY name LIMIT $5) AS found
         LEFT JOIN sessions ON sessions.boot_id = found.current_boot
         LEFT JOIN machines ON machines.asset_id = found.id
         LEFT JOIN bmcs ON bmcs.asset_id = found.id
         LEFT JOIN firmware_goals ON firmware_goals.asset_id = found.id
             AND firmware_goals.status IN ('open', 'recovery')
         LEFT JOIN firmware_installed ON firmware_installed.asset_id = found.id
         ORDER BY found.name, firmware_installed.component"
    );
    let mut sent = sqlx::query(AssertSqlSafe(sql))
        .bind(query.state.map(|state| word(&state)))
        .bind(query.region.clone())
        .bind(query.rack.clone())
        .bind(after)
        .bind(i64::from(limit));
    for tag in &query.tags {
        sent = sent.bind(tag.clone());
    }
    let rows = sent.fetch_all(conn).await.during("look for a campaign's assets")?;
    let (mut found, mut names, mut last) = (Vec::<Found>::new(), 0, None);
    for of_one in rows.chunk_by(|one, next| matches!((one.text("name"), next.text("name")), (Ok(a), Ok(b)) if a == b)) {
        let Some(first) = of_one.first() else { continue };
        let name = first.text("name")?;
        let machine = first.text_opt("manufacturer")?.zip(first.text_opt("model")?);
        let machine = machine.map(|(manufacturer, model)| Machine { manufacturer, model });
        let is_named = query.names.is_empty() || query.names.contains(&name);
        if is_named && query.fits_profile(first.text_opt("profile")?.as_deref()) && query.fits_machine(machine.as_ref())
        {
            found.push(Found {
                asset: first.word("id")?,
                name: name.clone(),
                state: first.word("state")?,
                is_up: is_up(first)?,
                sleeps: sleeps(first)?,
                machine,
                open_goal: first.body_opt("wanted")?,
                installed: of_one.iter().filter_map(|row| installed(row).transpose()).collect::<Result<_, _>>()?,
            });
        }
        (names, last) = (names + 1, Some(name));
    }
    Ok((found, last.filter(|_| names >= limit)))
}

fn is_up(row: &Row) -> Result<bool, StoreError> {
    Ok(row.text_opt("boot_id")?.is_some() && row.text_opt("ended_why")?.is_none())
}

fn sleeps(row: &Row) -> Result<Option<&'static str>, StoreError> {
    let is_restarting = row.text_opt("ended_why")?.is_some_and(|why| why != sessions::POWERED_OFF);
    if is_up(row)? || is_restarting {
        return Ok(None);
    }
    let has_address = row.text_opt("bmc_address")?.is_some();
    Ok(bmcs::may_wake(has_address, row.number_opt("proved")?.unwrap_or_default() > 0).err())
}

/// What a component ran when it was last read; `None`: this row is of an asset of which none was.
fn installed(row: &Row) -> Result<Option<InstalledFirmware>, StoreError> {
    let Some(component) = row.word_opt("component")? else { return Ok(None) };
    Ok(Some(InstalledFirmware { component, version: row.text("version")?, source: row.text("source")? }))
}

/// An asset that is off, and whose BMC Senzu can turn it on by.
const IS_WAKEABLE: &str = "(sessions.ended_why = 'powered off' AND EXISTS (SELECT 1 FROM machines
    JOIN bmcs ON bmcs.asset_id = machines.asset_id
    WHERE machines.asset_id = assets.id AND machines.bmc_address IS NOT NULL AND bmcs.proved > 0))";

/// Members of a wave whose asset can be admitted or must be left out: those that are on, or can be turned on, and are not
/// being brought to other firmware, and those whose state has changed.
pub async fn admissible(conn: &mut Conn, campaign: Uuid, wave: u32, limit: u32) -> Result<Vec<AssetId>, StoreError> {
    let sql = format!(
        "SELECT assets.id FROM campaign_members JOIN assets ON assets.id = campaign_members.asset_id
         LEFT JOIN sessions ON sessions.boot_id = assets.current_boot
         WHERE campaign_id = $1 AND wave = $2 AND campaign_members.status = 'waiting'
           AND (assets.state NOT IN ('NEW', 'SPARE') OR (sessions.boot_id IS NOT NULL
               AND (sessions.ended_why IS NULL OR {IS_WAKEABLE})
               AND NOT EXISTS (SELECT 1 FROM firmware_goals WHERE firmware_goals.asset_id = assets.id
                   AND firmware_goals.status IN ('open', 'recovery'))))
         ORDER BY assets.name LIMIT $3"
    );
    let query = sqlx::query(AssertSqlSafe(sql));
    let query = query.bind(campaign.to_string()).bind(i64::from(wave)).bind(i64::from(limit));
    query.fetch_all(conn).await.during("look who can be admitted")?.iter().map(|row| row.word("id")).collect()
}

/// Says of a wave's members that are off, or being brought to other firmware, why they wait.
pub async fn note_waiting(conn: &mut Conn, campaign: Uuid, wave: u32, off: &str, busy: &str) -> Result<(), StoreError> {
    let is_busy = "EXISTS (SELECT 1 FROM firmware_goals WHERE firmware_goals.asset_id = campaign_members.asset_id
         AND firmware_goals.status IN ('open', 'recovery'))";
    let is_off = format!(
        "NOT EXISTS (SELECT 1 FROM assets JOIN sessions ON sessions.boot_id = assets.current_boot
         WHERE assets.id = campaign_members.asset_id AND (sessions.ended_why IS NULL OR {IS_WAKEABLE}))"
    );
    for (words, is_so) in [(off, format!("{is_off} AND NOT {is_busy}")), (busy, is_busy.to_owned())] {
        let sql = format!(
            "UPDATE campaign_members SET words = $1
             WHERE campaign_id = $2 AND wave = $3 AND status = 'waiting' AND (words IS NULL OR words <> $1) AND {is_so}"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(words).bind(campaign.to_string()).bind(i64::from(wave));
        query.execute(&mut *conn).await.during("note why a campaign's members wait")?;
    }
    Ok(())
}
