//! What drivers and transceivers answer over ethtool: link modes, flags, module pages, drvinfo.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_agent::facts::{self, Part};
use pious_fuzz::Machine;
use pious_protocol::facts::Facts;

fuzz_target!(|input: &[u8]| {
    let parts = [Part::Nics].into();
    facts::read(&Machine::saying(input), &parts, Facts::default());
});
