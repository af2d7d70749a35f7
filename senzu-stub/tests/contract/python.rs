//! The programs of `scripts/requirements.txt`, where `scripts/setup tests` put them.

use crate::missing;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A program of the environment. Where it is not, the test fails, or says loudly that it is skipped.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python/bin").join(name);
    if path.exists() {
        return Some(path);
    }
    missing::skip("python", &format!("a test by {name}"));
    None
}

/// Runs a program to its end, which must be a good one; what it said is kept in a file, and its end is shown.
pub fn run(command: &mut Command, log: &Path) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    fs::write(log, &said).unwrap();
    if output.status.success() {
        return;
    }
    // Requests that it made up may be long.
    let lines = String::from_utf8_lossy(&said);
    let short = lines.lines().map(|line| line.chars().take(300).collect::<String>()).collect::<Vec<_>>().join("\n");
    panic!("{command:?}: {}; all of it is in {}\n{short}", output.status, log.display());
}
