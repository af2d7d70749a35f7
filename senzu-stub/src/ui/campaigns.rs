//! Campaigns: what is asked for, how far each wave is, and why a member stands where it stands.

use super::{
    Page,
    frame::{Frame, Here},
    session::SignedIn,
    show,
};
use crate::{
    api::{Asked, Shared},
    campaign::{CampaignView, Counts, MemberStatus, MemberView, Status, WaveView},
    senzu::wanted_words,
    words,
};
use askama::Template;
use axum::extract::{Path, State};
use serde::Deserialize;
use uuid::Uuid;

/// Campaigns on a page.
const PAGE: u32 = 50;
/// Members on a page.
const MEMBERS: u32 = 200;

/// Where the page before ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    after: Option<Uuid>,
}

/// Where the page of members before ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WantedMembers {
    after: String,
}

#[derive(Template)]
#[template(path = "campaigns.html")]
struct Campaigns {
    frame: Frame,
    campaigns: Vec<Block>,
    next: Option<Uuid>,
}

#[derive(Template)]
#[template(path = "campaign.html")]
struct Campaign {
    frame: Frame,
    block: Block,
    waves: Vec<WaveRow>,
    members: Vec<MemberRow>,
    next: Option<String>,
}

/// A campaign in a few lines.
struct Block {
    id: String,
    name: String,
    mark: &'static str,
    class: &'static str,
    words: String,
    wanted: String,
    why: String,
    asked: String,
    counts: String,
    percent: u64,
    is_own: bool,
    acts: Vec<ActButton>,
}

/// What can be done about it now.
struct ActButton {
    name: &'static str,
    words: &'static str,
    needs_approver: bool,
    needs_why: bool,
    /// What its form carries; `None`: the visitor may not.
    csrf: Option<String>,
}

struct WaveRow {
    wave: u32,
    counts: String,
    percent: u64,
    class: &'static str,
}

struct MemberRow {
    asset: String,
    name: String,
    wave: String,
    status: &'static str,
    class: &'static str,
    since: String,
    why: String,
}

pub async fn campaigns(State(senzu): State<Shared>, SignedIn(visitor): SignedIn, Asked(wanted): Asked<Wanted>) -> Page {
    let frame = Frame::new(Here::Campaigns, Some(visitor));
    let page = senzu.campaigns(wanted.after, PAGE).await?;
    let campaigns = page.campaigns.iter().map(|campaign| Block::of(campaign, &frame)).collect();
    Ok(show(&Campaigns { frame, campaigns, next: page.next }))
}

pub async fn campaign(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(campaign): Path<Uuid>,
    Asked(wanted): Asked<WantedMembers>,
) -> Page {
    let frame = Frame::new(Here::Campaigns, Some(visitor));
    let detail = senzu.campaign(campaign, &wanted.after, MEMBERS).await?;
    let next = detail.next.map(|next| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("/campaigns/{campaign}?{}", query.append_pair("after", &next).finish())
    });
    Ok(show(&Campaign {
        block: Block::of(&detail.campaign, &frame),
        waves: detail.waves.iter().map(WaveRow::of).collect(),
        members: detail.members.into_iter().map(MemberRow::of).collect(),
        next,
        frame,
    }))
}

impl Block {
    fn of(campaign: &CampaignView, frame: &Frame) -> Self {
        let (mark, class) = match campaign.status {
            Status::Draft => ("… waits for approval", "pending"),
            Status::Approved => ("… approved, not started", "pending"),
            Status::Running => ("… running", "pending"),
            Status::Paused => ("? paused", "unknown"),
            Status::Halted => ("✗ halted", "fail"),
            Status::Aborted => ("? aborted", "unknown"),
            Status::Finished => ("✓ finished", "pass"),
        };
        let approved = campaign.approved_by.as_ref().map(|by| format!(", approved by {by}")).unwrap_or_default();
        Self {
            id: campaign.id.to_string(),
            name: campaign.spec.name.clone(),
            mark,
            class,
            words: campaign.words.clone().unwrap_or_default(),
            wanted: wanted_words(&campaign.spec.wanted),
            why: campaign.why.clone(),
            asked: format!("Asked by {} {}{approved}", campaign.asked_by, words::time(campaign.asked_ms)),
            counts: counts(&campaign.counts),
            percent: percent(&campaign.counts),
            is_own: frame.is(&campaign.asked_by),
            acts: acts(campaign.status, frame),
        }
    }
}

fn acts(status: Status, frame: &Frame) -> Vec<ActButton> {
    let csrf = frame.operator().map(str::to_owned);
    let act = |name, words, needs_why| ActButton { name, words, needs_approver: false, needs_why, csrf: csrf.clone() };
    let abort = || act("abort", "Abort", true);
    match status {
        Status::Draft => {
            let csrf = frame.approver().map(str::to_owned);
            vec![ActButton { needs_approver: true, csrf, ..act("approve", "Approve", false) }, abort()]
        }
        Status::Approved => vec![act("start", "Start", false), abort()],
        Status::Running => vec![act("pause", "Pause", true), abort()],
        Status::Paused | Status::Halted => vec![act("resume", "Resume", true), abort()],
        Status::Aborted | Status::Finished => Vec::new(),
    }
}

impl WaveRow {
    fn of(wave: &WaveView) -> Self {
        Self {
            wave: wave.wave,
            counts: counts(&wave.counts),
            percent: percent(&wave.counts),
            class: class(&wave.counts),
        }
    }
}

impl MemberRow {
    fn of(member: MemberView) -> Self {
        let (status, class) = match member.status {
            MemberStatus::Waiting => ("… waiting", "pending"),
            MemberStatus::Admitted => ("→ under way", "pending"),
            MemberStatus::Done => ("✓ done", "pass"),
            MemberStatus::Recovery => ("✗ in recovery", "fail"),
            MemberStatus::Impossible => ("? impossible", "unknown"),
            MemberStatus::Skipped => ("? left out", "unknown"),
        };
        Self {
            asset: member.asset.to_string(),
            name: member.name,
            wave: member.wave.map(|wave| wave.to_string()).unwrap_or_default(),
            status,
            class,
            since: words::time(member.changed_ms),
            why: member.why.unwrap_or_default(),
        }
    }
}

/// Those that there are, the worst first.
fn counts(counts: &Counts) -> String {
    let Counts { waiting, admitted, done, recovery, impossible, skipped } = *counts;
    let named = [
        (recovery, "in recovery"),
        (done, "done"),
        (admitted, "under way"),
        (waiting, "waiting"),
        (impossible, "impossible"),
        (skipped, "left out"),
    ];
    let some: Vec<_> = named.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
    some.join(", ")
}

fn percent(counts: &Counts) -> u64 {
    counts.done.saturating_mul(100) / counts.all().max(1)
}

fn class(counts: &Counts) -> &'static str {
    match (counts.recovery, counts.waiting + counts.admitted) {
        (0, 0) => "pass",
        (0, _) => "pending",
        (_, _) => "fail",
    }
}
