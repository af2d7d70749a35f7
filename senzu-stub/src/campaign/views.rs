//! Campaigns, as they are shown.

use super::{MemberStatus, Spec, Status};
use crate::{
    senzu::PlanView,
    store::{campaigns::Campaign, members::Member},
};
use pious_protocol::ids::{AssetId, UnixMs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How many members are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CampaignCounts)]
pub struct Counts {
    pub waiting: u64,
    pub admitted: u64,
    pub done: u64,
    pub recovery: u64,
    pub impossible: u64,
    pub skipped: u64,
}

impl Counts {
    pub(super) fn add(&mut self, status: MemberStatus, members: u64) {
        let count = match status {
            MemberStatus::Waiting => &mut self.waiting,
            MemberStatus::Admitted => &mut self.admitted,
            MemberStatus::Done => &mut self.done,
            MemberStatus::Recovery => &mut self.recovery,
            MemberStatus::Impossible => &mut self.impossible,
            MemberStatus::Skipped => &mut self.skipped,
        };
        *count += members;
    }

    /// All of them.
    pub fn all(&self) -> u64 {
        let Self { waiting, admitted, done, recovery, impossible, skipped } = self;
        waiting + admitted + done + recovery + impossible + skipped
    }
}

/// A campaign and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignView {
    pub id: Uuid,
    pub spec: Spec,
    pub why: String,
    pub status: Status,
    /// Why it is so, or what it waits for.
    pub words: Option<String>,
    pub asked_by: String,
    pub asked_ms: UnixMs,
    /// Another operator than `asked_by`.
    pub approved_by: Option<String>,
    pub approved_ms: Option<UnixMs>,
    pub started_ms: Option<UnixMs>,
    pub ended_ms: Option<UnixMs>,
    /// How many have a wave.
    pub members: u64,
    pub counts: Counts,
}

impl CampaignView {
    pub(super) fn of(campaign: Campaign, counts: &[(u32, MemberStatus, u64)]) -> Self {
        let mut all = Counts::default();
        counts.iter().for_each(|(_, status, members)| all.add(*status, *members));
        Self {
            id: campaign.id,
            spec: campaign.spec,
            why: campaign.why,
            status: campaign.status,
            words: campaign.words,
            asked_by: campaign.asked_by,
            asked_ms: campaign.asked,
            approved_by: campaign.approved_by,
            approved_ms: campaign.approved,
            started_ms: campaign.started,
            ended_ms: campaign.ended,
            members: campaign.members,
            counts: all,
        }
    }
}

/// Campaigns, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignPage {
    pub campaigns: Vec<CampaignView>,
    /// `after` of the next page; `null`: this is the last one.
    pub next: Option<Uuid>,
}

/// A wave and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CampaignWaveView)]
pub struct WaveView {
    /// Counts from 1.
    pub wave: u32,
    pub counts: Counts,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CampaignMemberView)]
pub struct MemberView {
    /// The asset's id.
    pub asset: AssetId,
    /// The asset's name.
    pub name: String,
    /// Counts from 1; `null`: it did not qualify.
    pub wave: Option<u32>,
    pub status: MemberStatus,
    /// Why it is so; of one that is admitted, what its beans wait for.
    pub why: Option<String>,
    /// Since when it is so.
    pub changed_ms: UnixMs,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        let stands = || Some(format!("{}: {}", member.step?, member.reason?));
        Self {
            asset: member.asset,
            name: member.name,
            wave: (member.wave > 0).then_some(member.wave),
            status: member.status,
            why: match member.status {
                MemberStatus::Admitted => stands(),
                MemberStatus::Waiting
                | MemberStatus::Done
                | MemberStatus::Recovery
                | MemberStatus::Impossible
                | MemberStatus::Skipped => member.words,
            },
            changed_ms: member.changed,
        }
    }
}

/// A campaign with its waves and a page of its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignDetail {
    pub campaign: CampaignView,
    pub waves: Vec<WaveView>,
    /// By name.
    pub members: Vec<MemberView>,
    /// `after` of the next page; `null`: this is the last one.
    pub next: Option<String>,
}

pub(super) fn waves(counts: &[(u32, MemberStatus, u64)]) -> Vec<WaveView> {
    let mut waves: Vec<WaveView> = Vec::new();
    for (wave, status, members) in counts.iter().filter(|(wave, ..)| *wave > 0) {
        match waves.last_mut().filter(|last| last.wave == *wave) {
            Some(last) => last.counts.add(*status, *members),
            None => {
                let mut counts = Counts::default();
                counts.add(*status, *members);
                waves.push(WaveView { wave: *wave, counts });
            }
        }
    }
    waves
}

/// Who would be a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CampaignPreviewMember)]
pub struct PreviewMember {
    /// The asset's id.
    pub asset: AssetId,
    /// The asset's name.
    pub name: String,
    /// Its wave; `null`: it does not qualify.
    pub wave: Option<u32>,
    /// `waiting` where it qualifies; else `impossible` or `skipped`.
    pub status: MemberStatus,
    /// The way there, by what was read last.
    pub plan: Vec<PlanView>,
    /// Why it does not qualify; of one that does, what is not known of it.
    pub why: Option<String>,
}

/// Who would be a member of a campaign, and who would not, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CampaignPreview)]
pub struct Preview {
    pub qualify: u64,
    pub others: u64,
    /// How many are in each wave.
    pub waves: Vec<u64>,
    /// At most the first 1000: those that qualify by wave, then the others.
    pub members: Vec<PreviewMember>,
}
