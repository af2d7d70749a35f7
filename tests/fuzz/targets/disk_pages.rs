//! What disks answer: NVMe identify and SMART, ATA identify, SMART and statistics, SCSI log pages.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_agent::facts::{self, Part};
use pious_fuzz::Machine;
use pious_protocol::facts::Facts;

fuzz_target!(|input: &[u8]| {
    let parts = [Part::Disks, Part::DiskHealth].into();
    facts::read(&Machine::saying(input), &parts, Facts::default());
});
