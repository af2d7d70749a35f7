//! What operators do about campaigns: look ahead, make, approve, start, hold, end.

use super::{
    CampaignDetail, CampaignPage, CampaignView, MemberStatus, MemberView, Preview, PreviewMember, Spec, Status,
    advance,
    choice::{Candidate, Choice, choose},
    views::waves,
};
use crate::{
    access::Caller,
    firmware::ArtifactInfo,
    senzu::{Refusal, Senzu, audit, now},
    store::{
        Conn, Tx,
        alerts::{self, AlertKind},
        artifacts,
        campaigns::{self, Campaign, NewCampaign},
        members::{self, Found},
        slots, word,
    },
};
use pious_protocol::ids::UnixMs;
use uuid::Uuid;

/// A reason is a sentence or two.
const MAX_WHY: usize = 1000;
/// More at once is no campaign: each of its looks reads them all.
const MAX_MEMBERS: usize = 10_000;
/// Members that a preview lists.
const SHOWN: usize = 1000;
/// How many assets are read at once.
const READ_AT_ONCE: u32 = 1000;

/// What is done about a campaign that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Another operator agrees.
    Approve,
    Start,
    /// Nobody is admitted, and nobody begins.
    Pause,
    /// Behind a pause or a halt.
    Resume,
    /// For good; what a BMC writes goes on to its end.
    Abort,
}

impl Act {
    /// What it leads to, and from where.
    fn way(self) -> (Status, &'static [Status], &'static str) {
        match self {
            Self::Approve => (Status::Approved, &[Status::Draft], "approved"),
            Self::Start => (Status::Running, &[Status::Approved], "started"),
            Self::Pause => (Status::Paused, &[Status::Running], "paused"),
            Self::Resume => (Status::Running, &[Status::Paused, Status::Halted], "resumed"),
            Self::Abort => (
                Status::Aborted,
                &[Status::Draft, Status::Approved, Status::Running, Status::Paused, Status::Halted],
                "aborted",
            ),
        }
    }

    /// Whether somebody must say why.
    fn needs_why(self) -> bool {
        match self {
            Self::Approve | Self::Start => false,
            Self::Pause | Self::Resume | Self::Abort => true,
        }
    }
}

impl Senzu {
    /// Who would be a member, and who would not, and why. Nothing is stored.
    pub async fn preview_campaign(&self, spec: &Spec) -> Result<Preview, Refusal> {
        spec.check(now())?;
        let chosen = self.choose_members(&mut *self.db.read().await?, spec).await?;
        let qualify = chosen.iter().filter(|chosen| chosen.wave > 0).count();
        let others = chosen.len() - qualify;
        let mut waves = Vec::new();
        for wave in chosen.iter().filter_map(|chosen| usize::try_from(chosen.wave).ok()?.checked_sub(1)) {
            waves.resize(waves.len().max(wave + 1), 0);
            waves[wave] += 1;
        }
        let member = |chosen: Chosen| PreviewMember {
            asset: chosen.found.asset,
            name: chosen.found.name,
            wave: (chosen.wave > 0).then_some(chosen.wave),
            status: chosen.choice.status,
            plan: chosen.choice.plan,
            why: chosen.choice.why,
        };
        let members = chosen.into_iter().take(SHOWN).map(member).collect();
        Ok(Preview { qualify: qualify as u64, others: others as u64, waves, members })
    }

    /// Makes a campaign of those who qualify now; another operator approves it.
    pub async fn make_campaign(&self, by: &Caller, spec: &Spec, why: &str) -> Result<CampaignView, Refusal> {
        let now = now();
        spec.check(now)?;
        let why = checked(why)?;
        // Every asset is looked at: before the database is anybody's alone.
        let chosen = self.choose_members(&mut *self.db.read().await?, spec).await?;
        if chosen.len() > MAX_MEMBERS {
            return Err(Refusal::TooMany { what: "the campaign", count: chosen.len(), max: MAX_MEMBERS });
        }
        let count = chosen.iter().filter(|chosen| chosen.wave > 0).count();
        if count == 0 {
            let value = format!("what {} assets fit, none of which qualifies", chosen.len());
            let remedy = "POST /v1/campaigns/preview says why not";
            return Err(Refusal::OutOfRange { field: "query", value, remedy });
        }
        let mut tx = self.db.write().await?;
        let new = NewCampaign { spec, why, asked_by: &by.operator, members: count as u64 };
        let id = campaigns::insert(&mut tx, &new, now).await?;
        for Chosen { found, wave, choice } in &chosen {
            members::insert(&mut tx, id, found.asset, *wave, choice.status, choice.why.as_deref(), now).await?;
        }
        let what = format!(
            "campaign {:?} ({id}) made: {} for {count} assets",
            spec.name,
            crate::senzu::wanted_words(&spec.wanted)
        );
        audit(&mut tx, None, &by.operator, what, why).await?;
        let view = view(&mut tx, id).await?;
        tx.commit().await?;
        Ok(view)
    }

    /// Approves, starts, pauses, resumes or aborts a campaign. What is so already stays so.
    pub async fn act_on_campaign(&self, by: &Caller, id: Uuid, act: Act, why: &str) -> Result<CampaignView, Refusal> {
        let now = now();
        let why = if act.needs_why() || why.trim().len() > MAX_WHY { checked(why)? } else { why.trim() };
        let mut tx = self.db.write().await?;
        let mut campaign = campaigns::by_id(&mut tx, id).await?.ok_or(Refusal::NoSuchCampaign(id))?;
        if act == Act::Approve && campaign.asked_by == by.operator {
            return Err(Refusal::OwnRequest { operator: by.operator.clone(), id });
        }
        let (to, from, done) = act.way();
        if campaign.status == to {
            return view(&mut tx, id).await;
        }
        if !from.contains(&campaign.status) {
            let from = from.iter().map(word).collect::<Vec<_>>().join(" or ");
            let words = format!("the campaign is {}, and only one that is {from} is {done}", word(&campaign.status));
            return Err(Refusal::NotNow { asset: campaign.spec.name, words });
        }
        if to == Status::Running
            && let Some(until) = campaign.spec.valid_until_ms.filter(|until| *until <= now)
        {
            let words = format!("the campaign was valid until {}: make another", crate::words::time(until));
            return Err(Refusal::NotNow { asset: campaign.spec.name, words });
        }
        change(&mut tx, &mut campaign, by, act, now).await?;
        campaign.words = (!why.is_empty()).then(|| format!("{done} by {}: {why}", by.operator));
        let look = match to {
            Status::Running | Status::Aborted => Some(now),
            Status::Draft | Status::Approved | Status::Paused | Status::Halted | Status::Finished => None,
        };
        campaigns::set(&mut tx, &campaign, look).await?;
        audit(&mut tx, None, &by.operator, format!("campaign {:?} ({id}) {done}", campaign.spec.name), why).await?;
        let view = view(&mut tx, id).await?;
        tx.commit().await?;
        Ok(view)
    }

    /// Campaigns, newest first.
    pub async fn campaigns(&self, after: Option<Uuid>, limit: u32) -> Result<CampaignPage, Refusal> {
        let mut tx = self.db.read().await?;
        let mut found = campaigns::list(&mut tx, after, limit.saturating_add(1)).await?;
        let is_last = found.len() <= usize::try_from(limit).unwrap_or(usize::MAX);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = found.last().filter(|_| !is_last).map(|last| last.id);
        let mut campaigns = Vec::with_capacity(found.len());
        for campaign in found {
            let counts = members::counts(&mut tx, campaign.id).await?;
            campaigns.push(CampaignView::of(campaign, &counts));
        }
        Ok(CampaignPage { campaigns, next })
    }

    /// A campaign with a page of its members, by name.
    pub async fn campaign(&self, id: Uuid, after: &str, limit: u32) -> Result<CampaignDetail, Refusal> {
        let mut tx = self.db.read().await?;
        let campaign = campaigns::by_id(&mut tx, id).await?.ok_or(Refusal::NoSuchCampaign(id))?;
        let counts = members::counts(&mut tx, id).await?;
        let mut found = members::page(&mut tx, id, after, limit.saturating_add(1)).await?;
        let is_last = found.len() <= usize::try_from(limit).unwrap_or(usize::MAX);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = found.last().filter(|_| !is_last).map(|last| last.name.clone());
        Ok(CampaignDetail {
            waves: waves(&counts),
            campaign: CampaignView::of(campaign, &counts),
            members: found.into_iter().map(MemberView::from).collect(),
            next,
        })
    }

    /// Who is a member of what is asked for: those that qualify by wave, then the others by name.
    async fn choose_members(&self, conn: &mut Conn, spec: &Spec) -> Result<Vec<Chosen>, Refusal> {
        let components: Vec<_> = spec.wanted.iter().map(|wanted| wanted.component).collect();
        let artifacts = artifacts::of_components(conn, &components).await?;
        let artifacts: Vec<_> = artifacts.into_iter().map(|artifact| ArtifactInfo::from(&artifact)).collect();
        let (mut chosen, mut after) = (Vec::new(), Some(String::new()));
        while let Some(behind) = after {
            let (found, next) = members::find(conn, &spec.query, &behind, READ_AT_ONCE).await?;
            let choice = |found: &Found| {
                let candidate = Candidate {
                    state: found.state,
                    open_goal: found.open_goal.as_deref(),
                    machine: found.machine.as_ref(),
                    installed: &found.installed,
                    sleeps: found.sleeps,
                };
                choose(&candidate, &spec.wanted, &self.firmware.recipes, &artifacts)
            };
            chosen.extend(found.into_iter().map(|found| Chosen { choice: choice(&found), found, wave: 0 }));
            after = next;
        }
        for name in spec.query.names.iter().filter(|name| chosen.iter().all(|chosen| chosen.found.name != **name)) {
            // It may be there, and not fit; a slip is not simply left out.
            crate::senzu::find(conn, name).await?;
        }
        // Those that are on come first: a canary that is off shows nothing.
        let qualifies = |chosen: &Chosen| chosen.choice.status == MemberStatus::Waiting;
        chosen.sort_by_key(|chosen| (!qualifies(chosen), !chosen.found.is_up));
        let count = chosen.iter().filter(|chosen| qualifies(chosen)).count();
        for (chosen, wave) in chosen.iter_mut().zip(spec.waves.of_members(count)) {
            chosen.wave = wave;
        }
        Ok(chosen)
    }
}

/// An asset that was found, and what became of it.
struct Chosen {
    found: Found,
    /// 0: it does not qualify.
    wave: u32,
    choice: Choice,
}

/// What an act does beside the status.
async fn change(tx: &mut Tx, campaign: &mut Campaign, by: &Caller, act: Act, now: UnixMs) -> Result<(), Refusal> {
    let was = campaign.status;
    campaign.status = act.way().0;
    match act {
        Act::Approve => {
            campaign.approved_by = Some(by.operator.clone());
            campaign.approved = Some(now);
        }
        Act::Start => campaign.started = Some(now),
        Act::Pause => campaign.open_wave = 0,
        Act::Resume => {
            if was == Status::Halted {
                campaign.counted_since = now;
            }
            clear_alert(tx, campaign, now).await?;
            for (asset, ..) in members::admitted(tx, campaign.id).await? {
                slots::walk_soon(tx, asset, now).await?;
            }
        }
        Act::Abort => {
            campaign.open_wave = 0;
            campaign.ended = Some(now);
            members::skip_waiting(tx, campaign.id, "the campaign was aborted", now).await?;
            advance::withdraw_unbegun(tx, campaign, now).await?;
            clear_alert(tx, campaign, now).await?;
        }
    }
    Ok(())
}

async fn clear_alert(tx: &mut Tx, campaign: &mut Campaign, now: UnixMs) -> Result<(), Refusal> {
    let object = format!("campaign {}", campaign.id);
    if let Some(asset) = campaign.halted_asset.take() {
        let is_ours = |of: &str| of.starts_with(&object);
        alerts::clear_where(tx, asset, AlertKind::CampaignHalted, is_ours, now).await?;
    }
    Ok(())
}

async fn view(conn: &mut Conn, id: Uuid) -> Result<CampaignView, Refusal> {
    let campaign = campaigns::by_id(conn, id).await?.ok_or(Refusal::NoSuchCampaign(id))?;
    let counts = members::counts(conn, id).await?;
    Ok(CampaignView::of(campaign, &counts))
}

fn checked(why: &str) -> Result<&str, Refusal> {
    match why.trim() {
        "" => Err(Refusal::Empty { field: "why", remedy: "say why, so that it is on record" }),
        why if why.len() > MAX_WHY => Err(Refusal::TooMany { what: "why", count: why.len(), max: MAX_WHY }),
        why => Ok(why),
    }
}
