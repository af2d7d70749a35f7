//! Instructions: believed or not, judged, done once.
//!
//! One that is not believed (unsigned, wrongly signed, an unknown key, no instruction at all) is reported under the id
//! that its body claims, where one can be read, so that whoever sent it learns why nothing happens; where none can be
//! read, the console and the log say so. What it claims is never remembered: a forgery can't spoil the real one.

use super::{Action, Farewell, Moment, Owed, State, ledger::Outgoing, timing};
use crate::work::{self, Decision};
use pious_protocol::{
    envelope::SealError,
    ids::InstructionId,
    instruction::Instruction,
    message::{Report, SealedInstruction},
};
use serde::Deserialize;

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
        let report = match self.ledger.earlier(id) {
            Some(earlier) => earlier.clone(),
            None => Report::Refused { reason: problem.to_string() },
        };
        self.ledger.send(Outgoing { id, sequence: sealed.sequence, report });
    }

    fn believed(&mut self, instruction: &Instruction, moment: Moment, actions: &mut Vec<Action>) {
        let Some(known) = &self.known else { return };
        let Instruction { id, sequence, .. } = *instruction;
        if let Some(earlier) = self.ledger.earlier(id) {
            let report = earlier.clone();
            self.ledger.send(Outgoing { id, sequence, report });
            return;
        }
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
        actions.push(Action::Log(match &report {
            Report::Refused { reason } => format!("instruction {id} ({kind}) refused: {reason}"),
            Report::Done { .. } | Report::Failed { .. } => format!("instruction {id} ({kind}) done"),
            Report::Accepted | Report::Progress { .. } | Report::Unknown => format!("instruction {id} ({kind})"),
        }));
        if let Report::Refused { reason } = &report {
            self.warn(format!("instruction {kind} was refused: {reason}"), actions);
        }
        self.ledger.end(Outgoing { id, sequence, report });
        actions.push(Action::Render);
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
