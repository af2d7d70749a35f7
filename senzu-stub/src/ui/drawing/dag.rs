//! A DAG as boxes and arrows, from left to right: each vertex stands behind all that lead to it.

use super::{Label, Stroke};
use crate::{
    dag::{Condition, OutcomeKind},
    senzu::{EdgeView, GraphView, VertexView},
};
use std::collections::BTreeMap;

/// A box holds a name and a line of its outcome; most are of this width, so that rows of boxes stand under each other.
const BOX: (i32, i32) = (160, 58);
/// Between boxes: room for an arrow and a condition's word.
const GAP: (i32, i32) = (34, 22);
/// Between rows: room for an arrow that turns twice.
const ROW_GAP: i32 = 36;
/// Around what is within a box, and for a graph's name.
const PADDING: i32 = 12;
const TITLE: i32 = 22;
/// A letter's width: names are set in a fixed pitch of 13 px, at most 0.61 of it in the fonts that browsers take.
const LETTER: i32 = 8;
/// How far an arrow that passes boxes by leaves their row.
const DETOUR: i32 = 52;

/// The drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DagDrawing {
    pub width: i32,
    pub height: i32,
    /// Graphs before what is within them.
    pub boxes: Vec<Bean>,
    pub arrows: Vec<Stroke>,
}

/// One vertex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bean {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
    pub name: String,
    /// How it came out, with a sign.
    pub outcome: String,
    /// What it does, and why it came out so.
    pub title: String,
    pub class: &'static str,
    /// Whether the asset stands here.
    pub here: bool,
    /// Whether it holds others.
    pub holds: bool,
}

impl Bean {
    pub fn text_x(&self) -> i32 {
        self.x + PADDING
    }

    pub fn name_y(&self) -> i32 {
        self.y + if self.holds { 16 } else { 24 }
    }

    pub fn outcome_y(&self) -> i32 {
        self.y + 44
    }
}

/// A bean that waits for what it told, and which somebody is doing.
pub const WORKING: &str = "→ working";

/// A sign and a word, and the class that colours them.
pub fn outcome(outcome: Option<OutcomeKind>) -> (String, &'static str) {
    let (sign, class) = match outcome {
        None => return ("not reached".into(), "pending"),
        Some(OutcomeKind::Done) => ("✓", "pass"),
        Some(OutcomeKind::NotNeeded) => ("–", "pass"),
        Some(OutcomeKind::Instruct) => ("→", "pending"),
        Some(OutcomeKind::Wait) => ("…", "pending"),
        Some(OutcomeKind::Blocked | OutcomeKind::Failed) => ("✗", "fail"),
    };
    (format!("{sign} {}", outcome.map(OutcomeKind::words).unwrap_or_default()), class)
}

/// Columns of vertices, from left to right.
type Layers = [Vec<usize>];

/// A vertex's place: its corner and its size.
type Place = (i32, i32, i32, i32);

impl DagDrawing {
    /// Draws a graph, in which a bean may be at work.
    pub fn of(graph: &GraphView, at_work: Option<&str>) -> Self {
        let mut drawing = Self::default();
        (drawing.width, drawing.height) = drawing.rows(graph);
        (drawing.width, drawing.height) = (drawing.width + 2, drawing.height + 2);
        for bean in drawing.boxes.iter_mut().filter(|bean| at_work == Some(bean.name.as_str())) {
            bean.outcome = WORKING.into();
        }
        drawing
    }

    /// Draws the outermost graph: a graph within it begins a row of its own, as two beside each other are wider than any
    /// page. Answers its size.
    fn rows(&mut self, graph: &GraphView) -> (i32, i32) {
        let layers = layers(graph);
        let holds = |layer: &Vec<usize>| layer.iter().any(|vertex| graph.vertices[*vertex].graph.is_some());
        let mut places = vec![Place::default(); graph.vertices.len()];
        let (mut width, mut y) = (0, 1);
        for row in layers.chunk_by(|_, next| !holds(next)) {
            let (w, h) = self.row(graph, row, (1, y), &mut places);
            width = width.max(w);
            y += h + ROW_GAP;
        }
        let passes_by = self.arrows(graph, &places);
        (width, y - 1 - ROW_GAP + if passes_by { DETOUR / 2 } else { 0 })
    }

    /// Draws a graph with its corner at a place; answers its size.
    fn draw(&mut self, graph: &GraphView, at: (i32, i32)) -> (i32, i32) {
        let mut places = vec![Place::default(); graph.vertices.len()];
        let (width, height) = self.row(graph, &layers(graph), at, &mut places);
        let passes_by = self.arrows(graph, &places);
        (width, height + if passes_by { DETOUR / 2 } else { 0 })
    }

    /// Draws layers beside each other; answers their size together.
    fn row(&mut self, graph: &GraphView, layers: &Layers, at: (i32, i32), places: &mut [Place]) -> (i32, i32) {
        let sizes: Vec<(i32, i32)> = graph.vertices.iter().map(size).collect();
        let column = |layer: &[usize]| {
            let width = layer.iter().map(|vertex| sizes[*vertex].0).max().unwrap_or_default();
            let heights: i32 = layer.iter().map(|vertex| sizes[*vertex].1).sum();
            (width, heights + GAP.1 * (layer.len() as i32 - 1))
        };
        let height = layers.iter().map(|layer| column(layer).1).max().unwrap_or_default();
        let mut x = at.0;
        for layer in layers {
            let (width, tall) = column(layer);
            let mut y = at.1 + (height - tall) / 2;
            for &vertex in layer {
                let (w, h) = sizes[vertex];
                places[vertex] = (x, y, w, h);
                self.vertex(&graph.vertices[vertex], (x, y, w, h));
                y += h + GAP.1;
            }
            x += width + GAP.0;
        }
        (x - at.0 - GAP.0, height)
    }

    fn vertex(&mut self, vertex: &VertexView, (x, y, width, height): Place) {
        let (outcome, class) = match &vertex.graph {
            Some(within) => (String::new(), if is_passed(within) { "pass" } else { "pending" }),
            None => outcome(vertex.outcome),
        };
        let why = vertex.reason.as_deref().unwrap_or("no walk of this boot came to it");
        self.boxes.push(Bean {
            x,
            y,
            width,
            height,
            name: vertex.name.clone(),
            outcome,
            title: format!("{}: {}. {why}", vertex.name, vertex.about),
            class,
            here: vertex.stands,
            holds: vertex.graph.is_some(),
        });
        if let Some(within) = &vertex.graph {
            self.draw(within, (x + PADDING, y + TITLE + PADDING));
        }
    }

    /// Whether one passes boxes by.
    fn arrows(&mut self, graph: &GraphView, places: &[Place]) -> bool {
        let index = |name: &str| graph.vertices.iter().position(|vertex| vertex.name == name);
        let mut between: BTreeMap<(usize, usize), Vec<Condition>> = BTreeMap::new();
        for edge in &graph.edges {
            if let (Some(from), Some(to)) = (index(&edge.from), index(&edge.to)) {
                between.entry((from, to)).or_default().push(edge.when);
            }
        }
        let mut passes_by = false;
        for ((from, to), conditions) in between {
            let ((fx, fy, fw, fh), (tx, ty, tw, th)) = (places[from], places[to]);
            let words = words(&conditions);
            if tx < fx + fw {
                // In another row.
                let (x1, y1, x2, y2) = (fx + fw / 2, fy + fh, tx + tw / 2, ty - 2);
                let turn = ty - ROW_GAP / 2;
                let label = words.map(|words| Label { x: (x1 + x2) / 2, y: turn - 6, words });
                self.arrows.push(Stroke { path: format!("M{x1} {y1} V{turn} H{x2} V{y2}"), class: "arrow", label });
                continue;
            }
            let (x1, y1, x2, y2) = (fx + fw, fy + fh / 2, tx - 2, ty + th / 2);
            let is_far = x2 - x1 > GAP.0;
            passes_by |= is_far;
            let bend = if is_far { DETOUR } else { 0 };
            let path = format!("M{x1} {y1} C{} {} {} {} {x2} {y2}", x1 + 24, y1 + bend, x2 - 24, y2 + bend);
            let label = words.map(|words| Label { x: x1 + (x2 - x1) / 2, y: (y1 + y2) / 2 - 6 + bend, words });
            self.arrows.push(Stroke { path, class: "arrow", label });
        }
        passes_by
    }
}

/// What an edge is followed on, where that is not any way of having passed.
fn words(conditions: &[Condition]) -> Option<String> {
    match conditions {
        [Condition::Done] => Some("if done".into()),
        [Condition::NotNeeded] => Some("if not needed".into()),
        _ => None,
    }
}

/// Whether every bean within passed.
fn is_passed(graph: &GraphView) -> bool {
    graph.vertices.iter().all(|vertex| match &vertex.graph {
        Some(within) => is_passed(within),
        None => vertex.outcome.is_some_and(OutcomeKind::is_passed),
    })
}

fn size(vertex: &VertexView) -> (i32, i32) {
    match &vertex.graph {
        None => {
            let letters = i32::try_from(vertex.name.chars().count()).unwrap_or(i32::MAX / LETTER / 2);
            (BOX.0.max(letters * LETTER + 2 * PADDING), BOX.1)
        }
        Some(within) => {
            let (width, height) = DagDrawing::default().draw(within, (0, 0));
            (width + 2 * PADDING, height + 2 * PADDING + TITLE)
        }
    }
}

/// The vertices by the longest way to them. They come in walking order, so whatever leads to one is before it.
fn layers(graph: &GraphView) -> Vec<Vec<usize>> {
    let mut depths: Vec<usize> = Vec::new();
    let mut layers: Vec<Vec<usize>> = Vec::new();
    for (at, vertex) in graph.vertices.iter().enumerate() {
        let leading = graph.edges.iter().filter(|edge: &&EdgeView| edge.to == vertex.name);
        let before = leading.filter_map(|edge| graph.vertices[..at].iter().position(|other| other.name == edge.from));
        let depth = before.filter_map(|before| depths.get(before)).max().map_or(0, |depth| depth + 1);
        depths.push(depth);
        if layers.len() <= depth {
            layers.resize(depth + 1, Vec::new());
        }
        layers[depth].push(at);
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertex(name: &str) -> VertexView {
        VertexView {
            name: name.into(),
            about: "Does it".into(),
            stands: false,
            outcome: None,
            reason: None,
            at_ms: None,
            graph: None,
        }
    }

    fn edge(from: &str, to: &str, when: Condition) -> EdgeView {
        EdgeView { from: from.into(), to: to.into(), when }
    }

    fn graph(vertices: Vec<VertexView>, edges: Vec<EdgeView>) -> GraphView {
        GraphView { name: "g".into(), about: String::new(), vertices, edges }
    }

    fn find<'a>(drawing: &'a DagDrawing, name: &str) -> &'a Bean {
        drawing.boxes.iter().find(|bean| bean.name == name).expect(name)
    }

    #[test]
    fn a_vertex_stands_behind_all_that_lead_to_it_and_beside_its_equals() {
        use Condition::{Done, NotNeeded, Passed};
        let edges = vec![
            edge("A", "B", Done),
            edge("A", "C", NotNeeded),
            edge("B", "D", Passed),
            edge("C", "D", Done),
            edge("C", "D", NotNeeded),
        ];
        let drawing = DagDrawing::of(&graph(["A", "B", "C", "D"].map(vertex).into(), edges), None);
        let x = |name: &str| find(&drawing, name).x;
        assert!(x("A") < x("B") && x("B") == x("C") && x("C") < x("D"));
        assert!(find(&drawing, "B").y + BOX.1 < find(&drawing, "C").y);
        let labels: Vec<_> = drawing.arrows.iter().filter_map(|arrow| arrow.label.as_ref()).collect();
        let words: Vec<_> = labels.iter().map(|label| label.words.as_str()).collect();
        assert_eq!(words, ["if done", "if not needed"], "two ways of having passed are one arrow without words");
    }

    #[test]
    fn a_graph_within_a_graph_is_drawn_within_its_box() {
        let within = graph(vec![vertex("X"), vertex("Y")], vec![edge("X", "Y", Condition::Passed)]);
        let holder = VertexView { graph: Some(Box::new(within)), stands: true, ..vertex("HOLDER") };
        let drawing =
            DagDrawing::of(&graph(vec![vertex("A"), holder], vec![edge("A", "HOLDER", Condition::Passed)]), None);
        let holder = find(&drawing, "HOLDER");
        assert!(holder.holds && holder.here);
        for name in ["X", "Y"] {
            let bean = find(&drawing, name);
            assert!(holder.x < bean.x && bean.x + bean.width < holder.x + holder.width, "{name}");
            assert!(holder.y + TITLE < bean.y && bean.y + bean.height < holder.y + holder.height, "{name}");
        }
        assert!(drawing.boxes.iter().all(|bean| bean.x + bean.width < drawing.width));
        assert!(drawing.boxes.iter().all(|bean| bean.y + bean.height < drawing.height));
        // In a row of its own, to which the arrow turns.
        assert!(find(&drawing, "A").y + BOX.1 < holder.y);
        assert!(drawing.arrows.iter().any(|arrow| arrow.path.contains('V')));
    }

    #[test]
    fn a_box_is_as_wide_as_its_name() {
        let long = "CHECK_COMPONENTS_TO_UPGRADE";
        let drawing = DagDrawing::of(&graph(["A", long].map(vertex).into(), Vec::new()), None);
        assert_eq!(find(&drawing, "A").width, BOX.0);
        assert_eq!(find(&drawing, long).width, 27 * LETTER + 2 * PADDING);
    }
}
