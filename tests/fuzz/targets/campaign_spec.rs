//! A campaign, as an operator asks for it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| senzu_stub::fuzz::campaign(json));
