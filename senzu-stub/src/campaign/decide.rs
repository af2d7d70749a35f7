//! Who may be admitted now, and when a campaign stops. Pure: it reads nothing and changes nothing, so that looking twice is
//! looking once.
//!
//! A wave's members are admitted once every member of the waves before has ended, at least one of the last of them well,
//! and the soak is over.

use super::spec::{Counting, Waves, Window, open_at};
use pious_protocol::ids::{AssetId, UnixMs};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// How far a campaign got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CampaignStatus)]
pub enum Status {
    /// Somebody made it, and nobody approved it yet.
    Draft,
    /// Another operator approved it, and nobody started it yet.
    Approved,
    /// Members are admitted.
    Running,
    /// An operator holds it.
    Paused,
    /// It holds itself: too much went wrong, and a person must look.
    Halted,
    /// An operator ended it.
    Aborted,
    /// Every member has ended.
    Finished,
}

/// How far a member got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CampaignMemberStatus)]
pub enum MemberStatus {
    /// Its wave has not come, or it can't be admitted now.
    Waiting,
    /// Beans bring it to its versions.
    Admitted,
    /// It runs what it shall.
    Done,
    /// It went wrong, and a person must look.
    Recovery,
    /// It can't be brought to these versions.
    Impossible,
    /// It is left out.
    Skipped,
}

impl MemberStatus {
    /// Whether nothing more is done about it.
    pub fn has_ended(self) -> bool {
        match self {
            Self::Waiting | Self::Admitted => false,
            Self::Done | Self::Recovery | Self::Impossible | Self::Skipped => true,
        }
    }
}

/// A campaign, as far as it decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    pub status: Status,
    pub waves: Waves,
    pub windows: Vec<Window>,
    pub valid_until: Option<UnixMs>,
    /// What went wrong before does not count: a person has looked since.
    pub counted_since: UnixMs,
}

/// A member that has a wave, as far as it decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub asset: AssetId,
    /// Counts from 1.
    pub wave: u32,
    pub status: MemberStatus,
    /// When its status last changed.
    pub changed: UnixMs,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These, of the wave that is open until then, may be admitted.
    Admit { wave: u32, members: Vec<AssetId>, until: UnixMs },
    /// Nobody may, and why; to be looked at again then, or when something happens.
    Hold { why: String, again: Option<UnixMs> },
    /// Too much went wrong: by whom it became too much.
    Halt { why: String, asset: Option<AssetId> },
    /// Its time is over: who waits is left out.
    Close { why: String },
    /// Every member has ended.
    Finish,
}

/// What is to be done now.
pub fn decide(campaign: &Campaign, members: &[Member], now: UnixMs) -> Decision {
    if campaign.status != Status::Running {
        return Decision::Hold { why: format!("it is {}", crate::store::word(&campaign.status)), again: None };
    }
    let open = || members.iter().filter(|member| !member.status.has_ended());
    let Some(wave) = open().map(|member| member.wave).min() else { return Decision::Finish };
    if let Some(halt) = halt(campaign, members, wave) {
        return halt;
    }
    let waiting = || open().filter(|member| member.status == MemberStatus::Waiting);
    let until = campaign.valid_until.unwrap_or(UnixMs(u64::MAX));
    if until <= now && waiting().next().is_some() {
        return Decision::Close { why: format!("the campaign was valid until {}", crate::words::time(until)) };
    }
    let next: Vec<AssetId> = waiting().filter(|member| member.wave == wave).map(|member| member.asset).collect();
    if next.is_empty() {
        return Decision::Hold { why: format!("wave {wave} is under way"), again: campaign.valid_until };
    }
    let ended = members.iter().filter(|member| member.wave < wave).map(|member| member.changed).max();
    if let Some(soaked) = ended.map(|ended| crate::dag::later(ended, Duration::from_secs(campaign.waves.soak_s)))
        && soaked > now
    {
        let why = format!("wave {wave} begins once the one before has soaked, {}", crate::words::time(soaked));
        return Decision::Hold { why, again: Some(soaked.min(until)) };
    }
    match open_at(&campaign.windows, now) {
        Ok(end) => Decision::Admit { wave, members: next, until: end.min(until) },
        Err(opens) => Decision::Hold {
            why: format!("the next window opens {}", crate::words::time(opens)),
            again: Some(opens.min(until)),
        },
    }
}

/// Whether too much went wrong. Whoever looked at it and went on has answered for what was before.
fn halt(campaign: &Campaign, members: &[Member], wave: u32) -> Option<Decision> {
    let counts = |member: &&Member| match campaign.waves.count {
        Counting::Overall => true,
        // Of a wave that ended: its last failure counts until the next one begins.
        Counting::Wave => member.wave == newest_wave(members, wave),
    };
    let failed: Vec<_> = members
        .iter()
        .filter(|member| member.status == MemberStatus::Recovery && member.changed > campaign.counted_since)
        .filter(counts)
        .collect();
    let last = failed.iter().max_by_key(|member| member.changed);
    if let Some(last) = last
        && failed.len() >= usize::try_from(campaign.waves.halt_after).unwrap_or(usize::MAX)
    {
        let why = format!("{} went to recovery, and {} are too many", failed.len(), campaign.waves.halt_after);
        return Some(Decision::Halt { why, asset: Some(last.asset) });
    }
    let before = members.iter().map(|member| member.wave).filter(|before| *before < wave).max()?;
    let of_before = || members.iter().filter(move |member| member.wave == before);
    let ended = of_before().max_by_key(|member| member.changed)?;
    // A wave that nobody came through well has shown nothing.
    let is_unproved = of_before().all(|member| member.status != MemberStatus::Done);
    (is_unproved && ended.changed > campaign.counted_since).then(|| Decision::Halt {
        why: format!("nobody of wave {before} reached its versions"),
        asset: Some(ended.asset),
    })
}

/// The last wave of which anybody was admitted; at first the one that is open.
fn newest_wave(members: &[Member], open: u32) -> u32 {
    let was_admitted = |member: &&Member| member.status != MemberStatus::Waiting;
    members.iter().filter(was_admitted).map(|member| member.wave).max().unwrap_or(open)
}

#[cfg(test)]
mod tests;
