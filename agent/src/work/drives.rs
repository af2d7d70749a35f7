//! A new firmware for NVMe disks, which this server writes itself: look, prove the image, download, commit, read back.
//!
//! All disks of the recipe's model get it, one after another, and the first that fails ends it. Up to the gate nothing has
//! changed; a download changes nothing either, until it is committed, and it is committed only where all of the image was
//! the one that was proved.

use super::{
    nvme::{CommitAction, Controller, DWORD_BYTES, MOST_IMAGE_BYTES, NvmeWrite, Reset, Slot, Slots, Status},
    nvme_device::NvmeDisks,
};
use crate::{driver::chain, facts::NvmeRead};
use pious_protocol::{
    facts::Facts,
    firmware::{Activation, FirmwareComponent, FlashPhase, FlashRecipe, InstalledFirmware, VersionSource},
    instruction::FirmwareUpdate,
    message::Report,
    version,
};
use pious_redfish::{FlashError, Image, ImageKey, Proved, Stopped, Watch, matches, proved};
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

/// A disk of the model, as it is now.
#[derive(Debug)]
struct Drive {
    /// Its first namespace, which its controller is asked by: `nvme0n1`.
    device: String,
    /// Its controller: `nvme0`.
    name: String,
    controller: Controller,
    other_paths: usize,
}

impl Drive {
    fn installed(&self) -> InstalledFirmware {
        InstalledFirmware {
            component: FirmwareComponent::Drive,
            version: self.controller.revision.clone(),
            source: format!("{} (Identify Controller FR)", self.name),
        }
    }
}

/// What one disk gets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Task {
    device: String,
    name: String,
    was: String,
    piece_bytes: u32,
    slot: Slot,
}

/// What there is to do.
#[derive(Debug)]
enum Plan {
    Nothing(InstalledFirmware),
    Write { oldest: InstalledFirmware, tasks: Vec<Task>, action: CommitAction },
}

/// The version of the disks of a model: the oldest.
pub(super) fn installed(
    disks: &dyn NvmeDisks,
    known: &Facts,
    version: &VersionSource,
) -> Result<InstalledFirmware, String> {
    oldest(&find(disks, known, version)?)
}

/// `nvme0` of `nvme0n1`: several namespaces have one controller.
fn controller_of(device: &str) -> Option<&str> {
    let number = device.strip_prefix("nvme")?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
    device.get(.."nvme".len() + digits)
}

/// The disks of the model, each asked for what it is.
fn find(disks: &dyn NvmeDisks, known: &Facts, version: &VersionSource) -> Result<Vec<Drive>, String> {
    let VersionSource::Inventory { name: Some(model), .. } = version else {
        return Err("the recipe does not name a model of disks".into());
    };
    let (mut drives, mut others): (Vec<Drive>, Vec<String>) = (Vec::new(), Vec::new());
    for disk in known.disks.iter().filter(|disk| disk.transport.as_deref() == Some("nvme")) {
        let Some(name) = controller_of(&disk.name) else { continue };
        if drives.iter().any(|drive| drive.name == name) {
            continue;
        }
        let page = match disks.ask(&disk.name, NvmeRead::IdentifyController) {
            Ok(page) => page,
            // One of another model need not answer.
            Err(_) if disk.model.as_deref().is_some_and(|known| !matches(model, known)) => continue,
            Err(error) => return Err(chain(&error)),
        };
        let Some(controller) = Controller::parse(&page) else {
            return Err(format!("{name}'s answer to Identify Controller ends after {} bytes", page.len()));
        };
        if matches(model, &controller.model) {
            let other_paths = disk.other_paths.len();
            drives.push(Drive { device: disk.name.clone(), name: name.to_owned(), controller, other_paths });
        } else {
            others.push(format!("{name} ({})", controller.model));
        }
    }
    match (drives.is_empty(), others.is_empty()) {
        (false, _) => Ok(drives),
        (true, true) => Err(format!("this server has no NVMe disk of model {model}")),
        (true, false) => Err(format!("this server has no NVMe disk of model {model}; it has {}", others.join(", "))),
    }
}

fn oldest(drives: &[Drive]) -> Result<InstalledFirmware, String> {
    let Some((first, rest)) = drives.split_first() else { return Err("there is no such disk".into()) };
    let mut oldest = first;
    for drive in rest.iter().filter(|drive| drive.controller.revision != first.controller.revision) {
        let (one, other) = (&drive.controller.revision, &oldest.controller.revision);
        match version::compare(one, other) {
            Some(Ordering::Less) => oldest = drive,
            Some(Ordering::Equal | Ordering::Greater) => {}
            None => return Err(format!("of the versions {other} and {one} of its disks none is known to be older")),
        }
    }
    Ok(oldest.installed())
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

/// When the new version is to run.
fn action_of(recipe: &FlashRecipe) -> Result<CommitAction, Report> {
    match recipe.activation {
        Activation::Itself => Ok(CommitAction::AtOnce),
        Activation::HostReset => Ok(CommitAction::AtReset),
        Activation::BmcReset => Err(refused("no restart of a BMC makes a disk run its new firmware")),
        Activation::Unknown => Err(refused("this build does not know what makes the new version run")),
    }
}

/// Looks whether it may begin at all.
fn plan(disks: &dyn NvmeDisks, known: &Facts, order: &Order) -> Result<Plan, Report> {
    let FirmwareUpdate { version, artifact, recipe, .. } = &order.update;
    let action = action_of(recipe)?;
    let drives = find(disks, known, &recipe.version).map_err(failed)?;
    let oldest = oldest(&drives).map_err(refused)?;
    if is_same(&oldest.version, version) {
        return Ok(Plan::Nothing(oldest));
    }
    if !is_same(&oldest.version, &order.from) {
        let reason =
            format!("the drive runs {}, and not {}, from which it would be updated", oldest.version, order.from);
        return Err(refused(reason));
    }
    if artifact.size_bytes % u64::from(DWORD_BYTES) != 0 || artifact.size_bytes > MOST_IMAGE_BYTES {
        return Err(refused(format!("no NVMe disk takes an image of {} bytes", artifact.size_bytes)));
    }
    let mut tasks = Vec::new();
    for drive in &drives {
        let runs = &drive.controller.revision;
        let is_behind = is_same(runs, &order.from) || version::compare(runs, version) == Some(Ordering::Less);
        // A newer one is left as it is.
        if is_behind && !is_same(runs, version) {
            tasks.push(task(disks, drive, action)?);
        }
    }
    Ok(Plan::Write { oldest, tasks, action })
}

fn task(disks: &dyn NvmeDisks, drive: &Drive, action: CommitAction) -> Result<Task, Report> {
    let Drive { device, name, controller, other_paths } = drive;
    let no = |why: &str| Err(refused(format!("{name} {why}")));
    if !controller.takes_firmware {
        return no("has no commands for its firmware");
    }
    // The kernel picks one for each command, and all pieces must go to one controller.
    if *other_paths > 0 {
        return no("is reached by several paths");
    }
    if action == CommitAction::AtOnce && !controller.activates_without_reset {
        return no("runs a new firmware only after a reset, and the recipe says that it does so by itself");
    }
    let page = disks.ask(device, NvmeRead::FirmwareSlots).map_err(|error| failed(chain(&error)))?;
    let Some(slots) = Slots::parse(&page) else {
        return Err(failed(format!("{name}'s log of firmware slots ends after {} bytes", page.len())));
    };
    let Some(slot) = controller.slot_for_image(&slots) else { return no("has no firmware slot that can be written") };
    Ok(Task {
        device: device.clone(),
        name: name.clone(),
        was: controller.revision.clone(),
        piece_bytes: controller.piece_bytes(),
        slot,
    })
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

impl Flash {
    /// Asks the disks on a thread of its own: they take their time.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn NvmeDisks, &Facts, &Order) -> T + Send + 'static,
    ) -> Result<T, String> {
        let (disks, known, order) = (Arc::clone(&self.disks), Arc::clone(&self.known), Arc::clone(&self.order));
        let asked = tokio::task::spawn_blocking(move || ask(&*disks, &known, &order)).await;
        asked.map_err(|died| format!("the agent's own task died: {died}"))
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
        task: &Task,
        action: CommitAction,
        proved: &Proved<'_>,
        watch: &mut dyn Watch,
    ) -> Result<String, String> {
        self.download(task, proved, watch).await?;
        let Task { name, was, slot, .. } = task;
        let slot = *slot;
        let version = &self.order.update.version;
        behind(watch, FlashPhase::Flashing, 0, format!("{name} commits it to slot {}", slot.number())).await;
        let status = self.send(task, NvmeWrite::Commit { slot, action }, self.within()).await?;
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

    async fn send(&self, task: &Task, command: NvmeWrite, within: Duration) -> Result<Status, String> {
        let device = task.device.clone();
        let sent = self.ask(move |disks, _, _| disks.write(&device, &command, within)).await?;
        sent.map_err(|error| chain(&error))
    }

    /// Gives a disk the image, piece by piece. Its last piece goes only once the rest was right.
    async fn download(&self, task: &Task, proved: &Proved<'_>, watch: &mut dyn Watch) -> Result<(), String> {
        let of = self.order.update.artifact.size_bytes.max(1);
        let piece = task.piece_bytes as usize;
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
                let status = self.send(task, NvmeWrite::Piece { offset_dwords, bytes }, PIECE_WITHIN).await?;
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
    async fn runs(&self, task: &Task) -> Result<(), String> {
        let until = Instant::now() + self.within();
        loop {
            let device = task.device.clone();
            let page = self.ask(move |disks, _, _| disks.ask(&device, NvmeRead::IdentifyController)).await?;
            // A controller that changes its firmware may be away.
            let late = match page.map(|page| Controller::parse(&page)) {
                Ok(Some(now)) if is_same(&now.revision, &self.order.update.version) => return Ok(()),
                Ok(Some(now)) => format!("it committed {}, and runs {}", self.order.update.version, now.revision),
                Ok(None) => "its answer to Identify Controller is cut short".to_owned(),
                Err(error) => chain(&error),
            };
            if Instant::now() >= until {
                return Err(late);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether the slot holds the new version, and runs next.
    async fn is_in_slot(&self, task: &Task) -> Result<(), String> {
        let device = task.device.clone();
        let page = self.ask(move |disks, _, _| disks.ask(&device, NvmeRead::FirmwareSlots)).await?;
        let slots = page.map(|page| Slots::parse(&page)).map_err(|error| chain(&error))?;
        let slots = slots.ok_or("its log of firmware slots is cut short")?;
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
