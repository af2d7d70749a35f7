//! Which disks of the server get the new firmware, and whether each may. Each is opened once, and stays open: what it is
//! and what its slots hold is asked of the very disk that is written then, whatever its name comes to mean meanwhile.

use super::{Order, failed, is_same, refused};
use crate::{
    driver::chain,
    facts::NvmeRead,
    work::{
        nvme::{CommitAction, Controller, DWORD_BYTES, MOST_IMAGE_BYTES, Slot, Slots},
        nvme_device::{NvmeDisk, NvmeDisks},
    },
};
use pious_protocol::{
    facts::Facts,
    firmware::{Activation, FirmwareComponent, FlashRecipe, InstalledFirmware, VersionSource},
    instruction::FirmwareUpdate,
    message::Report,
    version,
};
use pious_redfish::matches;
use std::{cmp::Ordering, sync::Arc};

/// A disk of the model, as it is now.
struct Drive {
    /// Its first namespace, open: its controller is asked by it.
    disk: Arc<dyn NvmeDisk>,
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
pub(super) struct Task {
    /// The disk, open since it was looked at.
    pub disk: Arc<dyn NvmeDisk>,
    /// Its controller: `nvme0`.
    pub name: String,
    /// What it was then.
    pub controller: Controller,
    slots: Slots,
    /// Where the image goes.
    pub slot: Slot,
}

impl Task {
    /// What it is now.
    pub fn identify(&self) -> Result<Controller, String> {
        identify(&*self.disk, &self.name)
    }

    /// What its slots hold now.
    pub fn read_slots(&self) -> Result<Slots, String> {
        slots(&*self.disk, &self.name)
    }

    /// Whether the disk still is what it was when it was looked at: proving an image takes minutes.
    pub fn is_still(&self) -> Result<(), String> {
        let controller = self.identify()?;
        let was = &self.controller;
        if controller != *was {
            return Err(format!("it was {} when it was looked at, and is {} now", said(was), said(&controller)));
        }
        match self.read_slots()? == self.slots {
            true => Ok(()),
            false => Err("its firmware slots are not what they were when it was looked at".into()),
        }
    }
}

/// A disk as people know it.
fn said(controller: &Controller) -> String {
    let Controller { model, serial, revision, .. } = controller;
    format!("{model} {serial} with {revision}")
}

fn identify(disk: &dyn NvmeDisk, name: &str) -> Result<Controller, String> {
    let page = disk.ask(NvmeRead::IdentifyController).map_err(|error| chain(&error))?;
    let short = || format!("{name}'s answer to Identify Controller ends after {} bytes", page.len());
    Controller::parse(&page).ok_or_else(short)
}

fn slots(disk: &dyn NvmeDisk, name: &str) -> Result<Slots, String> {
    let page = disk.ask(NvmeRead::FirmwareSlots).map_err(|error| chain(&error))?;
    Slots::parse(&page).ok_or_else(|| format!("{name}'s log of firmware slots ends after {} bytes", page.len()))
}

/// What there is to do.
pub(super) enum Plan {
    Nothing(InstalledFirmware),
    Write { oldest: InstalledFirmware, tasks: Vec<Arc<Task>>, action: CommitAction },
}

/// The version of the disks of a model: the oldest.
pub(in crate::work) fn installed(
    disks: &dyn NvmeDisks,
    known: &Facts,
    version: &VersionSource,
) -> Result<InstalledFirmware, String> {
    oldest(&find(disks, known, version)?)
}

/// `nvme0` of `nvme0n1`: several namespaces have one controller.
pub(super) fn controller_of(device: &str) -> Option<&str> {
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
        let opened = disks.open(&disk.name).map_err(|error| chain(&error));
        let (opened, controller) = match opened.and_then(|opened| Ok((identify(&*opened, name)?, opened))) {
            Ok((controller, opened)) => (opened, controller),
            // One of another model need not answer.
            Err(_) if disk.model.as_deref().is_some_and(|known| !matches(model, known)) => continue,
            Err(error) => return Err(error),
        };
        if matches(model, &controller.model) {
            let other_paths = disk.other_paths.len();
            drives.push(Drive { disk: opened, name: name.to_owned(), controller, other_paths });
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
pub(super) fn plan(disks: &dyn NvmeDisks, known: &Facts, order: &Order) -> Result<Plan, Report> {
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
    for drive in drives {
        let runs = &drive.controller.revision;
        let is_behind = is_same(runs, &order.from) || version::compare(runs, version) == Some(Ordering::Less);
        // A newer one is left as it is.
        if is_behind && !is_same(runs, version) {
            tasks.push(Arc::new(task(drive, action)?));
        }
    }
    Ok(Plan::Write { oldest, tasks, action })
}

fn task(drive: Drive, action: CommitAction) -> Result<Task, Report> {
    let Drive { disk, name, controller, other_paths } = drive;
    let no = |why: &str| Err(refused(format!("{name} {why}")));
    if !controller.takes_firmware {
        return no("has no commands for its firmware");
    }
    // The kernel picks one for each command, and all pieces must go to one controller.
    if other_paths > 0 {
        return no("is reached by several paths");
    }
    if action == CommitAction::AtOnce && !controller.activates_without_reset {
        return no("runs a new firmware only after a reset, and the recipe says that it does so by itself");
    }
    let slots = slots(&*disk, &name).map_err(failed)?;
    let Some(slot) = controller.slot_for_image(&slots) else { return no("has no firmware slot that can be written") };
    Ok(Task { disk, name, controller, slots, slot })
}
