//! Hardware profiles: who has them, and how one is made from a golden machine.

use super::{Refusal, Senzu, audit, operators::find};
use crate::{
    access::Caller,
    profile::{self, Golden},
    store::{
        self, Conn,
        assets::Asset,
        plans::{self, ProfileName},
        sessions,
    },
};
use pious_protocol::expectation::HardwareProfile;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest name of a profile: it stands on a line with its version.
const MAX_NAME: usize = 63;

/// One edition of a profile in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileView {
    pub name: String,
    pub version: u32,
    /// The assets that are judged by it, by name.
    pub assets: Vec<String>,
}

/// A profile that was made from a golden machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileMade {
    pub profile: HardwareProfile,
    /// Whether it is a new edition; else the newest one says the same already.
    pub is_new: bool,
    /// How it differs from the edition before, in words; empty where there was none.
    pub changes: Vec<String>,
    /// What the golden machine is no example of, in words.
    pub notes: Vec<String>,
}

impl Senzu {
    /// Every edition of every profile: by name, the newest first.
    pub async fn profiles(&self) -> Result<Vec<ProfileView>, Refusal> {
        let mut tx = self.db.read().await?;
        let profiles = plans::profiles(&mut tx).await?;
        let plans = plans::all(&mut tx).await?;
        let newest = |name: &str| profiles.iter().find(|profile| profile.name == name).map(|profile| profile.version);
        let is_judged_by = |planned: &ProfileName, profile: &HardwareProfile| {
            planned.name == profile.name && planned.version.or(newest(&planned.name)) == Some(profile.version)
        };
        let view = |profile: &HardwareProfile| {
            let judged = plans
                .iter()
                .filter(|stored| stored.plan.profile.as_ref().is_some_and(|planned| is_judged_by(planned, profile)));
            let mut assets: Vec<String> = judged.map(|stored| stored.asset.clone()).collect();
            assets.sort_unstable();
            ProfileView { name: profile.name.clone(), version: profile.version, assets }
        };
        Ok(profiles.iter().map(view).collect())
    }

    /// One edition, by `name@version`, or the newest by `name`.
    pub async fn profile(&self, written: &str) -> Result<HardwareProfile, Refusal> {
        let unknown = || Refusal::NoSuchProfile(written.to_owned());
        let wanted: ProfileName = written.parse().map_err(|_| unknown())?;
        plans::profile(&mut *self.db.read().await?, &wanted).await?.ok_or_else(unknown)
    }

    /// Makes a profile from the newest facts of an asset. One that says what the newest edition says is that edition.
    pub async fn make_profile(
        &self,
        caller: &Caller,
        id_or_name: &str,
        name: Option<&str>,
    ) -> Result<ProfileMade, Refusal> {
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, id_or_name).await?;
        let stored = match asset.current_boot {
            Some(boot) => sessions::facts(&mut tx, boot).await?,
            None => None,
        };
        let facts = stored.ok_or_else(|| Refusal::NoFacts(asset.name.clone()))?.facts;
        let planned =
            plans::of_asset(&mut tx, asset.id).await?.and_then(|plan| plan.profile).map(|planned| planned.name);
        let product = facts.smbios.value().ok().and_then(|smbios| smbios.system.as_ref()?.product.as_deref());
        let name = match name {
            Some(name) => checked(name)?,
            None => planned.or_else(|| product.and_then(slug)).unwrap_or_else(|| asset.name.clone()),
        };
        let made = store_edition(&mut tx, profile::from_facts(&name, &facts)).await?;
        if made.is_new {
            note(&mut tx, caller, &asset, &made).await?;
            // Assets that follow the newest edition are judged anew, as after an import.
            store::count_up(&mut tx, store::IMPORTS).await?;
        }
        self.commit(tx, asset.id).await?;
        Ok(made)
    }
}

async fn store_edition(conn: &mut Conn, golden: Golden) -> Result<ProfileMade, Refusal> {
    let Golden { mut profile, notes } = golden;
    let newest = plans::profile(conn, &ProfileName { name: profile.name.clone(), version: None }).await?;
    let changes = newest.as_ref().map(|newest| profile::diff(newest, &profile)).unwrap_or_default();
    if let Some(newest) = newest {
        profile.version = newest.version;
        if newest == profile {
            return Ok(ProfileMade { profile, is_new: false, changes: Vec::new(), notes });
        }
        profile.version = newest.version.saturating_add(1);
    }
    plans::insert_profile(conn, &profile).await?;
    Ok(ProfileMade { profile, is_new: true, changes, notes })
}

async fn note(conn: &mut Conn, caller: &Caller, asset: &Asset, made: &ProfileMade) -> Result<(), Refusal> {
    let what = format!("its hardware became the profile {}@{}", made.profile.name, made.profile.version);
    Ok(audit(conn, asset.id, &caller.operator, what, "asked by an operator").await?)
}

/// A name that can be written wherever profiles are named.
fn checked(name: &str) -> Result<String, Refusal> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits) {
        true => Ok(name.to_owned()),
        false => Err(Refusal::OutOfRange {
            field: "name",
            value: format!("{name:?}"),
            remedy: "1 to 63 letters, digits, hyphens, dots and underscores",
        }),
    }
}

/// A product's name as that of a profile: `PowerEdge R650` → `poweredge-r650`.
fn slug(product: &str) -> Option<String> {
    let words = product.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    let slug: String = slug.chars().take(MAX_NAME).collect();
    (!slug.is_empty()).then_some(slug)
}
