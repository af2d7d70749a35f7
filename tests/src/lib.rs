//! What whole-system tests and measurements share: bringing a rack up for one of them.
//!
//! It knows the parts by their public faces only: the lab, Senzu's API, an agent's console and server.

pub mod fuzzing;
pub mod guest;
pub mod images;
pub mod recipe;
pub mod run;
pub mod senzu;

use anyhow::{Context, Result, ensure};
use pious_lab::lab::{Lab, Options, ownership};
use std::path::{Path, PathBuf};

/// Brings a rack of `qemu/racks` up for one test, with its text changed: each pair's first part, which must be in it,
/// becomes the second. Everything is in a directory of the test's own, so that tests can run side by side.
pub async fn bring_up(test: &str, rack: &str, edits: &[(&str, &str)], tweak: impl FnOnce(&mut Options)) -> Result<Lab> {
    let original = repository().join("qemu/racks").join(format!("{rack}.toml"));
    let mut text = std::fs::read_to_string(&original).with_context(|| format!("read {}", original.display()))?;
    for (from, to) in edits {
        ensure!(text.contains(from), "{} has no {from:?} to change", original.display());
        text = text.replace(from, to);
    }
    let mut options = Options::of(&format!("t-{test}"));
    options.page = false;
    tweak(&mut options);
    ownership::create_dir_all(&options.dir)?;
    let file = options.dir.join("rack.toml");
    std::fs::write(&file, text)?;
    Ok(Lab::up(&file, options).await?)
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}
