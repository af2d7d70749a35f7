//! RETIRE: an asset whose retirement two operators agreed on is RETIRED, whatever its checks say and wherever it is.

use crate::{
    dag::{Bean, BeanFuture, Effect, Outcome, Run, Situation},
    store::approvals::ApprovalOutcome,
};
use pious_protocol::message::AssetState;

pub struct Retire;

impl Bean for Retire {
    fn name(&self) -> &'static str {
        "RETIRE"
    }

    fn about(&self) -> &'static str {
        "Makes an asset RETIRED, as two operators agreed"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        run(situation).into()
    }
}

fn run(situation: &Situation) -> Run {
    let Some(approval) = &situation.approval else {
        return Outcome::NotNeeded { words: "nobody approved it".into() }.into();
    };
    let decided_by = approval.decided_by.as_deref().unwrap_or("nobody");
    let why = format!("asked for by {}, approved by {decided_by}: {}", approval.asked_by, approval.why);
    let end = |effects: Vec<Effect>, outcome, words: String| {
        let run = Run { outcome: Outcome::Done { words: words.clone() }, effects };
        run.with(Effect::EndApproval { outcome, words })
    };
    let retired = |effects| end(effects, ApprovalOutcome::Done, "it is RETIRED".into());
    match situation.asset.standing.state {
        AssetState::Retired => retired(Vec::new()),
        AssetState::New | AssetState::Spare => retired(vec![Effect::Become { state: AssetState::Retired, why }]),
        state @ (AssetState::Baremetal | AssetState::Unknown) => {
            end(Vec::new(), ApprovalOutcome::Failed, format!("it is {state} now, and is not retired from that"))
        }
    }
}
