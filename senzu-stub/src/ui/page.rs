//! What each page shows, as words.

use super::words::{self, Mark};
use crate::{
    alerts::AlertView,
    dag::OutcomeKind,
    senzu::{AssetDetail, AssetView},
    store::word,
};
use askama::Template;
use pious_protocol::{
    expectation::PlannedLink,
    facts::Nic,
    finding::{Finding, Verdict},
    ids::UnixMs,
};

/// A page with more assets than this helps nobody; those that stand best are left out.
const MAX_CARDS: usize = 500;
/// Alerts on the list's page.
const MAX_ALERTS: usize = 10;

/// The list of all assets.
#[derive(Template)]
#[template(path = "assets.html")]
pub struct Assets {
    title: String,
    counts: String,
    alerts: Vec<AlertLine>,
    more_alerts: usize,
    cards: Vec<Card>,
    more: usize,
}

struct AlertLine {
    kind: String,
    asset: String,
    name: String,
    words: String,
    at: String,
}

/// One asset in a few lines.
struct Card {
    id: String,
    name: String,
    state: &'static str,
    mark: &'static str,
    class: &'static str,
    step: Option<String>,
    reason: String,
    held: Option<String>,
    serial: Option<String>,
    seen: String,
    /// All but passes.
    findings: Vec<Line>,
}

/// One finding.
struct Line {
    class: &'static str,
    mark: &'static str,
    check: String,
    subject: Option<String>,
    seen: String,
    expected: String,
    remedy: String,
}

impl Assets {
    /// The worst first.
    pub fn of(mut assets: Vec<AssetView>, alerts: Vec<AlertView>, now: UnixMs) -> Self {
        let mark = |asset: &AssetView| Mark::of_asset(asset.standing.evaluation, &asset.findings);
        assets.sort_by(|a, b| mark(a).cmp(&mark(b)).then_with(|| a.name.cmp(&b.name)));
        let count = |wanted| assets.iter().filter(|asset| mark(asset) == wanted).count();
        let (fail, unknown) = (count(Mark::Fail), count(Mark::Unknown));
        let (pending, pass) = (count(Mark::Pending), count(Mark::Pass));
        let title = match fail {
            0 => "Senzu: assets".into(),
            fail => format!("✗ {fail} failing – Senzu"),
        };
        Self {
            title,
            counts: match assets.len() {
                all if all > MAX_CARDS => {
                    format!(
                        "{fail} failing, {unknown} unknown, {pending} pending, {pass} passed; the worst {MAX_CARDS} of {all}:"
                    )
                }
                _ => format!("{fail} failing, {unknown} unknown, {pending} pending, {pass} passed"),
            },
            more_alerts: alerts.len().saturating_sub(MAX_ALERTS),
            alerts: alerts.into_iter().take(MAX_ALERTS).map(AlertLine::of).collect(),
            more: assets.len().saturating_sub(MAX_CARDS),
            cards: assets.into_iter().take(MAX_CARDS).map(|asset| Card::of(&asset, now)).collect(),
        }
    }
}

impl AlertLine {
    fn of(alert: AlertView) -> Self {
        Self {
            kind: word(&alert.kind).replace('_', " "),
            asset: alert.asset.to_string(),
            name: alert.name,
            words: alert.words,
            at: words::time(alert.at_ms),
        }
    }
}

impl Card {
    fn of(asset: &AssetView, now: UnixMs) -> Self {
        let mark = Mark::of_asset(asset.standing.evaluation, &asset.findings);
        let open = asset.findings.iter().filter(|finding| finding.verdict != Verdict::Pass);
        Self {
            id: asset.id.to_string(),
            name: asset.name.clone(),
            state: asset.standing.state.name(),
            mark: mark.of_evaluation(),
            class: mark.class(),
            step: asset.standing.step.clone(),
            reason: asset.standing.reason.clone().unwrap_or_default(),
            // Where it stands may be because it is held; then it is said once.
            held: asset.held.as_ref().map(|held| held.by.clone()).filter(|by| {
                let said = format!("held for use by {by}");
                asset.standing.reason.as_ref().is_none_or(|reason| !reason.contains(&said))
            }),
            serial: asset.serial.clone(),
            seen: match asset.last_seen_ms {
                Some(at) => match &asset.ended {
                    Some(how) => format!("{how}, last heard {}", words::ago(at, now)),
                    None => format!("heard {}", words::ago(at, now)),
                },
                None => "never booted".into(),
            },
            findings: open.map(Line::of).collect(),
        }
    }
}

impl Line {
    fn of(finding: &Finding) -> Self {
        let mark = Mark::of_verdict(finding.verdict);
        Self {
            class: mark.class(),
            mark: mark.of_finding(),
            check: finding.check.clone(),
            subject: finding.subject.clone(),
            seen: finding.seen.clone(),
            expected: finding.expected.clone(),
            remedy: finding.remedy.clone(),
        }
    }
}

/// All of one asset.
#[derive(Template)]
#[template(path = "asset.html")]
pub struct OneAsset {
    card: Card,
    doubt: Option<String>,
    beans: Vec<BeanLine>,
    findings: Vec<Line>,
    /// From when the facts below are.
    facts_at: Option<String>,
    cables: Vec<Cable>,
    hardware: Vec<(&'static str, String)>,
    instructions: Vec<InstructionLine>,
    sessions: Vec<SessionBlock>,
    events: Vec<EventLine>,
}

struct BeanLine {
    name: String,
    about: String,
    mark: &'static str,
    class: &'static str,
    here: bool,
    reason: Option<String>,
    at: Option<String>,
}

struct Cable {
    nic: String,
    link: String,
    planned: String,
    seen: String,
    mark: &'static str,
    class: &'static str,
}

struct InstructionLine {
    sequence: u64,
    what: String,
    at: String,
    issuer: String,
    state: String,
    reports: Vec<String>,
}

struct SessionBlock {
    started: String,
    current: bool,
    words: String,
    last_words: Option<String>,
    timeline: Vec<String>,
}

struct EventLine {
    at: String,
    who: String,
    what: String,
    why: String,
}

impl OneAsset {
    pub fn of(detail: AssetDetail, now: UnixMs) -> Self {
        Self {
            card: Card::of(&detail.asset, now),
            beans: beans(&detail),
            findings: detail.asset.findings.iter().map(Line::of).collect(),
            facts_at: detail.facts_received_ms.map(|at| match &detail.asset.ended {
                Some(how) => format!("As it was before it {how}: {}", words::time(at)),
                None => format!("As it was {}", words::ago(at, now)),
            }),
            cables: cables(&detail),
            hardware: detail.facts.as_ref().map(words::hardware).unwrap_or_default(),
            instructions: instructions(&detail),
            sessions: sessions(&detail),
            events: detail
                .events
                .into_iter()
                .map(|event| EventLine {
                    at: words::time(event.at_ms),
                    who: event.who,
                    what: event.what,
                    why: event.why,
                })
                .collect(),
            doubt: detail.doubt,
        }
    }
}

fn beans(detail: &AssetDetail) -> Vec<BeanLine> {
    let step = detail.asset.standing.step.as_deref();
    let line = |bean: &crate::senzu::BeanView| {
        let (mark, class) = match bean.outcome {
            None => ("not reached", "pending"),
            Some(outcome @ (OutcomeKind::Done | OutcomeKind::NotNeeded)) => (outcome.words(), "pass"),
            Some(outcome @ (OutcomeKind::Instruct | OutcomeKind::Wait)) => (outcome.words(), "pending"),
            Some(outcome @ (OutcomeKind::Blocked | OutcomeKind::Failed)) => (outcome.words(), "fail"),
        };
        BeanLine {
            here: step == Some(bean.name.as_str()),
            name: bean.name.clone(),
            about: bean.about.clone(),
            mark,
            class,
            reason: bean.reason.clone(),
            at: bean.at_ms.map(words::time),
        }
    };
    detail.beans.iter().map(line).collect()
}

/// Planned cables first, in the plan's order; then what was seen and nobody planned.
fn cables(detail: &AssetDetail) -> Vec<Cable> {
    let nics = detail.facts.as_ref().map(|facts| facts.nics.as_slice()).unwrap_or_default();
    let planned = detail.expectation.cabling.as_ref().map(|plan| plan.links.as_slice()).unwrap_or_default();
    let of_plan = planned.iter().map(|link| {
        let nic = nics.iter().find(|nic| nic.lasting_mac() == Some(link.nic));
        let mac = link.nic.to_string();
        let mark = detail
            .asset
            .findings
            .iter()
            .filter(|finding| finding.check.starts_with("cabling."))
            .filter(|finding| finding.subject.as_ref().is_some_and(|subject| subject.contains(&mac)))
            .map(|finding| Mark::of_verdict(finding.verdict))
            .min()
            .unwrap_or(Mark::Pending);
        Cable {
            nic: nic_name(link, nic),
            link: nic.map_or_else(|| "not seen".into(), words::link),
            planned: plan_words(link),
            seen: nic.map_or_else(|| "no such interface".into(), |nic| words::neighbours(&nic.neighbours)),
            mark: mark.of_finding(),
            class: mark.class(),
        }
    });
    let is_planned = |nic: &&Nic| !planned.iter().any(|link| nic.lasting_mac() == Some(link.nic));
    let others = nics.iter().filter(is_planned).map(|nic| Cable {
        nic: format!("{} {}", nic.name, nic.lasting_mac().map(|mac| mac.to_string()).unwrap_or_default()),
        link: words::link(nic),
        planned: "not planned".into(),
        seen: words::neighbours(&nic.neighbours),
        mark: "",
        class: "pending",
    });
    of_plan.chain(others).collect()
}

fn nic_name(link: &PlannedLink, nic: Option<&Nic>) -> String {
    let label = link.label.as_ref().map(|label| format!("{label}, ")).unwrap_or_default();
    let name = nic.map(|nic| format!("{}, ", nic.name)).unwrap_or_default();
    format!("{label}{name}{}", link.nic)
}

fn plan_words(link: &PlannedLink) -> String {
    let vlan = link.native_vlan.map(|vlan| format!(", native VLAN {vlan}")).unwrap_or_default();
    format!("{} port {}{vlan}", link.switch, link.port)
}

fn instructions(detail: &AssetDetail) -> Vec<InstructionLine> {
    let line = |view: &crate::senzu::InstructionView| InstructionLine {
        sequence: view.sequence.0,
        what: words::action(&view.action),
        at: words::time(view.issued_ms),
        issuer: view.issuer.clone(),
        state: word(&view.state),
        reports: view.reports.iter().map(|report| words::report(&report.report)).collect(),
    };
    detail.instructions.iter().map(line).collect()
}

fn sessions(detail: &AssetDetail) -> Vec<SessionBlock> {
    let block = |session: &crate::senzu::SessionView| {
        let end = match (session.ended_ms, &session.ended_why) {
            (Some(at), Some(why)) => format!("; {why} {}", words::time(at)),
            (Some(at), None) => format!("; ended {}", words::time(at)),
            (None, _) => String::new(),
        };
        let mode = word(&session.firmware_mode);
        let heard = words::time(session.last_seen_ms);
        SessionBlock {
            started: words::time(session.started_ms),
            current: session.current,
            words: format!(
                "boot {}, {mode}, agent {}; last heard {heard}{end}",
                session.boot_id.short(),
                session.agent_version
            ),
            last_words: session.last_words.clone(),
            timeline: session
                .timeline
                .iter()
                .map(|entry| format!("{} {}.{:03} s", entry.phase, entry.at_ms / 1000, entry.at_ms % 1000))
                .collect(),
        }
    };
    detail.sessions.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pious_protocol::{
        ids::AssetId,
        message::{AssetState, Evaluation, Standing},
    };
    use uuid::Uuid;

    #[test]
    fn a_page_that_leaves_assets_out_says_so() {
        let asset = |number: u128| AssetView {
            id: AssetId(Uuid::from_u128(number)),
            name: format!("a{number}"),
            standing: Standing { state: AssetState::New, evaluation: Evaluation::Pending, step: None, reason: None },
            held: None,
            serial: None,
            last_seen_ms: None,
            ended: None,
            findings: Vec::new(),
            tags: Vec::new(),
            region: None,
            rack: None,
        };
        let page = Assets::of((0..503).map(asset).collect(), Vec::new(), UnixMs(0)).render().unwrap();
        assert!(page.contains("0 failing, 0 unknown, 503 pending, 0 passed; the worst 500 of 503:"), "{page}");
        assert!(page.contains("And 3 more that stand better; <code>GET /v1/assets</code> lists all."));
        assert_eq!(page.matches("<article").count(), 500);
    }
}
