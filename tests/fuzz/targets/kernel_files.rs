//! The kernel's own files and its log: processors, memory and its errors, sensors, PCI functions.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_agent::facts::{self, Part};
use pious_fuzz::Machine;
use pious_protocol::facts::Facts;

fuzz_target!(|input: &[u8]| {
    let parts = [Part::Cpu, Part::Memory, Part::MemoryErrors, Part::Sensors, Part::Kernel, Part::Pci].into();
    facts::read(&Machine::saying(input), &parts, Facts::default());
});
