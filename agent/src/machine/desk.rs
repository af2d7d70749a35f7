//! The instruction that is being worked on, and those that wait behind it: one at a time, in sequence.
//!
//! Work that takes time is done elsewhere; here is what of it matters to Senzu. Up to the gate, the report that a BMC is
//! about to get an image, nothing has changed, and Senzu may still take the instruction back. Behind it nobody can.

use super::{Action, Moment, State, ledger::Outgoing, timing};
use crate::{machine::Failure, work::Work};
use pious_protocol::{
    firmware::FlashPhase,
    ids::{InstructionId, Sequence},
    instruction::Instruction,
    message::Report,
};
use std::{collections::VecDeque, time::Duration};

/// The most characters of a progress report's words: BMCs' messages are among them.
const MAX_WORDS_CHARS: usize = 300;

/// What is being worked on.
#[derive(Clone, Debug)]
pub(crate) struct Working {
    pub id: InstructionId,
    sequence: Sequence,
    /// What it is, for people.
    pub title: String,
    gate: Gate,
    pub progress: Option<Progress>,
}

/// How far work is, by its last word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub percent: u8,
    pub words: String,
    pub phase: Option<FlashPhase>,
}

/// The last permission, which Senzu gives by taking the report of [`FlashPhase::HandingOver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    /// Not reached yet.
    Ahead,
    /// Its report is on its way; the work waits, until then at the longest.
    Asked { until: Duration },
    /// Senzu took the report: the work goes to its end.
    Open,
    /// The work was told to stop.
    Shut,
}

impl Working {
    pub fn new(instruction: &Instruction, work: &Work) -> Self {
        Self {
            id: instruction.id,
            sequence: instruction.sequence,
            title: work.title(),
            gate: Gate::Ahead,
            progress: None,
        }
    }

    /// Whether a device is being written: whoever cuts the power now may break it.
    pub fn is_writing(&self) -> bool {
        let phase = self.progress.as_ref().and_then(|progress| progress.phase);
        phase.is_some_and(|phase| (FlashPhase::HandingOver..=FlashPhase::Restarting).contains(&phase))
    }

    fn outgoing(&self, report: Report) -> Outgoing {
        Outgoing { id: self.id, sequence: self.sequence, report }
    }
}

/// What is worked on, and what waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desk {
    working: Option<Working>,
    waiting: VecDeque<Instruction>,
    /// The highest sequence that this session handed out and that is here.
    held: Sequence,
}

impl Desk {
    pub fn working(&self) -> Option<&Working> {
        self.working.as_ref()
    }

    fn of(&mut self, id: InstructionId) -> Option<&mut Working> {
        self.working.as_mut().filter(|working| working.id == id)
    }

    /// Whether the instruction of this id is here.
    pub fn has(&self, id: InstructionId) -> bool {
        let working = self.working.iter().map(|working| working.id);
        working.chain(self.waiting.iter().map(|waiting| waiting.id)).any(|held| held == id)
    }

    /// Whether an instruction is here already; notes that Senzu handed it out.
    pub fn holds(&mut self, instruction: &Instruction) -> bool {
        let holds = self.has(instruction.id);
        if holds {
            self.held = self.held.max(instruction.sequence);
        }
        holds
    }

    pub fn work_on(&mut self, working: Working) {
        self.held = self.held.max(working.sequence);
        self.working = Some(working);
    }

    /// Puts an instruction behind the one that is worked on.
    pub fn wait(&mut self, instruction: Instruction) {
        self.held = self.held.max(instruction.sequence);
        let at = self.waiting.partition_point(|waiting| waiting.sequence <= instruction.sequence);
        self.waiting.insert(at, instruction);
    }

    /// Whether another instruction may wait here; otherwise it waits at Senzu.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < timing::WAITING_INSTRUCTIONS
    }

    /// What not to poll for: it is here.
    pub fn held(&self) -> Sequence {
        self.held
    }

    /// A new session: Senzu is asked for everything again, and what only waited comes again, if it still holds.
    pub fn ask_again(&mut self) {
        self.waiting.clear();
        self.held = Sequence(0);
    }
}

impl State {
    /// Takes how far the work is.
    pub(super) fn work_progressed(
        &mut self,
        id: InstructionId,
        report: Report,
        moment: Moment,
        actions: &mut Vec<Action>,
    ) {
        let Report::Progress { percent, words, phase } = report else { return };
        let is_flying = self.lines.report.is_flying();
        let Some(working) = self.desk.of(id) else { return };
        let (percent, words) = (percent.min(100), words.chars().take(MAX_WORDS_CHARS).collect::<String>());
        working.progress = Some(Progress { percent, words: words.clone(), phase });
        actions.push(Action::Render);
        match (working.gate, phase) {
            (Gate::Ahead, Some(FlashPhase::HandingOver)) => {
                working.gate = Gate::Asked { until: moment.at + timing::PERMISSION };
            }
            (Gate::Ahead | Gate::Open, _) => {}
            // It waits for the answer, which nothing may overtake; or Senzu wants to hear the end alone.
            (Gate::Asked { .. } | Gate::Shut, _) => return,
        }
        let outgoing = working.outgoing(Report::Progress { percent, words, phase });
        self.ledger.progress(outgoing, is_flying);
    }

    /// Takes the work's end, and goes on to what waits behind it.
    pub(super) fn work_ended(&mut self, id: InstructionId, report: Report, moment: Moment, actions: &mut Vec<Action>) {
        if self.desk.of(id).is_none() {
            return;
        }
        let Some(working) = self.desk.working.take() else { return };
        let report = match report {
            Report::Done { .. } | Report::Failed { .. } | Report::Refused { .. } => report,
            Report::Accepted | Report::Progress { .. } | Report::Unknown => {
                Report::Failed { reason: "it ended without a result".into() }
            }
        };
        self.ledger.withdraw(id, self.lines.report.is_flying());
        let outgoing = working.outgoing(report);
        self.log_end(&outgoing, &working.title, actions);
        self.ledger.end(outgoing);
        actions.push(Action::Render);
        self.start_waiting(moment, actions);
    }

    /// Starts what waits, up to the next that takes time.
    pub(super) fn start_waiting(&mut self, moment: Moment, actions: &mut Vec<Action>) {
        while self.desk.working.is_none() && self.farewell.is_none() && self.token.is_some() {
            let Some(next) = self.desk.waiting.pop_front() else { return };
            self.start(&next, moment, actions);
        }
    }

    /// Senzu took a report of the work, or never will.
    pub(super) fn work_told(&mut self, told: &Outgoing, taken: Result<(), &Failure>, actions: &mut Vec<Action>) {
        let Some(working) = self.desk.of(told.id) else { return };
        let is_gate = matches!(told.report, Report::Progress { phase: Some(FlashPhase::HandingOver), .. });
        match (working.gate, taken) {
            (Gate::Asked { .. }, Ok(())) if is_gate => {
                working.gate = Gate::Open;
                actions.push(Action::Proceed { id: told.id, go: Ok(()) });
            }
            (Gate::Ahead | Gate::Asked { .. }, Err(failure)) => {
                let reason = format!("it may not go on: Senzu {failure}");
                self.shut_gate(reason, actions);
            }
            (Gate::Ahead | Gate::Asked { .. } | Gate::Open | Gate::Shut, _) => {}
        }
    }

    /// Tells work that has not passed the gate to stop.
    pub(super) fn shut_gate(&mut self, reason: String, actions: &mut Vec<Action>) {
        let is_flying = self.lines.report.is_flying();
        let Some(working) = &mut self.desk.working else { return };
        match working.gate {
            Gate::Ahead | Gate::Asked { .. } => {}
            Gate::Open | Gate::Shut => return,
        }
        working.gate = Gate::Shut;
        self.ledger.withdraw(working.id, is_flying);
        actions.push(Action::Log(format!("instruction {} is to stop: {reason}", working.id)));
        actions.push(Action::Proceed { id: working.id, go: Err(reason) });
    }

    /// Shuts a gate at which Senzu gave no permission in time.
    pub(super) fn watch_gate(&mut self, moment: Moment, actions: &mut Vec<Action>) {
        if self.gate_wake().is_some_and(|wake| moment.at >= wake) {
            self.shut_gate("Senzu gave no last permission in time".into(), actions);
        }
    }

    /// Until when the last permission is waited for.
    pub(super) fn gate_wake(&self) -> Option<Duration> {
        match self.desk.working.as_ref()?.gate {
            Gate::Asked { until } => Some(until),
            Gate::Ahead | Gate::Open | Gate::Shut => None,
        }
    }

    /// The session is to end. Work that has changed nothing is dropped, and the next session is told to do it again; of
    /// other work Senzu hears where it stands.
    pub(super) fn leave_work(&mut self, actions: &mut Vec<Action>) {
        let is_flying = self.lines.report.is_flying();
        let Some(working) = &self.desk.working else { return };
        match (working.gate, &working.progress) {
            (Gate::Ahead | Gate::Asked { .. }, _) => {
                self.shut_gate("this session was told to end".into(), actions);
                self.desk.working = None;
            }
            (Gate::Open, Some(Progress { percent, words, phase })) => {
                let words = format!("the agent was told to end, and does not see the rest; the last it saw: {words}");
                let report = Report::Progress { percent: *percent, words, phase: *phase };
                self.ledger.progress(working.outgoing(report), is_flying);
            }
            // What was told to stop says itself how it ended.
            (Gate::Shut, _) | (Gate::Open, None) => {}
        }
    }
}
