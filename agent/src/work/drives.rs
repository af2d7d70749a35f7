//! A new firmware for NVMe disks, which this server writes itself: look, prove the image, download, commit, read back.
//!
//! All disks of the recipe's model get it, one after another, and the first that fails ends it. Up to the gate nothing has
//! changed; a download changes nothing either, until it is committed, and it is committed only where all of the image was
//! the one that was proved. From the look to the commit each disk stays open (`look`).

mod look;

pub(super) use look::installed;

use super::{
    nvme::{CommitAction, Controller, DWORD_BYTES, NvmeWrite, Reset, Status},
    nvme_device::NvmeDisks,
};
use crate::driver::chain;
use look::{Plan, Task, plan};
use pious_protocol::{
    facts::Facts,
    firmware::{FlashPhase, InstalledFirmware},
    instruction::FirmwareUpdate,
    message::Report,
    version,
};
use pious_redfish::{FlashError, Image, ImageKey, Proved, Stopped, Watch, proved};
use std::{cmp::Ordering, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long a disk may take for a piece: some erase a slot's flash at the first.
const PIECE_WITHIN: Duration = Duration::from_secs(60);

/// Between two looks at a disk that changes its firmware: no controller may be away for long (MTFA).
const LOOK: Duration = Duration::from_millis(500);

/// What is to be done.
#[derive(Debug)]
pub(super) struct Order {
    /// The version that they must run now.
    pub from: String,
    /// To which, and how.
    pub update: FirmwareUpdate,
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim() == other.trim() || version::compare(one, other) == Some(Ordering::Equal)
}

fn refused(reason: impl Into<String>) -> Report {
    Report::Refused { reason: reason.into() }
}

fn failed(reason: impl Into<String>) -> Report {
    Report::Failed { reason: reason.into() }
}

/// Writes the new firmware to every disk that lacks it; the final report.
pub(super) async fn update(
    order: Order,
    key: &ImageKey,
    image: &dyn Image,
    disks: Arc<dyn NvmeDisks>,
    known: Arc<Facts>,
    watch: &mut dyn Watch,
) -> Report {
    let flash = Flash { order: Arc::new(order), disks, known };
    match flash.run(key, image, watch).await {
        Ok(report) | Err(report) => report,
    }
}

struct Flash {
    order: Arc<Order>,
    disks: Arc<dyn NvmeDisks>,
    known: Arc<Facts>,
}

/// On a thread of its own.
async fn apart<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(act).await.map_err(|died| format!("the agent's own task died: {died}"))
}

/// Asks one disk, or tells it something.
async fn on<T: Send + 'static>(task: &Arc<Task>, act: impl FnOnce(&Task) -> T + Send + 'static) -> Result<T, String> {
    let task = Arc::clone(task);
    apart(move || act(&task)).await
}

async fn send(task: &Arc<Task>, command: NvmeWrite, within: Duration) -> Result<Status, String> {
    on(task, move |task| task.disk.write(&command, within)).await?.map_err(|error| chain(&error))
}

impl Flash {
    /// Asks the disks on a thread of its own: they take their time.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn NvmeDisks, &Facts, &Order) -> T + Send + 'static,
    ) -> Result<T, String> {
        let (disks, known, order) = (Arc::clone(&self.disks), Arc::clone(&self.known), Arc::clone(&self.order));
        apart(move || ask(&*disks, &known, &order)).await
    }

    async fn run(&self, key: &ImageKey, image: &dyn Image, watch: &mut dyn Watch) -> Result<Report, Report> {
        let FirmwareUpdate { version, artifact, .. } = &self.order.update;
        before(watch, FlashPhase::Checking, 0, "looking for the disks".into()).await?;
        let (oldest, tasks, action) = match self.ask(plan).await.map_err(failed)?? {
            Plan::Nothing(found) => {
                let words = format!("the drive runs {} already ({}); nothing was written", found.version, found.source);
                return Ok(done(words, found));
            }
            Plan::Write { oldest, tasks, action } => (oldest, tasks, action),
        };
        let words = format!("{} of this server's disks are behind; the oldest runs {}", tasks.len(), oldest.version);
        before(watch, FlashPhase::Checking, 100, words).await?;
        before(watch, FlashPhase::Fetching, 0, format!("the image, {} bytes", artifact.size_bytes)).await?;
        let proved = match proved(image, artifact, key, watch).await {
            Ok(proved) => proved,
            Err(FlashError::Stopped { reason }) => return Err(stopped(&reason)),
            Err(error) if error.is_lasting() => return Err(refused(chain(&error))),
            Err(error) => return Err(failed(chain(&error))),
        };
        before(watch, FlashPhase::HandingOver, 0, format!("{version} over {} to the disks", oldest.version)).await?;
        let mut written: Vec<String> = Vec::new();
        for task in &tasks {
            match self.write(task, action, &proved, watch).await {
                Ok(words) => written.push(words),
                Err(why) if written.is_empty() => return Err(failed(format!("{}: {why}", task.name))),
                Err(why) => {
                    let reason = format!("{}: {why}; before it: {}", task.name, written.join("; "));
                    return Err(failed(reason));
                }
            }
        }
        let now = self.ask(|disks, known, order| installed(disks, known, &order.update.recipe.version)).await;
        let now = now.and_then(|now| now).map_err(failed)?;
        Ok(match action {
            CommitAction::AtOnce => done(written.join("; "), now),
            CommitAction::AtReset => {
                let pending = "written, and applies at the next restart of the server";
                done(format!("{pending}: {}", written.join("; ")), now)
            }
        })
    }

    /// Writes one disk; what was seen, in words.
    async fn write(
        &self,
        task: &Arc<Task>,
        action: CommitAction,
        proved: &Proved<'_>,
        watch: &mut dyn Watch,
    ) -> Result<String, String> {
        on(task, Task::is_still).await??;
        self.download(task, proved, watch).await?;
        let Task { name, controller: Controller { revision: was, .. }, slot, .. } = &**task;
        let slot = *slot;
        let version = &self.order.update.version;
        behind(watch, FlashPhase::Flashing, 0, format!("{name} commits it to slot {}", slot.number())).await;
        let status = send(task, NvmeWrite::Commit { slot, action }, self.within()).await?;
        let waits_for = status.committed().map_err(|status| format!("it does not commit the image: {status}"))?;
        behind(watch, FlashPhase::ReadingBack, 0, format!("{name} is read")).await;
        match (action, waits_for) {
            (CommitAction::AtOnce, None) => {
                self.runs(task).await?;
                Ok(format!("{name} ran {was} and runs {version}"))
            }
            (CommitAction::AtOnce, Some(reset)) => Err(format!(
                "{version} is in slot {} and runs only after {reset}, which its recipe does not foresee",
                slot.number()
            )),
            (CommitAction::AtReset, reset) => {
                self.is_in_slot(task).await?;
                let reset = reset.unwrap_or(Reset::Controller);
                Ok(format!("{name} runs {was}, and {version} from slot {} after {reset}", slot.number()))
            }
        }
    }

    fn within(&self) -> Duration {
        Duration::from_secs(self.order.update.recipe.flash_within_s.into())
    }

    /// Gives a disk the image, piece by piece. Its last piece goes only once the rest was right.
    async fn download(&self, task: &Arc<Task>, proved: &Proved<'_>, watch: &mut dyn Watch) -> Result<(), String> {
        let of = self.order.update.artifact.size_bytes.max(1);
        let piece = task.controller.piece_bytes() as usize;
        let mut again = proved.again();
        let (mut held, mut sent, mut tenths) = (Vec::new(), 0_u64, 0);
        loop {
            let chunk = again.next().await.map_err(|error| chain(&error))?;
            let is_end = chunk.is_empty();
            held.extend_from_slice(&chunk);
            // What may be the last is held until the end is seen to be right.
            while held.len() > piece || (is_end && !held.is_empty()) {
                let bytes: Vec<u8> = held.drain(..piece.min(held.len())).collect();
                let long = bytes.len() as u64;
                let offset_dwords = u32::try_from(sent / u64::from(DWORD_BYTES)).map_err(|error| error.to_string())?;
                let status = send(task, NvmeWrite::Piece { offset_dwords, bytes }, PIECE_WITHIN).await?;
                status.taken().map_err(|status| format!("it does not take the image at byte {sent}: {status}"))?;
                sent += long;
            }
            if is_end {
                return Ok(());
            }
            let now = (u128::from(sent) * 10 / u128::from(of)) as u8;
            if now > tenths {
                tenths = now;
                behind(watch, FlashPhase::HandingOver, tenths * 10, format!("{} gets the image", task.name)).await;
            }
        }
    }

    /// Waits until a disk runs the new version.
    async fn runs(&self, task: &Arc<Task>) -> Result<(), String> {
        let until = Instant::now() + self.within();
        loop {
            // A controller that changes its firmware may be away.
            let late = match on(task, Task::identify).await? {
                Ok(now) if is_same(&now.revision, &self.order.update.version) => return Ok(()),
                Ok(now) => format!("it committed {}, and runs {}", self.order.update.version, now.revision),
                Err(why) => why,
            };
            if Instant::now() >= until {
                return Err(late);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether the slot holds the new version, and runs next.
    async fn is_in_slot(&self, task: &Arc<Task>) -> Result<(), String> {
        let slots = on(task, Task::read_slots).await??;
        let (number, version) = (task.slot.number(), &self.order.update.version);
        match slots.revision(number) {
            Some(found) if is_same(found, version) => {}
            found => {
                let found = found.unwrap_or("nothing");
                return Err(format!("it committed {version} to slot {number}, which holds {found}"));
            }
        }
        match slots.next {
            // Not every disk tells.
            None => Ok(()),
            Some(next) if next == task.slot => Ok(()),
            Some(next) => Err(format!("{version} is in slot {number}, and slot {} runs next", next.number())),
        }
    }
}

fn done(evidence: String, now: InstalledFirmware) -> Report {
    Report::Done { evidence: Some(evidence), firmware: vec![now], bmc_certificate_sha256: None }
}

/// Tells where it may still be stopped.
async fn before(watch: &mut dyn Watch, phase: FlashPhase, percent: u8, words: String) -> Result<(), Report> {
    let told = watch.phase(phase, percent, words).await;
    told.map_err(|Stopped(reason)| stopped(&reason))
}

fn stopped(reason: &str) -> Report {
    failed(format!("stopped before any disk got anything: {reason}"))
}

/// Tells where nobody can stop it any more.
async fn behind(watch: &mut dyn Watch, phase: FlashPhase, percent: u8, words: String) {
    if let Err(Stopped(reason)) = watch.phase(phase, percent, words).await {
        tracing::warn!(reason, ?phase, "disks are being written: it goes on to its end");
    }
}

#[cfg(test)]
mod tests;
