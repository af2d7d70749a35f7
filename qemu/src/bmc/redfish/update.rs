//! Updates of a BMC's firmware: one image at a time, and the task that tells of it. Pure.

use super::{
    fault::{Fault, WRONG_VERSION},
    log::Noted,
    state::Simulated,
};
use crate::bmc::image::{Label, Received};
use jiff::Timestamp;
use pious_protocol::firmware::{FirmwareComponent, Transfer};
use std::time::Duration;

/// Percents are told in steps of so many.
const STEP: u8 = 10;

/// Where [`Fault::ResetsMidFlash`] strikes.
const MID_FLASH: u8 = 50;

/// Where [`Fault::HangsAt60`] does.
const HANGS_AT: u8 = 60;

/// How many tasks it remembers.
const MAX_TASKS: usize = 32;

/// `TaskState`, as far as there is need of it (DSP0268, Task).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It runs.
    Running,
    /// It ended well.
    Completed,
    /// It did not.
    Exception,
}

/// What a task says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskMessage {
    /// `MessageId`.
    pub id: &'static str,
    /// `Message`.
    pub text: String,
    /// `Severity`.
    pub severity: &'static str,
}

/// One update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub number: u32,
    /// How it is.
    pub state: TaskState,
    /// How far it is.
    pub percent: u8,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it says.
    pub messages: Vec<TaskMessage>,
    course: Course,
}

/// What a task does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Course {
    /// It fetches its image.
    Fetches,
    /// It writes.
    Writes { since: Timestamp, label: Label, apply: ApplyTime, outcome: Outcome },
    /// Nothing any more.
    Over,
}

/// What comes of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Applies,
    AppliesAnother,
    Nothing,
    Hangs,
    Resets,
}

/// `@Redfish.OperationApplyTime`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplyTime {
    /// As soon as it is written.
    #[default]
    Immediate,
    /// When whatever it is for restarts anyway.
    OnReset,
}

/// What an image comes with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// What it is for: ids of FirmwareInventory; empty: what it says itself.
    pub targets: Vec<String>,
    /// When it shall apply.
    pub apply: ApplyTime,
}

/// Another update is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl Task {
    fn new(number: u32, now: Timestamp, course: Course) -> Self {
        Self { number, state: TaskState::Running, percent: 0, started: now, ended: None, messages: Vec::new(), course }
    }

    /// When it gets on.
    pub(super) fn next_due(&self, flash: Duration) -> Option<Timestamp> {
        let Course::Writes { since, outcome, .. } = &self.course else { return None };
        let stands = *outcome == Outcome::Hangs && self.percent >= HANGS_AT;
        (!stands).then(|| *since + flash * u32::from(self.percent + STEP) / 100)
    }

    /// It ends badly.
    pub(super) fn fail(&mut self, now: Timestamp, why: &str) -> Noted {
        self.end(now, TaskState::Exception, "Update.1.0.ApplyFailed", why.to_owned(), "Critical")
    }

    fn end(
        &mut self,
        now: Timestamp,
        state: TaskState,
        id: &'static str,
        text: String,
        severity: &'static str,
    ) -> Noted {
        self.state = state;
        self.ended = Some(now);
        self.course = Course::Over;
        self.messages.push(TaskMessage { id, text: text.clone(), severity });
        Noted::TaskEnded { task: self.number, state: format!("{state:?}"), message: text }
    }
}

impl Simulated {
    /// Somebody begins to hand an image over; it comes in so fast, if a fault bounds that.
    pub fn push_begins(&mut self, now: Timestamp, by: Transfer) -> Result<Option<u64>, Busy> {
        if self.is_receiving || self.tasks.iter().any(|task| task.state == TaskState::Running) {
            return Err(Busy);
        }
        Ok(self.receives(now, by))
    }

    fn receives(&mut self, now: Timestamp, by: Transfer) -> Option<u64> {
        self.is_receiving = true;
        self.note(now, Noted::PushBegun { by });
        self.faults.strike(|fault| match fault {
            Fault::SlowLink { bytes_per_s } => Some(bytes_per_s),
            _ => None,
        })
    }

    /// No more comes in.
    pub fn push_ends(&mut self, now: Timestamp, bytes: u64, sha256: String, complete: bool) {
        self.is_receiving = false;
        self.note(now, Noted::PushEnded { bytes, sha256, complete });
    }

    /// An image is here: answers the number of the task that writes it.
    pub fn write(&mut self, now: Timestamp, image: Received, wishes: &Wishes) -> u32 {
        let number = self.add_task(now, Course::Fetches);
        self.begin_writing(now, number, image, wishes);
        number
    }

    /// It shall fetch an image itself: answers the task's number, and how fast it comes in.
    pub fn fetch_begins(&mut self, now: Timestamp) -> Result<(u32, Option<u64>), Busy> {
        let speed = self.push_begins(now, Transfer::SimpleUpdate)?;
        Ok((self.add_task(now, Course::Fetches), speed))
    }

    /// What it fetched is here, or can't be had.
    pub fn fetched(&mut self, now: Timestamp, number: u32, image: Result<Received, String>, wishes: &Wishes) {
        match image {
            Ok(image) => self.begin_writing(now, number, image, wishes),
            Err(why) => self.with_task(now, number, |task| task.fail(now, &format!("can't fetch the image: {why}"))),
        }
    }

    fn add_task(&mut self, now: Timestamp, course: Course) -> u32 {
        let number = self.next_task;
        self.next_task += 1;
        if self.tasks.len() >= MAX_TASKS {
            self.tasks.remove(0);
        }
        self.tasks.push(Task::new(number, now, course));
        self.note(now, Noted::TaskStarted { task: number });
        number
    }

    fn begin_writing(&mut self, now: Timestamp, number: u32, image: Received, wishes: &Wishes) {
        let outcome = match () {
            () if self.faults.strikes(Fault::HangsAt60) => Outcome::Hangs,
            () if self.faults.strikes(Fault::ResetsMidFlash) => Outcome::Resets,
            () if self.faults.strikes(Fault::DoesNothing) => Outcome::Nothing,
            () if self.faults.strikes(Fault::WrongVersion) => Outcome::AppliesAnother,
            () => Outcome::Applies,
        };
        let label = match self.faults.strikes(Fault::RejectsSignature) {
            true => Err("signature verification failed".to_owned()),
            false => self.believe(image, &wishes.targets),
        };
        let apply = wishes.apply;
        match label {
            Ok(label) => {
                let course = Course::Writes { since: now, label, apply, outcome };
                if let Some(task) = self.tasks.iter_mut().find(|task| task.number == number) {
                    task.course = course;
                }
            }
            Err(why) => self.with_task(now, number, |task| task.fail(now, &why)),
        }
    }

    /// What an image is for, if it is for this machine.
    fn believe(&self, image: Received, targets: &[String]) -> Result<Label, String> {
        let label = image.label.map_err(|error| error.to_string())?;
        if label.model != self.is.model {
            return Err(format!("the image is for model {:?}; this is {:?}", label.model, self.is.model));
        }
        if !self.versions.contains_key(&label.component) {
            return Err(format!("the image is for a component that is not here: {}", label.component));
        }
        let inventory = self.is.style.inventory(&self.versions, &self.before);
        let is_other =
            |target: &&String| !inventory.iter().any(|item| item.id == **target && item.component == label.component);
        match targets.iter().find(is_other) {
            Some(target) => Err(format!("the image is for the component {}, not for {target:?}", label.component)),
            None => Ok(label),
        }
    }

    fn with_task(&mut self, now: Timestamp, number: u32, change: impl FnOnce(&mut Task) -> Noted) {
        if let Some(noted) = self.tasks.iter_mut().find(|task| task.number == number).map(change) {
            self.note(now, noted);
        }
    }

    pub(super) fn advance_tasks(&mut self, now: Timestamp) {
        for place in 0..self.tasks.len() {
            // A restart forgets some.
            let Some(task) = self.tasks.get_mut(place) else { return };
            let Course::Writes { since, label, apply, outcome } = task.course.clone() else { continue };
            let elapsed = now.duration_since(since).as_millis().max(0);
            let flash = i128::try_from(self.is.flash.as_millis()).unwrap_or(i128::MAX).max(1);
            let percent = u8::try_from((elapsed * 100 / flash).min(100)).unwrap_or(100) / STEP * STEP;
            let percent = match outcome {
                Outcome::Hangs => percent.min(HANGS_AT),
                Outcome::Resets => percent.min(MID_FLASH),
                Outcome::Applies | Outcome::AppliesAnother | Outcome::Nothing => percent,
            };
            let number = task.number;
            if percent > task.percent {
                task.percent = percent;
                self.note(now, Noted::TaskPercent { task: number, percent });
            }
            match outcome {
                Outcome::Resets if percent == MID_FLASH => self.restart(now, "it crashed while it wrote"),
                Outcome::Applies if percent == 100 => self.written(now, number, &label, label.version.clone(), apply),
                Outcome::AppliesAnother if percent == 100 => {
                    self.written(now, number, &label, WRONG_VERSION.to_owned(), apply);
                }
                Outcome::Nothing if percent == 100 => {
                    let text = format!("{} {} was installed", label.component, label.version);
                    self.complete(now, number, "Update.1.0.UpdateSuccessful", text);
                }
                Outcome::Resets | Outcome::Applies | Outcome::AppliesAnother | Outcome::Nothing | Outcome::Hangs => {}
            }
        }
    }

    fn complete(&mut self, now: Timestamp, number: u32, id: &'static str, text: String) {
        self.with_task(now, number, |task| task.end(now, TaskState::Completed, id, text, "OK"));
    }

    fn written(&mut self, now: Timestamp, number: u32, label: &Label, version: String, apply: ApplyTime) {
        const WAITS: &str = "Update.1.0.AwaitToActivate";
        let component = label.component;
        self.staged.insert(component, version);
        match component {
            FirmwareComponent::Bios => {
                let text = format!("BIOS {} was written; it runs after the server's next reset", label.version);
                self.complete(now, number, WAITS, text);
            }
            FirmwareComponent::Bmc => {
                let by_itself = self.is.style.restarts_itself() && apply == ApplyTime::Immediate;
                let how = if by_itself { "the BMC restarts for it" } else { "it runs after the BMC's next reset" };
                self.complete(now, number, WAITS, format!("BMC {} was written; {how}", label.version));
                if by_itself {
                    self.restarts_soon(now, "its own firmware was updated");
                }
            }
            FirmwareComponent::Nic | FirmwareComponent::Psu | FirmwareComponent::Drive | FirmwareComponent::Unknown => {
                self.apply_staged(now, component);
                let text = format!("{component} {} was installed", label.version);
                self.complete(now, number, "Update.1.0.UpdateSuccessful", text);
            }
        }
    }
}
