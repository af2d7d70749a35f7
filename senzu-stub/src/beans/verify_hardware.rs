//! VERIFY_HARDWARE: is everything in the machine that was ordered?

use super::{is_network, judged};
use crate::dag::{Bean, BeanFuture, Run, Situation};

pub struct VerifyHardware;

impl Bean for VerifyHardware {
    fn name(&self) -> &'static str {
        "VERIFY_HARDWARE"
    }

    fn about(&self) -> &'static str {
        "Compares the hardware with its profile"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        Run::from(judged(situation, "hardware", |finding| !is_network(finding))).into()
    }
}
