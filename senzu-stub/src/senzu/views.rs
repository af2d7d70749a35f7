//! What operators and pages see.

use super::{Refusal, Senzu, operators::find};
use crate::{
    chakshu,
    dag::{Bean, Graph, OutcomeKind},
    store::{
        Conn, StoreError, alerts,
        assets::{self, Asset},
        findings, instructions,
        instructions::{Issued, Status},
        listing, sessions,
        sessions::Session,
    },
};
use pious_protocol::{
    expectation::Expectation,
    facts::{Facts, FirmwareMode},
    finding::Finding,
    ids::{AssetId, BootId, Generation, InstructionId, MacAddress, Sequence, UnixMs},
    instruction::Action,
    message::{Report, Standing, TimelineEntry},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much of each history a detail shows.
const HISTORY: u32 = 50;

/// One asset in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetView {
    /// Its id.
    pub id: AssetId,
    /// Its name among people.
    pub name: String,
    /// Where it stands.
    pub standing: Standing,
    /// Who holds it for use; `null`: nobody.
    pub held: Option<HeldView>,
    /// SMBIOS type 1, as last seen; of an asset that never booted, as planned.
    pub serial: Option<String>,
    /// When its agent last spoke; `null`: it never booted.
    pub last_seen_ms: Option<UnixMs>,
    /// How an instruction of Senzu's ended its newest boot, as `powered off`; `null`: none did.
    pub ended: Option<String>,
    /// The newest judgement; empty while nothing is judged in its newest boot.
    pub findings: Vec<Finding>,
    /// What people find it by, sorted.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Where it stands, as imported.
    #[serde(default)]
    pub region: Option<String>,
    #[serde(default)]
    pub rack: Option<String>,
}

/// Who holds an asset for use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldView {
    /// For whom.
    pub by: String,
    /// Since when.
    pub since_ms: UnixMs,
}

/// One asset with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetDetail {
    #[serde(flatten)]
    pub asset: AssetView,
    /// Why it can't be told which machine this is; `null`: it can.
    pub doubt: Option<String>,
    /// What is expected of it.
    pub expectation: Expectation,
    /// Its BMC's addresses, as imported.
    pub bmc_macs: Vec<MacAddress>,
    /// The newest facts of its newest boot; `null`: none yet.
    pub facts: Option<Facts>,
    /// The generation of those facts.
    pub facts_generation: Option<Generation>,
    /// When those facts came.
    pub facts_received_ms: Option<UnixMs>,
    /// Its boot sessions, newest first, at most 50.
    pub sessions: Vec<SessionView>,
    /// Its instructions, newest first, at most 50.
    pub instructions: Vec<InstructionView>,
    /// The beans of the graph that applies to it, in walking order.
    pub beans: Vec<BeanView>,
    /// What happened to it, newest first, at most 50.
    pub events: Vec<EventView>,
}

/// One boot session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    pub boot_id: BootId,
    pub started_ms: UnixMs,
    pub last_seen_ms: UnixMs,
    /// When an instruction of Senzu's ended it; `null`: none did.
    pub ended_ms: Option<UnixMs>,
    /// How it ended.
    pub ended_why: Option<String>,
    /// Whether it is the asset's newest.
    pub current: bool,
    pub firmware_mode: FirmwareMode,
    pub agent_version: String,
    pub timeline: Vec<TimelineEntry>,
    /// The last words of an agent process that died in it.
    pub last_words: Option<String>,
}

/// One instruction and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstructionView {
    pub id: InstructionId,
    pub sequence: Sequence,
    pub action: Action,
    pub state: Status,
    /// The bean that asked for it, or `operator`.
    pub issuer: String,
    pub issued_ms: UnixMs,
    pub expires_ms: UnixMs,
    /// The first word, the newest progress, the last word.
    pub reports: Vec<ReportView>,
}

/// One report of an instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportView {
    pub at_ms: UnixMs,
    pub report: Report,
}

/// One bean of an asset's graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BeanView {
    pub name: String,
    /// What it does.
    pub about: String,
    /// How it came out in the newest boot; `null`: no walk came to it.
    pub outcome: Option<OutcomeKind>,
    pub reason: Option<String>,
    pub at_ms: Option<UnixMs>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    pub at_ms: UnixMs,
    /// A bean, an operator, an agent, a requester.
    pub who: String,
    pub what: String,
    pub why: String,
}

impl Senzu {
    /// One asset, by id or name.
    pub async fn asset(&self, id_or_name: &str) -> Result<AssetDetail, Refusal> {
        let mut tx = self.db.read().await?;
        let asset = find(&mut tx, id_or_name).await?;
        let stored = match asset.current_boot {
            Some(boot) => sessions::facts(&mut tx, boot).await?,
            None => None,
        };
        let (graph, _) = self.graph_of(&mut tx, &asset).await?;
        let sessions = sessions::of_asset(&mut tx, asset.id, HISTORY).await?;
        let events = alerts::history(&mut tx, asset.id, HISTORY).await?;
        let findings = findings::of_asset(&mut tx, asset.id).await?;
        let tags = listing::tags(&mut tx, asset.id).await?;
        Ok(AssetDetail {
            expectation: chakshu::expectation(&mut tx, asset.id).await?,
            bmc_macs: assets::bmc_macs(&mut tx, asset.id).await?,
            facts_generation: stored.as_ref().map(|stored| stored.generation),
            facts_received_ms: stored.as_ref().map(|stored| stored.received),
            facts: stored.map(|stored| stored.facts),
            sessions: sessions.into_iter().map(|session| session_view(session, &asset)).collect(),
            instructions: instruction_views(&mut tx, asset.id).await?,
            beans: beans(&mut tx, &asset, graph).await?,
            events: events
                .into_iter()
                .map(|event| EventView { at_ms: event.at, who: event.who, what: event.what, why: event.why })
                .collect(),
            doubt: asset.doubt.clone(),
            asset: view(&asset, findings, tags),
        })
    }
}

pub(super) fn view(asset: &Asset, findings: Vec<Finding>, tags: Vec<String>) -> AssetView {
    AssetView {
        id: asset.id,
        name: asset.name.clone(),
        standing: asset.standing.clone(),
        held: asset.held.as_ref().map(|held| HeldView { by: held.by.clone(), since_ms: held.since }),
        serial: asset.serial.clone(),
        last_seen_ms: asset.last_seen,
        ended: asset.ended_why.clone(),
        findings,
        tags,
        region: asset.region.clone(),
        rack: asset.rack.clone(),
    }
}

fn session_view(session: Session, asset: &Asset) -> SessionView {
    SessionView {
        current: asset.current_boot == Some(session.boot_id),
        boot_id: session.boot_id,
        started_ms: session.started,
        last_seen_ms: session.last_seen,
        ended_ms: session.ended,
        ended_why: session.ended_why,
        firmware_mode: session.firmware_mode,
        agent_version: session.agent_version,
        timeline: session.timeline,
        last_words: session.last_words,
    }
}

async fn instruction_views(conn: &mut Conn, asset: AssetId) -> Result<Vec<InstructionView>, StoreError> {
    let mut views = Vec::new();
    for Issued { instruction, issuer, status, .. } in instructions::of_asset(conn, asset, HISTORY).await? {
        let reports = instructions::reports(conn, instruction.id).await?;
        views.push(InstructionView {
            id: instruction.id,
            sequence: instruction.sequence,
            action: instruction.action,
            state: status,
            issuer,
            issued_ms: instruction.issued_ms,
            expires_ms: instruction.expires_ms,
            reports: reports.into_iter().map(|r| ReportView { at_ms: r.at, report: r.report }).collect(),
        });
    }
    Ok(views)
}

async fn beans(conn: &mut Conn, asset: &Asset, graph: &Graph) -> Result<Vec<BeanView>, StoreError> {
    let mut known = super::dag::known(conn, asset, graph, asset.standing.step.as_deref()).await?;
    let view = |bean: &dyn Bean| {
        let newest = known.remove(bean.name());
        BeanView {
            name: bean.name().to_owned(),
            about: bean.about().to_owned(),
            outcome: newest.as_ref().map(|transition| transition.outcome),
            at_ms: newest.as_ref().map(|transition| transition.at),
            reason: newest.map(|transition| transition.reason),
        }
    };
    Ok(graph.beans().into_iter().map(|(_, bean)| bean).map(view).collect())
}
