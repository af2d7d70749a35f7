//! The programs of `requirements.txt`, where `scripts/setup tests` put them.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// A program of the environment. Where it is not, the test fails, or says loudly that it is skipped.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python/bin").join(name);
    if path.exists() {
        return Some(path);
    }
    let skipped = env::var("PIOUS_SKIP").unwrap_or_default().split([' ', ',']).any(|part| part == "python");
    assert!(skipped, "no {}: run scripts/setup tests, or set PIOUS_SKIP=python to go without", path.display());
    // Past the capture of a test's output.
    let mut out = std::io::stderr();
    writeln!(out, "\nSKIPPED: a test by {name}, as PIOUS_SKIP asks\n").unwrap();
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
