//! An asset's history again, on paper: from each run's recorded outcomes, the way that the graphs of this build take. A pure
//! function over rows. Where it is another way than the recorded one, somebody changed the graphs, or the engine is wrong.

use super::{Engine, Graph, OutcomeKind, walk::Walk};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One bean of a run, and how it came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// The graph that applied, or the one within it that the bean stands in.
    pub graph: String,
    pub bean: String,
    pub outcome: OutcomeKind,
}

/// Where the way on paper leaves the recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The step's place in the run.
    pub index: usize,
    /// What was recorded; `None`: the run ended there.
    pub recorded: Option<String>,
    /// What comes there on paper; `None`: the run ends there.
    pub on_paper: Option<String>,
}

/// Replays one run; `None`: the way on paper is the recorded one.
pub fn replay(engine: &Engine, path: &[Step]) -> Option<Difference> {
    let mut at = 0;
    while let Some(first) = path.get(at) {
        let Some(graph) = engine.graphs().into_iter().find(|graph| starts(graph, &first.bean)) else {
            return Some(Difference { index: at, recorded: Some(first.bean.clone()), on_paper: None });
        };
        let mut walk = Walk::new(graph);
        while let Some((_, bean)) = walk.next() {
            match path.get(at) {
                Some(step) if step.bean == bean.name() => walk.came_out(step.outcome),
                // An effect of the bean before made another graph apply: the walk begins anew in it.
                Some(step) if at > 0 && engine.graphs().into_iter().any(|other| is_other(other, graph, step)) => break,
                recorded => {
                    let recorded = recorded.map(|step| step.bean.clone());
                    return Some(Difference { index: at, recorded, on_paper: Some(bean.name().to_owned()) });
                }
            }
            at += 1;
        }
    }
    None
}

/// Whether a graph begins with a bean.
fn starts(graph: &Graph, bean: &str) -> bool {
    Walk::new(graph).next().is_some_and(|(_, first)| first.name() == bean)
}

fn is_other(other: &Graph, graph: &Graph, step: &Step) -> bool {
    other.name() != graph.name() && starts(other, &step.bean)
}
