//! Where a kernel comes from: packages as a distribution ships them, or folders and files of one that is unpacked
//! already. All of them are merged into one [`Kernel`]; nothing is installed and no maintainer script runs.

mod deb;
mod folder;
mod kernel_image;
mod unpack;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Hasher};
pub use kernel_image::looks_like_kernel;
pub use unpack::{Packing, decompress};

/// Why a kernel cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be read.
    #[error("read {path}")]
    Read {
        /// What could not be read.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The package ends early, or its middle is damaged.
    #[error("kernel package {file}{kernel} is truncated or damaged: {what}; fetch it again")]
    Damaged {
        /// The package's file.
        file: String,
        /// The package's name and version where they could be read, in parentheses, or nothing.
        kernel: String,
        /// Which part, and after how many bytes.
        what: String,
        /// What the decoder said.
        source: io::Error,
    },
    /// Neither package nor kernel image nor a folder with either.
    #[error("{path} is neither a kernel package (.deb), a kernel image, nor a folder that holds a kernel or modules")]
    Unknown {
        /// What was given.
        path: String,
    },
    /// The given kernels are of several releases.
    #[error("one image holds one kernel, but {given} hold several: {releases}; name the folder of one of them")]
    SeveralReleases {
        /// What was given.
        given: String,
        /// The releases found.
        releases: String,
    },
    /// A part is missing.
    #[error("no {part} in {given}{hint}")]
    Missing {
        /// `vmlinuz` or `modules`.
        part: &'static str,
        /// What was given.
        given: String,
        /// What to do.
        hint: &'static str,
    },
    /// Two packages hold the same file with different contents.
    #[error("{path} of kernel {release} comes twice, and differs")]
    Conflict {
        /// The file, below the modules' folder.
        path: String,
        /// The release.
        release: String,
    },
    /// The vmlinuz and the modules are of different kernels.
    #[error("{image} is kernel {image_release}, but the modules are of {release}: they would not load")]
    OtherRelease {
        /// The kernel image.
        image: String,
        /// Its release.
        image_release: String,
        /// The modules' release.
        release: String,
    },
}

impl SourceError {
    fn read(path: &Path, source: io::Error) -> Self {
        SourceError::Read { path: path.display().to_string(), source }
    }
}

/// A kernel package that was used, for the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The file's name (without its folder: images must not depend on where they are built).
    pub file: String,
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// The file's digest.
    pub sha256: Digest,
}

/// A module file's content: in memory (from a package), or still on disk (from a folder).
#[derive(Debug, Clone)]
pub enum Content {
    /// Read already.
    Bytes(Vec<u8>),
    /// To be read when it is needed.
    File(PathBuf),
}

impl Content {
    /// The bytes, as stored.
    pub fn read(&self) -> io::Result<std::borrow::Cow<'_, [u8]>> {
        match self {
            Content::Bytes(bytes) => Ok(bytes.into()),
            Content::File(path) => Ok(std::fs::read(path)?.into()),
        }
    }
}

/// A kernel: its image and everything below `lib/modules/<release>/`.
#[derive(Debug)]
pub struct Kernel {
    /// `uname -r`.
    pub release: String,
    /// The kernel image, as PXE serves it.
    pub vmlinuz: Vec<u8>,
    /// The files of the modules' folder, by their path in it: `kernel/…/x.ko`, `modules.builtin`, …
    pub files: BTreeMap<String, Content>,
    /// The packages it came from.
    pub packages: Vec<Package>,
    /// What it was read from, for messages.
    pub given: String,
}

impl Kernel {
    /// Release and origin, for messages.
    pub fn words(&self) -> String {
        format!("{} ({})", self.release, self.given)
    }
}

/// Parts of a kernel, as one source gives them.
#[derive(Debug, Default)]
struct Parts {
    /// Kernel images: release by the file's name (if it says one), where from, bytes.
    images: Vec<Image>,
    /// Modules' folders by release.
    modules: BTreeMap<String, BTreeMap<String, Content>>,
    packages: Vec<Package>,
}

#[derive(Debug)]
struct Image {
    named_release: Option<String>,
    from: String,
    bytes: Vec<u8>,
}

impl Parts {
    /// Takes a file of a system's tree (`boot/…`, `lib/modules/…`, `usr/lib/modules/…`), if it is part of a kernel.
    fn wants(path: &str) -> Option<Place<'_>> {
        let path = path.trim_start_matches("./").trim_start_matches('/');
        let path = path.strip_prefix("usr/").unwrap_or(path);
        // A damaged or hostile package must not lead us out of the folders that we write to.
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return None;
        }
        if let Some(file) = path.strip_prefix("boot/") {
            return file.strip_prefix("vmlinuz").map(|rest| Place::Image(rest.strip_prefix('-')));
        }
        let (release, file) = path.strip_prefix("lib/modules/")?.split_once('/')?;
        if file == "vmlinuz" {
            return Some(Place::Image(Some(release)));
        }
        is_module_file(file).then_some(Place::Module { release, file })
    }

    fn add_module(&mut self, release: &str, file: &str, content: Content) -> Result<(), SourceError> {
        let files = self.modules.entry(release.to_owned()).or_default();
        if let Some(first) = files.get(file) {
            let same = match (first.read(), content.read()) {
                (Ok(first), Ok(second)) => first == second,
                (Err(_), _) | (_, Err(_)) => false,
            };
            // Split packages (Ubuntu's linux-modules-extra) each carry such a list of their own.
            if same || file.starts_with("modules.") {
                return Ok(());
            }
            return Err(SourceError::Conflict { path: file.to_owned(), release: release.to_owned() });
        }
        files.insert(file.to_owned(), content);
        Ok(())
    }

    fn merge(&mut self, other: Parts) -> Result<(), SourceError> {
        self.images.extend(other.images);
        self.packages.extend(other.packages);
        for (release, files) in other.modules {
            for (file, content) in files {
                self.add_module(&release, &file, content)?;
            }
        }
        Ok(())
    }
}

/// Where a file of a system's tree belongs.
enum Place<'a> {
    /// A kernel image, and the release that its name says.
    Image(Option<&'a str>),
    /// A file of the modules' folder.
    Module { release: &'a str, file: &'a str },
}

/// Whether a file of the modules' folder is of use: modules, and the lists that `depmod` and softdeps need.
fn is_module_file(file: &str) -> bool {
    const LISTS: [&str; 3] = ["modules.builtin", "modules.builtin.modinfo", "modules.order"];
    Packing::of_module(file).is_some() || LISTS.contains(&file)
}

/// Reads one kernel from everything that was given.
pub fn read(given: &[PathBuf]) -> Result<Kernel, SourceError> {
    let names = given.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let mut parts = Parts::default();
    for path in given {
        parts.merge(read_one(path)?)?;
    }
    assemble(parts, names)
}

fn read_one(path: &Path) -> Result<Parts, SourceError> {
    if path.is_dir() {
        return folder::read(path);
    }
    let bytes = std::fs::read(path).map_err(|error| SourceError::read(path, error))?;
    if deb::looks_like_deb(&bytes) {
        return deb::read(path, &bytes);
    }
    if looks_like_kernel(&bytes) {
        let image = Image { named_release: None, from: path.display().to_string(), bytes };
        return Ok(Parts { images: vec![image], ..Parts::default() });
    }
    Err(SourceError::Unknown { path: path.display().to_string() })
}

fn assemble(parts: Parts, given: String) -> Result<Kernel, SourceError> {
    let Parts { images, mut modules, packages } = parts;
    modules.retain(|_, files| files.keys().any(|file| Packing::of_module(file).is_some()));
    if modules.len() > 1 {
        let releases = modules.into_keys().collect::<Vec<_>>().join(", ");
        return Err(SourceError::SeveralReleases { given, releases });
    }
    let Some((release, files)) = modules.pop_first() else {
        let hint = "; distributions that split their kernel put them into a package of its own (linux-modules-…)";
        return Err(SourceError::Missing { part: "modules", given, hint });
    };
    let named = |image: &Image| image.named_release.as_deref().is_none_or(|name| name == release);
    let Some(image) = images.into_iter().find(named) else {
        return Err(SourceError::Missing { part: "vmlinuz", given, hint: "; give the kernel image's package too" });
    };
    match kernel_image::release_of(&image.bytes) {
        Some(said) if said != release => {
            Err(SourceError::OtherRelease { image: image.from, image_release: said, release })
        }
        Some(_) | None => Ok(Kernel { release, vmlinuz: image.bytes, files, packages, given }),
    }
}

/// A digest that changes whenever what [`read`] would read changes: a file's content, a folder's names, sizes and times.
pub fn fingerprint(given: &[PathBuf]) -> Result<Digest, SourceError> {
    let mut hasher = Hasher::default();
    for path in given {
        if path.is_dir() {
            folder::fingerprint(path, &mut hasher)?;
        } else {
            let bytes = std::fs::read(path).map_err(|error| SourceError::read(path, error))?;
            // The manifest names the file.
            hasher.field(path.file_name().unwrap_or_default().as_encoded_bytes());
            hasher.field(&bytes);
        }
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_kernel_are_known_by_their_plain_paths() {
        let module = |path| match Parts::wants(path) {
            Some(Place::Module { release, file }) => Some((release, file)),
            Some(Place::Image(_)) | None => None,
        };
        assert_eq!(module("./lib/modules/6.1/kernel/x.ko"), Some(("6.1", "kernel/x.ko")));
        assert_eq!(module("usr/lib/modules/6.1/kernel/x.ko.xz"), Some(("6.1", "kernel/x.ko.xz")));
        for path in
            ["lib/modules/../x.ko", "lib/modules/6.1/../../../x.ko", "lib/modules/6.1//x.ko", "lib/modules//x.ko"]
        {
            assert_eq!(module(path), None, "{path}");
        }
        assert!(matches!(Parts::wants("boot/vmlinuz-6.1"), Some(Place::Image(Some("6.1")))));
        assert!(Parts::wants("boot/vmlinuz-../../x").is_none());
    }
}
