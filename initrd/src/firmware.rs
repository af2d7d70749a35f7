//! Firmware files that the packed modules declare (MODULE_FIRMWARE). They are optional: what is not carried is listed in
//! the image and in the manifest, so that a NIC that stays dark explains itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::digest::{Digest, Hasher};
use crate::source::{Packing, decompress};

/// Why a firmware file cannot be packed.
#[derive(Debug, thiserror::Error)]
#[error("read the firmware file {path}")]
pub struct FirmwareError {
    /// The file.
    pub path: String,
    source: io::Error,
}

/// What was found of the declared files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Firmware {
    /// Name below `/lib/firmware` → plain content: a distribution's kernel may not read compressed ones.
    pub found: BTreeMap<String, Vec<u8>>,
    /// Declared, and not there.
    pub missing: BTreeSet<String>,
}

/// Looks for the declared files below a folder laid out like `/lib/firmware`; plain, `.xz` or `.zst`.
pub fn collect(declared: BTreeSet<String>, folder: Option<&Path>) -> Result<Firmware, FirmwareError> {
    let mut firmware = Firmware::default();
    for name in declared {
        match folder.map(|folder| read(folder, &name)).transpose()?.flatten() {
            Some(bytes) => {
                firmware.found.insert(name, bytes);
            }
            None => {
                firmware.missing.insert(name);
            }
        }
    }
    Ok(firmware)
}

fn read(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, FirmwareError> {
    // The name comes from a module: it must not lead out of the folder.
    if name.starts_with('/') || name.split('/').any(|part| part == "..") {
        return Ok(None);
    }
    for ending in ["", ".xz", ".zst"] {
        let file = format!("{name}{ending}");
        let path = folder.join(&file);
        let failed = |source| FirmwareError { path: path.display().to_string(), source };
        match fs::read(&path) {
            Ok(bytes) => {
                let packing = if ending.is_empty() { Packing::Plain } else { Packing::of(&file).0 };
                return decompress(packing, bytes.into()).map(Some).map_err(failed);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(None)
}

/// A digest that changes whenever a file below the folder does (by name, size and times).
pub fn fingerprint(folder: &Path) -> Result<Digest, FirmwareError> {
    let mut hasher = Hasher::default();
    add(folder, &mut hasher).map_err(|source| FirmwareError { path: folder.display().to_string(), source })?;
    Ok(hasher.finish())
}

fn add(folder: &Path, hasher: &mut Hasher) -> io::Result<()> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        // Links are followed, as reading does; a dangling one is as good as absent.
        let Ok(about) = fs::metadata(&path) else { continue };
        hasher.field(path.as_os_str().as_encoded_bytes());
        if about.is_dir() && !fs::symlink_metadata(&path)?.is_symlink() {
            add(&path, hasher)?;
        } else {
            let times = (about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec());
            hasher.field(format!("{} {times:?}", about.len()).as_bytes());
        }
    }
    Ok(())
}
