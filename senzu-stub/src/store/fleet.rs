//! Counts over all assets, and the rows that signals of the fleet are made from.

use super::{Columns, Conn, During, Row, StoreError, int, new_id};
use crate::{
    alerts::{FlappingView, SilentView},
    firmware::Machine,
};
use pious_protocol::ids::{AssetId, UnixMs};
use std::net::IpAddr;

/// By what assets are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    State,
    Evaluation,
}

pub async fn count_by(conn: &mut Conn, by: By) -> Result<Vec<(String, u64)>, StoreError> {
    let query = match by {
        By::State => sqlx::query("SELECT state AS name, COUNT(*) AS assets FROM assets GROUP BY state ORDER BY state"),
        By::Evaluation => sqlx::query(
            "SELECT evaluation AS name, COUNT(*) AS assets FROM assets GROUP BY evaluation ORDER BY evaluation",
        ),
    };
    let rows = query.fetch_all(conn).await.during("count assets")?;
    rows.iter().map(|row| Ok((row.text("name")?, row.number("assets")?))).collect()
}

/// The agents' versions of each asset's newest boot, most first.
pub async fn agent_versions(conn: &mut Conn) -> Result<Vec<(String, u64)>, StoreError> {
    let query = sqlx::query(
        "SELECT sessions.agent_version AS version, COUNT(*) AS assets FROM assets
         JOIN sessions ON sessions.boot_id = assets.current_boot
         GROUP BY sessions.agent_version ORDER BY COUNT(*) DESC, sessions.agent_version",
    );
    let rows = query.fetch_all(conn).await.during("count agents' versions")?;
    rows.iter().map(|row| Ok((row.text("version")?, row.number("assets")?))).collect()
}

/// Component, product, version, and how many have it; most first.
pub async fn firmware_versions(conn: &mut Conn) -> Result<Vec<(String, String, String, u64)>, StoreError> {
    let query = sqlx::query(
        "SELECT component, product, version, COUNT(*) AS assets FROM asset_firmware
         GROUP BY component, product, version ORDER BY component, product, COUNT(*) DESC, version",
    );
    let rows = query.fetch_all(conn).await.during("count firmware versions")?;
    let read =
        |row: &Row| Ok((row.text("component")?, row.text("product")?, row.text("version")?, row.number("assets")?));
    rows.iter().map(read).collect()
}

/// Stores what firmware an asset shows, if that is news.
pub async fn set_firmware(
    conn: &mut Conn,
    asset: AssetId,
    component: &str,
    product: &str,
    version: &str,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO asset_firmware (asset_id, component, product, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (asset_id, component) DO UPDATE SET product = excluded.product, version = excluded.version
             WHERE asset_firmware.product <> excluded.product OR asset_firmware.version <> excluded.version",
    );
    let query = query.bind(asset.to_string()).bind(component).bind(product).bind(version);
    query.execute(conn).await.during("store a firmware version").map(|_| ())
}

/// Stores who made the machine that an asset is, which model, and where its BMC is, if that is news. A BMC that tells nothing
/// just now is where it was.
pub async fn set_machine(
    conn: &mut Conn,
    asset: AssetId,
    machine: &Machine,
    bmc: Option<IpAddr>,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO machines (asset_id, manufacturer, model, bmc_address) VALUES ($1, $2, $3, $4)
         ON CONFLICT (asset_id) DO UPDATE SET manufacturer = excluded.manufacturer, model = excluded.model,
             bmc_address = COALESCE(excluded.bmc_address, machines.bmc_address)
             WHERE machines.manufacturer <> excluded.manufacturer OR machines.model <> excluded.model
                 OR COALESCE(excluded.bmc_address, '') NOT IN ('', COALESCE(machines.bmc_address, ''))",
    );
    let query = query.bind(asset.to_string()).bind(&machine.manufacturer).bind(&machine.model);
    let query = query.bind(bmc.map(|address| address.to_string()));
    query.execute(conn).await.during("store who made a machine").map(|_| ())
}

/// Assets that should speak, were last heard from `since` on and before `before`, and have no open alert about it. One that is BAREMETAL runs its
/// own system, and one that an instruction ended was told to be silent.
pub async fn newly_silent(
    conn: &mut Conn,
    since: UnixMs,
    before: UnixMs,
    limit: u32,
) -> Result<Vec<(SilentView, String)>, StoreError> {
    let query = sqlx::query(
        "SELECT assets.id, assets.name, assets.last_seen_ms, assets.current_boot FROM assets
         JOIN sessions ON sessions.boot_id = assets.current_boot
         WHERE assets.last_seen_ms >= $1 AND assets.last_seen_ms < $2 AND assets.state IN ('NEW', 'SPARE') AND sessions.ended_ms IS NULL
           AND NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.kind = 'silent' AND alerts.asset_id = assets.id
               AND alerts.object = assets.current_boot AND (alerts.resolved_ms IS NULL OR alerts.resolved_by IS NOT NULL))
         ORDER BY assets.last_seen_ms LIMIT $3",
    );
    let query = query.bind(int(since.0)).bind(int(before.0)).bind(i64::from(limit));
    let rows = query.fetch_all(conn).await;
    let rows = rows.during("look for silent assets")?;
    rows.iter().map(|row| Ok((read_silent(row)?, row.text("current_boot")?))).collect()
}

fn read_silent(row: &Row) -> Result<SilentView, StoreError> {
    Ok(SilentView { asset: row.word("id")?, name: row.text("name")?, last_seen_ms: row.time("last_seen_ms")? })
}

/// Those with an open alert, longest silent first.
pub async fn open_silent(conn: &mut Conn, limit: u32) -> Result<Vec<SilentView>, StoreError> {
    let query = sqlx::query(
        "SELECT assets.id, assets.name, assets.last_seen_ms FROM alerts JOIN assets ON assets.id = alerts.asset_id
         WHERE alerts.kind = 'silent' AND alerts.resolved_ms IS NULL ORDER BY assets.last_seen_ms LIMIT $1",
    );
    let rows = query.bind(i64::from(limit)).fetch_all(conn).await.during("list silent assets")?;
    rows.iter().map(read_silent).collect()
}

fn read_flapping(row: &Row) -> Result<FlappingView, StoreError> {
    Ok(FlappingView {
        asset: row.word("id")?,
        name: row.text("name")?,
        check: row.text("object")?,
        since_ms: row.time("at_ms")?,
    })
}

/// Checks with an open alert.
pub async fn open_flapping(conn: &mut Conn, limit: u32) -> Result<Vec<FlappingView>, StoreError> {
    let query = sqlx::query(
        "SELECT assets.id, assets.name, alerts.object, alerts.at_ms FROM alerts
         JOIN assets ON assets.id = alerts.asset_id
         WHERE alerts.kind = 'flapping' AND alerts.resolved_ms IS NULL ORDER BY alerts.at_ms, alerts.id LIMIT $1",
    );
    let rows = query.bind(i64::from(limit)).fetch_all(conn).await.during("list flapping checks")?;
    rows.iter().map(read_flapping).collect()
}

/// Checks with an open alert that have not changed since.
pub async fn quiet_again(conn: &mut Conn, since: UnixMs, limit: u32) -> Result<Vec<FlappingView>, StoreError> {
    let query = sqlx::query(
        "SELECT assets.id, assets.name, alerts.object, alerts.at_ms FROM alerts
         JOIN assets ON assets.id = alerts.asset_id
         WHERE alerts.kind = 'flapping' AND alerts.resolved_ms IS NULL
           AND NOT EXISTS (SELECT 1 FROM verdict_changes WHERE verdict_changes.asset_id = alerts.asset_id
               AND verdict_changes.object = alerts.object AND verdict_changes.at_ms >= $1) LIMIT $2",
    );
    let rows = query.bind(int(since.0)).bind(i64::from(limit)).fetch_all(conn).await;
    rows.during("look for checks that are quiet again")?.iter().map(read_flapping).collect()
}

pub async fn insert_change(conn: &mut Conn, asset: AssetId, object: &str, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("INSERT INTO verdict_changes (id, asset_id, object, at_ms) VALUES ($1, $2, $3, $4)");
    let query = query.bind(new_id().to_string()).bind(asset.to_string()).bind(object).bind(int(now.0));
    query.execute(conn).await.during("note a verdict's change").map(|_| ())
}

pub async fn count_changes(conn: &mut Conn, asset: AssetId, object: &str, since: UnixMs) -> Result<u64, StoreError> {
    let query = sqlx::query(
        "SELECT COUNT(*) AS count FROM verdict_changes WHERE asset_id = $1 AND object = $2 AND at_ms >= $3",
    );
    let row = query.bind(asset.to_string()).bind(object).bind(int(since.0)).fetch_one(conn).await;
    row.during("count a verdict's changes")?.number("count")
}

pub async fn forget_changes(conn: &mut Conn, before: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM verdict_changes WHERE at_ms < $1").bind(int(before.0));
    query.execute(conn).await.during("forget verdicts' changes").map(|_| ())
}
