//! Senzu's boot targets: as they are known now, and as they are kept on disk for a restart while Senzu is down.

use pious_protocol::{
    ids::MacAddress,
    message::{BootTarget, BootTargets},
};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// Boot targets by MAC address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Senzu's count of changes.
    pub revision: u64,
    by_mac: BTreeMap<MacAddress, BootTarget>,
}

impl From<BootTargets> for Targets {
    fn from(list: BootTargets) -> Self {
        let by_mac = list.targets.into_iter().map(|target| (target.mac, target)).collect();
        Self { revision: list.revision, by_mac }
    }
}

/// Whether what is known is still what Senzu says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A list came, and the next one is being waited for.
    Current,
    /// Senzu can't be reached; why.
    Lost(String),
}

/// What is known of Senzu's targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// The targets.
    pub targets: Targets,
    /// Whether they are current.
    pub standing: Standing,
}

/// What can go wrong with the kept targets.
#[derive(Debug, Error)]
pub enum TargetsError {
    /// They can't be read.
    #[error("read the boot targets that were kept in {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{path} holds no boot targets")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// They can't be kept.
    #[error("keep a file as {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Targets {
    /// What is known of one MAC address.
    pub fn get(&self, mac: MacAddress) -> Option<&BootTarget> {
        self.by_mac.get(&mac)
    }

    /// All, by MAC address.
    pub fn iter(&self) -> impl Iterator<Item = &BootTarget> {
        self.by_mac.values()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.by_mac.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_mac.is_empty()
    }

    /// Reads what was kept; `None`: nothing was.
    pub fn load(path: &Path) -> Result<Option<Self>, TargetsError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TargetsError::Read { path: path.to_owned(), source }),
        };
        let list: BootTargets =
            serde_json::from_slice(&bytes).map_err(|source| TargetsError::Parse { path: path.to_owned(), source })?;
        Ok(Some(list.into()))
    }

    /// Keeps them, in the protocol's own form.
    pub fn save(&self, path: &Path) -> Result<(), TargetsError> {
        let list = BootTargets { revision: self.revision, targets: self.iter().cloned().collect() };
        let bytes = serde_json::to_vec(&list)
            .map_err(|error| TargetsError::Write { path: path.to_owned(), source: io::Error::other(error) })?;
        replace(path, &bytes)
    }
}

/// Puts a file in another's place as a whole: whoever opens it, now or after a power cut, sees the old one or the new
/// one. Readable by all, because dnsmasq need not be of our user.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), TargetsError> {
    let write = || -> io::Result<()> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => fs::File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    };
    write().map_err(|source| TargetsError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pious_protocol::message::{Boot, LeaseTier};

    fn targets() -> Targets {
        let target = |last, boot, tier, name: Option<&str>| BootTarget {
            mac: MacAddress([0x52, 0x54, 0, 1, 0x10, last]),
            boot,
            tier,
            name: name.map(Into::into),
        };
        BootTargets {
            revision: 7,
            targets: vec![
                target(1, Boot::LocalDisk, LeaseTier::Recognized, Some("r1-u10")),
                target(2, Boot::Pious, LeaseTier::Unrecognized, None),
            ],
        }
        .into()
    }

    #[test]
    fn what_is_kept_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("targets.json");
        assert_eq!(Targets::load(&path).unwrap(), None);
        targets().save(&path).unwrap();
        assert_eq!(Targets::load(&path).unwrap(), Some(targets()));
    }

    #[test]
    fn a_write_that_was_cut_off_harms_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("targets.json");
        targets().save(&path).unwrap();
        fs::write(folder.path().join("targets.json.new"), "{\"revision\":8,\"tar").unwrap();
        assert_eq!(Targets::load(&path).unwrap(), Some(targets()));
        targets().save(&path).unwrap();
        assert_eq!(Targets::load(&path).unwrap(), Some(targets()));
    }

    #[test]
    fn a_spoilt_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("targets.json");
        fs::write(&path, "[]").unwrap();
        let error = Targets::load(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("{} holds no boot targets", path.display()));
    }
}
