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
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use thiserror::Error;

/// When an edge is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
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

/// What stands in a graph: a bean, or a graph of its own.
pub enum Vertex {
    Bean(Box<dyn Bean>),
    Graph(Graph),
}

impl Vertex {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bean(bean) => bean.name(),
            Self::Graph(graph) => graph.name,
        }
    }

    pub fn about(&self) -> &'static str {
        match self {
            Self::Bean(bean) => bean.about(),
            Self::Graph(graph) => graph.about,
        }
    }

    /// Its own name and all within it.
    fn names(&self) -> Vec<&'static str> {
        let within = match self {
            Self::Bean(_) => Vec::new(),
            Self::Graph(graph) => graph.order.iter().flat_map(|node| graph.vertices[*node].names()).collect(),
        };
        std::iter::once(self.name()).chain(within).collect()
    }
}

type Vertices = DiGraph<Vertex, Condition>;

/// A checked graph of beans.
pub struct Graph {
    name: &'static str,
    about: &'static str,
    vertices: Vertices,
    order: Vec<NodeIndex>,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("name", &self.name).field("vertices", &self.names()).finish()
    }
}

/// What a graph is made of, before it is checked.
pub struct Builder {
    name: &'static str,
    about: &'static str,
    vertices: Vec<Vertex>,
    edges: Vec<(&'static str, Condition, &'static str)>,
}

impl Builder {
    /// What it does, in one sentence.
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    pub fn bean(mut self, bean: impl Bean + 'static) -> Self {
        self.vertices.push(Vertex::Bean(Box::new(bean)));
        self
    }

    /// A graph as a vertex: it comes out as the bean in it that stands still, or as done, or as not needed where all in it
    /// was not needed.
    pub fn graph(mut self, graph: Graph) -> Self {
        self.vertices.push(Vertex::Graph(graph));
        self
    }

    pub fn edge(mut self, from: &'static str, condition: Condition, to: &'static str) -> Self {
        self.edges.push((from, condition, to));
        self
    }

    /// The graph starts at the vertex that was named first.
    pub fn build(self) -> Result<Graph, GraphError> {
        let graph = self.name;
        let mut vertices = Vertices::new();
        let mut by_name = HashMap::new();
        let mut names = HashSet::from([graph]);
        for vertex in self.vertices {
            // Also within graphs: rows and pages name a bean by its name.
            if let Some(bean) = vertex.names().into_iter().find(|name| !names.insert(*name)) {
                return Err(GraphError::Duplicate { graph, bean });
            }
            by_name.insert(vertex.name(), vertices.add_node(vertex));
        }
        for (from, condition, to) in self.edges {
            let find = |missing| by_name.get(missing).ok_or(GraphError::NoSuchBean { graph, from, to, missing });
            vertices.add_edge(*find(from)?, *find(to)?, condition);
        }
        let start = vertices.node_indices().next().ok_or(GraphError::Empty { graph })?;
        let order = petgraph::algo::toposort(&vertices, None)
            .map_err(|cycle| GraphError::Cycle { graph, bean: vertices[cycle.node_id()].name() })?;
        check_reachable(graph, &vertices, start)?;
        check_outcomes(graph, &vertices)?;
        Ok(Graph { name: graph, about: self.about, vertices, order })
    }
}

fn check_reachable(graph: &'static str, vertices: &Vertices, start: NodeIndex) -> Result<(), GraphError> {
    let mut reached = vec![false; vertices.node_count()];
    let mut walk = Dfs::new(vertices, start);
    while let Some(node) = walk.next(vertices) {
        reached[node.index()] = true;
    }
    match vertices.node_indices().find(|node| !reached[node.index()]) {
        Some(node) => {
            Err(GraphError::Unreachable { graph, start: vertices[start].name(), bean: vertices[node].name() })
        }
        None => Ok(()),
    }
}

fn check_outcomes(graph: &'static str, vertices: &Vertices) -> Result<(), GraphError> {
    for node in vertices.node_indices() {
        let conditions: Vec<_> = vertices.edges(node).map(|edge| *edge.weight()).collect();
        for outcome in [OutcomeKind::Done, OutcomeKind::NotNeeded] {
            if !conditions.is_empty() && !conditions.iter().any(|condition| condition.holds(outcome)) {
                return Err(GraphError::Stranded { graph, bean: vertices[node].name(), outcome });
            }
        }
    }
    Ok(())
}

/// One vertex's place in a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(NodeIndex);

/// An edge, by names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub from: &'static str,
    pub to: &'static str,
    pub when: Condition,
}

impl Graph {
    pub fn builder(name: &'static str) -> Builder {
        Builder { name, about: "", vertices: Vec::new(), edges: Vec::new() }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn about(&self) -> &'static str {
        self.about
    }

    /// The vertices, none before one that it follows.
    pub fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.order.iter().copied().map(Place)
    }

    pub fn vertex(&self, place: Place) -> &Vertex {
        &self.vertices[place.0]
    }

    pub fn edges(&self) -> impl Iterator<Item = Edge> + '_ {
        self.vertices.edge_references().map(|edge| Edge {
            from: self.vertices[edge.source()].name(),
            to: self.vertices[edge.target()].name(),
            when: *edge.weight(),
        })
    }

    /// Every bean in walking order, also those within graphs, each with the graph that it stands in.
    pub fn beans(&self) -> Vec<(&Graph, &dyn Bean)> {
        let beans = |place| match self.vertex(place) {
            Vertex::Bean(bean) => vec![(self, bean.as_ref())],
            Vertex::Graph(graph) => graph.beans(),
        };
        self.places().flat_map(beans).collect()
    }

    /// Whether a walk has come to a vertex: it is the start, or some edge to it was taken and none of the vertices before
    /// it that a walk came to stands still.
    pub fn is_reached(&self, place: Place, outcomes: &HashMap<Place, OutcomeKind>) -> bool {
        let mut before = self.vertices.edges_directed(place.0, Direction::Incoming).peekable();
        if before.peek().is_none() {
            return true;
        }
        let mut taken = false;
        for edge in before {
            match outcomes.get(&Place(edge.source())) {
                None => {}
                Some(outcome @ (OutcomeKind::Done | OutcomeKind::NotNeeded)) => taken |= edge.weight().holds(*outcome),
                Some(OutcomeKind::Instruct | OutcomeKind::Wait | OutcomeKind::Blocked | OutcomeKind::Failed) => {
                    return false;
                }
            }
        }
        taken
    }

    /// The vertices' names in walking order.
    pub fn names(&self) -> Vec<&'static str> {
        self.places().map(|place| self.vertex(place).name()).collect()
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
        let place = |name: &str| graph.places().find(|place| graph.vertex(*place).name() == name).unwrap();
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

    #[test]
    fn names_are_unique_also_within_graphs() {
        let inner = build(&["B"], &[]).unwrap();
        let built = Graph::builder("outer").bean(Named("B")).graph(inner).edge("B", Condition::Passed, "test").build();
        assert_eq!(built.unwrap_err(), GraphError::Duplicate { graph: "outer", bean: "B" });
    }
}
