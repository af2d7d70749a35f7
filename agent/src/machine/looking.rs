//! Which parts of the facts are to be read anew, and when: at once where an event says that they may have changed, from
//! time to time where no event would.
//!
//! Two lanes, each with one look at a time: what is read in a moment, and what may take a BMC or a disk seconds. Nothing
//! waits for the slow one.

use super::{Action, Moment, NetworkOwner, State, timing};
use crate::facts::{Part, Parts};
use pious_protocol::facts::{Disk, Observed};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long a look may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// A moment: files of the kernel's, netlink.
    Quick,
    /// Seconds: commands to a BMC or to a disk.
    Slow,
}

impl Lane {
    fn of(part: Part) -> Self {
        match part {
            Part::Bmc | Part::BmcHealth | Part::DiskHealth => Self::Slow,
            Part::Firmware
            | Part::Smbios
            | Part::Cpu
            | Part::Memory
            | Part::MemoryErrors
            | Part::Nics
            | Part::Disks
            | Part::Pci
            | Part::Sensors
            | Part::Kernel => Self::Quick,
        }
    }
}

/// One lane.
#[derive(Clone, Debug, Default)]
struct Look {
    wanted: Parts,
    running: Parts,
}

/// What is to be read, what is being read, and when each part was read last.
#[derive(Clone, Debug, Default)]
pub(super) struct Looking {
    quick: Look,
    slow: Look,
    read_at: BTreeMap<Part, Duration>,
    /// When each part is due again though nothing happens.
    due: BTreeMap<Part, Duration>,
}

impl Looking {
    pub(super) fn want(&mut self, parts: impl IntoIterator<Item = Part>) {
        for part in parts {
            self.lane(Lane::of(part)).wanted.insert(part);
        }
    }

    /// The parts to read now, and nothing while a look of the lane is under way.
    fn start(&mut self, lane: Lane) -> Option<Parts> {
        let look = self.lane(lane);
        if !look.running.is_empty() || look.wanted.is_empty() {
            return None;
        }
        look.running = std::mem::take(&mut look.wanted);
        Some(look.running.clone())
    }

    /// A look ended, with facts or without. What was wanted again meanwhile is still wanted.
    pub(super) fn ended(&mut self, parts: &Parts, owner: NetworkOwner, moment: Moment) {
        for lane in [Lane::Quick, Lane::Slow] {
            self.lane(lane).running.retain(|part| !parts.contains(part));
        }
        for &part in parts {
            self.read_at.insert(part, moment.at);
            if let Some(period) = timing::poll_period(part, owner) {
                // Its own luck for each part, so that they do not march in step.
                let random = moment.random.rotate_left(part as u32 * 5);
                self.due.insert(part, moment.at + timing::jittered(period, 0.8, 1.2, random));
            }
        }
    }

    pub(super) fn is_idle(&self, lane: Lane) -> bool {
        let look = match lane {
            Lane::Quick => &self.quick,
            Lane::Slow => &self.slow,
        };
        look.wanted.is_empty() && look.running.is_empty()
    }

    /// When a part was read last.
    pub(super) fn read_at(&self, part: Part) -> Option<Duration> {
        self.read_at.get(&part).copied()
    }

    /// When the next part is due that nobody reads now.
    fn wake(&self) -> Option<Duration> {
        let is_resting = |part: &Part| !self.quick.running.contains(part) && !self.slow.running.contains(part);
        self.due.iter().filter(|(part, _)| is_resting(part)).map(|(_, due)| *due).min()
    }

    fn lane(&mut self, lane: Lane) -> &mut Look {
        match lane {
            Lane::Quick => &mut self.quick,
            Lane::Slow => &mut self.slow,
        }
    }

    fn take_due(&mut self, at: Duration) {
        let due: Parts = self.due.iter().filter(|(_, due)| **due <= at).map(|(part, _)| *part).collect();
        self.due.retain(|part, _| !due.contains(part));
        self.want(due);
    }
}

impl State {
    /// Starts the looks that may start now.
    pub(super) fn pursue_looks(&mut self, moment: Moment, actions: &mut Vec<Action>) {
        self.looking.take_due(moment.at);
        for lane in [Lane::Quick, Lane::Slow] {
            if let Some(parts) = self.looking.start(lane) {
                actions.push(Action::Look { parts, known: Arc::clone(self.inventory.facts()) });
            }
        }
    }

    /// Disks can be asked for their health once they are known: a look of the slow lane that began before asked none.
    pub(super) fn ask_new_disks(&mut self, read: &Parts) {
        let is_new = |disk: &Disk| disk.health == Observed::default();
        if read.contains(&Part::Disks) && self.inventory.facts().disks.iter().any(is_new) {
            self.looking.want([Part::DiskHealth]);
        }
    }

    /// When a look is due though nothing happens.
    pub(super) fn look_wake(&self) -> Option<Duration> {
        self.looking.wake()
    }

    /// How long ago a part of the facts was read; `None` where it never was.
    pub fn age(&self, part: Part, now: Duration) -> Option<Duration> {
        self.looking.read_at(part).map(|read_at| now.saturating_sub(read_at))
    }
}
