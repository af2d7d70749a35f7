//! The declared profile: families of drivers, each with its reason. The profiles of this crate are part of the program;
//! others are files.

use std::path::Path;

use serde::Deserialize;

use super::DriversError;

const SERVER: &str = include_str!("../../drivers/server.toml");
const NONE: &str = include_str!("../../drivers/none.toml");

/// What to pack, in families.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Where it was read from, for messages.
    #[serde(skip)]
    pub file: String,
    /// Its text, for the cache's key.
    #[serde(skip)]
    pub text: String,
    /// What it is for.
    pub about: String,
    /// The families.
    #[serde(default)]
    pub families: Vec<Family>,
}

/// Drivers that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// A short name.
    pub name: String,
    /// Why servers need it.
    pub why: String,
    /// Modules that must exist, loadable or built in.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Modules that only some kernels have.
    #[serde(default)]
    pub optional: Vec<String>,
    /// Folders below `kernel/`, each with all its modules; each must exist.
    #[serde(default)]
    pub folders: Vec<String>,
    /// Folders that only some kernels have.
    #[serde(default)]
    pub optional_folders: Vec<String>,
    /// Modules of those folders that no server needs (unless another module does).
    #[serde(default)]
    pub except: Vec<String>,
}

impl Profile {
    /// What a manifest calls it: its name, or its file without the folders of the machine it was built on.
    pub fn name(&self) -> String {
        Path::new(&self.file).file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// The profile of this name, or of this file (a path or a name that ends in `.toml`).
pub fn load(name: &str) -> Result<Profile, DriversError> {
    let (file, text) = match name {
        "server" => ("initrd/drivers/server.toml".to_owned(), SERVER.to_owned()),
        "none" => ("initrd/drivers/none.toml".to_owned(), NONE.to_owned()),
        path => {
            let read = std::fs::read_to_string(Path::new(path));
            (path.to_owned(), read.map_err(|source| DriversError::ReadProfile { file: path.to_owned(), source })?)
        }
    };
    parse(file, text)
}

/// A profile from its text.
pub fn parse(file: String, text: String) -> Result<Profile, DriversError> {
    let profile: Profile = toml::from_str(&text)
        .map_err(|source| DriversError::BadProfile { file: file.clone(), source: Box::new(source) })?;
    Ok(Profile { file, text, ..profile })
}
