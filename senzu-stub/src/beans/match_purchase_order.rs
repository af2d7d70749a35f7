//! MATCH_PURCHASE_ORDER: is it one that was ordered? Then its delivery counts up. `chakshu` has the rule.

use crate::{
    chakshu::Purchase,
    dag::{Bean, BeanFuture, Effect, Outcome, Run, Situation},
    store::orders::Line,
};
use pious_protocol::message::AssetState;

pub struct MatchPurchaseOrder;

impl Bean for MatchPurchaseOrder {
    fn name(&self) -> &'static str {
        "MATCH_PURCHASE_ORDER"
    }

    fn about(&self) -> &'static str {
        "Finds the order line that the asset was bought by"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        run(situation).into()
    }
}

fn run(situation: &Situation) -> Run {
    let is_new = situation.asset.standing.state == AssetState::New;
    match &situation.purchase {
        Purchase::Matched { line } => matched(line).into(),
        Purchase::Dismissed { by } => Outcome::NotNeeded { words: format!("{by} said that it needs none") }.into(),
        Purchase::NoOrders => Outcome::NotNeeded { words: "Senzu knows of no purchase order".into() }.into(),
        // It graduated before its order was known; nothing is taken back from it.
        Purchase::Fits { .. } | Purchase::Unknown if !is_new => {
            Outcome::NotNeeded { words: "it graduated without one".into() }.into()
        }
        Purchase::Fits { line, how } => {
            Run::from(matched(line)).with(Effect::TakePlace { line: line.clone(), how: *how })
        }
        Purchase::Unknown => Outcome::Blocked {
            by: "no order line has a place for it".into(),
            who_acts: "an operator assigns it to a line, imports its order, or dismisses the alert".into(),
        }
        .into(),
    }
}

/// The same words before and after the place is taken: walking twice is walking once.
fn matched(line: &Line) -> Outcome {
    Outcome::Done { words: format!("it is of order {} line {}", line.order, line.line) }
}
