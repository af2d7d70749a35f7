//! Instructions: believed or not, judged, done once, one at a time.
//!
//! One that is not believed (unsigned, wrongly signed, an unknown key, no instruction at all) is reported under the id
//! that its body claims, where one can be read, so that whoever sent it learns why nothing happens; where none can be
//! read, the console and the log say so. What it claims is never remembered: a forgery can't spoil the real one.

use super::{Action, Call, Farewell, Moment, Owed, State, Working, ledger::Outgoing, timing};
use crate::work::{self, Decision, Work};
use pious_protocol::{
    envelope::SealError,
    ids::InstructionId,
    instruction::Instruction,
    message::{Report, SealedInstruction},
};
use serde::Deserialize;
use std::sync::Arc;

impl State {
    /// Takes one sealed instruction.
    pub(super) fn ordered(&mut self, sealed: &SealedInstruction, moment: Moment, actions: &mut Vec<Action>) {
        match self.config.keys.open(&sealed.jws) {
            Ok(instruction) => self.believed(&instruction, moment, actions),
            Err(problem) => self.not_believed(sealed, &problem, actions),
        }
    }

    fn not_believed(&mut self, sealed: &SealedInstruction, problem: &SealError, actions: &mut Vec<Action>) {
        let Some(id) = claimed_id(&sealed.jws) else {
            self.warn(format!("an instruction without a readable id was refused: {problem}"), actions);
            self.ledger.skip(sealed.sequence);
            return;
        };
        self.warn(format!("instruction {id} was refused: {problem}"), actions);
        if self.desk.has(id) {
            // The genuine one is worked on or waits, and ends with a report of its own.
            self.ledger.skip(sealed.sequence);
            return;
        }
        let report = match self.ledger.earlier(id) {
            Some(earlier) => earlier.clone(),
            None => Report::Refused { reason: problem.to_string() },
        };
        self.ledger.send(Outgoing { id, sequence: sealed.sequence, report });
    }

    fn believed(&mut self, instruction: &Instruction, moment: Moment, actions: &mut Vec<Action>) {
        let Instruction { id, sequence, .. } = *instruction;
        if let Some(earlier) = self.ledger.earlier(id) {
            let report = earlier.clone();
            self.ledger.send(Outgoing { id, sequence, report });
        } else if self.desk.holds(instruction) {
            // It is worked on, or waits.
        } else if self.desk.working().is_some() {
            self.desk.wait(instruction.clone());
        } else {
            self.start(instruction, moment, actions);
        }
    }

    /// Judges an instruction whose turn it is, and does it.
    pub(super) fn start(&mut self, instruction: &Instruction, moment: Moment, actions: &mut Vec<Action>) {
        let Some(known) = &self.known else { return };
        let sequence = instruction.sequence;
        let decision = if self.ledger.may_be_forgotten(sequence) {
            Decision::Answer(Report::Refused {
                reason: format!("its sequence {} is behind instructions that are long ended", sequence.0),
            })
        } else {
            work::decide(
                instruction,
                &work::Circumstances {
                    asset: known.asset,
                    boot: self.config.boot_id,
                    now: known.clock.now(moment.at),
                    state: known.standing.state,
                    power: self.config.power,
                },
            )
        };
        self.do_once(instruction, decision, moment, actions);
    }

    fn do_once(&mut self, instruction: &Instruction, decision: Decision, moment: Moment, actions: &mut Vec<Action>) {
        let Instruction { id, sequence, .. } = *instruction;
        let kind = instruction.action.kind();
        let report = match decision {
            Decision::Answer(report) => report,
            Decision::Work(work) => return self.start_work(instruction, work, actions),
            Decision::SwitchState { to, report } => {
                if let Some(known) = &mut self.known {
                    known.standing.state = to;
                }
                self.state_unreported = Some(id);
                report
            }
            Decision::End { ending, report } => {
                let deadline = moment.at + timing::FAREWELL;
                self.farewell = Some(Farewell { ending, owed: Owed::ReportOf(id), deadline });
                report
            }
        };
        let outgoing = Outgoing { id, sequence, report };
        self.log_end(&outgoing, kind, actions);
        self.ledger.end(outgoing);
        actions.push(Action::Render);
    }

    /// Begins what takes time.
    fn start_work(&mut self, instruction: &Instruction, work: Work, actions: &mut Vec<Action>) {
        // Without a session nothing can be asked for it; the next one is handed it again.
        let Some(token) = self.token.clone() else { return };
        let Instruction { id, sequence, .. } = *instruction;
        let working = Working::new(instruction, &work);
        actions.push(Action::Log(format!(
            "instruction {id} ({}) begins: {}",
            instruction.action.kind(),
            working.title
        )));
        self.desk.work_on(working);
        self.ledger.send(Outgoing { id, sequence, report: Report::Accepted });
        let (call, known) = (Call { senzu: self.senzu, token }, Arc::clone(self.inventory.facts()));
        actions.push(Action::Work { id, work, call, known });
        actions.push(Action::Render);
    }

    /// Tells people how an instruction ended; `what` is what it was.
    pub(super) fn log_end(&mut self, ended: &Outgoing, what: &str, actions: &mut Vec<Action>) {
        let id = ended.id;
        actions.push(Action::Log(match &ended.report {
            Report::Refused { reason } => format!("instruction {id} ({what}) refused: {reason}"),
            Report::Failed { reason } => format!("instruction {id} ({what}) failed: {reason}"),
            Report::Done { .. } => format!("instruction {id} ({what}) done"),
            Report::Accepted | Report::Progress { .. } | Report::Unknown => format!("instruction {id} ({what})"),
        }));
        match &ended.report {
            Report::Refused { reason } => self.warn(format!("instruction {what} was refused: {reason}"), actions),
            Report::Failed { reason } => self.warn(format!("instruction {what} failed: {reason}"), actions),
            Report::Done { .. } | Report::Accepted | Report::Progress { .. } | Report::Unknown => {}
        }
    }
}

/// The id in the body of an instruction that is not believed.
fn claimed_id(jws: &str) -> Option<InstructionId> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    #[derive(Deserialize)]
    struct Claim {
        jti: InstructionId,
    }
    let jws = (jws.len() <= pious_protocol::envelope::MAX_SEALED_BYTES).then_some(jws)?;
    let body = jws.split('.').nth(1)?;
    let body = URL_SAFE_NO_PAD.decode(body).ok()?;
    serde_json::from_slice::<Claim>(&body).ok().map(|claim| claim.jti)
}
