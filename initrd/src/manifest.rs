//! What an image is made of, as JSON: for people, for audits, and for telling two images apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::drivers::module::ModuleName;
use crate::source::Package;

/// The manifest's own version; a reader refuses what it does not know.
pub const FORMAT: u32 = 1;

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The manifest's own version.
    pub format: u32,
    /// The builder's version.
    pub version: String,
    /// The date of the build: the agent's clock floor.
    pub source_date_epoch: u64,
    /// Whether the image is for a lab.
    pub lab: bool,
    /// How it was compressed.
    pub compression: String,
    /// What PXE serves: `vmlinuz` and `initrd.img`.
    pub served: Vec<Served>,
    /// Their sizes together.
    pub served_bytes: u64,
    /// The archives in `initrd.img`, in order.
    pub archives: Vec<Layer>,
    /// What the kernel unpacks, in bytes.
    pub unpacked_bytes: u64,
    /// The drivers' part.
    pub drivers: Drivers,
    /// Every file in the image.
    pub files: Vec<File>,
}

/// A file that PXE serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Its name.
    pub file: String,
    /// Its size.
    pub size: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// One archive of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// `drivers` or `agent`.
    pub name: String,
    /// Its size in the image, padding included.
    pub packed_bytes: u64,
    /// Its size as the kernel reads it.
    pub unpacked_bytes: u64,
}

/// A file in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its path, from the root.
    pub path: String,
    /// Its size.
    pub size: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// Kernel and drivers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drivers {
    /// The kernel's release.
    pub kernel: String,
    /// The packages it came from.
    pub packages: Vec<Package>,
    /// The profile's file, without its folder.
    pub profile: String,
    /// The modules, in load order.
    pub modules: Vec<PackedModule>,
    /// What the profile names and the kernel has built in.
    pub builtin: BTreeSet<ModuleName>,
    /// What the profile calls optional and this kernel does not have.
    pub absent: BTreeSet<String>,
    /// Soft dependencies that this kernel does not have.
    pub unresolved: BTreeSet<String>,
    /// Firmware files that packed modules declare and the image does not carry.
    pub missing_firmware: BTreeSet<String>,
}

/// A module in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedModule {
    /// Its name.
    pub name: ModuleName,
    /// The family that names it, or the module that brought it.
    pub because: String,
    /// Its size.
    pub size: u64,
}

impl Manifest {
    /// A few lines for a terminal.
    pub fn summary(&self) -> String {
        let mut out = String::new();
        for served in &self.served {
            let _ = writeln!(out, "{:<12} {:>9}  sha256 {}", served.file, mebibytes(served.size), served.sha256);
        }
        let _ = writeln!(out, "{:<12} {:>9}", "together", mebibytes(self.served_bytes));
        for layer in &self.archives {
            let (packed, unpacked) = (mebibytes(layer.packed_bytes), mebibytes(layer.unpacked_bytes));
            let _ = writeln!(out, "  {:<10} {packed:>9}  unpacks to {unpacked}", layer.name);
        }
        let drivers = &self.drivers;
        let _ = writeln!(
            out,
            "kernel {}, {} modules ({}), {} firmware files declared and not carried, {}",
            drivers.kernel,
            drivers.modules.len(),
            drivers.profile,
            drivers.missing_firmware.len(),
            self.compression,
        );
        out
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.2} MiB", bytes as f64 / (1024.0 * 1024.0))
}

/// In which files, modules and sizes two images differ; one line each, nothing if they are the same.
pub fn difference(old: &Manifest, new: &Manifest) -> Vec<String> {
    let mut lines = Vec::new();
    let mut field = |name: &str, old: String, new: String| {
        if old != new {
            lines.push(format!("~ {name}: {old} → {new}"));
        }
    };
    field("version", old.version.clone(), new.version.clone());
    field("source_date_epoch", old.source_date_epoch.to_string(), new.source_date_epoch.to_string());
    field("lab", old.lab.to_string(), new.lab.to_string());
    field("compression", old.compression.clone(), new.compression.clone());
    field("kernel", old.drivers.kernel.clone(), new.drivers.kernel.clone());
    let served = |manifest: &Manifest| -> BTreeMap<String, (u64, Digest)> {
        manifest.served.iter().map(|file| (file.file.clone(), (file.size, file.sha256.clone()))).collect()
    };
    let files = |manifest: &Manifest| -> BTreeMap<String, (u64, Digest)> {
        manifest.files.iter().map(|file| (file.path.clone(), (file.size, file.sha256.clone()))).collect()
    };
    lines.extend(compare(&served(old), &served(new)));
    lines.extend(compare(&files(old), &files(new)));
    let missing = |manifest: &Manifest| manifest.drivers.missing_firmware.clone();
    lines.extend(missing(old).difference(&missing(new)).map(|name| format!("- missing firmware {name}")));
    lines.extend(missing(new).difference(&missing(old)).map(|name| format!("+ missing firmware {name}")));
    lines
}

fn compare(old: &BTreeMap<String, (u64, Digest)>, new: &BTreeMap<String, (u64, Digest)>) -> Vec<String> {
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| match (old.get(name), new.get(name)) {
            (Some((size, _)), None) => Some(format!("- {name} ({size} bytes)")),
            (None, Some((size, _))) => Some(format!("+ {name} ({size} bytes)")),
            (Some(before), Some(after)) if before != after => {
                let words = if before.0 == after.0 {
                    format!("{} bytes, other content", after.0)
                } else {
                    format!("{} → {} bytes", before.0, after.0)
                };
                Some(format!("~ {name}: {words}"))
            }
            (Some(_), Some(_)) | (None, None) => None,
        })
        .collect()
}
