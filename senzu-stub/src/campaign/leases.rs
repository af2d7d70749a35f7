//! How beans hold a slot: looked for, taken in the transaction that counts, renewed while the agent is heard, given back
//! while nothing is tried, and at the goal's end.

use super::{
    MemberStatus, Status,
    slots::{Limits, Slot, fits},
};
use crate::{
    dag::{Situation, firmware::Firmware, later},
    store::{
        Conn, StoreError,
        approvals::{self, ApprovalOutcome},
        assets::Asset,
        campaigns,
        goals::{Goal, GoalStatus},
        instructions::{self, Issued},
        members, plans, sessions, slots, word,
    },
};
use ipnet::IpNet;
use pious_protocol::{
    firmware::FlashPhase,
    ids::{AssetId, BootId, UnixMs},
    instruction::Action,
    message::Report,
};
use std::{net::IpAddr, time::Duration};

/// For how long a slot is an asset's whose agent is not heard. A large server that restarts with a new BIOS trains its
/// memory twice, a quarter of an hour; twice that is nobody who comes back.
const LASTS: Duration = Duration::from_secs(1800);
/// How many that wait are walked when a slot is given back: some may turn out to want it no more.
const WALKED: usize = 4;
/// How far down the queue is looked for one that fits.
const LOOK_DOWN: u32 = 64;

/// Whether an asset may be written to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// It has a slot.
    Held,
    /// It may take one.
    Free,
    /// There is none, in words; and whether it stands in the queue.
    Full { words: String, is_asked: bool },
    /// Its campaign does not go on.
    Stopped(String),
}

/// Whether an asset may be written to now.
pub async fn look(conn: &mut Conn, asset: &Asset, firmware: &Firmware, now: UnixMs) -> Result<SlotState, StoreError> {
    // What a BMC has begun goes on to its end.
    if firmware.is_half_way() {
        return Ok(SlotState::Held);
    }
    if let Some(why) = stopped(conn, &firmware.goal).await? {
        return Ok(SlotState::Stopped(why));
    }
    let own = slots::of(conn, asset.id).await?;
    if own.as_ref().is_some_and(|slot| slot.expires > now) {
        return Ok(SlotState::Held);
    }
    let per_network = slots::per_network(conn).await?;
    let candidate = candidate(conn, asset, &firmware.goal, now).await?;
    Ok(match is_free(conn, &candidate, per_network, now).await? {
        Ok(()) => SlotState::Free,
        Err(words) => SlotState::Full { words, is_asked: own.is_some() },
    })
}

/// Takes a slot; `false`: somebody was faster.
pub async fn take(conn: &mut Conn, situation: &Situation) -> Result<bool, StoreError> {
    let Some(firmware) = &situation.firmware else { return Ok(true) };
    // From here on nobody else counts: two that count at once would both find the last one free.
    let per_network = slots::lock(conn).await?;
    let candidate = candidate(conn, &situation.asset, &firmware.goal, situation.now).await?;
    if is_free(conn, &candidate, per_network, situation.now).await?.is_err() {
        return Ok(false);
    }
    slots::put(conn, &candidate, situation.now).await?;
    Ok(true)
}

/// Stands in the queue: a slot that is over from the beginning.
pub async fn ask(conn: &mut Conn, situation: &Situation) -> Result<(), StoreError> {
    let Some(firmware) = &situation.firmware else { return Ok(()) };
    let candidate = candidate(conn, &situation.asset, &firmware.goal, situation.now).await?;
    slots::put(conn, &Slot { expires: UnixMs(0), ..candidate }, situation.now).await
}

/// An agent is heard of what it was told: its slot is its own for longer. One that is over stays so, unless a BMC has the
/// image already.
pub async fn heard(conn: &mut Conn, issued: &Issued, report: &Report, now: UnixMs) -> Result<(), StoreError> {
    let is_ours = match &issued.instruction.action {
        Action::FirmwareUpdate(_) | Action::FirmwareInventory(_) | Action::BmcUser(_) | Action::Reboot { .. } => true,
        Action::SwitchState { .. } | Action::Shutdown { .. } | Action::Unknown(_) => false,
    };
    if !is_ours {
        return Ok(());
    }
    let asset = issued.instruction.asset;
    let Some(own) = slots::of(conn, asset).await? else { return Ok(()) };
    match own.expires > now || has_image(report) {
        true => slots::renew(conn, asset, later(now, lasts(&issued.instruction.action))).await,
        false => Ok(()),
    }
}

/// For how long a slot is kept from here on: as long as nothing need be heard of an update.
fn lasts(action: &Action) -> Duration {
    match action {
        Action::FirmwareUpdate(update) => {
            let recipe = &update.recipe;
            let silent_s = 2 * u64::from(recipe.flash_within_s) + u64::from(recipe.bmc_back_within_s);
            LASTS.max(Duration::from_secs(silent_s))
        }
        _ => LASTS,
    }
}

/// What speaks against a BMC getting its image now. What was handed over before is not stopped in its middle.
pub async fn objection(
    conn: &mut Conn,
    goal: &Goal,
    issued: &Issued,
    now: UnixMs,
) -> Result<Option<String>, StoreError> {
    let reports = instructions::reports(conn, issued.instruction.id).await?;
    if reports.iter().any(|stored| has_image(&stored.report)) {
        return Ok(None);
    }
    if let Some(why) = stopped(conn, goal).await? {
        return Ok(Some(why));
    }
    let own = slots::of(conn, goal.asset).await?;
    let is_held = own.is_some_and(|slot| slot.expires > now);
    Ok((!is_held).then(|| "its firmware slot is over, and another may have it: it waits for the next one".into()))
}

/// A goal ended, or a person must look, or it was opened anew: its slot is given back, and its campaign knows.
pub async fn goal_ended(
    conn: &mut Conn,
    goal: &Goal,
    status: GoalStatus,
    words: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let member = match status {
        GoalStatus::Done => MemberStatus::Done,
        GoalStatus::Recovery => MemberStatus::Recovery,
        GoalStatus::Withdrawn => MemberStatus::Skipped,
        GoalStatus::Open => MemberStatus::Admitted,
    };
    end_as(conn, goal, member, words, now).await
}

/// As [`goal_ended`], for a member that ends otherwise than its goal.
pub async fn end_as(
    conn: &mut Conn,
    goal: &Goal,
    status: MemberStatus,
    words: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let outcome = match status {
        MemberStatus::Done => Some(ApprovalOutcome::Done),
        // It goes on.
        MemberStatus::Admitted | MemberStatus::Waiting => None,
        MemberStatus::Recovery | MemberStatus::Impossible | MemberStatus::Skipped => Some(ApprovalOutcome::Failed),
    };
    if let Some(outcome) = outcome {
        // Also where a person must look first: by then it may serve again.
        approvals::end_firmware(conn, goal.asset, outcome, words, now).await?;
    }
    if let Some(campaign) = goal.campaign {
        members::set_status(conn, campaign, goal.asset, status, Some(words), now).await?;
        campaigns::look_soon(conn, campaign, now).await?;
    }
    give_back(conn, goal.asset, now).await
}

/// Gives a slot back, if an asset has one: another may begin.
pub async fn give_back(conn: &mut Conn, asset: AssetId, now: UnixMs) -> Result<(), StoreError> {
    match slots::give_back(conn, asset).await? {
        Some(slot) if slot.expires > now => walk_waiting(conn, now).await,
        Some(_) | None => Ok(()),
    }
}

/// Walks the few that wait and fit now. Others find out by themselves.
async fn walk_waiting(conn: &mut Conn, now: UnixMs) -> Result<(), StoreError> {
    let per_network = slots::per_network(conn).await?;
    let mut held = slots::held(conn, now).await?;
    let mut walked = 0;
    for waiting in slots::waiting(conn, now, LOOK_DOWN).await? {
        if walked >= WALKED {
            break;
        }
        let Some(limits) = limits(conn, &waiting, per_network).await? else { continue };
        if fits(&limits, &held, &waiting, now).is_ok() {
            slots::walk_soon(conn, waiting.asset, now).await?;
            held.push(Slot { expires: later(now, LASTS), ..waiting });
            walked += 1;
        }
    }
    Ok(())
}

/// Why an asset's campaign does not let it begin. One that a person has looked at since goes on: so it is found out whether
/// what was done about it helped.
async fn stopped(conn: &mut Conn, goal: &Goal) -> Result<Option<String>, StoreError> {
    let Some(id) = goal.campaign.filter(|_| goal.since <= goal.asked) else { return Ok(None) };
    let campaign = campaigns::by_id(conn, id).await?;
    Ok(campaign
        .filter(|campaign| campaign.status != Status::Running)
        .map(|campaign| format!("the campaign {:?} to go on: it is {}", campaign.spec.name, word(&campaign.status))))
}

/// Whether one more fits; else what is full, in words.
async fn is_free(
    conn: &mut Conn,
    candidate: &Slot,
    per_network: u32,
    now: UnixMs,
) -> Result<Result<(), String>, StoreError> {
    let held = slots::held(conn, now).await?;
    Ok(match limits(conn, candidate, per_network).await? {
        Some(limits) => fits(&limits, &held, candidate, now).map_err(|full| full.to_string()),
        None => Err("a campaign that there is".into()),
    })
}

/// What bounds a slot; `None`: its campaign is gone.
async fn limits(conn: &mut Conn, slot: &Slot, per_network: u32) -> Result<Option<Limits>, StoreError> {
    match slot.campaign {
        None => Ok(Some(Limits { per_network, per_rack: None, per_region: None, at_once: None })),
        Some(id) => {
            let campaign = campaigns::by_id(conn, id).await?;
            Ok(campaign.map(|campaign| campaign.spec.limits(campaign.members, per_network)))
        }
    }
}

async fn candidate(conn: &mut Conn, asset: &Asset, goal: &Goal, now: UnixMs) -> Result<Slot, StoreError> {
    Ok(Slot {
        asset: asset.id,
        campaign: goal.campaign,
        network: network(conn, asset.id, asset.current_boot).await?,
        rack: asset.rack.clone(),
        region: asset.region.clone(),
        expires: later(now, LASTS),
    })
}

/// The management network that an asset's BMC is in: as planned, else the /24 (IPv6: /64) of its address; those of which
/// neither is known are as if in one.
pub async fn network(conn: &mut Conn, asset: AssetId, boot: Option<BootId>) -> Result<String, StoreError> {
    if let Some(management) = plans::of_asset(conn, asset).await?.and_then(|plan| plan.management) {
        return Ok(management.subnet.trunc().to_string());
    }
    let facts = match boot {
        Some(boot) => sessions::facts(conn, boot).await?,
        None => None,
    };
    let bmc = facts.as_ref().and_then(|stored| stored.facts.bmc.value().ok());
    let lan = bmc.and_then(|bmc| bmc.lan.value().ok()).and_then(|lan| lan.first());
    let address = lan.and_then(|lan| lan.address).and_then(subnet);
    Ok(address.unwrap_or_else(|| "unknown".into()))
}

fn subnet(address: IpAddr) -> Option<String> {
    let prefix = match address {
        IpAddr::V4(_) => 24,
        IpAddr::V6(_) => 64,
    };
    IpNet::new(address, prefix).ok().map(|net| net.trunc().to_string())
}

/// Whether a BMC has, or is getting, an image.
fn has_image(report: &Report) -> bool {
    matches!(report, Report::Progress { phase: Some(phase), .. } if *phase >= FlashPhase::HandingOver)
}
