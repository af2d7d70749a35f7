//! Where the real inputs are: a folder named by `PIOUS_CORPUS`, with `smbios/*/` and `lldp/*/*.pcap` in it. The
//! repository carries none of them.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

/// The corpus's folder of one kind; `None`, said loudly, where there is no corpus.
pub fn folder(kind: &str) -> Option<PathBuf> {
    match env::var_os("PIOUS_CORPUS") {
        Some(corpus) => Some(Path::new(&corpus).join(kind)),
        None => {
            say(&format!("{kind}: PIOUS_CORPUS not set: 0 cases"));
            None
        }
    }
}

/// What is in a folder, sorted.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// A JSON file beside a case.
pub fn json(file: &Path) -> serde_json::Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// To stderr itself, which the test runner does not swallow when a test passes.
pub fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "corpus: {words}");
}
