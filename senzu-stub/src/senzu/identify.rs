//! Which asset a machine is, or that it is a new one.

use crate::store::{
    Conn, StoreError, assets,
    assets::{Candidate, NewAsset},
    plans,
    plans::Plan,
};
use pious_protocol::{
    identity::{Fingerprint, Pick, Sameness, compare, in_other_byte_order, pick},
    ids::{AssetId, UnixMs},
    message::{AssetState, Evaluation, Standing},
};

/// What was found out about a machine.
pub struct Identified {
    pub asset: AssetId,
    /// What a person should know: it can't be told which machine this is.
    pub doubt: Option<String>,
}

/// Finds the asset that a machine is, or makes one.
pub async fn identify(conn: &mut Conn, seen: &Fingerprint, now: UnixMs) -> Result<Identified, StoreError> {
    let known = assets::candidates(conn, seen).await?;
    match pick(known.iter().map(|asset| (asset.id, &asset.fingerprint)), seen) {
        Pick::One(asset, _) => Ok(Identified { asset, doubt: None }),
        Pick::None => match planned(conn, &known, seen).await? {
            Some(asset) => Ok(Identified { asset, doubt: None }),
            None => Ok(Identified { asset: meet(conn, seen, None, now).await?, doubt: None }),
        },
        Pick::Several(ids, evidence) => {
            let several: Vec<Candidate> = known.into_iter().filter(|asset| ids.contains(&asset.id)).collect();
            if let Some(asset) = met_in_doubt(&several, seen) {
                return Ok(Identified { asset: asset.id, doubt: asset.doubt.clone() });
            }
            let never_seen = several.iter().all(|asset| asset.last_seen.is_none());
            if never_seen && let Some(asset) = planned(conn, &several, seen).await? {
                return Ok(Identified { asset, doubt: None });
            }
            let doubt = doubt_words(&several, &ids, &evidence);
            let asset = meet(conn, seen, Some(&doubt), now).await?;
            Ok(Identified { asset, doubt: Some(doubt) })
        }
    }
}

/// The asset that was made when this machine was first seen and could not be told from others.
fn met_in_doubt<'a>(several: &'a [Candidate], seen: &Fingerprint) -> Option<&'a Candidate> {
    let exactly = several.iter().filter(|asset| asset.fingerprint == *seen).collect::<Vec<_>>();
    if let [asset] = exactly.as_slice() {
        return Some(asset);
    }
    let is_it =
        |asset: &&Candidate| asset.doubt.is_some() && compare(&asset.fingerprint, seen).sameness == Sameness::Same;
    several.iter().find(is_it)
}

/// The one planned asset that never booted and whose plan names this machine.
async fn planned(conn: &mut Conn, known: &[Candidate], seen: &Fingerprint) -> Result<Option<AssetId>, StoreError> {
    let mut named = Vec::new();
    for asset in known.iter().filter(|asset| asset.last_seen.is_none()) {
        if let Some(plan) = plans::of_asset(conn, asset.id).await?
            && names(&plan, seen)
        {
            named.push(asset.id);
        }
    }
    match named.as_slice() {
        [asset] => Ok(Some(*asset)),
        _ => Ok(None),
    }
}

/// Whether a plan names a machine: all that it says of its identity fits, and it says something.
pub fn names(plan: &Plan, seen: &Fingerprint) -> bool {
    let serials = [&seen.system_serial, &seen.chassis_serial, &seen.board_serial];
    let by_serial = plan.serial.as_ref().map(|planned| {
        serials.iter().any(|serial| serial.as_ref().is_some_and(|serial| serial.trim().eq_ignore_ascii_case(planned)))
    });
    let by_uuid = plan.uuid.map(|uuid| seen.system_uuid.is_some_and(|s| s == uuid || s == in_other_byte_order(uuid)));
    let by_mac = (!plan.macs.is_empty()).then(|| plan.macs.iter().any(|mac| seen.macs.contains(mac)));
    let said: Vec<bool> = [by_serial, by_uuid, by_mac].into_iter().flatten().collect();
    !said.is_empty() && said.iter().all(|fits| *fits)
}

fn doubt_words(several: &[Candidate], ids: &[AssetId], evidence: &[Vec<String>]) -> String {
    let name = |id: &AssetId| several.iter().find(|asset| asset.id == *id).map_or("?", |asset| asset.name.as_str());
    let fits = ids.iter().zip(evidence).map(|(id, evidence)| format!("{} ({})", name(id), evidence.join(", ")));
    format!("its fingerprint may be that of {}", fits.collect::<Vec<_>>().join(" or "))
}

/// Makes an asset of a machine that nobody knew.
async fn meet(conn: &mut Conn, seen: &Fingerprint, doubt: Option<&str>, now: UnixMs) -> Result<AssetId, StoreError> {
    let name = free_name(conn, seen, doubt.is_some()).await?;
    let standing = Standing { state: AssetState::New, evaluation: Evaluation::Pending, step: None, reason: None };
    tracing::info!(asset = %name, doubt, "met a new asset");
    assets::insert(conn, NewAsset { name: &name, fingerprint: seen, doubt, standing }, now).await
}

/// The longest name that is made of a serial: a DNS label (RFC 1035 §2.3.4), because hosts are named after assets.
const MAX_NAME: usize = 63;

/// A name among people: the serial where it can be one and is free, else one made up.
async fn free_name(conn: &mut Conn, seen: &Fingerprint, doubted: bool) -> Result<String, StoreError> {
    let serial = seen.system_serial.as_deref().or(seen.chassis_serial.as_deref()).unwrap_or_default().trim();
    let is_name = !serial.is_empty()
        && serial.len() <= MAX_NAME
        && serial.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !pious_protocol::identity::is_placeholder(serial);
    if is_name && !doubted && assets::find(conn, serial).await?.is_none() {
        return Ok(serial.to_owned());
    }
    let id = crate::store::new_id().simple().to_string();
    // A UUIDv7's tail is random.
    Ok(format!("asset-{}", &id[id.len() - 8..]))
}

/// What is known of a machine after it was seen again: what it shows now, and where it shows nothing, what it showed.
pub fn merge(known: &Fingerprint, seen: &Fingerprint) -> Fingerprint {
    let list = |known: &[String], seen: &[String]| if seen.is_empty() { known.to_vec() } else { seen.to_vec() };
    Fingerprint {
        system_uuid: seen.system_uuid.or(known.system_uuid),
        system_serial: seen.system_serial.clone().or_else(|| known.system_serial.clone()),
        board_serial: seen.board_serial.clone().or_else(|| known.board_serial.clone()),
        chassis_serial: seen.chassis_serial.clone().or_else(|| known.chassis_serial.clone()),
        dimm_serials: list(&known.dimm_serials, &seen.dimm_serials),
        macs: if seen.macs.is_empty() { known.macs.clone() } else { seen.macs.clone() },
    }
}
