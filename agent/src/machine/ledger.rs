//! What became of instructions: the ended ones, and the reports that Senzu has not got yet.
//!
//! Instructions come at least once; this is what makes them be done once.

use super::timing::REMEMBERED_INSTRUCTIONS;
use pious_protocol::{
    ids::{InstructionId, Sequence},
    message::Report,
};
use std::collections::VecDeque;

/// A report on its way to Senzu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub id: InstructionId,
    pub sequence: Sequence,
    pub report: Report,
}

/// What became of instructions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    ended: VecDeque<Outgoing>,
    /// The highest sequence among those that are not remembered one by one any more.
    forgotten: Option<Sequence>,
    outbox: VecDeque<Outgoing>,
    /// All up to this one are ended, and Senzu knows.
    delivered: Sequence,
}

impl Ledger {
    /// The final report of an instruction that ended before.
    pub fn earlier(&self, id: InstructionId) -> Option<&Report> {
        self.ended.iter().find(|ended| ended.id == id).map(|ended| &ended.report)
    }

    /// Whether an instruction is so old that it may have been done and forgotten.
    pub fn may_be_forgotten(&self, sequence: Sequence) -> bool {
        self.forgotten.is_some_and(|forgotten| sequence <= forgotten)
    }

    /// Notes that an instruction ended, and sends its report.
    pub fn end(&mut self, outgoing: Outgoing) {
        self.ended.push_back(outgoing.clone());
        while self.ended.len() > REMEMBERED_INSTRUCTIONS {
            let oldest = self.ended.pop_front().map(|oldest| oldest.sequence);
            self.forgotten = self.forgotten.max(oldest);
        }
        self.send(outgoing);
    }

    /// Sends a report without noting anything (again, or of something that is not believed).
    pub fn send(&mut self, outgoing: Outgoing) {
        if !self.outbox.contains(&outgoing) {
            self.outbox.push_back(outgoing);
        }
    }

    /// Sends how far work is: the newest alone, in place of what was not sent yet. What is flying stays in front.
    pub fn progress(&mut self, outgoing: Outgoing, is_flying: bool) {
        self.withdraw(outgoing.id, is_flying);
        self.outbox.push_back(outgoing);
    }

    /// Takes back progress that was not sent yet.
    pub fn withdraw(&mut self, id: InstructionId, is_flying: bool) {
        let flying = usize::from(is_flying).min(self.outbox.len());
        let mut unsent = self.outbox.split_off(flying);
        unsent.retain(|outgoing| outgoing.id != id || !matches!(outgoing.report, Report::Progress { .. }));
        self.outbox.append(&mut unsent);
    }

    /// Skips what can't even be reported.
    pub fn skip(&mut self, sequence: Sequence) {
        self.delivered = self.delivered.max(sequence);
    }

    /// The report to send next.
    pub fn next(&self) -> Option<&Outgoing> {
        self.outbox.front()
    }

    /// The report sent last arrived (or Senzu will never take it).
    pub fn delivered(&mut self) -> Option<Outgoing> {
        let outgoing = self.outbox.pop_front()?;
        if outgoing.report.is_final() {
            self.delivered = self.delivered.max(outgoing.sequence);
        }
        Some(outgoing)
    }

    /// Whether a report of this instruction is still on its way.
    pub fn owes(&self, id: InstructionId) -> bool {
        self.outbox.iter().any(|outgoing| outgoing.id == id)
    }

    /// What to poll behind.
    pub fn after(&self) -> Sequence {
        self.delivered
    }

    /// A new session: Senzu is asked for everything again, and told again what it asks for again.
    pub fn ask_again(&mut self) {
        self.delivered = Sequence(0);
    }
}
