//! One asset's DAG as people look at it: the graph itself, where the asset stands in it and why, and its history on paper.

use super::{Refusal, Senzu, audit, now, operators::find};
use crate::{
    access::Caller,
    beans,
    dag::{
        Condition, Graph, OutcomeKind, Situation, Vertex,
        graph::Edge,
        replay::{self, Step},
    },
    store::{
        Conn, StoreError,
        assets::{self, Asset},
        goals::{self, GoalStatus},
        runs, transitions,
        transitions::Transition,
    },
};
use pious_protocol::{
    ids::{AssetId, UnixMs},
    message::Standing,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// How many runs are shown.
const SHOWN: u32 = 50;
/// How many runs are replayed: more than an asset has in years, and few enough for one answer.
const REPLAYED: u32 = 10_000;

/// An asset's DAG, and where the asset stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DagView {
    pub asset: AssetId,
    pub name: String,
    pub standing: Standing,
    /// Why the loop breaker stopped it; `null`: it did not.
    pub looping: Option<String>,
    /// The graph that applies to it now.
    pub graph: GraphView,
    /// Its newest runs that brought news, newest first, at most 50.
    pub runs: Vec<RunView>,
}

/// A graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GraphView {
    pub name: String,
    /// What it does.
    pub about: String,
    /// In walking order: none before one that it follows.
    pub vertices: Vec<VertexView>,
    pub edges: Vec<EdgeView>,
}

/// A bean, or a graph within the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VertexView {
    pub name: String,
    /// What it does.
    pub about: String,
    /// Whether the asset stands here, or in the graph within.
    pub stands: bool,
    /// How the bean came out in the newest boot; `null`: no walk came to it. Of a graph within: `not_needed` where nobody
    /// asked for it, else `null`, as its beans say how they came out.
    pub outcome: Option<OutcomeKind>,
    pub reason: Option<String>,
    pub at_ms: Option<UnixMs>,
    /// Where the vertex is a graph of its own.
    #[schema(no_recursion)]
    pub graph: Option<Box<GraphView>>,
}

/// An edge, from one vertex's name to another's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EdgeView {
    pub from: String,
    pub to: String,
    /// The outcome of `from` that it is followed on; `passed` is done or not needed.
    pub when: Condition,
}

/// One run of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunView {
    pub id: Uuid,
    /// The replica of Senzu that ran it.
    pub holder: String,
    pub at_ms: UnixMs,
    /// Each bean in the order that it ran, and how it came out.
    pub path: Vec<Step>,
}

/// An asset's history, re-executed on paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayView {
    /// How many runs were replayed.
    pub runs: u64,
    /// Where the way on paper left the recorded one, in words; empty: nowhere.
    pub differences: Vec<String>,
}

impl Senzu {
    /// The DAG of an asset, by id or name.
    pub async fn dag(&self, id_or_name: &str) -> Result<DagView, Refusal> {
        let mut tx = self.db.read().await?;
        let asset = find(&mut tx, id_or_name).await?;
        let (graph, idle) = self.graph_of(&mut tx, &asset).await?;
        let step = asset.standing.step.as_deref();
        let known = known(&mut tx, &asset, graph, step).await?;
        let runs = runs::of_asset(&mut tx, asset.id, SHOWN).await?;
        Ok(DagView {
            asset: asset.id,
            graph: Seen { known: &known, step, idle: &idle }.graph(graph),
            runs: runs
                .into_iter()
                .map(|run| RunView { id: run.id, holder: run.holder, at_ms: run.begun, path: run.path })
                .collect(),
            name: asset.name,
            standing: asset.standing,
            looping: asset.looping,
        })
    }

    /// The graph that applies to an asset now, and those within it that nobody asked for.
    pub(super) async fn graph_of(
        &self,
        conn: &mut Conn,
        asset: &Asset,
    ) -> Result<(&Graph, Vec<&'static str>), StoreError> {
        Ok(match Situation::load(conn, asset.id, now()).await? {
            Some(situation) => {
                let wanted = situation.firmware.as_ref().map(|firmware| firmware.goal.wanted.as_slice());
                (self.engine.graph_of(&situation), wanted.map(beans::idle).unwrap_or_default())
            }
            None => (&self.engine.discovery, Vec::new()),
        })
    }

    /// The graph of firmware as the newest boot went through it, where it came to its end there and another applies by now.
    pub async fn firmware_dag(&self, id_or_name: &str) -> Result<Option<GraphView>, Refusal> {
        let mut tx = self.db.read().await?;
        let asset = find(&mut tx, id_or_name).await?;
        let newest = goals::of_asset(&mut tx, asset.id, 1).await?.into_iter().next();
        let Some(reached) = newest.filter(|goal| goal.status == GoalStatus::Done) else { return Ok(None) };
        let graph = &self.engine.firmware;
        let known = known(&mut tx, &asset, graph, None).await?;
        let is_through = graph.beans().iter().all(|(_, bean)| known.contains_key(bean.name()));
        let idle = beans::idle(&reached.wanted);
        Ok(is_through.then(|| Seen { known: &known, step: None, idle: &idle }.graph(graph)))
    }

    /// Replays an asset's history.
    pub async fn replay(&self, id_or_name: &str) -> Result<ReplayView, Refusal> {
        let mut tx = self.db.read().await?;
        let asset = find(&mut tx, id_or_name).await?;
        let runs = runs::of_asset(&mut tx, asset.id, REPLAYED).await?;
        let differs = |run: &runs::Run| {
            let difference = replay::replay(&self.engine, &run.path)?;
            let words = |bean: Option<String>| bean.unwrap_or_else(|| "its end".into());
            let (recorded, on_paper) = (words(difference.recorded), words(difference.on_paper));
            Some(format!(
                "run {} took {recorded} as its step {}; on paper comes {on_paper}",
                run.id,
                difference.index + 1
            ))
        };
        let differences = runs.iter().rev().filter_map(differs).collect();
        Ok(ReplayView { runs: u64::try_from(runs.len()).unwrap_or(u64::MAX), differences })
    }

    /// A person has looked at an asset that the loop breaker stopped: it goes on, and what was before counts no more.
    pub async fn clear_loop(&self, caller: &Caller, id_or_name: &str, by: &str) -> Result<(), Refusal> {
        let now = now();
        if by.trim().is_empty() {
            return Err(Refusal::Empty { field: "by", remedy: "say who looked at the asset" });
        }
        if by.len() > MAX_BY {
            return Err(Refusal::TooMany { what: "by", count: by.len(), max: MAX_BY });
        }
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, id_or_name).await?;
        assets::set_looping(&mut tx, asset.id, None, Some(now)).await?;
        if let Some(words) = &asset.looping {
            audit(&mut tx, asset.id, &caller.operator, format!("cleared, looked at by {by}: no loop"), words.as_str())
                .await?;
        }
        self.engine.walk(&mut tx, asset.id, now).await?;
        Ok(self.commit(tx, asset.id).await?)
    }
}

/// The longest name of who clears: it stands on a line of the page.
const MAX_BY: usize = 200;

/// How each bean of a graph that the asset has passed in its newest boot came out, by the bean's name.
pub(super) async fn known(
    conn: &mut Conn,
    asset: &Asset,
    graph: &Graph,
    step: Option<&str>,
) -> Result<HashMap<String, Transition>, StoreError> {
    let mut beans: Vec<_> = graph.beans().iter().map(|(within, bean)| (within.name(), bean.name())).collect();
    // Behind the bean that the asset stands at, what an earlier walk found holds no more.
    if let Some(at) = beans.iter().position(|(_, bean)| step == Some(bean)) {
        beans.truncate(at + 1);
    }
    let newest = transitions::newest(conn, asset.id, &beans).await?;
    let of_boot = newest.into_iter().filter(|transition| transition.boot == asset.current_boot);
    Ok(of_boot.map(|transition| (transition.bean.clone(), transition)).collect())
}

/// What is known of an asset's way through a graph.
struct Seen<'a> {
    known: &'a HashMap<String, Transition>,
    /// Where the asset stands.
    step: Option<&'a str>,
    /// The graphs within that nobody asked for.
    idle: &'a [&'static str],
}

impl Seen<'_> {
    fn graph(&self, graph: &Graph) -> GraphView {
        let edge = |Edge { from, to, when }| EdgeView { from: from.to_owned(), to: to.to_owned(), when };
        GraphView {
            name: graph.name().to_owned(),
            about: graph.about().to_owned(),
            vertices: graph.places().map(|place| self.vertex(graph.vertex(place))).collect(),
            edges: graph.edges().map(edge).collect(),
        }
    }

    fn vertex(&self, vertex: &Vertex) -> VertexView {
        let newest = self.known.get(vertex.name());
        let view = VertexView {
            name: vertex.name().to_owned(),
            about: vertex.about().to_owned(),
            stands: self.step == Some(vertex.name()),
            outcome: newest.map(|newest| newest.outcome),
            reason: newest.map(|newest| newest.reason.clone()),
            at_ms: newest.map(|newest| newest.at),
            graph: None,
        };
        match vertex {
            Vertex::Bean(_) => view,
            Vertex::Graph(within) => VertexView {
                stands: within.beans().iter().any(|(_, bean)| self.step == Some(bean.name())),
                outcome: self.idle.contains(&within.name()).then_some(OutcomeKind::NotNeeded),
                graph: Some(Box::new(self.graph(within))),
                ..view
            },
        }
    }
}
