//! UEFI variables with their load options and device paths, and the TPM's files.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_agent::facts::{self, Part};
use pious_fuzz::Machine;
use pious_protocol::facts::Facts;

fuzz_target!(|input: &[u8]| {
    let parts = [Part::Firmware].into();
    facts::read(&Machine::saying(input), &parts, Facts::default());
});
