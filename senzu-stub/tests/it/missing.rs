//! Real parts that a machine may not have. What is tested on one fails without it, or, where `PIOUS_SKIP` names the part, is
//! skipped, and says so loudly.

use std::io::Write;

/// Called where a part is not here: fails, with the remedy, or says that `tests` are skipped.
pub fn skip(part: &str, tests: &str) {
    let skipped = std::env::var("PIOUS_SKIP").unwrap_or_default().split([' ', ',']).any(|word| word == part);
    assert!(skipped, "no {part} here: run scripts/setup tests, or set PIOUS_SKIP={part} to go without");
    // Past the capture of a test's output.
    let mut out = std::io::stderr();
    writeln!(out, "\nSKIPPED: {tests}, as PIOUS_SKIP asks\n").unwrap();
}
