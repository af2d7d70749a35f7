//! What operators tell Senzu: hardware profiles and planned assets, from a TOML or JSON file.
//!
//! An import is taken whole or not at all. Profiles are versioned and never change: a changed one needs a higher
//! version. Assets are found by name, else by what the plan says of their identity, else made.

mod claims;

use crate::{
    senzu::now,
    store::{
        self, Conn, Database, StoreError,
        alerts::{self, AuditEvent},
        assets::{self, Asset, Held, MacKind, NewAsset},
        json, listing,
        plans::{self, Plan, ProfileName},
    },
};
use pious_protocol::{
    expectation::{CablingPlan, HardwareProfile, ManagementNetwork, PlannedLink},
    identity::Fingerprint,
    ids::{AssetId, MacAddress, UnixMs},
    message::{AssetState, Evaluation, Standing},
    verify::Check,
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use std::{collections::HashSet, fs, path::Path, path::PathBuf};
use thiserror::Error;
use uuid::Uuid;

/// Why an import changed nothing.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is no import in TOML")]
    Toml {
        path: PathBuf,
        #[source]
        source: toml::de::Error,
    },
    #[error("{path} is no import in JSON")]
    Json {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("{path} ends neither in .toml nor in .json")]
    Kind { path: PathBuf },
    #[error("{entry}: {problem}")]
    Entry { entry: String, problem: String },
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Import {
    profiles: Vec<Strict<HardwareProfile>>,
    assets: Vec<PlannedAsset>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlannedAsset {
    name: String,
    #[serde(default)]
    serial: Option<String>,
    #[serde(default)]
    uuid: Option<Uuid>,
    #[serde(default)]
    macs: Vec<MacAddress>,
    #[serde(default)]
    profile: Option<String>,
    #[serde(default)]
    bmc_mac: Option<MacAddress>,
    #[serde(default)]
    management: Option<Strict<ManagementNetwork>>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    rack: Option<String>,
    /// Left out: they stay as they are.
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    held: Option<String>,
    #[serde(default)]
    links: Option<Vec<Strict<PlannedLink>>>,
}

/// A type of the protocol, which ignores unknown fields on the wire; a person's misspelt field is an error.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
struct Strict<T>(T);

impl<'de, T: Serialize + DeserializeOwned> Deserialize<'de> for Strict<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = serde_json::Value::deserialize(deserializer)?;
        let read: T = serde_json::from_value(written.clone()).map_err(serde::de::Error::custom)?;
        let known = serde_json::to_value(&read).map_err(serde::de::Error::custom)?;
        match unknown_field(&written, &known) {
            None => Ok(Self(read)),
            Some(field) => Err(serde::de::Error::custom(format!("unknown field `{field}`"))),
        }
    }
}

/// A field that was written and is not among those that are known.
fn unknown_field(written: &serde_json::Value, known: &serde_json::Value) -> Option<String> {
    use serde_json::Value::{Array, Object};
    match (written, known) {
        (Object(written), Object(known)) => written.iter().find_map(|(field, value)| match known.get(field) {
            None => Some(field.clone()),
            Some(known) => unknown_field(value, known),
        }),
        (Array(written), Array(known)) => {
            written.iter().zip(known).find_map(|(value, known)| unknown_field(value, known))
        }
        _ => None,
    }
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub profiles: usize,
    pub assets: usize,
}

impl Import {
    /// Reads a file; its ending says what it is written in.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let text = fs::read_to_string(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("toml") => toml::from_str(&text).map_err(|source| ImportError::Toml { path: path.to_owned(), source }),
            Some("json") => {
                serde_json::from_str(&text).map_err(|source| ImportError::Json { path: path.to_owned(), source })
            }
            Some(_) | None => Err(ImportError::Kind { path: path.to_owned() }),
        }
    }

    /// Stores the import, all of it or nothing.
    pub async fn store(&self, db: &Database, source: &str) -> Result<Summary, ImportError> {
        self.check()?;
        let now = now();
        let mut tx = db.write().await?;
        let mut summary = Summary::default();
        for profile in &self.profiles {
            summary.profiles += usize::from(store_profile(&mut tx, &profile.0).await?);
        }
        for planned in &self.assets {
            store_asset(&mut tx, planned, now).await?;
            summary.assets += 1;
        }
        claims::check(&plans::all(&mut tx).await?).map_err(|claims::Contradiction { asset, problem }| {
            ImportError::Entry { entry: format!("asset {asset:?}"), problem }
        })?;
        plans::insert_import(&mut tx, source, &json(self), now).await?;
        store::count_up(&mut tx, store::IMPORTS).await?;
        tx.commit().await?;
        Ok(summary)
    }

    fn check(&self) -> Result<(), ImportError> {
        let mut names = HashSet::new();
        let mut macs = HashSet::new();
        for (index, planned) in self.assets.iter().enumerate() {
            let entry = || format!("assets[{index}] {:?}", planned.name);
            let refuse = |problem: String| Err(ImportError::Entry { entry: entry(), problem });
            if !is_name(&planned.name) {
                return refuse("a name has 1 to 63 letters, digits, hyphens, dots and underscores".into());
            }
            if !names.insert(&planned.name) {
                return refuse("the name stands twice in the file".into());
            }
            if planned.serial.is_none() && planned.uuid.is_none() && planned.macs.is_empty() {
                return refuse("it has neither serial nor uuid nor macs, so no machine can be recognized as it".into());
            }
            if let Some(serial) = &planned.serial
                && pious_protocol::identity::is_placeholder(serial)
            {
                return refuse(format!("the serial {serial:?} is a placeholder that any machine may show"));
            }
            if let Some(uuid) = planned.uuid
                && pious_protocol::identity::is_placeholder_uuid(uuid)
            {
                return refuse(format!("the uuid {uuid} is a placeholder that any machine may show"));
            }
            let links = || planned.links.iter().flatten().map(|link| &link.0);
            let addresses = planned.macs.iter().copied().chain(planned.bmc_mac).chain(links().map(|link| link.nic));
            if let Some(group) = addresses.into_iter().find(|mac| mac.0 == [0; 6] || mac.0[0] & 1 == 1) {
                return refuse(format!("{group} is no interface's address: it is all zero, or a group's"));
            }
            let vlans = links().flat_map(|link| link.native_vlan.iter().chain(&link.tagged_vlans));
            if let Some(id) = vlans.copied().find(|id| !VLANS.contains(id)) {
                return refuse(format!("{id} is no VLAN: write one from 1 to 4094"));
            }
            let tag = planned.management.as_ref().and_then(|network| network.0.vlan);
            if let Some(id) = tag.filter(|id| *id != 0 && !VLANS.contains(id)) {
                return refuse(format!(
                    "{id} is no VLAN: write one from 1 to 4094, or 0 where the BMC's port is untagged"
                ));
            }
            for (field, place) in [("region", &planned.region), ("rack", &planned.rack)] {
                if place.as_ref().is_some_and(|place| !is_name(place)) {
                    return refuse(format!(
                        "{field}: a name has 1 to 63 letters, digits, hyphens, dots and underscores"
                    ));
                }
            }
            if let Some(tags) = &planned.tags
                && let Err(refusal) = crate::senzu::checked_tags(tags)
            {
                return refuse(refusal.to_string());
            }
            if planned.held.as_ref().is_some_and(|by| by.trim().is_empty()) {
                return refuse("held is empty: say for whom, or leave it out".into());
            }
            for link in planned.links.iter().flatten() {
                if !macs.insert(link.0.nic) {
                    return refuse(format!("the link of {} stands twice in the file", link.0.nic));
                }
            }
        }
        Ok(())
    }
}

/// IEEE 802.1Q-2018 §9.6: 0 and 4095 are no VLANs.
const VLANS: std::ops::RangeInclusive<u16> = 1..=4094;

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=63).contains(&name.len()) && name.bytes().all(fits)
}

/// Stores a profile; says whether it is new.
async fn store_profile(conn: &mut Conn, profile: &HardwareProfile) -> Result<bool, ImportError> {
    let entry = || format!("profile {}@{}", profile.name, profile.version);
    let refuse = |problem: &str| Err(ImportError::Entry { entry: entry(), problem: problem.into() });
    if profile.name.is_empty() || profile.name.contains('@') {
        return refuse("a profile's name is not empty and has no @");
    }
    if let Some(unknown) = profile.skip.iter().find(|name| Check::by_name(name).is_none()) {
        return refuse(&format!("it skips {unknown:?}, which is no check"));
    }
    let wanted = ProfileName { name: profile.name.clone(), version: Some(profile.version) };
    match plans::profile(conn, &wanted).await? {
        Some(known) if known == *profile => Ok(false),
        Some(_) => refuse("it is stored already and says something else: give the changed profile a higher version"),
        None => {
            plans::insert_profile(conn, profile).await?;
            Ok(true)
        }
    }
}

async fn store_asset(conn: &mut Conn, planned: &PlannedAsset, now: UnixMs) -> Result<(), ImportError> {
    let refuse = |problem| ImportError::Entry { entry: format!("asset {:?}", planned.name), problem };
    let named = planned.profile.as_deref().map(str::parse::<ProfileName>).transpose();
    let profile = named.map_err(|unnamed| refuse(unnamed.to_string()))?;
    if let Some(wanted) = &profile
        && plans::profile(conn, wanted).await?.is_none()
    {
        return Err(refuse(format!("no profile {:?}", planned.profile.as_deref().unwrap_or_default())));
    }
    let plan = Plan {
        serial: planned.serial.as_ref().map(|serial| serial.trim().to_owned()),
        uuid: planned.uuid,
        macs: planned.macs.clone(),
        profile,
        cabling: planned
            .links
            .as_ref()
            .map(|links| CablingPlan { links: links.iter().map(|link| link.0.clone()).collect() }),
        management: planned.management.as_ref().map(|network| network.0.clone()),
    };
    let id = match find(conn, planned, &plan).await? {
        Some(asset) => adopt(conn, &asset, planned, &plan, now).await?,
        None => make(conn, planned, &plan, now).await?,
    };
    plans::set(conn, id, &plan).await?;
    listing::set_place(conn, id, planned.region.as_deref(), planned.rack.as_deref()).await?;
    if let Some(tags) = &planned.tags {
        let tags = crate::senzu::checked_tags(tags).map_err(|refusal| refuse(refusal.to_string()))?;
        listing::set_tags(conn, id, &planned.name, &tags).await?;
    }
    let links = planned.links.iter().flatten().map(|link| link.0.nic);
    let macs: Vec<MacAddress> = planned.macs.iter().copied().chain(links).collect();
    assets::set_macs(conn, id, MacKind::Planned, &macs).await?;
    let bmc: Vec<MacAddress> = planned.bmc_mac.into_iter().collect();
    assets::set_macs(conn, id, MacKind::Bmc, &bmc).await?;
    Ok(())
}

/// What a machine shows that the plan names, as far as the plan says.
fn fingerprint(plan: &Plan) -> Fingerprint {
    Fingerprint {
        system_uuid: plan.uuid,
        system_serial: plan.serial.clone(),
        macs: plan.macs.clone(),
        ..Fingerprint::default()
    }
}

/// The asset that is planned: by name; else one that booted before it was planned, if the plan names it alone.
async fn find(conn: &mut Conn, planned: &PlannedAsset, plan: &Plan) -> Result<Option<Asset>, ImportError> {
    if let Some(asset) = assets::find(conn, &planned.name).await? {
        // A machine that nobody planned is named after the serial that it shows, which may be anything.
        let is_stranger = asset.last_seen.is_some()
            && plans::of_asset(conn, asset.id).await?.is_none()
            && !crate::senzu::names(plan, &asset.fingerprint);
        if is_stranger {
            let serial = asset.serial.as_deref().unwrap_or("none");
            let problem = format!(
                "a machine that booted unplanned goes by this name, and is not the one planned (its serial: {serial}): \
                 correct the plan, or choose another name"
            );
            return Err(ImportError::Entry { entry: format!("asset {:?}", planned.name), problem });
        }
        return Ok(Some(asset));
    }
    let mut named = Vec::new();
    for asset in assets::candidates(conn, &fingerprint(plan)).await? {
        let is_unplanned = plans::of_asset(conn, asset.id).await?.is_none();
        if is_unplanned && crate::senzu::names(plan, &asset.fingerprint) {
            named.push(asset);
        }
    }
    match named.as_slice() {
        [] => Ok(None),
        [asset] => Ok(assets::by_id(conn, asset.id).await?),
        several => {
            let names = several.iter().map(|asset| asset.name.as_str()).collect::<Vec<_>>().join(" and ");
            let problem = format!("it fits {names}: say more of its identity (uuid, macs)");
            Err(ImportError::Entry { entry: format!("asset {:?}", planned.name), problem })
        }
    }
}

async fn adopt(
    conn: &mut Conn,
    asset: &Asset,
    planned: &PlannedAsset,
    plan: &Plan,
    now: UnixMs,
) -> Result<AssetId, ImportError> {
    if asset.name != planned.name {
        assets::rename(conn, asset.id, &planned.name).await?;
        record(conn, asset.id, &format!("named {}, was {}", planned.name, asset.name), now).await?;
    }
    if asset.last_seen.is_none() {
        assets::set_fingerprint(conn, asset.id, &fingerprint(plan)).await?;
    }
    if asset.doubt.is_some() && crate::senzu::names(plan, &asset.fingerprint) {
        assets::clear_doubt(conn, asset.id).await?;
        record(conn, asset.id, "recognized by its plan", now).await?;
    }
    // Who holds an asset that exists is the operators' affair, not the file's, unless nobody does.
    if asset.held.is_none() && asset.last_seen.is_none() {
        hold(conn, asset.id, planned, now).await?;
    }
    Ok(asset.id)
}

async fn make(conn: &mut Conn, planned: &PlannedAsset, plan: &Plan, now: UnixMs) -> Result<AssetId, ImportError> {
    let standing = Standing {
        state: AssetState::New,
        evaluation: Evaluation::Pending,
        step: Some("WHOAMI".into()),
        reason: Some("waits for its first boot".into()),
    };
    let new = NewAsset { name: &planned.name, fingerprint: &fingerprint(plan), doubt: None, standing };
    let id = assets::insert(conn, new, now).await?;
    record(conn, id, "planned", now).await?;
    hold(conn, id, planned, now).await?;
    Ok(id)
}

async fn hold(conn: &mut Conn, id: AssetId, planned: &PlannedAsset, now: UnixMs) -> Result<(), ImportError> {
    if let Some(by) = &planned.held {
        assets::set_held(conn, id, Some(&Held { by: by.clone(), since: now })).await?;
        record(conn, id, &format!("held for use by {by}"), now).await?;
    }
    Ok(())
}

async fn record(conn: &mut Conn, id: AssetId, what: &str, now: UnixMs) -> Result<(), ImportError> {
    let event = AuditEvent { at: now, who: "import".into(), what: what.into(), why: "the file says so".into() };
    Ok(alerts::record(conn, id, &event).await?)
}
