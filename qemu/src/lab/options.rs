//! What a rack is brought up with, beside its file.

use crate::machine::argv::Accelerator;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How often agents send facts when nothing changes: often enough to be seen at a desk.
const FACTS_PERIOD_S: u32 = 30;

/// How a rack is brought up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    /// The run directory: logs, disks, sockets to the outside.
    pub dir: PathBuf,
    /// `vmlinuz` and `initrd.img`.
    pub image: PathBuf,
    /// Senzu's keys, as `senzu-stub init` made them, and the same that the image was built with.
    pub trust: PathBuf,
    /// Where `senzu-stub`, `pious-pxe` and `pious-lab` are.
    pub programs: PathBuf,
    /// How guests are run.
    pub accelerator: Accelerator,
    /// Words to add to every kernel's command line.
    pub cmdline: String,
    /// How often agents send facts when nothing changes.
    pub facts_period_s: u32,
    /// Whether Senzu is up from the beginning.
    pub senzu: bool,
    /// Whether pxe (and so DHCP) is up from the beginning.
    pub pxe: bool,
    /// Whether Senzu's page is reachable on the host's loopback.
    pub page: bool,
}

impl Options {
    /// What a rack of that name is brought up with unless told otherwise: everything beneath the target directory that
    /// this program was built in (`$PIOUS_TARGET_DIR`, or where its binary lies, or `target`).
    pub fn of(rack: &str) -> Self {
        let target = target_dir();
        Self {
            dir: target.join("lab").join(rack),
            image: target.join("image"),
            trust: target.join("trust"),
            programs: super::programs::directory(),
            accelerator: Accelerator::Tcg,
            cmdline: String::new(),
            facts_period_s: FACTS_PERIOD_S,
            senzu: true,
            pxe: true,
            page: true,
        }
    }
}

/// The folder `target` that holds the running program; else the one in the current directory.
pub fn target_dir() -> PathBuf {
    if let Some(named) = std::env::var_os("PIOUS_TARGET_DIR") {
        return named.into();
    }
    let exe = std::env::current_exe().unwrap_or_default();
    let above = exe.ancestors().find(|path| path.file_name().is_some_and(|name| name == "target"));
    above.map_or_else(|| std::env::current_dir().unwrap_or_default().join("target"), Path::to_owned)
}
