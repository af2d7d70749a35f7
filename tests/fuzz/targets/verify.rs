//! The judgement of any facts against any expectation: two JSON documents, one a line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_protocol::{expectation::Expectation, facts::Facts, verify};

fuzz_target!(|text: &str| {
    let Some((expectation, facts)) = text.split_once('\n') else { return };
    let (Ok(expectation), Ok(facts)) =
        (serde_json::from_str::<Expectation>(expectation), serde_json::from_str::<Facts>(facts))
    else {
        return;
    };
    // The same question has the same answer.
    assert_eq!(verify(&expectation, &facts), verify(&expectation, &facts));
});
