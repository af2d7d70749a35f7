//! The work under way, as whoever drives the machine has it: begun, and told to go on or to stop.

use super::{Go, Hands, Line, Work, Worker};
use crate::machine::{Call, Event};
use pious_client::Agent;
use pious_protocol::{facts::Facts, ids::InstructionId, message::Report};
use std::sync::Arc;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

/// What the machine wants done: the parts of [`Action::Work`](crate::machine::Action::Work).
pub struct Asked {
    /// Which instruction.
    pub id: InstructionId,
    /// What.
    pub work: Work,
    /// Where Senzu is asked for what the work needs.
    pub call: Call,
    /// The facts as they stand.
    pub known: Arc<Facts>,
}

/// The work under way, or the last, and how it is told to go on.
#[derive(Debug, Default)]
pub struct UnderWay(Option<(InstructionId, watch::Sender<Go>)>);

impl UnderWay {
    /// Work as a future that tells [`Event::WorkEnded`] at its end; work that dies is a report too. Whoever drops it cuts
    /// the work off where it is.
    pub fn begin(
        &mut self,
        worker: &Worker,
        asked: Asked,
        senzu: Arc<Agent>,
        events: mpsc::Sender<Event>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let Asked { id, work, call, known } = asked;
        let (go, may_go) = watch::channel(None);
        self.0 = Some((id, go));
        let line = Line::new(id, events.clone(), may_go);
        let doing = worker(work, Hands { senzu, call, known, line });
        async move {
            // A task of its own, so that its panic is told; in a set, so that it ends with this future.
            let mut tasks = JoinSet::new();
            tasks.spawn(doing);
            let report = match tasks.join_next().await {
                Some(Ok(report)) => report,
                Some(Err(died)) => Report::Failed { reason: format!("the agent's own task died: {died}") },
                None => Report::Failed { reason: "the agent's own task is gone".into() },
            };
            // The loop is gone when the session ended.
            let _ended = events.send(Event::WorkEnded { id, report }).await;
        }
    }

    /// Tells the work for an instruction whether it goes on.
    pub fn proceed(&self, id: InstructionId, go: Result<(), String>) {
        if let Some((_, line)) = self.0.as_ref().filter(|(at_work, _)| *at_work == id) {
            line.send_replace(Some(go));
        }
    }
}
