//! Loads modules with what they need, from several threads at once: whoever finds a module being loaded by another waits
//! for it, so each is loaded once and never before what it needs.
//!
//! A module that does not load is a sentence in the log, never the end of anything: most are for hardware that is not
//! quite there.

use super::dependencies::Dependencies;
use nix::{
    errno::Errno,
    kmod::{ModuleInitFlags, finit_module, init_module},
};
use std::{
    collections::HashMap,
    ffi::CString,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Ten times the biggest module of a distribution's kernel, unpacked.
const MOST_MODULE_BYTES: u64 = 128 * 1024 * 1024;

/// Why a module could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("cannot read the module {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the kernel refuses the module {module} ({})", errno.desc())]
    Refused { module: String, errno: Errno },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Loading,
    Ended,
}

/// Loads modules of one folder.
pub(super) struct Loader {
    folder: PathBuf,
    dependencies: Dependencies,
    parameters: HashMap<String, CString>,
    states: Mutex<HashMap<String, State>>,
    changed: Condvar,
}

impl Loader {
    /// `folder` is `/lib/modules/RELEASE`; `cmdline` the kernel's command line, whose `module.parameter=value` words are
    /// the modules' parameters.
    pub(super) fn new(folder: &Path, dependencies: Dependencies, cmdline: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            dependencies,
            parameters: parameters(cmdline),
            states: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Loads a module and, first, what it needs. Says in the log what did not load.
    pub(super) fn load(&self, module: &str) {
        for name in self.dependencies.load_order(module) {
            if self.claim(name) {
                self.load_claimed(name);
            }
        }
    }

    /// Whether this thread is to load the module. Otherwise it is loaded, or given up, by the time this returns.
    fn claim(&self, module: &str) -> bool {
        let mut states = self.lock();
        loop {
            match states.get(module) {
                None => {
                    states.insert(module.to_owned(), State::Loading);
                    return true;
                }
                Some(State::Ended) => return false,
                Some(State::Loading) => {
                    states = self.changed.wait(states).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn load_claimed(&self, module: &str) {
        let outcome = self.insert(module);
        self.lock().insert(module.to_owned(), State::Ended);
        self.changed.notify_all();
        match outcome {
            // ENODEV: the driver looked and found no hardware of its own.
            Ok(()) | Err(LoadError::Refused { errno: Errno::ENODEV, .. }) => {}
            Err(error) => {
                let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
                tracing::warn!("{error}{source}");
            }
        }
    }

    fn insert(&self, module: &str) -> Result<(), LoadError> {
        let Some(relative) = self.dependencies.path(module) else { return Ok(()) };
        let path = self.folder.join(relative);
        let read_error = |source| LoadError::Read { path: path.clone(), source };
        let no_parameters = CString::default();
        let parameters = self.parameters.get(module).unwrap_or(&no_parameters);
        let file = File::open(&path).map_err(read_error)?;
        let outcome = if relative.ends_with(".ko") {
            finit_module(&file, parameters, ModuleInitFlags::empty())
        } else {
            init_module(&unpacked(file, relative).map_err(read_error)?, parameters)
        };
        match outcome {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(errno) => Err(LoadError::Refused { module: module.to_owned(), errno }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A compressed module's bytes; the name tells the format.
fn unpacked(file: File, name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if name.ends_with(".xz") {
        lzma_rust2::XzReader::new(file, false).take(MOST_MODULE_BYTES).read_to_end(&mut bytes)?;
    } else if name.ends_with(".zst") {
        let decoder = ruzstd::decoding::StreamingDecoder::new(file).map_err(io::Error::other)?;
        decoder.take(MOST_MODULE_BYTES).read_to_end(&mut bytes)?;
    } else {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "neither .ko nor .ko.xz nor .ko.zst"));
    }
    Ok(bytes)
}

/// The kernel's command line holds modules' parameters as `module.parameter=value`, for modprobe to find
/// (Documentation/admin-guide/kernel-parameters.rst).
fn parameters(cmdline: &str) -> HashMap<String, CString> {
    let mut joined: HashMap<String, String> = HashMap::new();
    for word in cmdline.split_ascii_whitespace() {
        let Some((module, parameter)) = word.split_once('.') else { continue };
        if module.contains('=') || module == "pious" {
            continue;
        }
        let words = joined.entry(crate::modalias::module_name(module).into_owned()).or_default();
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(parameter);
    }
    joined.into_iter().filter_map(|(module, words)| Some((module, CString::new(words).ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::{parameters, unpacked};
    use std::{fs::File, io::Write};

    #[test]
    fn parameters_of_modules() {
        let found = parameters(
            "quiet e1000e.IntMode=1,1 e1000e.debug=16 igb.x pious.senzu=https://10.0.0.1 root=a.b ahci-x.y=2",
        );
        let mut found: Vec<_> = found.iter().map(|(module, words)| (module.as_str(), words.as_c_str())).collect();
        found.sort();
        let expected = [("ahci_x", c"y=2"), ("e1000e", c"IntMode=1,1 debug=16"), ("igb", c"x")];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_compressed_module_is_unpacked_and_garbage_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("module");
        let body = b"\x7fELF and so on".repeat(1000);
        let mut writer =
            lzma_rust2::XzWriter::new(File::create(&path).unwrap(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
        writer.write_all(&body).unwrap();
        writer.finish().unwrap();
        assert_eq!(unpacked(File::open(&path).unwrap(), "a.ko.xz").unwrap(), body);
        assert!(unpacked(File::open(&path).unwrap(), "a.ko.zst").is_err(), "xz under a wrong name");
        assert!(unpacked(File::open(&path).unwrap(), "a.ko.gz").is_err(), "a format that is not carried");
    }
}
