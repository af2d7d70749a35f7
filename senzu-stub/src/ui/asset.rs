//! One asset's page: where it stands and why, what is found, how it is cabled, what it is, what happened to it, and what
//! may be done to it.

use super::{
    Page,
    card::{Card, Line},
    drawing::cabling::{CablingDrawing, InPlace, Socket},
    firmware::FirmwareCard,
    frame::{Frame, Here},
    mark::Mark,
    session::MaybeVisitor,
    show,
    way::{Way, at_work},
};
use crate::{
    access::{ApprovalFilter, ApprovalView},
    api::Shared,
    senzu::{AssetDetail, DagView, now},
    store::{
        approvals::{ApprovalKind, ApprovalStatus},
        word,
    },
    words,
};
use askama::Template;
use axum::extract::{Path, State};
use pious_protocol::{
    expectation::PlannedLink,
    facts::Nic,
    finding::{Finding, Verdict},
    ids::UnixMs,
    message::AssetState,
};

pub async fn asset(
    State(senzu): State<Shared>,
    MaybeVisitor(visitor): MaybeVisitor,
    Path(asset): Path<String>,
) -> Page {
    let pending = ApprovalFilter {
        asset: Some(asset.clone()),
        status: Some(ApprovalStatus::Pending),
        limit: 1,
        ..ApprovalFilter::default()
    };
    let detail = senzu.asset(&asset).await?;
    let dag = senzu.dag(&asset).await?;
    let open = senzu.approvals(&pending).await?;
    let reached = senzu.firmware_dag(&asset).await?;
    let firmware = FirmwareCard::of(senzu.firmware_of(&asset).await?, reached, detail.facts.as_ref());
    Ok(show(&OneAsset::of(Frame::new(Here::Elsewhere, visitor), detail, dag, firmware, open, now())))
}

/// All of one asset.
#[derive(Template)]
#[template(path = "asset.html")]
struct OneAsset {
    frame: Frame,
    card: Card,
    doubt: Option<String>,
    looping: Option<String>,
    way: Way,
    firmware: FirmwareCard,
    findings: Vec<Line>,
    /// From when the facts below are.
    facts_at: Option<String>,
    cabling: CablingDrawing,
    cables: Vec<Cable>,
    hardware: Vec<(&'static str, String)>,
    instructions: Vec<InstructionLine>,
    sessions: Vec<SessionBlock>,
    events: Vec<EventLine>,
    acts: Acts,
}

/// What may be done to it now.
struct Acts {
    held_by: Option<String>,
    tags: String,
    promotes: bool,
    wipes: bool,
    retires: bool,
    /// It serves, and only an approval is missing to write its firmware.
    is_to_be_drained: bool,
    /// A request that waits for a decision.
    asked: Option<String>,
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
    fn of(
        frame: Frame,
        detail: AssetDetail,
        dag: DagView,
        firmware: FirmwareCard,
        open: Vec<ApprovalView>,
        now: UnixMs,
    ) -> Self {
        let sockets = sockets(&detail);
        let way = Way::of(&dag.graph, at_work(&detail));
        Self {
            frame,
            firmware,
            card: Card::of(&detail.asset, now).standing_at(way.here()),
            way,
            looping: dag.looping,
            acts: acts(&detail, open),
            cabling: CablingDrawing::of(&detail.asset.name, &sockets),
            cables: sockets.iter().map(|socket| Cable::of(socket, &detail)).collect(),
            findings: detail.asset.findings.iter().map(Line::of).collect(),
            facts_at: detail.facts_received_ms.map(|at| match &detail.asset.ended {
                Some(how) => format!("As it was before it {how}: {}", words::time(at)),
                None => format!("As it was {}", words::ago(at, now)),
            }),
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

fn acts(detail: &AssetDetail, open: Vec<ApprovalView>) -> Acts {
    let state = detail.asset.standing.state;
    let asked = open.into_iter().next().map(|ask| match ask.kind {
        ApprovalKind::Promote | ApprovalKind::Wipe | ApprovalKind::Retire => {
            format!("{} asked to {} it", ask.asked_by, ask.kind.name())
        }
        ApprovalKind::Firmware => format!("{} asked to write its firmware", ask.asked_by),
    });
    let stands_before = detail.asset.standing.step.as_ref().is_some_and(|step| step.starts_with("VALIDATE_"));
    let may = |states: &[AssetState]| asked.is_none() && states.contains(&state);
    Acts {
        held_by: detail.asset.held.as_ref().map(|held| held.by.clone()),
        tags: detail.asset.tags.join(" "),
        promotes: may(&[AssetState::Spare]),
        wipes: may(&[AssetState::New, AssetState::Spare]),
        retires: may(&[AssetState::New, AssetState::Spare]),
        is_to_be_drained: stands_before && may(&[AssetState::Baremetal]),
        asked,
    }
}

/// Planned cables first, in the plan's order; then what was seen and nobody planned.
fn sockets(detail: &AssetDetail) -> Vec<Socket<'_>> {
    let nics = detail.facts.as_ref().map(|facts| facts.nics.as_slice()).unwrap_or_default();
    let planned = detail.expectation.cabling.as_ref().map(|plan| plan.links.as_slice()).unwrap_or_default();
    let of_plan = planned.iter().map(|link| Socket {
        planned: Some(link),
        nic: nics.iter().find(|nic| nic.lasting_mac() == Some(link.nic)),
        in_place: in_place(link, &detail.asset.findings),
    });
    let is_planned = |nic: &&Nic| planned.iter().any(|link| nic.lasting_mac() == Some(link.nic));
    let others = nics.iter().filter(|nic| !is_planned(nic));
    of_plan.chain(others.map(|nic| Socket { planned: None, nic: Some(nic), in_place: InPlace::Untold })).collect()
}

/// What the findings say of a link's place.
fn in_place(link: &PlannedLink, findings: &[Finding]) -> InPlace {
    let mac = link.nic.to_string();
    let is_it = |finding: &&Finding| {
        finding.check == "cabling.port" && finding.subject.as_ref().is_some_and(|subject| subject.contains(&mac))
    };
    match findings.iter().find(is_it).map(|finding| finding.verdict) {
        Some(Verdict::Pass) => InPlace::Yes,
        Some(Verdict::Fail) => InPlace::No,
        Some(Verdict::Unknown) | None => InPlace::Untold,
    }
}

impl Cable {
    fn of(socket: &Socket, detail: &AssetDetail) -> Self {
        let Some(link) = socket.planned else {
            return Self {
                nic: socket.nic.map(unplanned_name).unwrap_or_default(),
                link: socket.nic.map(words::link).unwrap_or_default(),
                planned: "not planned".into(),
                seen: socket.nic.map(|nic| words::neighbours(&nic.neighbours)).unwrap_or_default(),
                mark: "",
                class: "pending",
            };
        };
        let mac = link.nic.to_string();
        let about = |finding: &&Finding| {
            finding.check.starts_with("cabling.")
                && finding.subject.as_ref().is_some_and(|subject| subject.contains(&mac))
        };
        let verdicts = detail.asset.findings.iter().filter(about).map(|finding| Mark::of_verdict(finding.verdict));
        let mark = verdicts.min().unwrap_or(Mark::Pending);
        Self {
            nic: nic_name(link, socket.nic),
            link: socket.nic.map_or_else(|| "not seen".into(), words::link),
            planned: plan_words(link),
            seen: socket.nic.map_or_else(|| "no such interface".into(), |nic| words::neighbours(&nic.neighbours)),
            mark: mark.of_finding(),
            class: mark.class(),
        }
    }
}

fn unplanned_name(nic: &Nic) -> String {
    format!("{} {}", nic.name, nic.lasting_mac().map(|mac| mac.to_string()).unwrap_or_default())
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
