//! Compressed drivers, kept between builds by a digest of everything they are made from: after a change of the agent
//! alone nothing of the kernel is unpacked or compressed again. An entry is believed only if its digests hold.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::manifest::{Drivers, File};

/// Entries kept: a quick and a release build of two kernels, say.
const ENTRIES_KEPT: usize = 4;

/// The drivers' part of an image, ready to be joined with an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The kernel image.
    pub vmlinuz: Vec<u8>,
    /// The compressed archive; empty when there is no module to pack.
    pub archive: Vec<u8>,
    /// What is in it.
    pub about: About,
}

/// The description of [`Packed`], as kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Digest of the kernel image.
    pub vmlinuz: Digest,
    /// Digest of the compressed archive.
    pub archive: Digest,
    /// The archive's size before compression.
    pub unpacked_bytes: u64,
    /// The machine (an ELF `e_machine`) that the modules are for.
    pub machine: Option<u16>,
    /// For the manifest.
    pub drivers: Drivers,
    /// The files in the archive.
    pub files: Vec<File>,
}

/// A folder of entries.
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache in this folder, which need not exist.
    pub fn new(folder: &Path) -> Self {
        Cache { folder: folder.to_owned() }
    }

    /// The entry of this key, if it is there and whole.
    pub fn get(&self, key: &Digest) -> Option<Packed> {
        let entry = self.folder.join(key.as_str());
        let about: About = serde_json::from_slice(&fs::read(entry.join("about.json")).ok()?).ok()?;
        let vmlinuz = fs::read(entry.join("vmlinuz")).ok()?;
        let archive = fs::read(entry.join("drivers")).ok()?;
        let whole = Digest::of(&vmlinuz) == about.vmlinuz && Digest::of(&archive) == about.archive;
        // Marks it as used, for the order in which entries are dropped; it matters little if that fails.
        let _ = fs::File::open(&entry).and_then(|file| file.set_modified(SystemTime::now()));
        whole.then_some(Packed { vmlinuz, archive, about })
    }

    /// Keeps an entry, and drops the ones that were not used for longest.
    pub fn put(&self, key: &Digest, packed: &Packed) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        // Written aside and renamed: two builds at once, or one that dies, leave no half entry.
        let aside = tempfile::Builder::new().prefix(".new-").tempdir_in(&self.folder)?;
        fs::write(aside.path().join("vmlinuz"), &packed.vmlinuz)?;
        fs::write(aside.path().join("drivers"), &packed.archive)?;
        fs::write(aside.path().join("about.json"), serde_json::to_vec(&packed.about)?)?;
        let entry = self.folder.join(key.as_str());
        if entry.exists() {
            fs::remove_dir_all(&entry)?;
        }
        fs::rename(aside.keep(), &entry)?;
        self.prune()
    }

    fn prune(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                entries.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        entries.sort();
        let surplus = entries.len().saturating_sub(ENTRIES_KEPT);
        entries.into_iter().take(surplus).try_for_each(|(_, path)| fs::remove_dir_all(path))
    }
}
