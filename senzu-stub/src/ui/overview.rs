//! The first page: what is wrong now, then how all of it stands.

use super::{
    Page,
    alerts::AlertLine,
    card::Card,
    drawing::hours::{HOURS, HoursDrawing},
    frame::{Frame, Here},
    session::MaybeVisitor,
    show,
};
use crate::{
    alerts::{AlertFilter, FleetView},
    api::Shared,
    senzu::{AssetFilter, Senzu, now},
    store::word,
    words,
};
use askama::Template;
use axum::extract::State;
use pious_protocol::{ids::UnixMs, message::Evaluation};
use std::collections::BTreeMap;

/// Failing assets, alerts, silent and flapping ones that are shown here; the rest is behind a link.
const MOST_FAILING: u32 = 25;
const MOST_ALERTS: usize = 8;
const MOST_OTHERS: usize = 8;
/// Versions and checks in a chart.
const MOST_BARS: usize = 8;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    title: String,
    counts: String,
    alerts: Vec<AlertLine>,
    more_alerts: usize,
    failing: Vec<Card>,
    more_failing: bool,
    checks: Vec<Bar>,
    states: Vec<Bar>,
    agents: Vec<Bar>,
    firmware: Vec<Bar>,
    hours: HoursDrawing,
    silent: Vec<Other>,
    flapping: Vec<Other>,
    is_empty: bool,
}

/// One bar of a chart.
struct Bar {
    name: String,
    count: u64,
    /// Of the longest bar, in percent.
    percent: u64,
    /// The list of those that it counts.
    link: Option<String>,
}

/// An asset that stands out for something else than its checks.
struct Other {
    id: String,
    name: String,
    words: String,
}

pub async fn overview(State(senzu): State<Shared>, MaybeVisitor(visitor): MaybeVisitor) -> Page {
    let page = Overview::of(&senzu, Frame::new(Here::Overview, visitor), now()).await?;
    Ok(show(&page))
}

impl Overview {
    async fn of(senzu: &Senzu, frame: Frame, now: UnixMs) -> Result<Self, super::Sorry> {
        let fleet = senzu.fleet().await?;
        let alerts = senzu.alerts(AlertFilter::Open).await?;
        let wanted =
            AssetFilter { evaluation: Some(Evaluation::Failing), limit: MOST_FAILING, ..AssetFilter::default() };
        let failing = senzu.asset_page(&wanted).await?;
        let count = |evaluation: Evaluation| {
            fleet.evaluations.iter().find(|count| count.name == word(&evaluation)).map_or(0, |count| count.assets)
        };
        let (bad, pending, passed) =
            (count(Evaluation::Failing), count(Evaluation::Pending), count(Evaluation::Passed));
        let cards: Vec<Card> = failing.assets.iter().map(|asset| Card::of(asset, now)).collect();
        Ok(Self {
            frame,
            title: if bad == 0 { "Senzu".into() } else { format!("✗ {bad} failing – Senzu") },
            counts: format!("{bad} failing, {pending} pending, {passed} passed"),
            more_alerts: alerts.len().saturating_sub(MOST_ALERTS),
            alerts: alerts.into_iter().take(MOST_ALERTS).map(AlertLine::of).collect(),
            checks: checks(&cards),
            failing: cards,
            more_failing: failing.next.is_some(),
            states: states(&fleet),
            agents: versions(&fleet, "agent"),
            firmware: versions(&fleet, ""),
            hours: HoursDrawing::of(&senzu.hours::<HOURS>(now).await?),
            silent: silent(&fleet, now),
            flapping: flapping(&fleet),
            is_empty: fleet.states.iter().all(|state| state.assets == 0),
        })
    }
}

fn bars(counted: impl IntoIterator<Item = (String, u64, Option<String>)>) -> Vec<Bar> {
    let counted: Vec<_> = counted.into_iter().collect();
    let most = counted.iter().map(|(_, count, _)| *count).max().unwrap_or(0).max(1);
    let bar = |(name, count, link)| Bar { name, count, percent: count * 100 / most, link };
    counted.into_iter().take(MOST_BARS).map(bar).collect()
}

fn states(fleet: &FleetView) -> Vec<Bar> {
    let link = |name: &str| Some(format!("/assets?state={name}"));
    bars(fleet.states.iter().map(|state| (state.name.clone(), state.assets, link(&state.name))))
}

/// What fails most often among the failing ones that are shown.
fn checks(cards: &[Card]) -> Vec<Bar> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for card in cards {
        let mut failing: Vec<_> = card.findings.iter().map(|finding| finding.check.as_str()).collect();
        failing.sort_unstable();
        failing.dedup();
        failing.into_iter().for_each(|check| *counts.entry(check).or_default() += 1);
    }
    let mut counts: Vec<_> = counts.into_iter().map(|(check, count)| (check.to_owned(), count, None)).collect();
    counts.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    bars(counts)
}

fn versions(fleet: &FleetView, of: &str) -> Vec<Bar> {
    let versions = if of == "agent" { &fleet.agent_versions } else { &fleet.firmware_versions };
    bars(versions.iter().map(|version| {
        let name = match &version.product {
            Some(product) => format!("{product} {} {}", version.component, version.version),
            None => version.version.clone(),
        };
        (name, version.assets, None)
    }))
}

fn silent(fleet: &FleetView, now: UnixMs) -> Vec<Other> {
    let other = |silent: &crate::alerts::SilentView| Other {
        id: silent.asset.to_string(),
        name: silent.name.clone(),
        words: format!("last heard {}", words::ago(silent.last_seen_ms, now)),
    };
    fleet.silent.iter().take(MOST_OTHERS).map(other).collect()
}

fn flapping(fleet: &FleetView) -> Vec<Other> {
    let other = |flapping: &crate::alerts::FlappingView| Other {
        id: flapping.asset.to_string(),
        name: flapping.name.clone(),
        words: format!("{} changes its mind, since {}", flapping.check, words::time(flapping.since_ms)),
    };
    fleet.flapping.iter().take(MOST_OTHERS).map(other).collect()
}
