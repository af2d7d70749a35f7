//! A member is admitted: from then on the beans bring it to its versions.

use super::{MemberStatus, Status, choice::may_be_written};
use crate::store::{
    Conn, StoreError,
    alerts::{self, AuditEvent},
    assets::Asset,
    bmcs,
    campaigns::{self, Campaign},
    goals::{self, NewGoal},
    instructions, members, sessions,
};
use pious_protocol::{ids::UnixMs, instruction::Action};

/// Why a member waits that is off, and that nobody but a person can turn on.
pub const OFF: &str = "off: it continues at its next boot";
/// Why a member waits that another goal is open for.
pub const BUSY: &str = "it is being brought to other firmware: its turn comes behind that";
/// Beans' instructions of a boot session; POWER_OFF_SPARE's is among the newest.
const LOOK_BACK: u32 = 32;

/// Admits a member whose turn it is; `false`: it waits still, or is left out.
pub async fn admit(conn: &mut Conn, campaign: &Campaign, asset: &Asset, now: UnixMs) -> Result<bool, StoreError> {
    let id = campaign.id;
    if let Err(why) = may_be_written(asset.standing.state) {
        members::set_status(conn, id, asset.id, MemberStatus::Skipped, Some(&why), now).await?;
        return Ok(false);
    }
    if !is_up(asset) && !may_wake(conn, asset).await? {
        members::set_status(conn, id, asset.id, MemberStatus::Waiting, Some(OFF), now).await?;
        return Ok(false);
    }
    let why = format!("campaign {}: {}", campaign.spec.name, campaign.why);
    let new = NewGoal {
        asset: asset.id,
        wanted: &campaign.spec.wanted,
        campaign: Some(id),
        why: &why,
        asked_by: &campaign.asked_by,
    };
    if goals::insert(conn, &new, now).await?.is_none() {
        members::set_status(conn, id, asset.id, MemberStatus::Waiting, Some(BUSY), now).await?;
        return Ok(false);
    }
    keep_on(conn, asset, now).await?;
    members::set_status(conn, id, asset.id, MemberStatus::Admitted, None, now).await?;
    let what = format!("firmware wanted: {}", crate::senzu::wanted_words(&campaign.spec.wanted));
    alerts::record(conn, asset.id, &AuditEvent { at: now, who: "senzu".into(), what, why }).await?;
    Ok(true)
}

/// An asset boots: if it is its turn in a campaign, it is admitted at once, before its beans power it off again.
pub async fn at_boot(conn: &mut Conn, asset: &Asset, now: UnixMs) -> Result<bool, StoreError> {
    for (id, wave) in members::waiting_in(conn, asset.id).await? {
        let Some(campaign) = campaigns::by_id(conn, id).await? else { continue };
        let is_its_turn =
            campaign.status == Status::Running && wave > 0 && wave <= campaign.open_wave && now < campaign.open_until;
        if is_its_turn && admit(conn, &campaign, asset, now).await? {
            campaigns::look_soon(conn, id, now).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether PIOUS runs on it, as far as is known.
fn is_up(asset: &Asset) -> bool {
    asset.current_boot.is_some() && asset.ended_why.is_none()
}

/// Whether it is off, and beans can turn it on.
async fn may_wake(conn: &mut Conn, asset: &Asset) -> Result<bool, StoreError> {
    let is_off = asset.ended_why.as_deref() == Some(sessions::POWERED_OFF);
    Ok(is_off && bmcs::of(conn, asset.id).await?.may_wake().is_ok())
}

/// It is needed now: a power-off that nobody took is taken back.
async fn keep_on(conn: &mut Conn, asset: &Asset, now: UnixMs) -> Result<(), StoreError> {
    let Some(boot) = asset.current_boot else { return Ok(()) };
    for issued in instructions::of_beans(conn, asset.id, boot, LOOK_BACK).await? {
        let is_power_off = matches!(issued.instruction.action, Action::Shutdown { .. });
        if is_power_off && issued.status == instructions::Status::Issued {
            instructions::set_status(conn, issued.instruction.id, instructions::Status::Withdrawn, now).await?;
        }
    }
    Ok(())
}
