//! VERIFY_…: the version counts once this boot session has read it from the device.

use super::{Leg, LegNeed, need, passed, recover, unless_in_recovery};
use crate::{
    dag::{Bean, BeanFuture, Outcome, Run, Situation},
    firmware::Recipes,
};
use pious_protocol::{firmware::FirmwareComponent, version};
use std::{cmp::Ordering, sync::Arc};

pub struct Verify {
    pub leg: Leg,
    pub recipes: Arc<Recipes>,
}

impl Bean for Verify {
    fn name(&self) -> &'static str {
        self.leg.verify
    }

    fn about(&self) -> &'static str {
        "Believes a version once it was read from the device"
    }

    fn run<'a>(&'a self, situation: &'a Situation) -> BeanFuture<'a> {
        unless_in_recovery(situation, self.verify(situation)).into()
    }
}

impl Verify {
    fn verify(&self, situation: &Situation) -> Run {
        match need(situation, self.leg, &self.recipes) {
            LegNeed::Runs(version) => self.read_back(situation, &version),
            // The step before stands still where there is one to take.
            LegNeed::Step(_, step) => {
                Outcome::Wait { what: format!("{} to be read back", step.to), until: None }.into()
            }
            need => passed(&need, self.leg).unwrap_or(Outcome::NotNeeded { words: String::new() }).into(),
        }
    }

    fn read_back(&self, situation: &Situation, runs: &str) -> Run {
        let Some(firmware) = &situation.firmware else { return Outcome::NotNeeded { words: String::new() }.into() };
        let read = firmware.installed.iter().find(|installed| installed.firmware.component == self.leg.component);
        let source = read.map(|installed| installed.firmware.source.as_str()).unwrap_or_default();
        // The machine's own word counts beside the BMC's, where the two can be compared.
        let other = (self.leg.component == FirmwareComponent::Bios).then_some(firmware.bios.as_deref()).flatten();
        match other.map(|bios| (bios, version::compare(bios, runs))) {
            Some((bios, Some(Ordering::Less | Ordering::Greater))) => recover(format!(
                "the BMC says that BIOS {runs} runs ({source}), and the machine's own SMBIOS says {bios}"
            )),
            Some((bios, Some(Ordering::Equal))) => {
                Outcome::Done { words: format!("{runs}, read from {source}; SMBIOS says {bios}") }.into()
            }
            Some((_, None)) | None => Outcome::Done { words: format!("{runs}, read from {source}") }.into(),
        }
    }
}
