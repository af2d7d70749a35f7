//! Which modules go into the image: the profile says what a server may need, the modules say what they need themselves,
//! and `depmod` writes the tables that the agent loads them by.

pub mod closure;
pub mod module;
pub mod profile;
pub mod tables;

use std::fmt;
use std::io;

/// Why drivers cannot be chosen.
#[derive(Debug, thiserror::Error)]
pub enum DriversError {
    /// The profile cannot be read.
    #[error("read the driver profile {file}")]
    ReadProfile {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The profile's text is wrong.
    #[error("the driver profile {file} is wrong")]
    BadProfile {
        /// The file.
        file: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The profile names what the kernel does not have.
    #[error(
        "{file}: family {family} names {what} {name}, but kernel {kernel} has no such {what}, loadable or built \
         in; if only some kernels have it, list it under `{}`",
        what.optional_key()
    )]
    NotInKernel {
        /// The profile's file.
        file: String,
        /// The family.
        family: String,
        /// Which of the two.
        what: Entry,
        /// Its name.
        name: String,
        /// The kernel's release, and where it came from.
        kernel: String,
    },
    /// A module is not what it should be.
    #[error("module {path} of kernel {release} cannot be read")]
    BadModule {
        /// The module's file, below the modules' folder.
        path: String,
        /// The kernel's release.
        release: String,
        /// Why.
        source: io::Error,
    },
    /// A module needs one that is not there.
    #[error("module {module} ({path}) needs {needs}, which kernel {kernel} does not have")]
    MissingDependency {
        /// The module.
        module: String,
        /// Its file.
        path: String,
        /// What it needs.
        needs: String,
        /// The kernel's release, and where it came from.
        kernel: String,
    },
    /// `depmod` is not installed.
    #[error("depmod is not installed: kernel packages carry no modules.dep. Install kmod (apt-get install kmod)")]
    NoDepmod,
    /// `depmod` failed.
    #[error("depmod of kernel {release} failed: {said}")]
    DepmodFailed {
        /// The kernel's release.
        release: String,
        /// What it wrote to stderr.
        said: String,
    },
    /// `depmod`'s table lacks a dependency that the module declares.
    #[error("depmod of kernel {release} did not find that {module} needs {needs}")]
    DependencyLost {
        /// The module.
        module: String,
        /// What it declares to need.
        needs: String,
        /// The kernel's release.
        release: String,
    },
    /// Files for `depmod` cannot be written or read.
    #[error("prepare depmod's folder: {what}")]
    Workspace {
        /// Which file.
        what: String,
        /// Why.
        source: io::Error,
    },
}

/// What a profile's entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// One module.
    Module,
    /// All modules of a folder.
    Folder,
}

impl Entry {
    /// The profile's key for those that only some kernels have.
    fn optional_key(self) -> &'static str {
        match self {
            Entry::Module => "optional",
            Entry::Folder => "optional_folders",
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Entry::Module => "module",
            Entry::Folder => "folder",
        })
    }
}
