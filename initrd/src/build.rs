//! The order of work: check the agent, get the drivers (from the cache, or from the kernel), pack the agent, join, write.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::archive::{Archive, ArchiveError, DeviceNumber};
use crate::cache::{About, Cache, Packed};
use crate::digest::{Digest, Hasher};
use crate::drivers::{DriversError, closure, profile, tables};
use crate::firmware::{self, FirmwareError};
use crate::image::{Effort, compress};
use crate::manifest::{Drivers, FORMAT, File, Layer, Manifest, PackedModule, Served};
use crate::program::{self, ProgramError};
use crate::source::{self, SourceError};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Order {
    /// The agent.
    pub agent: PathBuf,
    /// Kernel packages, images, folders.
    pub kernels: Vec<PathBuf>,
    /// A profile's name or file.
    pub profile: String,
    /// The folder of public trust.
    pub trust: Option<PathBuf>,
    /// Whether the image is for a lab.
    pub lab: bool,
    /// A folder like `/lib/firmware`.
    pub firmware: Option<PathBuf>,
    /// How hard to compress.
    pub effort: Effort,
    /// A second program.
    pub rescue: Option<PathBuf>,
    /// The date of the build, in seconds since 1970.
    pub source_date_epoch: Option<u64>,
    /// Where compressed drivers are kept.
    pub cache: PathBuf,
    /// Where the results go.
    pub out: PathBuf,
}

/// Why no image was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The agent or the rescue program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The kernel.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The drivers.
    #[error(transparent)]
    Drivers(#[from] DriversError),
    /// The firmware.
    #[error(transparent)]
    Firmware(#[from] FirmwareError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A file cannot be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A result cannot be written.
    #[error("write {path}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The compressor failed.
    #[error("compress the {archive} archive")]
    Compress {
        /// Which.
        archive: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The image would not boot.
    #[error("the image unpacks to {unpacked_bytes} bytes; more than {LIMIT_UNPACKED_BYTES} does not boot everywhere")]
    TooLarge {
        /// Its size when unpacked.
        unpacked_bytes: u64,
    },
}

/// "A 500 MB initrd fails on some UEFI": refuse before somebody stands in front of it.
const LIMIT_UNPACKED_BYTES: u64 = 400 * 1024 * 1024;

/// Above this it may not unpack in a guest of 256 MiB: the root's tmpfs takes half of what the kernel leaves, 92 MiB
/// (seen with Debian's 6.1).
const NOTE_UNPACKED_BYTES: u64 = 88 * 1024 * 1024;

/// Changes whenever the same inputs should give other bytes; keeps old cache entries from being used.
const CACHE_FORMAT: &str = "drivers 1";

/// The only files of a trust folder that are packed. It also holds private keys, which never travel.
const TRUST_FILES: [(&str, Need); 4] = [
    ("ca.pem", Need::Required),
    ("instruction-keys.json", Need::Required),
    ("firmware.pub", Need::Optional),
    ("allow.json", Need::Optional),
];

enum Need {
    Required,
    Optional,
}

/// Folders that PID 1 expects.
const FOLDERS: [(&str, u32); 6] =
    [("dev", 0o755), ("etc", 0o755), ("proc", 0o755), ("run", 0o755), ("sys", 0o755), ("tmp", 0o1777)];

/// Devices that must be there before PID 1 has mounted anything. The kernel opens the console as PID 1's standard files;
/// where it finds none, Rust's runtime opens /dev/null in their place before `main`, and aborts if that is missing too:
/// a kernel panic. Debian's kernels bring a console of their own; a kernel built without an initramfs brings nothing.
const DEVICES: [(&str, u32, DeviceNumber); 2] = [
    ("dev/console", 0o600, DeviceNumber { major: 5, minor: 1 }),
    ("dev/null", 0o666, DeviceNumber { major: 1, minor: 3 }),
];

/// Builds, writes `vmlinuz`, `initrd.img` and `manifest.json`, and returns the manifest and notes for the caller.
pub fn build(order: &Order) -> Result<(Manifest, Vec<String>), BuildError> {
    let mut notes = Vec::new();
    let agent = read(&order.agent)?;
    let agent_machine = program::check_static(&order.agent.display().to_string(), &agent)?;
    let drivers = drivers(order, &mut notes)?;
    if let Some(machine) = drivers.about.machine {
        let release = &drivers.about.drivers.kernel;
        program::check_machine(&order.agent.display().to_string(), agent_machine, machine, release)?;
    }
    let epoch = order.source_date_epoch.unwrap_or_else(|| {
        notes.push("SOURCE_DATE_EPOCH is not set: the agent's clock floor is 1970".to_owned());
        0
    });
    let own = agent_archive(order, agent, epoch)?;
    let modified = u32::try_from(epoch).unwrap_or(u32::MAX);
    let own_plain = own.to_bytes(modified);
    let own_packed =
        compress(&own_plain, order.effort).map_err(|source| BuildError::Compress { archive: "agent", source })?;
    let layers = vec![
        layer("drivers", &drivers.archive, drivers.about.unpacked_bytes),
        layer("agent", &own_packed, own_plain.len() as u64),
    ];
    let image = [drivers.archive.as_slice(), own_packed.as_slice()].concat();
    let unpacked_bytes = layers.iter().map(|layer| layer.unpacked_bytes).sum();
    check_size(unpacked_bytes, &mut notes)?;
    let mut files = drivers.about.files;
    files.extend(list(&own));
    let served = vec![served("vmlinuz", &drivers.vmlinuz), served("initrd.img", &image)];
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source_date_epoch: epoch,
        lab: order.lab,
        compression: order.effort.words(),
        served_bytes: served.iter().map(|file| file.size).sum(),
        served,
        archives: layers,
        unpacked_bytes,
        drivers: drivers.about.drivers,
        files,
    };
    write_results(&order.out, &drivers.vmlinuz, &image, &manifest)?;
    Ok((manifest, notes))
}

fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|source| BuildError::Read { path: path.display().to_string(), source })
}

fn layer(name: &str, packed: &[u8], unpacked_bytes: u64) -> Layer {
    Layer { name: name.to_owned(), packed_bytes: packed.len() as u64, unpacked_bytes }
}

fn served(file: &str, bytes: &[u8]) -> Served {
    Served { file: file.to_owned(), size: bytes.len() as u64, sha256: Digest::of(bytes) }
}

fn list(archive: &Archive) -> Vec<File> {
    archive
        .files()
        .map(|file| File { path: format!("/{}", file.path), size: file.size_bytes, sha256: file.sha256 })
        .collect()
}

fn check_size(unpacked_bytes: u64, notes: &mut Vec<String>) -> Result<(), BuildError> {
    if unpacked_bytes > LIMIT_UNPACKED_BYTES {
        return Err(BuildError::TooLarge { unpacked_bytes });
    }
    if unpacked_bytes > NOTE_UNPACKED_BYTES {
        notes.push(format!("the image unpacks to {unpacked_bytes} bytes: too much for a guest of 256 MiB"));
    }
    Ok(())
}

/// The drivers' part, from the cache if it is there.
fn drivers(order: &Order, notes: &mut Vec<String>) -> Result<Packed, BuildError> {
    let profile = profile::load(&order.profile)?;
    let key = cache_key(order, &profile)?;
    let cache = Cache::new(&order.cache);
    if let Some(packed) = cache.get(&key) {
        return Ok(packed);
    }
    let packed = pack_drivers(order, &profile)?;
    if let Err(error) = cache.put(&key, &packed) {
        notes.push(format!("the compressed drivers could not be kept in {}: {error}", order.cache.display()));
    }
    Ok(packed)
}

fn cache_key(order: &Order, profile: &profile::Profile) -> Result<Digest, BuildError> {
    let mut hasher = Hasher::default();
    hasher.field(CACHE_FORMAT.as_bytes());
    hasher.field(profile.name().as_bytes());
    hasher.field(profile.text.as_bytes());
    hasher.field(order.effort.words().as_bytes());
    hasher.field(source::fingerprint(&order.kernels)?.as_str().as_bytes());
    if let Some(folder) = &order.firmware {
        hasher.field(firmware::fingerprint(folder)?.as_str().as_bytes());
    }
    Ok(hasher.finish())
}

fn pack_drivers(order: &Order, profile: &profile::Profile) -> Result<Packed, BuildError> {
    let kernel = source::read(&order.kernels)?;
    let chosen = closure::choose(profile, &kernel)?;
    let declared = chosen.modules.iter().flat_map(|module| module.info.firmware.iter().cloned()).collect();
    let firmware = firmware::collect(declared, order.firmware.as_deref())?;
    let about = Drivers {
        kernel: kernel.release.clone(),
        packages: kernel.packages.clone(),
        profile: profile.name(),
        modules: chosen
            .modules
            .iter()
            .map(|module| PackedModule {
                name: module.name.clone(),
                because: module.because.clone(),
                size: module.bytes.len() as u64,
            })
            .collect(),
        builtin: chosen.builtin,
        absent: chosen.absent,
        unresolved: chosen.unresolved,
        missing_firmware: firmware.missing.clone(),
    };
    let tables = if chosen.modules.is_empty() { Default::default() } else { tables::write(&chosen.modules, &kernel)? };
    let mut archive = Archive::default();
    let folder = format!("lib/modules/{}", kernel.release);
    for module in chosen.modules {
        archive.file(&format!("{folder}/{}", module.path), 0o644, module.bytes)?;
    }
    for (name, bytes) in tables {
        archive.file(&format!("{folder}/{name}"), 0o644, bytes)?;
    }
    archive.file(&format!("{folder}/missing-firmware.json"), 0o644, json(&firmware.missing))?;
    for (name, bytes) in firmware.found {
        archive.file(&format!("lib/firmware/{name}"), 0o644, bytes)?;
    }
    // No time in this part: an image's date must not make the drivers be compressed again.
    let plain = archive.to_bytes(0);
    let packed =
        compress(&plain, order.effort).map_err(|source| BuildError::Compress { archive: "drivers", source })?;
    let about = About {
        vmlinuz: Digest::of(&kernel.vmlinuz),
        archive: Digest::of(&packed),
        unpacked_bytes: plain.len() as u64,
        machine: chosen.machine,
        drivers: about,
        files: list(&archive),
    };
    Ok(Packed { vmlinuz: kernel.vmlinuz, archive: packed, about })
}

fn json(names: &BTreeSet<String>) -> Vec<u8> {
    serde_json::json!(names).to_string().into_bytes()
}

/// The archive that changes with every build: the agent, and what it is told.
fn agent_archive(order: &Order, agent: Vec<u8>, epoch: u64) -> Result<Archive, BuildError> {
    let mut archive = Archive::default();
    for (folder, permissions) in FOLDERS {
        archive.folder(folder, permissions)?;
    }
    for (device, permissions, number) in DEVICES {
        archive.character_device(device, permissions, number)?;
    }
    archive.file("init", 0o755, agent)?;
    let about = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "source_date_epoch": epoch,
        "lab": order.lab,
    });
    archive.file("etc/pious/build.json", 0o644, about.to_string().into_bytes())?;
    if let Some(folder) = &order.trust {
        for (name, need) in TRUST_FILES {
            let path = folder.join(name);
            match (fs::read(&path), need) {
                (Ok(bytes), _) => archive.file(&format!("etc/pious/{name}"), 0o644, bytes)?,
                (Err(error), Need::Optional) if error.kind() == io::ErrorKind::NotFound => {}
                (Err(source), Need::Required | Need::Optional) => {
                    return Err(BuildError::Read { path: path.display().to_string(), source });
                }
            }
        }
    }
    if let Some(path) = &order.rescue {
        let bytes = read(path)?;
        program::check_static(&path.display().to_string(), &bytes)?;
        archive.file("bin/rescue", 0o755, bytes)?;
    }
    Ok(archive)
}

/// Each file appears whole or not at all, and all of them within a moment: PXE may be serving the old ones.
fn write_results(out: &Path, vmlinuz: &[u8], image: &[u8], manifest: &Manifest) -> Result<(), BuildError> {
    let failed = |path: &Path, source| BuildError::Write { path: path.display().to_string(), source };
    fs::create_dir_all(out).map_err(|source| failed(out, source))?;
    let mut text = serde_json::to_vec_pretty(manifest).map_err(|error| failed(out, error.into()))?;
    text.push(b'\n');
    let results = [("vmlinuz", vmlinuz), ("initrd.img", image), ("manifest.json", &text)]
        .map(|(name, bytes)| (out.join(name), out.join(format!(".{name}.{}", std::process::id())), bytes));
    for (path, aside, bytes) in &results {
        fs::write(aside, bytes).map_err(|source| failed(path, source))?;
    }
    for (path, aside, _) in &results {
        fs::rename(aside, path).map_err(|source| failed(path, source))?;
    }
    Ok(())
}
