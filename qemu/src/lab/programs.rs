//! Where the programs that the lab starts are found.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// A program that is missing.
#[derive(Debug, Error)]
pub enum ProgramError {
    /// One of this workspace's.
    #[error("{0} is not there; build it (cargo build), or say with PIOUS_BIN where it is")]
    NotBuilt(PathBuf),
    /// One of the distribution's.
    #[error("{program} is not installed; install the package {package}")]
    NotInstalled {
        /// The program.
        program: &'static str,
        /// Its Debian package.
        package: &'static str,
    },
    /// A file of the distribution's.
    #[error("{file} is not there; install the package {package}")]
    NoFile {
        /// The file.
        file: &'static str,
        /// Its Debian package.
        package: &'static str,
    },
}

/// `$PIOUS_BIN`, or where the running program lies (a test lies one deeper, in `deps`).
pub fn directory() -> PathBuf {
    if let Some(named) = std::env::var_os("PIOUS_BIN") {
        return named.into();
    }
    let exe = std::env::current_exe().unwrap_or_default();
    let beside = exe.parent().unwrap_or(Path::new("."));
    let beside = if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside };
    beside.to_owned()
}

/// One of this workspace's programs.
pub fn own(directory: &Path, name: &str) -> Result<PathBuf, ProgramError> {
    let path = directory.join(name);
    if path.is_file() { Ok(path) } else { Err(ProgramError::NotBuilt(path)) }
}

/// One of the distribution's programs, also from the directories that only root's path has.
pub fn installed(program: &'static str, package: &'static str) -> Result<PathBuf, ProgramError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let administrative = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(administrative)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
        .ok_or(ProgramError::NotInstalled { program, package })
}

/// A file of the distribution's.
pub fn file(file: &'static str, package: &'static str) -> Result<(), ProgramError> {
    if Path::new(file).is_file() { Ok(()) } else { Err(ProgramError::NoFile { file, package }) }
}
