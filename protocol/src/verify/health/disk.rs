//! A disk, by what it says of itself.

use super::super::check::Check;
use crate::{
    expectation::HealthProfile,
    facts::{Disk, DiskHealth},
    finding::Finding,
};

pub(super) fn judge(limits: &HealthProfile, disk: &Disk) -> Vec<Finding> {
    let health = match disk.health.reading() {
        None => return Vec::new(),
        Some(health) => health,
    };
    let question = Check::HealthDisk.expects_of(subject(disk), "no errors, and a good verdict of its own");
    match health {
        Err(reason) => vec![question.unknown(
            reason,
            "look at the disk in its controller's own setup; skip health.disk in profiles of such controllers",
        )],
        Ok(health) => {
            let troubles = troubles(health);
            let verdict = if !troubles.is_empty() {
                question.fail(troubles.join(", "), format!("replace the disk {}", place(disk)))
            } else if health.passed.is_none() && health.media_errors.is_none() && health.pending_sectors.is_none() {
                question.unknown("it gives no verdict and counts no errors", "look at the disk in its maker's own tool")
            } else {
                question.pass(words(health))
            };
            let mut findings = vec![verdict];
            findings.extend(age(limits, disk, health));
            findings
        }
    }
}

/// What says that it dies.
fn troubles(health: &DiskHealth) -> Vec<String> {
    let counted = |count: Option<u64>, what: &str| Some(format!("{} {what}", count.filter(|count| *count > 0)?));
    let mut troubles: Vec<String> = Vec::new();
    troubles.extend((health.passed == Some(false)).then(|| "its own verdict is bad".into()));
    troubles.extend(health.warnings.iter().cloned());
    troubles.extend(counted(health.media_errors, "media errors"));
    troubles.extend(counted(health.pending_sectors, "sectors pending"));
    troubles
}

/// How old it is, where it tells.
fn age(limits: &HealthProfile, disk: &Disk, health: &DiskHealth) -> Option<Finding> {
    let told = [
        health.wear_percent.map(|wear| (format!("{wear} % of its life used"), wear > limits.max_wear_percent)),
        health
            .reallocated_sectors
            .map(|sectors| (format!("{sectors} sectors replaced"), sectors > limits.max_reallocated_sectors)),
    ];
    let told: Vec<(String, bool)> = told.into_iter().flatten().collect();
    let words = told.iter().map(|(words, _)| words.as_str()).collect::<Vec<_>>().join(", ");
    let question = Check::HealthDiskAge.expects_of(
        subject(disk),
        format!(
            "at most {} % of its life used, {} sectors replaced",
            limits.max_wear_percent, limits.max_reallocated_sectors
        ),
    );
    match (told.is_empty(), told.iter().any(|(_, is_over)| *is_over)) {
        (true, _) => None,
        (false, false) => Some(question.pass(words)),
        (false, true) => Some(question.fail(words, format!("order a disk to replace the one {}", place(disk)))),
    }
}

fn subject(disk: &Disk) -> String {
    match &disk.serial {
        Some(serial) => format!("{} (serial {})", disk.name, serial.trim()),
        None => disk.name.clone(),
    }
}

/// Where a hand finds it.
fn place(disk: &Disk) -> String {
    let serial = disk.serial.as_deref().map(|serial| format!(", serial {}", serial.trim())).unwrap_or_default();
    match &disk.slot {
        Some(slot) => format!("in {slot} ({}{serial})", disk.name),
        None => format!("{}{serial}", disk.name),
    }
}

fn words(health: &DiskHealth) -> String {
    let mut words = vec!["no errors".to_owned()];
    words.extend(health.temperature_celsius.map(|celsius| format!("{celsius} °C")));
    words.extend(health.power_on_hours.map(|hours| format!("{hours} h powered")));
    words.join(", ")
}
