//! What the image was told to trust: Senzu's CA, the keys of its instructions, the key of firmware images, who may ask the
//! agent's own server, and what kind of build this is.

use ipnet::IpNet;
use pious_protocol::envelope::KeySet;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    io::Read,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};
use thiserror::Error;

/// More than any of the files is; a bound against a path that is not one of them.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Why the trust can't be read.
#[derive(Debug, Error)]
pub enum TrustError {
    /// A file that can't be read.
    #[error("trust: reading {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that says something else than it should.
    #[error("trust: {path} is not what it should be")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// Where the files are. Absent ones trust nobody.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// Senzu's CA, PEM.
    pub ca: Option<PathBuf>,
    /// The keys of Senzu's instructions, a JWK Set.
    pub keys: Option<PathBuf>,
    /// The public key that firmware images are signed with, as minisign writes it.
    pub firmware_key: Option<PathBuf>,
    /// Who may ask the agent's server.
    pub allow: Option<PathBuf>,
    /// What kind of build this is.
    pub build: Option<PathBuf>,
}

impl Paths {
    /// As `pious-initrd` lays them into the image.
    pub fn of_image() -> Self {
        let file = |name: &str| Some(Path::new("/etc/pious").join(name)).filter(|path| path.exists());
        Self {
            ca: file("ca.pem"),
            keys: file("instruction-keys.json"),
            firmware_key: file("firmware.pub"),
            allow: file("allow.json"),
            build: file("build.json"),
        }
    }
}

/// What is trusted.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Senzu's CA, PEM; empty: no https is believed.
    pub ca_pem: Vec<u8>,
    /// The keys of Senzu's instructions; empty: none is believed.
    pub keys: KeySet,
    /// The public key that firmware images are signed with; `None`: none is believed.
    pub firmware_key: Option<String>,
    /// Who may ask the agent's server.
    pub allow: AllowList,
    /// What kind of build this is.
    pub build: Build,
}

/// What kind of build this is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Build {
    /// The image's version.
    pub version: String,
    /// When its sources are from: no clock is earlier.
    pub source_date_epoch: u64,
    /// For a lab: plain HTTP is good enough.
    pub lab: bool,
}

/// Who may ask the agent's server. This host itself always may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AllowList {
    /// For a promotion.
    pub promotions: Vec<IpNet>,
    /// For status and metrics.
    pub status: Vec<IpNet>,
}

impl AllowList {
    /// Whether an address may ask for a promotion.
    pub fn may_promote(&self, address: IpAddr) -> bool {
        is_in(&self.promotions, address)
    }

    /// Whether an address may see the status.
    pub fn may_look(&self, address: IpAddr) -> bool {
        is_in(&self.status, address) || self.may_promote(address)
    }
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_this_host = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(&address);
    is_this_host || networks.iter().any(|network| network.contains(&address))
}

impl Trust {
    /// Reads the files.
    pub fn read(paths: &Paths) -> Result<Self, TrustError> {
        Ok(Self {
            ca_pem: paths.ca.as_deref().map(read).transpose()?.unwrap_or_default(),
            keys: json(paths.keys.as_deref())?,
            firmware_key: paths.firmware_key.as_deref().map(text).transpose()?,
            allow: json(paths.allow.as_deref())?,
            build: json(paths.build.as_deref())?,
        })
    }

    /// Reads the image's files, each by itself: what can't be read trusts nobody, and is said.
    pub fn of_image(paths: &Paths) -> (Self, Vec<TrustError>) {
        let mut problems = Vec::new();
        let mut taken = |only: Paths| {
            Self::read(&only).unwrap_or_else(|problem| {
                problems.push(problem);
                Self::default()
            })
        };
        let paths = paths.clone();
        let trust = Self {
            ca_pem: taken(Paths { ca: paths.ca, ..Paths::default() }).ca_pem,
            keys: taken(Paths { keys: paths.keys, ..Paths::default() }).keys,
            firmware_key: taken(Paths { firmware_key: paths.firmware_key, ..Paths::default() }).firmware_key,
            allow: taken(Paths { allow: paths.allow, ..Paths::default() }).allow,
            build: taken(Paths { build: paths.build, ..Paths::default() }).build,
        };
        (trust, problems)
    }
}

fn json<T: DeserializeOwned + Default>(path: Option<&Path>) -> Result<T, TrustError> {
    let Some(path) = path else { return Ok(T::default()) };
    serde_json::from_slice(&read(path)?).map_err(|source| TrustError::Parse { path: path.into(), source })
}

fn text(path: &Path) -> Result<String, TrustError> {
    let not_text = |error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
    String::from_utf8(read(path)?).map_err(|error| TrustError::Read { path: path.into(), source: not_text(error) })
}

fn read(path: &Path) -> Result<Vec<u8>, TrustError> {
    let error = |source| TrustError::Read { path: path.into(), source };
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(error)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(error)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_list_allows_nobody_but_this_host() {
        let list = AllowList::default();
        assert!(list.may_promote([127, 0, 0, 1].into()));
        assert!(!list.may_promote([10, 77, 0, 1].into()));
        assert!(!list.may_look([10, 77, 0, 1].into()));
    }

    #[test]
    fn a_list_allows_its_networks_also_in_their_mapped_form() {
        let list: AllowList =
            serde_json::from_str(r#"{"promotions": ["10.77.0.1/32"], "status": ["10.77.0.0/24"]}"#).unwrap();
        assert!(list.may_promote("::ffff:10.77.0.1".parse().unwrap()));
        assert!(!list.may_promote([10, 77, 0, 66].into()));
        assert!(list.may_look([10, 77, 0, 66].into()));
        assert!(!list.may_look([10, 78, 0, 66].into()));
    }

    #[test]
    fn a_broken_file_trusts_nobody_and_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("instruction-keys.json");
        std::fs::write(&keys, "not json").unwrap();
        let build = folder.path().join("build.json");
        std::fs::write(&build, r#"{"version": "1", "source_date_epoch": 7, "lab": true}"#).unwrap();
        let paths = Paths { keys: Some(keys), build: Some(build), ..Paths::default() };
        let (trust, problems) = Trust::of_image(&paths);
        assert_eq!(trust.keys, KeySet::default());
        assert_eq!(trust.build, Build { version: "1".into(), source_date_epoch: 7, lab: true });
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(Trust::read(&paths).is_err());
    }
}
