//! Beans with edges between them, checked when built: a graph that exists can be walked.
//!
//! An edge is followed when its bean came out as the edge's condition asks. A bean that may come out in a way that no
//! edge follows, though another edge leaves it, would strand assets silently; so that is an error too.

use super::{Bean, OutcomeKind};
use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
    visit::{Dfs, EdgeRef},
};
use std::collections::HashMap;
use thiserror::Error;

/// When an edge is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The bean is done.
    Done,
    /// The bean was not needed.
    NotNeeded,
    /// Either.
    Passed,
}

impl Condition {
    /// Whether an outcome takes this edge.
    pub fn holds(self, outcome: OutcomeKind) -> bool {
        match outcome {
            OutcomeKind::Done => matches!(self, Self::Done | Self::Passed),
            OutcomeKind::NotNeeded => matches!(self, Self::NotNeeded | Self::Passed),
            OutcomeKind::Instruct | OutcomeKind::Wait | OutcomeKind::Blocked | OutcomeKind::Failed => false,
        }
    }
}

/// Why beans and edges make no graph.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum GraphError {
    /// No beans.
    #[error("graph {graph} has no bean")]
    Empty { graph: &'static str },
    /// Two beans of one name.
    #[error("graph {graph} has two beans named {bean}")]
    Duplicate { graph: &'static str, bean: &'static str },
    /// An edge to or from nowhere.
    #[error("graph {graph} has an edge {from} → {to}, but no bean {missing}")]
    NoSuchBean { graph: &'static str, from: &'static str, to: &'static str, missing: &'static str },
    /// A bean behind itself.
    #[error("graph {graph} comes back to bean {bean}")]
    Cycle { graph: &'static str, bean: &'static str },
    /// A bean that no walk comes to.
    #[error("graph {graph} starts at {start}, from where bean {bean} can't be reached")]
    Unreachable { graph: &'static str, start: &'static str, bean: &'static str },
    /// An outcome that leads nowhere.
    #[error("graph {graph}: bean {bean} has edges, but none for the outcome {outcome:?}")]
    Stranded { graph: &'static str, bean: &'static str, outcome: OutcomeKind },
}

/// A checked graph of beans.
pub struct Graph {
    name: &'static str,
    beans: DiGraph<Box<dyn Bean>, Condition>,
    order: Vec<NodeIndex>,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("name", &self.name).field("beans", &self.names()).finish()
    }
}

/// What a graph is made of, before it is checked.
pub struct Builder {
    name: &'static str,
    beans: Vec<Box<dyn Bean>>,
    edges: Vec<(&'static str, Condition, &'static str)>,
}

impl Builder {
    pub fn bean(mut self, bean: impl Bean + 'static) -> Self {
        self.beans.push(Box::new(bean));
        self
    }

    pub fn edge(mut self, from: &'static str, condition: Condition, to: &'static str) -> Self {
        self.edges.push((from, condition, to));
        self
    }

    /// The graph starts at the bean that was named first.
    pub fn build(self) -> Result<Graph, GraphError> {
        let graph = self.name;
        let mut beans = DiGraph::new();
        let mut by_name = HashMap::new();
        for bean in self.beans {
            let name = bean.name();
            if by_name.insert(name, beans.add_node(bean)).is_some() {
                return Err(GraphError::Duplicate { graph, bean: name });
            }
        }
        for (from, condition, to) in self.edges {
            let find = |missing| by_name.get(missing).ok_or(GraphError::NoSuchBean { graph, from, to, missing });
            beans.add_edge(*find(from)?, *find(to)?, condition);
        }
        let start = beans.node_indices().next().ok_or(GraphError::Empty { graph })?;
        let order = petgraph::algo::toposort(&beans, None)
            .map_err(|cycle| GraphError::Cycle { graph, bean: beans[cycle.node_id()].name() })?;
        check_reachable(graph, &beans, start)?;
        check_outcomes(graph, &beans)?;
        Ok(Graph { name: graph, beans, order })
    }
}

fn check_reachable(
    graph: &'static str,
    beans: &DiGraph<Box<dyn Bean>, Condition>,
    start: NodeIndex,
) -> Result<(), GraphError> {
    let mut reached = vec![false; beans.node_count()];
    let mut walk = Dfs::new(beans, start);
    while let Some(node) = walk.next(beans) {
        reached[node.index()] = true;
    }
    match beans.node_indices().find(|node| !reached[node.index()]) {
        Some(node) => Err(GraphError::Unreachable { graph, start: beans[start].name(), bean: beans[node].name() }),
        None => Ok(()),
    }
}

fn check_outcomes(graph: &'static str, beans: &DiGraph<Box<dyn Bean>, Condition>) -> Result<(), GraphError> {
    for node in beans.node_indices() {
        let conditions: Vec<_> = beans.edges(node).map(|edge| *edge.weight()).collect();
        for outcome in [OutcomeKind::Done, OutcomeKind::NotNeeded] {
            if !conditions.is_empty() && !conditions.iter().any(|condition| condition.holds(outcome)) {
                return Err(GraphError::Stranded { graph, bean: beans[node].name(), outcome });
            }
        }
    }
    Ok(())
}

/// One bean's place in a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(NodeIndex);

impl Graph {
    pub fn builder(name: &'static str) -> Builder {
        Builder { name, beans: Vec::new(), edges: Vec::new() }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The beans, none before one that it follows.
    pub fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.order.iter().copied().map(Place)
    }

    pub fn bean(&self, place: Place) -> &dyn Bean {
        self.beans[place.0].as_ref()
    }

    /// Whether a walk has come to a bean: it is the start, or some edge to it was taken and none of the beans before it
    /// that a walk came to stands still.
    pub fn is_reached(&self, place: Place, outcomes: &HashMap<Place, OutcomeKind>) -> bool {
        let mut before = self.beans.edges_directed(place.0, Direction::Incoming).peekable();
        if before.peek().is_none() {
            return true;
        }
        let mut taken = false;
        for edge in before {
            match outcomes.get(&Place(edge.source())) {
                None => {}
                Some(OutcomeKind::Done | OutcomeKind::NotNeeded) => {
                    taken |= edge.weight().holds(outcomes[&Place(edge.source())]);
                }
                Some(OutcomeKind::Instruct | OutcomeKind::Wait | OutcomeKind::Blocked | OutcomeKind::Failed) => {
                    return false;
                }
            }
        }
        taken
    }

    /// The beans' names in walking order.
    pub fn names(&self) -> Vec<&'static str> {
        self.places().map(|place| self.bean(place).name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::{BeanFuture, Outcome, Run, Situation};

    struct Named(&'static str);

    impl Bean for Named {
        fn name(&self) -> &'static str {
            self.0
        }
        fn about(&self) -> &'static str {
            "a bean of a test"
        }
        fn run<'a>(&'a self, _: &'a Situation) -> BeanFuture<'a> {
            Run::from(Outcome::Done { words: String::new() }).into()
        }
    }

    fn build(beans: &[&'static str], edges: &[(&'static str, Condition, &'static str)]) -> Result<Graph, GraphError> {
        let mut builder = Graph::builder("test");
        for bean in beans {
            builder = builder.bean(Named(bean));
        }
        for (from, condition, to) in edges {
            builder = builder.edge(from, *condition, to);
        }
        builder.build()
    }

    const GRAPH: &str = "test";

    #[test]
    fn refused_graphs_name_the_bean() {
        use Condition::{Done, Passed};
        let cases = [
            ("empty", build(&[], &[]), GraphError::Empty { graph: GRAPH }),
            ("same name", build(&["A", "A"], &[]), GraphError::Duplicate { graph: GRAPH, bean: "A" }),
            (
                "edge to nowhere",
                build(&["A"], &[("A", Passed, "B")]),
                GraphError::NoSuchBean { graph: GRAPH, from: "A", to: "B", missing: "B" },
            ),
            (
                "edge from nowhere",
                build(&["A"], &[("B", Passed, "A")]),
                GraphError::NoSuchBean { graph: GRAPH, from: "B", to: "A", missing: "B" },
            ),
            ("to itself", build(&["A"], &[("A", Passed, "A")]), GraphError::Cycle { graph: GRAPH, bean: "A" }),
            ("unreachable", build(&["A", "B"], &[]), GraphError::Unreachable { graph: GRAPH, start: "A", bean: "B" }),
            (
                "no edge for not needed",
                build(&["A", "B"], &[("A", Done, "B")]),
                GraphError::Stranded { graph: GRAPH, bean: "A", outcome: OutcomeKind::NotNeeded },
            ),
        ];
        for (case, built, expected) in cases {
            assert_eq!(built.unwrap_err(), expected, "{case}");
        }
        let cycle = build(&["A", "B", "C"], &[("A", Passed, "B"), ("B", Passed, "C"), ("C", Passed, "B")]);
        assert!(matches!(cycle, Err(GraphError::Cycle { graph: GRAPH, bean: "B" | "C" })), "{cycle:?}");
    }

    #[test]
    fn a_branch_is_reached_by_its_own_condition() {
        use Condition::{Done, NotNeeded, Passed};
        let graph = build(
            &["A", "B", "C", "D"],
            &[("A", Done, "B"), ("A", NotNeeded, "C"), ("B", Passed, "D"), ("C", Passed, "D")],
        )
        .unwrap();
        let place = |name: &str| graph.places().find(|place| graph.bean(*place).name() == name).unwrap();
        let reached = |outcomes: &[(&str, OutcomeKind)]| {
            let outcomes = outcomes.iter().map(|(name, outcome)| (place(name), *outcome)).collect();
            ["A", "B", "C", "D"].map(|name| graph.is_reached(place(name), &outcomes))
        };
        let (done, idle, blocked) = (OutcomeKind::Done, OutcomeKind::NotNeeded, OutcomeKind::Blocked);
        assert_eq!(reached(&[]), [true, false, false, false]);
        assert_eq!(reached(&[("A", done)]), [true, true, false, false]);
        assert_eq!(reached(&[("A", idle)]), [true, false, true, false]);
        assert_eq!(reached(&[("A", blocked)]), [true, false, false, false]);
        assert_eq!(reached(&[("A", done), ("B", done)]), [true, true, false, true]);
        assert_eq!(reached(&[("A", done), ("B", blocked)]), [true, true, false, false]);
    }
}
