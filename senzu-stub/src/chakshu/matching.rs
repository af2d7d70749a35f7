//! Which order line an asset fits: looked at as often as anybody likes, and taken once.

use crate::store::{
    Conn, StoreError,
    alerts::{self, AlertKind, AuditEvent},
    assets::{self, Asset},
    orders::{self, Line, Matched},
    plans::{self, Plan, ProfileName},
    sessions,
};
use pious_protocol::{
    expectation::Expectation,
    facts::Facts,
    finding::Finding,
    ids::{AssetId, UnixMs},
    message::AssetState,
};
use serde::{Deserialize, Serialize};

/// By what an asset was matched to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The line lists its serial.
    Serial,
    /// Its plan names the line's profile.
    Profile,
    /// Nobody planned it, and its hardware passes the line's profile.
    Hardware,
    /// An operator said so.
    Person,
    /// An operator said that it needs no order.
    Dismissed,
}

impl How {
    fn words(self) -> &'static str {
        match self {
            Self::Serial => "by its serial",
            Self::Profile => "by its profile",
            Self::Hardware => "by its hardware",
            Self::Person => "by hand",
            Self::Dismissed => "by nobody",
        }
    }
}

/// Where an asset stands with what was ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purchase {
    /// Senzu knows of no purchase order.
    NoOrders,
    /// It has its place.
    Matched { line: Line },
    /// An operator said that it needs none.
    Dismissed { by: String },
    /// It would have this place.
    Fits { line: Line, how: How },
    /// There are orders, and it fits none.
    Unknown,
}

/// Where an asset stands with what was ordered.
pub async fn look(conn: &mut Conn, asset: &Asset) -> Result<Purchase, StoreError> {
    if let Some(matched) = orders::matched(conn, asset.id).await? {
        let Matched { line, by, .. } = matched;
        let line = match line {
            Some((order, line)) => orders::line(conn, &order, line).await?,
            None => None,
        };
        return Ok(match line {
            Some(line) => Purchase::Matched { line },
            None => Purchase::Dismissed { by },
        });
    }
    if !orders::any(conn).await? {
        return Ok(Purchase::NoOrders);
    }
    // It graduated already: nobody looks for its place, and each walk is spared the looking.
    if asset.standing.state != AssetState::New {
        return Ok(Purchase::Unknown);
    }
    for serial in serials(asset) {
        if let Some(line) = orders::line_of_serial(conn, serial, asset.id).await? {
            return Ok(Purchase::Fits { line, how: How::Serial });
        }
    }
    let plan = plans::of_asset(conn, asset.id).await?.unwrap_or_default();
    let fits = match &plan.profile {
        Some(planned) => by_profile(conn, planned).await?.map(|line| (line, How::Profile)),
        None => by_hardware(conn, asset, &plan).await?.map(|line| (line, How::Hardware)),
    };
    Ok(fits.map_or(Purchase::Unknown, |(line, how)| Purchase::Fits { line, how }))
}

fn serials(asset: &Asset) -> impl Iterator<Item = &str> {
    let fingerprint = &asset.fingerprint;
    let all = [&fingerprint.system_serial, &fingerprint.chassis_serial, &fingerprint.board_serial];
    let told = all.into_iter().flatten().map(|serial| serial.trim());
    told.filter(|serial| !serial.is_empty() && !pious_protocol::identity::is_placeholder(serial))
}

async fn by_profile(conn: &mut Conn, planned: &ProfileName) -> Result<Option<Line>, StoreError> {
    let lines = orders::lines_with_room(conn, Some(&planned.name)).await?;
    let version = match planned.version {
        Some(version) => Some(version),
        None => plans::profile(conn, planned).await?.map(|newest| newest.version),
    };
    Ok(lines.into_iter().find(|line| line.profile.version.is_none() || line.profile.version == version))
}

/// The first open line whose profile the machine's facts pass. Only of an asset whose plan names no profile: nobody said
/// what it should be.
async fn by_hardware(conn: &mut Conn, asset: &Asset, plan: &Plan) -> Result<Option<Line>, StoreError> {
    let Some(boot) = asset.current_boot else { return Ok(None) };
    let Some(stored) = sessions::facts(conn, boot).await? else { return Ok(None) };
    let mut failed: Vec<ProfileName> = Vec::new();
    for line in orders::lines_with_room(conn, None).await? {
        if failed.contains(&line.profile) {
            continue;
        }
        match passes(conn, &line.profile, plan, &stored.facts).await? {
            true => return Ok(Some(line)),
            false => failed.push(line.profile),
        }
    }
    Ok(None)
}

async fn passes(conn: &mut Conn, profile: &ProfileName, plan: &Plan, facts: &Facts) -> Result<bool, StoreError> {
    let Some(profile) = plans::profile(conn, profile).await? else { return Ok(false) };
    let expectation = Expectation { profile: Some(profile), management: plan.management.clone(), cabling: None };
    let findings = pious_protocol::verify(&expectation, facts);
    // How it is cabled says nothing of what it is.
    let is_hardware = |finding: &&Finding| !finding.check.starts_with("cabling.");
    Ok(!findings.iter().filter(is_hardware).any(Finding::is_obstacle))
}

/// All that is expected of one asset: what its plan says; and where that names no profile, the profile of the line that the
/// asset has its place on, or would have.
pub async fn expectation(conn: &mut Conn, asset: AssetId) -> Result<Expectation, StoreError> {
    let planned = plans::expectation(conn, asset).await?;
    if planned.profile.is_some() {
        return Ok(planned);
    }
    let profile = match profile_of(conn, asset).await? {
        Some(ordered) => plans::profile(conn, &ordered).await?,
        None => None,
    };
    Ok(Expectation { profile, ..planned })
}

async fn profile_of(conn: &mut Conn, asset: AssetId) -> Result<Option<ProfileName>, StoreError> {
    let Some(asset) = assets::by_id(conn, asset).await? else { return Ok(None) };
    Ok(match look(conn, &asset).await? {
        Purchase::Matched { line } | Purchase::Fits { line, .. } => Some(line.profile),
        Purchase::NoOrders | Purchase::Dismissed { .. } | Purchase::Unknown => None,
    })
}

/// Raises the alert of a NEW asset that fits nowhere, and lets it go when it does.
pub async fn mind(conn: &mut Conn, asset: &Asset, now: UnixMs) -> Result<(), StoreError> {
    if asset.standing.state != AssetState::New {
        return Ok(());
    }
    match look(conn, asset).await? {
        Purchase::Unknown => {
            let serial = asset.serial.as_deref().unwrap_or("none");
            let words = format!(
                "no order line has a place for it (serial {serial}): assign it to a line, import its order, or dismiss this"
            );
            alerts::raise(conn, asset.id, AlertKind::UnknownAsset, "", &words, now).await.map(|_| ())
        }
        Purchase::NoOrders | Purchase::Matched { .. } | Purchase::Dismissed { .. } | Purchase::Fits { .. } => {
            alerts::clear(conn, asset.id, AlertKind::UnknownAsset, now).await
        }
    }
}

/// Gives an asset a place on a line; says whether there was one. The delivery counts up, and what is full closes.
pub async fn take(
    conn: &mut Conn,
    asset: &Asset,
    line: &Line,
    how: How,
    by: &str,
    why: &str,
    now: UnixMs,
) -> Result<bool, StoreError> {
    if !orders::take_place(conn, line, how == How::Serial).await? {
        return Ok(false);
    }
    if how == How::Serial {
        for serial in serials(asset) {
            orders::claim_serial(conn, serial, asset.id).await?;
        }
    }
    let stage = orders::count_delivery(conn, line).await?;
    let place = Some((line.order.clone(), line.line));
    let matched = Matched { line: place, stage: stage.clone(), how: crate::store::word(&how), by: by.to_owned() };
    orders::insert_match(conn, asset.id, &matched, now).await?;
    let delivery = stage.map(|stage| format!(", delivery {stage}")).unwrap_or_default();
    let what = format!("matched to order {} line {}{delivery}, {}", line.order, line.line, how.words());
    alerts::record(conn, asset.id, &AuditEvent { at: now, who: by.into(), what, why: why.into() }).await?;
    if orders::close_full(conn, line, now).await? {
        let what = format!("closed order {}: all of it is here", line.order);
        let why = format!("{} was the last", asset.name);
        alerts::record(conn, None, &AuditEvent { at: now, who: by.into(), what, why }).await?;
    }
    alerts::clear(conn, asset.id, AlertKind::UnknownAsset, now).await?;
    Ok(true)
}
