//! What a BMC answers over IPMI: device, LAN, FRUs, chassis, event log, sensor records and readings.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_agent::facts::{self, Part};
use pious_fuzz::Machine;
use pious_protocol::facts::Facts;

fuzz_target!(|input: &[u8]| {
    let parts = [Part::Bmc, Part::BmcHealth].into();
    facts::read(&Machine::saying(input), &parts, Facts::default());
});
