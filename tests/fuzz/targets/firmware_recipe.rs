//! A vendor's recipe, as an operator writes it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| senzu_stub::fuzz::recipe(text));
