//! The machine's devices: whether their drivers are loaded and what they found is read. Only then is there anything to
//! judge: what has no driver yet is not missing.

use super::{Action, Moment, State, looking::Lane};
use crate::facts::Part;
use std::{collections::BTreeSet, time::Duration};

/// Whether the machine's devices have their drivers: what is not there before is not missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Devices {
    /// Drivers load; not waited for longer than until then.
    Coming { until: Duration },
    /// Drivers are loaded; what they found is being read.
    Settled { until: Duration },
    /// All is read.
    Read,
}

/// Whether there is a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judging {
    /// There is.
    Judged,
    /// Not yet: drivers load.
    DevicesComing,
    /// Not yet: Senzu has not said what is expected.
    NothingExpected,
}

impl State {
    /// Drivers are loaded for what is there: what they found is read now. Later, what came or went says which parts.
    pub(super) fn devices_settled(&mut self, subsystems: &BTreeSet<String>, moment: Moment) {
        self.reached("modules", moment.at);
        match self.devices {
            Devices::Coming { until } => {
                self.devices = Devices::Settled { until };
                self.looking.want(Part::ALL.into_iter().filter(|part| part.needs_drivers()));
            }
            Devices::Settled { .. } | Devices::Read => {
                self.looking.want(subsystems.iter().flat_map(|subsystem| Part::of_subsystem(subsystem)).copied());
            }
        }
    }

    /// Notes that all devices are read, or had their time; only then is there anything to judge.
    pub(super) fn look_at_devices(&mut self, moment: Moment, actions: &mut Vec<Action>) {
        let is_read = match self.devices {
            Devices::Coming { until } => moment.at >= until,
            Devices::Settled { until } => {
                moment.at >= until || (self.inventory.is_gathered() && self.looking.is_idle(Lane::Quick))
            }
            Devices::Read => false,
        };
        if is_read {
            self.devices = Devices::Read;
            self.judge(actions);
        }
        if self.judging() == Judging::Judged {
            self.reached("findings", moment.at);
        }
    }

    /// Whether there is a judgement.
    pub(crate) fn judging(&self) -> Judging {
        match (self.devices, &self.known) {
            (Devices::Coming { .. } | Devices::Settled { .. }, _) => Judging::DevicesComing,
            (Devices::Read, None) => Judging::NothingExpected,
            (Devices::Read, Some(_)) => Judging::Judged,
        }
    }
}
