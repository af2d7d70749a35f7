//! The way through a graph, without doing anything: which bean is next, given how those before came out. The engine and
//! [`super::replay`] both go it, so that history on paper takes the way that the asset took.

use super::{Bean, Graph, OutcomeKind, graph::Place, graph::Vertex};
use std::collections::HashMap;

/// A walk under way.
pub struct Walk<'g> {
    /// The graph, and the ones within it that the walk is in.
    levels: Vec<Level<'g>>,
}

struct Level<'g> {
    graph: &'g Graph,
    places: Vec<Place>,
    next: usize,
    at: Option<Place>,
    outcomes: HashMap<Place, OutcomeKind>,
}

impl<'g> Level<'g> {
    fn new(graph: &'g Graph) -> Self {
        Self { graph, places: graph.places().collect(), next: 0, at: None, outcomes: HashMap::new() }
    }

    /// The next place that the walk has come to.
    fn advance(&mut self) -> Option<Place> {
        while let Some(place) = self.places.get(self.next).copied() {
            self.next += 1;
            if self.graph.is_reached(place, &self.outcomes) {
                self.at = Some(place);
                return Some(place);
            }
        }
        None
    }

    /// How the graph as a whole came out.
    fn outcome(&self) -> OutcomeKind {
        let outcomes = || self.places.iter().filter_map(|place| self.outcomes.get(place).copied());
        outcomes().find(|outcome| !outcome.is_passed()).unwrap_or_else(|| {
            let is_done = outcomes().any(|outcome| outcome == OutcomeKind::Done);
            if is_done { OutcomeKind::Done } else { OutcomeKind::NotNeeded }
        })
    }
}

impl<'g> Walk<'g> {
    pub fn new(graph: &'g Graph) -> Self {
        Self { levels: vec![Level::new(graph)] }
    }

    /// The next bean to run, and the graph that it stands in. How it came out is then to be told to [`Walk::came_out`].
    pub fn next(&mut self) -> Option<(&'g Graph, &'g dyn Bean)> {
        loop {
            let level = self.levels.last_mut()?;
            let graph = level.graph;
            match level.advance().map(|place| graph.vertex(place)) {
                Some(Vertex::Bean(bean)) => return Some((graph, bean.as_ref())),
                Some(Vertex::Graph(within)) => self.levels.push(Level::new(within)),
                None => {
                    let outcome = level.outcome();
                    self.levels.pop();
                    self.came_out(outcome);
                }
            }
        }
    }

    pub fn came_out(&mut self, outcome: OutcomeKind) {
        if let Some(level) = self.levels.last_mut()
            && let Some(at) = level.at
        {
            level.outcomes.insert(at, outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::{BeanFuture, Condition::Passed, Engine, Outcome, OutcomeKind::*, Run, Situation, replay};

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

    /// FIND → UPGRADE {BMC → BIOS} → END
    fn nested() -> Graph {
        let upgrade = Graph::builder("UPGRADE").bean(Named("BMC")).bean(Named("BIOS")).edge("BMC", Passed, "BIOS");
        Graph::builder("outer")
            .bean(Named("FIND"))
            .graph(upgrade.build().unwrap())
            .bean(Named("END"))
            .edge("FIND", Passed, "UPGRADE")
            .edge("UPGRADE", Passed, "END")
            .build()
            .unwrap()
    }

    fn one(name: &'static str) -> Graph {
        Graph::builder(name).bean(Named("ONLY")).build().unwrap()
    }

    /// The way through a graph where the beans come out so.
    fn way(graph: &Graph, outcomes: &[(&'static str, OutcomeKind)]) -> Vec<replay::Step> {
        let mut walk = Walk::new(graph);
        let mut path = Vec::new();
        while let Some((within, bean)) = walk.next() {
            let outcome = outcomes.iter().find(|(name, _)| *name == bean.name()).map_or(Done, |(_, outcome)| *outcome);
            walk.came_out(outcome);
            path.push(replay::Step { graph: within.name().into(), bean: bean.name().into(), outcome });
        }
        path
    }

    fn names(path: &[replay::Step]) -> Vec<(&str, &str)> {
        path.iter().map(|step| (step.graph.as_str(), step.bean.as_str())).collect()
    }

    #[test]
    fn a_graph_within_is_walked_in_its_place() {
        let graph = nested();
        let all = [("outer", "FIND"), ("UPGRADE", "BMC"), ("UPGRADE", "BIOS"), ("outer", "END")];
        assert_eq!(names(&way(&graph, &[])), all);
        assert_eq!(names(&way(&graph, &[("BMC", NotNeeded), ("BIOS", NotNeeded)])), all);
        // What stands still within makes the graph stand still.
        assert_eq!(names(&way(&graph, &[("BIOS", Wait)])), all[..3]);
        assert_eq!(names(&way(&graph, &[("BMC", Blocked)])), all[..2]);
        assert_eq!(names(&way(&graph, &[("FIND", Failed)])), all[..1]);
    }

    #[test]
    fn every_way_is_the_same_on_paper_and_a_changed_one_is_noticed() {
        let engine = Engine {
            discovery: nested(),
            promotion: one("other"),
            retirement: one("retirement"),
            wiping: one("wiping"),
            firmware: one("firmware"),
            holder: "us".into(),
        };
        let all = [Done, NotNeeded, Instruct, Wait, Blocked, Failed];
        let mut ways = 0;
        for (find, bmc, bios, end) in combinations(&all) {
            let path = way(&engine.discovery, &[("FIND", find), ("BMC", bmc), ("BIOS", bios), ("END", end)]);
            assert_eq!(replay::replay(&engine, &path), None, "{path:?}");
            // Then another graph applied.
            let both = [path.clone(), way(&engine.promotion, &[])].concat();
            assert_eq!(replay::replay(&engine, &both), None, "{both:?}");
            // A step that is missing, and a way that goes on where it could not.
            for missing in 1..path.len() {
                let mut less = path.clone();
                less.remove(missing);
                assert!(replay::replay(&engine, &less).is_some(), "{less:?}");
            }
            let mut stopped = path.clone();
            if let Some(step) = stopped.first_mut().filter(|_| path.len() > 1) {
                step.outcome = Blocked;
                assert!(replay::replay(&engine, &stopped).is_some(), "{stopped:?}");
            }
            ways += 1;
        }
        assert_eq!(ways, 6 * 6 * 6 * 6);
    }

    /// Every combination of four outcomes.
    fn combinations(
        all: &[OutcomeKind; 6],
    ) -> impl Iterator<Item = (OutcomeKind, OutcomeKind, OutcomeKind, OutcomeKind)> {
        let all = *all;
        (0..1296_usize).map(move |n| (all[n % 6], all[n / 6 % 6], all[n / 36 % 6], all[n / 216]))
    }
}
