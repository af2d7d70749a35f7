//! An asset's way through its beans: drawn, and the same in words.

use super::drawing::dag::{self, DagDrawing};
use crate::{
    dag::{Condition, OutcomeKind},
    senzu::{AssetDetail, EdgeView, GraphView, VertexView},
    store::instructions::Status,
    words,
};

/// A graph as the page shows it.
pub struct Way {
    pub about: String,
    pub drawing: DagDrawing,
    pub beans: Vec<BeanLine>,
    /// The graphs within that are not shown, as nobody asked for them.
    pub left_out: String,
}

/// One bean in words.
pub struct BeanLine {
    pub name: String,
    pub about: String,
    pub mark: String,
    pub class: &'static str,
    pub here: bool,
    pub reason: Option<String>,
    pub at: Option<String>,
}

impl Way {
    /// A graph, in which a bean may be at work.
    pub fn of(graph: &GraphView, at_work: Option<&str>) -> Self {
        let (graph, left_out) = asked_for(graph);
        let mut beans = Vec::new();
        lines(&graph, at_work, &mut beans);
        Self { about: graph.about.clone(), drawing: DagDrawing::of(&graph, at_work), beans, left_out }
    }

    /// Where the asset stands.
    pub fn here(&self) -> Option<&BeanLine> {
        self.beans.iter().find(|bean| bean.here)
    }
}

/// The bean that waits for what it told, where somebody is doing that.
pub fn at_work(detail: &AssetDetail) -> Option<&str> {
    let step = detail.asset.standing.step.as_deref()?;
    let is_done_now = |told: &crate::senzu::InstructionView| told.state == Status::Accepted && told.issuer == step;
    detail.instructions.iter().any(is_done_now).then_some(step)
}

/// The graph without those within it that nobody asked for, and their names. Where a way led through one, it leads past it.
fn asked_for(graph: &GraphView) -> (GraphView, String) {
    let is_idle = |vertex: &&VertexView| vertex.graph.is_some() && vertex.outcome == Some(OutcomeKind::NotNeeded);
    let idle: Vec<_> = graph.vertices.iter().filter(is_idle).map(|vertex| vertex.name.clone()).collect();
    let mut edges = graph.edges.clone();
    for name in &idle {
        let (touching, mut others): (Vec<_>, Vec<_>) =
            edges.into_iter().partition(|edge| edge.from == *name || edge.to == *name);
        for into in touching.iter().filter(|edge| edge.to == *name) {
            let onwards = touching.iter().filter(|edge| edge.from == *name);
            others.extend(onwards.map(|edge| EdgeView {
                from: into.from.clone(),
                to: edge.to.clone(),
                when: Condition::Passed,
            }));
        }
        edges = others;
    }
    let vertices = graph.vertices.iter().filter(|vertex| !is_idle(vertex)).cloned().collect();
    (GraphView { vertices, edges, ..graph.clone() }, idle.join(", "))
}

/// The beans in walking order, those within graphs too.
fn lines(graph: &GraphView, at_work: Option<&str>, lines_of_all: &mut Vec<BeanLine>) {
    for vertex in &graph.vertices {
        match &vertex.graph {
            Some(within) => lines(within, at_work, lines_of_all),
            None => {
                let (mark, class) = match at_work == Some(vertex.name.as_str()) {
                    true => (dag::WORKING.to_owned(), "pending"),
                    false => dag::outcome(vertex.outcome),
                };
                lines_of_all.push(BeanLine {
                    here: vertex.stands,
                    name: vertex.name.clone(),
                    about: vertex.about.clone(),
                    mark,
                    class,
                    reason: vertex.reason.clone(),
                    at: vertex.at_ms.map(words::time),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertex(name: &str, graph: Option<GraphView>, outcome: Option<OutcomeKind>) -> VertexView {
        VertexView {
            name: name.into(),
            about: String::new(),
            stands: name == "FLASH",
            outcome,
            reason: None,
            at_ms: None,
            graph: graph.map(Box::new),
        }
    }

    fn chain(vertices: Vec<VertexView>) -> GraphView {
        let edges = vertices
            .windows(2)
            .map(|pair| EdgeView { from: pair[0].name.clone(), to: pair[1].name.clone(), when: Condition::Passed })
            .collect();
        GraphView { name: "g".into(), about: String::new(), vertices, edges }
    }

    #[test]
    fn what_nobody_asked_for_is_named_and_not_drawn_and_the_way_leads_past_it() {
        let leg = |bean: &str| Some(chain(vec![vertex(bean, None, Some(OutcomeKind::Wait))]));
        let graph = chain(vec![
            vertex("CHECK", None, Some(OutcomeKind::Done)),
            vertex("BMC", leg("FLASH"), None),
            vertex("NIC", leg("OTHER"), Some(OutcomeKind::NotNeeded)),
            vertex("PSU", leg("ANOTHER"), Some(OutcomeKind::NotNeeded)),
            vertex("CLOSE", None, None),
        ]);
        let way = Way::of(&graph, Some("FLASH"));
        let drawn: Vec<_> = way.drawing.boxes.iter().map(|bean| (bean.name.as_str(), bean.outcome.as_str())).collect();
        assert_eq!(drawn, [("CHECK", "✓ done"), ("BMC", ""), ("FLASH", "→ working"), ("CLOSE", "not reached")]);
        assert_eq!(way.drawing.arrows.len(), 2);
        assert_eq!(way.left_out, "NIC, PSU");
        let here = way.here().map(|bean| (bean.name.as_str(), bean.mark.as_str()));
        assert_eq!(here, Some(("FLASH", "→ working")));
    }
}
