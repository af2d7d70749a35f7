//! What imports say: hardware profiles, and what is planned for each asset.

use super::{Columns, Conn, During, Row, StoreError, int, json, new_id};
use pious_protocol::{
    expectation::{CablingPlan, Expectation, HardwareProfile, ManagementNetwork},
    ids::{AssetId, MacAddress, UnixMs},
};
use std::str::FromStr;
use thiserror::Error;
use uuid::Uuid;

/// What is planned for one asset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What it is recognized by: at least one of the three.
    pub serial: Option<String>,
    pub uuid: Option<Uuid>,
    pub macs: Vec<MacAddress>,
    pub profile: Option<ProfileName>,
    /// `None`: nobody said how it is cabled.
    pub cabling: Option<CablingPlan>,
    /// `None`: nobody said where its BMC is reached.
    pub management: Option<ManagementNetwork>,
}

/// A profile, at one version or always the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileName {
    pub name: String,
    pub version: Option<u32>,
}

/// A text that names no profile.
#[derive(Debug, Error)]
#[error("{0:?} names no profile: write name or name@version")]
pub struct NoProfileName(String);

impl std::fmt::Display for ProfileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.version {
            None => f.write_str(&self.name),
            Some(version) => write!(f, "{}@{version}", self.name),
        }
    }
}

/// `demo` is the newest version, `demo@1` that one.
impl FromStr for ProfileName {
    type Err = NoProfileName;

    fn from_str(text: &str) -> Result<Self, NoProfileName> {
        match text.split_once('@') {
            None => Ok(Self { name: text.to_owned(), version: None }),
            Some((name, version)) => match version.parse() {
                Ok(version) => Ok(Self { name: name.to_owned(), version: Some(version) }),
                Err(_) => Err(NoProfileName(text.to_owned())),
            },
        }
    }
}

fn read(row: &Row) -> Result<Plan, StoreError> {
    let version = row.number_opt("profile_version")?.map(|version| u32::try_from(version).unwrap_or(u32::MAX));
    Ok(Plan {
        serial: row.text_opt("serial")?,
        uuid: row.word_opt("uuid")?,
        macs: row.body("macs")?,
        profile: row.text_opt("profile")?.map(|name| ProfileName { name, version }),
        cabling: row.body_opt("cabling")?,
        management: row.body_opt("management")?,
    })
}

pub async fn of_asset(conn: &mut Conn, asset: AssetId) -> Result<Option<Plan>, StoreError> {
    let query = sqlx::query("SELECT * FROM plans WHERE asset_id = $1").bind(asset.to_string());
    query.fetch_optional(conn).await.during("load a plan")?.as_ref().map(read).transpose()
}

/// A plan with the name of its asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPlan {
    pub asset: String,
    pub plan: Plan,
    pub bmc_macs: Vec<MacAddress>,
}

/// Every plan, the longest known asset's first.
pub async fn all(conn: &mut Conn) -> Result<Vec<StoredPlan>, StoreError> {
    let query = sqlx::query(
        "SELECT plans.*, assets.name, asset_macs.mac AS bmc_mac FROM plans JOIN assets ON assets.id = plans.asset_id
         LEFT JOIN asset_macs ON asset_macs.asset_id = plans.asset_id AND asset_macs.kind = 'bmc'
         ORDER BY assets.id, asset_macs.mac",
    );
    let rows = query.fetch_all(conn).await.during("list plans")?;
    let mut all: Vec<StoredPlan> = Vec::new();
    for row in &rows {
        let (asset, bmc) = (row.text("name")?, row.word_opt("bmc_mac")?);
        match all.last_mut().filter(|last| last.asset == asset) {
            Some(last) => last.bmc_macs.extend(bmc),
            None => all.push(StoredPlan { asset, plan: read(row)?, bmc_macs: bmc.into_iter().collect() }),
        }
    }
    Ok(all)
}

pub async fn set(conn: &mut Conn, asset: AssetId, plan: &Plan) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO plans (asset_id, serial, uuid, macs, profile, profile_version, cabling, management)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (asset_id) DO UPDATE SET serial = excluded.serial, uuid = excluded.uuid, macs = excluded.macs,
             profile = excluded.profile, profile_version = excluded.profile_version, cabling = excluded.cabling,
             management = excluded.management",
    )
    .bind(asset.to_string())
    .bind(&plan.serial)
    .bind(plan.uuid.map(|uuid| uuid.to_string()))
    .bind(json(&plan.macs))
    .bind(plan.profile.as_ref().map(|profile| &profile.name))
    .bind(plan.profile.as_ref().and_then(|profile| profile.version).map(i64::from))
    .bind(plan.cabling.as_ref().map(json))
    .bind(plan.management.as_ref().map(json));
    query.execute(&mut *conn).await.during("store a plan")?;
    // Where lists look for it.
    let query = sqlx::query("UPDATE assets SET profile = $1 WHERE id = $2");
    let query = query.bind(plan.profile.as_ref().map(|profile| &profile.name)).bind(asset.to_string());
    query.execute(conn).await.during("store an asset's profile").map(|_| ())
}

/// A profile; the newest where no version is asked for.
pub async fn profile(conn: &mut Conn, wanted: &ProfileName) -> Result<Option<HardwareProfile>, StoreError> {
    let query = sqlx::query(
        "SELECT body FROM profiles WHERE name = $1 AND (version = $2 OR $2 IS NULL) ORDER BY version DESC LIMIT 1",
    );
    let row = query.bind(&wanted.name).bind(wanted.version.map(i64::from)).fetch_optional(conn).await;
    row.during("load a profile")?.map(|row| row.body("body")).transpose()
}

/// Every profile: by name, the newest version of each first.
pub async fn profiles(conn: &mut Conn) -> Result<Vec<HardwareProfile>, StoreError> {
    let rows = sqlx::query("SELECT body FROM profiles ORDER BY name, version DESC").fetch_all(conn).await;
    rows.during("list profiles")?.iter().map(|row| row.body("body")).collect()
}

pub async fn insert_profile(conn: &mut Conn, profile: &HardwareProfile) -> Result<(), StoreError> {
    let query = sqlx::query("INSERT INTO profiles (name, version, body) VALUES ($1, $2, $3)");
    let query = query.bind(&profile.name).bind(i64::from(profile.version)).bind(json(profile));
    query.execute(conn).await.during("store a profile").map(|_| ())
}

/// All that is expected of one asset.
pub async fn expectation(conn: &mut Conn, asset: AssetId) -> Result<Expectation, StoreError> {
    let query = sqlx::query(
        "SELECT plans.*, profiles.body FROM plans
         LEFT JOIN profiles ON profiles.name = plans.profile AND profiles.version = COALESCE(plans.profile_version,
             (SELECT MAX(version) FROM profiles WHERE profiles.name = plans.profile))
         WHERE plans.asset_id = $1",
    );
    let row = query.bind(asset.to_string()).fetch_optional(conn).await.during("load what is expected of an asset")?;
    let Some(row) = row else { return Ok(Expectation::default()) };
    let (plan, profile) = (read(&row)?, row.body_opt("body")?);
    Ok(Expectation { profile, cabling: plan.cabling, management: plan.management })
}

/// Keeps an import as it was read.
pub async fn insert_import(conn: &mut Conn, source: &str, body: &str, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query("INSERT INTO imports (id, at_ms, source, body) VALUES ($1, $2, $3, $4)");
    let query = query.bind(new_id().to_string()).bind(int(now.0)).bind(source).bind(body);
    query.execute(conn).await.during("store an import").map(|_| ())
}
