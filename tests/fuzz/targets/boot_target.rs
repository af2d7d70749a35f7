//! [`BootTarget`], as it comes off the wire.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_fuzz::survives_being_written;
use pious_protocol::message::BootTarget;

fuzz_target!(|bytes: &[u8]| survives_being_written::<BootTarget>(bytes));
