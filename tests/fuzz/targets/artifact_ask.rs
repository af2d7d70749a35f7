//! What an operator says of an image before it comes.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| senzu_stub::fuzz::artifact(json));
