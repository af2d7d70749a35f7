//! The kernel command line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_agent::cmdline::Cmdline;

fuzz_target!(|line: &str| {
    let _ = Cmdline::parse(line);
});
