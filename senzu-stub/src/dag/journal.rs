//! What one run finds: the way that it takes, and of each bean's outcome what is news.

use super::{Bean, Graph, Outcome, OutcomeKind, Situation, replay::Step};
use crate::store::{
    Conn, StoreError,
    transitions::{self, Transition},
};
use pious_protocol::ids::AssetId;
use uuid::Uuid;

/// One run. Kept in memory while it goes on and stored at its end, in the transaction of all that it does.
pub(super) struct Journal {
    pub(super) run: Uuid,
    pub(super) path: Vec<Step>,
    /// How each bean last came out, in this run or one before it.
    newest: Vec<Transition>,
    news: Vec<Transition>,
}

impl Journal {
    pub(super) fn new(run: Uuid) -> Self {
        Self { run, path: Vec::new(), newest: Vec::new(), news: Vec::new() }
    }

    /// Loads how beans, each named with its graph, came out before. To be spared where none can have come out in the boot
    /// session that counts: in another one, all is news.
    pub(super) async fn recall(
        &mut self,
        conn: &mut Conn,
        asset: AssetId,
        beans: &[(&str, &str)],
    ) -> Result<(), StoreError> {
        let known = |graph: &str, bean: &str| self.newest.iter().any(|newest| newest.is_of(graph, bean));
        let missing: Vec<_> = beans.iter().copied().filter(|(graph, bean)| !known(graph, bean)).collect();
        self.newest.extend(transitions::newest(conn, asset, &missing).await?);
        Ok(())
    }

    /// Notes how a bean came out, if that is news.
    pub(super) fn note(&mut self, situation: &Situation, graph: &str, bean: &str, outcome: &Outcome) {
        let transition = Transition {
            boot: situation.session.as_ref().map(|session| session.boot_id),
            graph: graph.to_owned(),
            bean: bean.to_owned(),
            outcome: outcome.kind(),
            reason: outcome.reason(),
            at: situation.now,
        };
        let known = self.newest.iter_mut().find(|newest| newest.is_of(graph, bean));
        let is_known = |known: &Transition| Transition { at: transition.at, ..known.clone() } == transition;
        match known {
            Some(known) if is_known(known) => return,
            Some(known) => *known = transition.clone(),
            None => self.newest.push(transition.clone()),
        }
        self.news.push(transition);
    }

    /// A step of the way.
    pub(super) fn step(&mut self, graph: &Graph, bean: &dyn Bean, outcome: OutcomeKind) {
        self.path.push(Step { graph: graph.name().to_owned(), bean: bean.name().to_owned(), outcome });
    }

    /// Whether the run found anything new.
    pub(super) fn is_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// Writes the news down.
    pub(super) async fn store(&self, conn: &mut Conn, asset: AssetId) -> Result<(), StoreError> {
        transitions::insert(conn, asset, self.run, &self.news).await
    }
}
