//! What Senzu does by itself about campaigns: admits, halts, finishes. Any number of replicas may try at once: one of them
//! has a campaign for a while, and what it does is one transaction.

use super::{
    MemberStatus, Status, admission,
    decide::{self, Decision, decide},
    leases,
};
use crate::{
    dag::{firmware::Firmware, later},
    firmware::Planned,
    senzu::{Senzu, audit, now},
    store::{
        Conn, StoreError, Tx,
        alerts::{self, AlertKind},
        assets,
        campaigns::{self, Campaign},
        goals::{self, GoalStatus},
        instructions::{self, Status as Told},
        members, slots,
    },
};
use pious_protocol::ids::{AssetId, BootId, UnixMs};
use std::time::Duration;
use uuid::Uuid;

/// For how long a campaign is its replica's: looking takes a second at the most.
const LEASE: Duration = Duration::from_secs(30);
/// How often a campaign is looked at of which members are admitted, or wait for their boot: nothing tells that a plan is
/// impossible.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How many are admitted at once: nobody else writes meanwhile.
const ADMITTED_AT_ONCE: u32 = 64;
/// Where a plan is made.
const CHECK: &str = "CHECK_COMPONENTS_TO_UPGRADE";

impl Senzu {
    /// Looks at every campaign whose time has come.
    pub async fn advance_campaigns(&self) -> Result<(), StoreError> {
        let due = campaigns::due(&mut *self.db.look().await?, now()).await?;
        let mut first = Ok(());
        for id in due {
            let mut tx = self.db.write_claims().await?;
            let at = now();
            let is_ours = campaigns::claim(&mut tx, id, &self.engine.holder, at, later(at, LEASE)).await?;
            tx.commit().await?;
            if is_ours {
                // One campaign that can't be looked at must not stop the others.
                let advanced = self.advance(id).await;
                first = first.and(advanced);
            }
        }
        first
    }

    /// Says how many assets of one network get firmware at once, unless a campaign says otherwise.
    pub async fn bound_firmware(&self, per_network: Option<u32>) -> Result<(), StoreError> {
        let Some(most) = per_network else { return Ok(()) };
        let mut tx = self.db.write().await?;
        slots::set_per_network(&mut tx, most).await?;
        tx.commit().await
    }

    async fn advance(&self, id: Uuid) -> Result<(), StoreError> {
        let now = now();
        let mut tx = self.db.write().await?;
        if !campaigns::is_ours(&mut tx, id, &self.engine.holder).await? {
            return Ok(());
        }
        let Some(mut campaign) = campaigns::by_id(&mut tx, id).await? else { return Ok(()) };
        let look = match campaign.status {
            Status::Running => self.run_campaign(&mut tx, &mut campaign, now).await?,
            Status::Aborted => {
                withdraw_unbegun(&mut tx, &campaign, now).await?;
                let is_any_left = !members::admitted(&mut tx, id).await?.is_empty();
                is_any_left.then(|| later(now, LOOK_EVERY))
            }
            Status::Draft | Status::Approved | Status::Paused | Status::Halted | Status::Finished => None,
        };
        campaigns::set(&mut tx, &campaign, look).await?;
        tx.commit().await
    }

    /// Does what was decided; answers when to look again.
    async fn run_campaign(
        &self,
        tx: &mut Tx,
        campaign: &mut Campaign,
        now: UnixMs,
    ) -> Result<Option<UnixMs>, StoreError> {
        let id = campaign.id;
        for (asset, boot, step) in members::admitted(tx, id).await? {
            if step.as_deref() == Some(CHECK) {
                self.end_impossible(tx, asset, boot, now).await?;
            }
        }
        let all = members::of_waves(tx, id).await?;
        let is_any_open = all.iter().any(|member| member.status == MemberStatus::Admitted);
        let soon = Some(later(now, LOOK_EVERY));
        match decide(&deciding(campaign), &all, now) {
            Decision::Admit { wave, until, .. } => {
                (campaign.open_wave, campaign.open_until) = (wave, until);
                campaign.words = Some(format!("wave {wave} is under way"));
                let is_all = admit_wave(tx, campaign, wave, now).await?;
                Ok(if is_all { soon } else { Some(now) })
            }
            Decision::Hold { why, again } => {
                campaign.words = Some(why);
                if !is_any_open {
                    campaign.open_wave = 0;
                }
                Ok(if is_any_open { soon } else { again.or(soon) })
            }
            Decision::Halt { why, asset } => {
                (campaign.status, campaign.open_wave) = (Status::Halted, 0);
                (campaign.words, campaign.halted_asset) = (Some(why.clone()), asset);
                if let Some(asset) = asset {
                    let words = format!("the campaign {:?} is halted: {why}", campaign.spec.name);
                    alerts::raise(tx, asset, AlertKind::CampaignHalted, &object(campaign, now), &words, now).await?;
                }
                tracing::warn!(campaign = %campaign.spec.name, "halted: {why}");
                record(tx, campaign, "halted", &why).await?;
                Ok(None)
            }
            Decision::Close { why } => {
                members::skip_waiting(tx, id, &why, now).await?;
                record(tx, campaign, "admits nobody any more", &why).await?;
                Ok(Some(now))
            }
            Decision::Finish => {
                (campaign.status, campaign.open_wave, campaign.ended) = (Status::Finished, 0, Some(now));
                let done = all.iter().filter(|member| member.status == MemberStatus::Done).count();
                let words = format!("{done} of {} run what they shall", all.len());
                record(tx, campaign, "finished", &words).await?;
                campaign.words = Some(words);
                Ok(None)
            }
        }
    }

    /// Ends a member that its beans found no way for, once its versions were read in this boot.
    async fn end_impossible(
        &self,
        tx: &mut Tx,
        asset: AssetId,
        boot: Option<BootId>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let Some(firmware) = Firmware::of(tx, asset, boot).await? else { return Ok(()) };
        let is_read = firmware.goal.wanted.iter().all(|wanted| firmware.is_read_in(wanted.component, boot));
        let has_no_recipe = firmware.machine.as_ref().is_some_and(|machine| self.firmware.recipes.of(machine).is_err());
        if !is_read && !has_no_recipe {
            return Ok(());
        }
        let impossible = firmware.needs(&self.firmware.recipes).ok().and_then(|needs| {
            needs.into_iter().find_map(|need| match need.planned {
                Planned::Impossible { why, who_acts } => Some(format!("{why}; {who_acts}")),
                Planned::Done { .. } | Planned::NotDone { .. } => None,
            })
        });
        let Some(why) = impossible else { return Ok(()) };
        withdraw(tx, &firmware, MemberStatus::Impossible, &why, now).await
    }
}

/// What an alert of a halt is about: each halt is one of its own.
fn object(campaign: &Campaign, now: UnixMs) -> String {
    format!("campaign {}, halted {}", campaign.id, now.0)
}

/// A campaign, as far as it decides.
fn deciding(campaign: &Campaign) -> decide::Campaign {
    decide::Campaign {
        status: campaign.status,
        waves: campaign.spec.waves.clone(),
        windows: campaign.spec.windows.clone(),
        valid_until: campaign.spec.valid_until_ms,
        counted_since: campaign.counted_since,
    }
}

/// Admits those of a wave that can be; `false`: there are more.
async fn admit_wave(tx: &mut Tx, campaign: &Campaign, wave: u32, now: UnixMs) -> Result<bool, StoreError> {
    members::note_waiting(tx, campaign.id, wave, admission::OFF, admission::BUSY).await?;
    let next = members::admissible(tx, campaign.id, wave, ADMITTED_AT_ONCE).await?;
    for id in &next {
        let Some(asset) = assets::by_id(tx, *id).await? else { continue };
        if admission::admit(tx, campaign, &asset, now).await? {
            slots::walk_soon(tx, *id, now).await?;
        }
    }
    Ok(next.len() < ADMITTED_AT_ONCE as usize)
}

/// Takes back the goals of an aborted campaign that no BMC is at.
pub(super) async fn withdraw_unbegun(tx: &mut Tx, campaign: &Campaign, now: UnixMs) -> Result<(), StoreError> {
    for (asset, boot, _) in members::admitted(tx, campaign.id).await? {
        match Firmware::of(tx, asset, boot).await? {
            Some(firmware) if firmware.goal.campaign == Some(campaign.id) => {
                if !firmware.is_half_way() {
                    let why = "the campaign was aborted";
                    withdraw(tx, &firmware, MemberStatus::Skipped, why, now).await?;
                }
            }
            // Its goal is gone: whoever ended it was not this campaign.
            Some(_) | None => {
                let why = Some("the campaign was aborted");
                members::set_status(tx, campaign.id, asset, MemberStatus::Skipped, why, now).await?;
            }
        }
    }
    Ok(())
}

async fn withdraw(
    tx: &mut Tx,
    firmware: &Firmware,
    as_member: MemberStatus,
    why: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let goal = &firmware.goal;
    for told in firmware.told.iter().filter(|told| told.issued.status == Told::Issued) {
        instructions::set_status(tx, told.issued.instruction.id, Told::Withdrawn, now).await?;
    }
    goals::set_status(tx, goal.id, GoalStatus::Withdrawn, why, now).await?;
    leases::end_as(tx, goal, as_member, why, now).await?;
    audit(tx, goal.asset, "senzu", "firmware goal withdrawn", why).await?;
    slots::walk_soon(tx, goal.asset, now).await
}

/// Writes down what happened to a campaign.
async fn record(conn: &mut Conn, campaign: &Campaign, what: &str, why: &str) -> Result<(), StoreError> {
    audit(conn, None, "senzu", format!("campaign {:?} ({}) {what}", campaign.spec.name, campaign.id), why).await
}
