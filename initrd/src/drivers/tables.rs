//! `modules.dep` and its sisters, written by `depmod` over exactly the packed modules: the tables then hold nothing that
//! the image does not.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::DriversError;
use super::closure::Module;
use super::module::ModuleName;
use crate::source::Kernel;

/// The tables that the agent reads. `depmod` writes more (binary forms of the same).
const TABLES: [&str; 3] = ["modules.dep", "modules.alias", "modules.softdep"];

/// Lists from the package that `depmod` reads.
const LISTS: [&str; 3] = ["modules.order", "modules.builtin", "modules.builtin.modinfo"];

/// Where `depmod` lies besides the search path: a user's often lacks the sbin folders.
const DEPMOD_PLACES: [&str; 4] = ["depmod", "/usr/sbin/depmod", "/sbin/depmod", "/usr/bin/depmod"];

/// The tables by file name, `modules.builtin` included.
pub fn write(modules: &[Module], kernel: &Kernel) -> Result<BTreeMap<String, Vec<u8>>, DriversError> {
    let root = tempfile::tempdir().map_err(|source| workspace("a temporary folder", source))?;
    let folder = root.path().join("lib/modules").join(&kernel.release);
    for module in modules {
        place(&folder, &module.path, &module.bytes)?;
    }
    for list in LISTS {
        let bytes = match kernel.files.get(list) {
            Some(content) => content.read().map_err(|source| workspace(list, source))?.into_owned(),
            None => Vec::new(),
        };
        place(&folder, list, &bytes)?;
    }
    depmod(root.path(), &kernel.release)?;
    let mut tables = BTreeMap::new();
    for table in TABLES.into_iter().chain(["modules.builtin"]) {
        let bytes = fs::read(folder.join(table)).map_err(|source| workspace(table, source))?;
        tables.insert(table.to_owned(), bytes);
    }
    let dependencies = tables.get("modules.dep").map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    check(modules, &dependencies, &kernel.release)?;
    Ok(tables)
}

fn workspace(what: &str, source: io::Error) -> DriversError {
    DriversError::Workspace { what: what.to_owned(), source }
}

fn place(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), DriversError> {
    let file = folder.join(path);
    file.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&file, bytes))
        .map_err(|source| workspace(path, source))
}

fn depmod(root: &Path, release: &str) -> Result<(), DriversError> {
    let failed = |said: String| DriversError::DepmodFailed { release: release.to_owned(), said };
    for program in DEPMOD_PLACES {
        let run = Command::new(program).env("LC_ALL", "C").arg("-b").arg(root).arg(release).output();
        return match run {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => Err(failed(error.to_string())),
        };
    }
    Err(DriversError::NoDepmod)
}

/// `depmod` finds dependencies by symbols, modpost wrote them down by name: a module that one of them knows and the other
/// does not would fail to load on a server, so it fails here.
fn check(modules: &[Module], table: &str, release: &str) -> Result<(), DriversError> {
    let found: BTreeMap<ModuleName, Vec<ModuleName>> = table
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(path, needs)| {
            (ModuleName::of_path(path), needs.split_whitespace().map(ModuleName::of_path).collect::<Vec<_>>())
        })
        .collect();
    let packed = |name: &ModuleName| modules.iter().any(|module| module.name == *name);
    for module in modules {
        let listed = found.get(&module.name).map(Vec::as_slice).unwrap_or_default();
        let lost = module.info.depends.iter().find(|needed| packed(needed) && !listed.contains(needed));
        if let Some(needed) = lost {
            return Err(DriversError::DependencyLost {
                module: module.name.to_string(),
                needs: needed.to_string(),
                release: release.to_owned(),
            });
        }
    }
    Ok(())
}
