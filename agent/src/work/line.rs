//! The line between work and the machine: how far it is goes one way, whether it may go on comes the other.

use crate::machine::Event;
use pious_protocol::{firmware::FlashPhase, ids::InstructionId, message::Report};
use thiserror::Error;
use tokio::sync::{mpsc, watch};

/// What the machine says of going on: nothing yet, once that it may, or that it must stop.
pub type Go = Option<Result<(), String>>;

/// Why work is to stop.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Halt(pub String);

/// One work's line.
#[derive(Debug)]
pub struct Line {
    id: InstructionId,
    events: mpsc::Sender<Event>,
    go: watch::Receiver<Go>,
    is_past_gate: bool,
}

impl Line {
    /// Of the work for this instruction.
    pub fn new(id: InstructionId, events: mpsc::Sender<Event>, go: watch::Receiver<Go>) -> Self {
        Self { id, events, go, is_past_gate: false }
    }

    /// Which instruction is worked on.
    pub fn id(&self) -> InstructionId {
        self.id
    }

    /// Tells how far work is that has no phases.
    pub async fn progress(&mut self, percent: u8, words: impl Into<String>) -> Result<(), Halt> {
        self.tell(Report::progress(percent, words)).await
    }

    /// Tells how far an update of firmware is. The first [`FlashPhase::HandingOver`] waits until Senzu took it; before
    /// that, work may be told to stop, and behind it nobody can.
    pub async fn phase(&mut self, phase: FlashPhase, percent: u8, words: impl Into<String>) -> Result<(), Halt> {
        self.tell(Report::Progress { percent, words: words.into(), phase: Some(phase) }).await?;
        if phase == FlashPhase::HandingOver && !self.is_past_gate {
            match self.go.wait_for(Option::is_some).await.map(|go| go.clone()) {
                Ok(Some(Ok(()))) => self.is_past_gate = true,
                Ok(Some(Err(reason))) => return Err(Halt(reason)),
                Ok(None) | Err(_) => return Err(ended()),
            }
        }
        Ok(())
    }

    async fn tell(&mut self, report: Report) -> Result<(), Halt> {
        if let Some(Err(reason)) = &*self.go.borrow() {
            return Err(Halt(reason.clone()));
        }
        match self.events.send(Event::WorkProgressed { id: self.id, report }).await {
            // With a BMC that writes, the end of this session is no reason to look away.
            Err(_) if !self.is_past_gate => Err(ended()),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn ended() -> Halt {
    Halt("this session ended".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use FlashPhase::{Fetching, Flashing, HandingOver};
    use std::time::Duration;

    fn line() -> (Line, mpsc::Receiver<Event>, watch::Sender<Go>) {
        let (events, told) = mpsc::channel(8);
        let (say, go) = watch::channel(None);
        (Line::new(InstructionId(uuid::Uuid::from_u128(1)), events, go), told, say)
    }

    /// Whether a phase is still waited for.
    async fn waits(line: &mut Line, phase: FlashPhase) -> bool {
        tokio::time::timeout(Duration::from_millis(50), line.phase(phase, 0, "")).await.is_err()
    }

    #[tokio::test]
    async fn the_gate_is_waited_for_once() {
        let (mut line, mut told, say) = line();
        assert_eq!(line.phase(Fetching, 100, "fetched").await, Ok(()));
        assert!(waits(&mut line, HandingOver).await);
        say.send_replace(Some(Ok(())));
        assert_eq!(line.phase(HandingOver, 0, "to the BMC").await, Ok(()));
        assert_eq!(line.phase(HandingOver, 50, "to the BMC").await, Ok(()));
        assert_eq!(line.phase(Flashing, 0, "writes").await, Ok(()));
        let first = told.recv().await.unwrap();
        let Event::WorkProgressed { report: Report::Progress { percent, words, phase }, .. } = first else { panic!() };
        assert_eq!((percent, words.as_str(), phase), (100, "fetched", Some(Fetching)));
    }

    #[tokio::test]
    async fn it_stops_at_the_gate_and_before_it() {
        let (mut line, _told, say) = line();
        let wait = tokio::spawn(async move { (line.phase(HandingOver, 0, "").await, line.progress(1, "").await) });
        tokio::task::yield_now().await;
        say.send_replace(Some(Err("Senzu answers 409".into())));
        let halt = Err(Halt("Senzu answers 409".into()));
        assert_eq!(wait.await.unwrap(), (halt.clone(), halt));
    }

    #[tokio::test]
    async fn nobody_who_listens_is_a_halt_only_before_the_gate() {
        let (mut line, told, say) = line();
        say.send_replace(Some(Ok(())));
        assert_eq!(line.phase(HandingOver, 0, "").await, Ok(()));
        drop((told, say));
        assert_eq!(line.phase(Flashing, 10, "").await, Ok(()));
        let (mut line, told, say) = self::line();
        drop((told, say));
        assert_eq!(line.phase(Fetching, 10, "").await, Err(ended()));
    }
}
