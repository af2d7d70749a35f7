//! A newc archive as the kernel's unpacker wants it (Documentation/driver-api/early-userspace/buffer-format.rst): sorted,
//! parents before children, with nothing of the building machine in it (owner, inode and time are normalised). What
//! cannot be right — one path twice, a file below a file — is refused rather than left to the unpacker's last-one-wins.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use cpio::newc::{self, Builder, ModeFileType};

use crate::digest::Digest;

/// The kernel refuses longer names (`PATH_MAX`, init/initramfs.c `do_header`).
const NAME_LIMIT_BYTES: usize = 4096;

/// What newc writes for whatever is no device.
const NO_DEVICE: DeviceNumber = DeviceNumber { major: 0, minor: 0 };

/// newc writes sizes as eight hex digits.
const FILE_LIMIT_BYTES: u64 = u32::MAX as u64;

/// Why an entry cannot be added.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArchiveError {
    /// The same path was added before.
    #[error("/{path} is packed twice: as {first}, and as {second}")]
    Twice {
        /// The path, without a leading slash.
        path: String,
        /// What it is already.
        first: String,
        /// What it should become.
        second: String,
    },
    /// A parent of the path is not a folder.
    #[error("/{path} cannot be packed: its parent /{parent} is {what}")]
    ParentIsFile {
        /// The path.
        path: String,
        /// The parent.
        parent: String,
        /// What the parent is.
        what: String,
    },
    /// Not a clean relative path.
    #[error("{path:?} is no path that an archive can hold: {why}")]
    BadPath {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Too large for newc.
    #[error("/{path} has {size_bytes} bytes; an archive's file holds at most {FILE_LIMIT_BYTES}")]
    TooLarge {
        /// The path.
        path: String,
        /// Its size.
        size_bytes: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Folder { permissions: u32 },
    File { permissions: u32, bytes: Vec<u8> },
    CharacterDevice { permissions: u32, number: DeviceNumber },
}

/// The kernel's number of a device (Documentation/admin-guide/devices.txt).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceNumber {
    /// Which driver.
    pub major: u32,
    /// Which of its devices.
    pub minor: u32,
}

impl fmt::Display for DeviceNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.major, self.minor)
    }
}

impl Node {
    fn words(&self) -> String {
        match self {
            Node::Folder { .. } => "a folder".to_owned(),
            Node::File { bytes, .. } => format!("a file of {} bytes", bytes.len()),
            Node::CharacterDevice { number, .. } => format!("the character device {number}"),
        }
    }

    /// What the archive holds of it besides its name.
    fn content(&self) -> &[u8] {
        match self {
            Node::Folder { .. } | Node::CharacterDevice { .. } => &[],
            Node::File { bytes, .. } => bytes,
        }
    }
}

/// A file as it lies in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed<'a> {
    /// The path, without a leading slash.
    pub path: &'a str,
    /// The content's size.
    pub size_bytes: u64,
    /// The content's digest.
    pub sha256: Digest,
}

/// Entries of one archive, by path. Paths have no leading slash.
#[derive(Debug, Default, Clone)]
pub struct Archive {
    nodes: BTreeMap<String, Node>,
}

impl Archive {
    /// Adds a folder and its parents. A folder may be added again with the same permissions.
    pub fn folder(&mut self, path: &str, permissions: u32) -> Result<(), ArchiveError> {
        self.insert(path, Node::Folder { permissions })
    }

    /// Adds a file and its parents.
    pub fn file(&mut self, path: &str, permissions: u32, bytes: Vec<u8>) -> Result<(), ArchiveError> {
        if bytes.len() as u64 > FILE_LIMIT_BYTES {
            return Err(ArchiveError::TooLarge { path: path.to_owned(), size_bytes: bytes.len() as u64 });
        }
        self.insert(path, Node::File { permissions, bytes })
    }

    /// Adds a character device and its parents.
    pub fn character_device(&mut self, path: &str, permissions: u32, number: DeviceNumber) -> Result<(), ArchiveError> {
        self.insert(path, Node::CharacterDevice { permissions, number })
    }

    fn insert(&mut self, path: &str, node: Node) -> Result<(), ArchiveError> {
        check_path(path)?;
        for parent in parents(path) {
            match self.nodes.entry(parent.to_owned()).or_insert(Node::Folder { permissions: 0o755 }) {
                Node::Folder { .. } => {}
                other @ (Node::File { .. } | Node::CharacterDevice { .. }) => {
                    let what = other.words();
                    return Err(ArchiveError::ParentIsFile { path: path.to_owned(), parent: parent.to_owned(), what });
                }
            }
        }
        match self.nodes.get(path) {
            None => {
                self.nodes.insert(path.to_owned(), node);
                Ok(())
            }
            Some(Node::Folder { .. }) if matches!(node, Node::Folder { .. }) => {
                self.nodes.insert(path.to_owned(), node);
                Ok(())
            }
            Some(first) => {
                Err(ArchiveError::Twice { path: path.to_owned(), first: first.words(), second: node.words() })
            }
        }
    }

    /// Every file with its size and digest, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = Packed<'_>> {
        self.nodes.iter().filter_map(|(path, node)| match node {
            Node::Folder { .. } | Node::CharacterDevice { .. } => None,
            Node::File { bytes, .. } => {
                Some(Packed { path, size_bytes: bytes.len() as u64, sha256: Digest::of(bytes) })
            }
        })
    }

    /// The archive's bytes, trailer included. The same entries give the same bytes.
    pub fn to_bytes(&self, modified: u32) -> Vec<u8> {
        let size: usize = self.nodes.iter().map(|(path, node)| path.len() + node.content().len() + 128).sum();
        // Vec's io::Write never fails, and every size was checked when it was added.
        self.write(Vec::with_capacity(size + 512), modified).unwrap_or_default()
    }

    fn write(&self, mut out: Vec<u8>, modified: u32) -> io::Result<Vec<u8>> {
        for (number, (path, node)) in (1_u32..).zip(&self.nodes) {
            let (kind, permissions, links, device) = match node {
                Node::Folder { permissions } => (ModeFileType::Directory, permissions, 2, NO_DEVICE),
                Node::File { permissions, .. } => (ModeFileType::Regular, permissions, 1, NO_DEVICE),
                Node::CharacterDevice { permissions, number } => (ModeFileType::Char, permissions, 1, *number),
            };
            let bytes = node.content();
            let size = u32::try_from(bytes.len()).map_err(io::Error::other)?;
            let entry = Builder::new(path).ino(number).nlink(links).mtime(modified);
            let entry = entry.rdev_major(device.major).rdev_minor(device.minor);
            let mut writer = entry.mode(*permissions).set_mode_file_type(kind).write(out, size);
            writer.write_all(bytes)?;
            out = writer.finish()?;
        }
        newc::trailer(out)
    }
}

fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

fn check_path(path: &str) -> Result<(), ArchiveError> {
    let bad = |why| Err(ArchiveError::BadPath { path: path.to_owned(), why });
    if path.len() >= NAME_LIMIT_BYTES {
        return bad("it is longer than the kernel reads");
    }
    if path == "TRAILER!!!" {
        return bad("that is the archive's own end mark");
    }
    if path.contains('\0') {
        return bad("it contains a zero byte");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return bad("it is not a plain relative path");
    }
    Ok(())
}
