//! The disks: so many of each kind.

use super::{
    check::Check,
    kinds::{self, Fit, Speech},
    words::count,
};
use crate::{
    expectation::DiskProfile,
    facts::{Disk, Facts},
    finding::Finding,
};

/// 10⁹ bytes: disks are sold by it.
const GB: u64 = 1_000_000_000;

const SPEECH: Speech<Disk> = Speech {
    noun: "disk",
    one: words,
    too_many: "compare the disks with the order; remove what was not ordered",
    too_few: "reseat the missing disk; replace it if it stays missing or is too small",
    untold: "compare the disks with the order, or leave what is not told out of the hardware profile",
};

pub(super) fn judge(kinds: &[DiskProfile], facts: &Facts) -> Vec<Finding> {
    let disks: Vec<&Disk> = facts.disks.iter().collect();
    let tallies = kinds::tally(kinds, &disks, fit);
    let judged = kinds.iter().zip(&tallies).map(|(kind, tally)| {
        let question = Check::DisksCount.expects_of(kind.to_string(), count(kind.count, "disk"));
        kinds::judge(question, kind.count, tally, &SPEECH)
    });
    judged.collect()
}

fn fit(kind: &DiskProfile, disk: &Disk) -> Fit {
    Fit::all([
        Fit::of(kind.min_gb, Some(disk.size_bytes), |gb, seen| seen >= gb.saturating_mul(GB)),
        Fit::of(kind.transport.as_ref(), disk.transport.as_ref(), |wanted, seen| wanted.eq_ignore_ascii_case(seen)),
        Fit::of_text(kind.model_contains.as_ref(), disk.model.as_ref()),
        Fit::of(kind.rotational, disk.rotational, |wanted, seen| wanted == seen),
    ])
}

fn words(disk: &Disk) -> String {
    let transport = disk.transport.as_deref().unwrap_or("?");
    format!("{} ({transport}, {} GB)", disk.name, disk.size_bytes / GB)
}
