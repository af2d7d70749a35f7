//! VERIFY_NETWORK: is every cable in its port, and does the port carry what it should?

use super::{is_network, judged};
use crate::dag::{Bean, BeanFuture, Run, Situation};

pub struct VerifyNetwork;

impl Bean for VerifyNetwork {
    fn name(&self) -> &'static str {
        "VERIFY_NETWORK"
    }

    fn about(&self) -> &'static str {
        "Compares the cabling with its plan"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        Run::from(judged(situation, "network", is_network)).into()
    }
}
