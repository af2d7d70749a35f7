//! Profile + kernel → the modules to pack, in load order: whatever a module uses (`depends`) or asks for (soft
//! dependencies) comes along, what must be loaded first stands first.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::module::{self, ModuleInfo, ModuleName};
use super::profile::{Family, Profile};
use super::{DriversError, Entry};
use crate::source::{Content, Kernel, Packing, decompress};

/// A module to pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its name.
    pub name: ModuleName,
    /// Its file below the modules' folder, as plain `.ko`.
    pub path: String,
    /// The plain `.ko`, signature included.
    pub bytes: Vec<u8>,
    /// What it says of itself.
    pub info: ModuleInfo,
    /// The family that names it, or the module that brought it.
    pub because: String,
}

/// What a profile means for a kernel.
#[derive(Debug, Default)]
pub struct Chosen {
    /// The modules; each after those it depends on.
    pub modules: Vec<Module>,
    /// What the profile names and the kernel has built in.
    pub builtin: BTreeSet<ModuleName>,
    /// What the profile calls optional and this kernel does not have.
    pub absent: BTreeSet<String>,
    /// Soft dependencies that this kernel does not have, as `module → name`.
    pub unresolved: BTreeSet<String>,
    /// The machine (an ELF `e_machine`) that the modules are for.
    pub machine: Option<u16>,
}

/// The modules that a profile selects from a kernel, with everything they need.
pub fn choose(profile: &Profile, kernel: &Kernel) -> Result<Chosen, DriversError> {
    let catalogue = Catalogue::of(kernel)?;
    let mut wanted = BTreeMap::new();
    let mut chosen = Chosen::default();
    for family in &profile.families {
        select(family, &profile.file, &catalogue, &mut wanted, &mut chosen)?;
    }
    let mut walk = Walk { catalogue: &catalogue, chosen, entered: BTreeSet::new() };
    for (name, because) in wanted {
        walk.visit(&name, because)?;
    }
    Ok(walk.chosen)
}

/// Collects what one family names.
fn select(
    family: &Family,
    file: &str,
    catalogue: &Catalogue<'_>,
    wanted: &mut BTreeMap<ModuleName, String>,
    chosen: &mut Chosen,
) -> Result<(), DriversError> {
    let missing = |what, name: &str| DriversError::NotInKernel {
        file: file.to_owned(),
        family: family.name.clone(),
        what,
        name: name.to_owned(),
        kernel: catalogue.kernel.words(),
    };
    let mut want = |name: ModuleName| {
        wanted.entry(name).or_insert_with(|| family.name.clone());
    };
    let required = family.modules.iter().map(|name| (name, true));
    for (text, is_required) in required.chain(family.optional.iter().map(|name| (name, false))) {
        let name = ModuleName::new(text);
        if catalogue.loadable.contains_key(&name) {
            want(name);
        } else if catalogue.builtin.contains(&name) {
            chosen.builtin.insert(name);
        } else if is_required {
            return Err(missing(Entry::Module, text));
        } else {
            chosen.absent.insert(text.clone());
        }
    }
    let except: BTreeSet<_> = family.except.iter().map(|name| ModuleName::new(name)).collect();
    let required = family.folders.iter().map(|folder| (folder, true));
    for (folder, is_required) in required.chain(family.optional_folders.iter().map(|folder| (folder, false))) {
        let prefix = format!("kernel/{}/", folder.trim_matches('/'));
        let inside: Vec<_> = catalogue.below(&prefix).filter(|name| !except.contains(*name)).cloned().collect();
        if !inside.is_empty() {
            inside.into_iter().for_each(&mut want);
        } else if catalogue.builtin_paths.iter().any(|path| path.starts_with(&prefix)) {
            // All of it is built in.
        } else if is_required {
            return Err(missing(Entry::Folder, folder));
        } else {
            chosen.absent.insert(folder.clone());
        }
    }
    Ok(())
}

/// A module's file in the kernel.
struct Stored<'k> {
    packing: Packing,
    path: &'k str,
    content: &'k Content,
}

/// A kernel's modules by name.
struct Catalogue<'k> {
    kernel: &'k Kernel,
    loadable: BTreeMap<ModuleName, Stored<'k>>,
    builtin: BTreeSet<ModuleName>,
    builtin_paths: Vec<String>,
    builtin_aliases: BTreeSet<String>,
    /// Plain aliases (no wildcards) of all modules; read only when a soft dependency is no module's name.
    aliases: OnceCell<BTreeMap<String, Vec<ModuleName>>>,
}

impl<'k> Catalogue<'k> {
    fn of(kernel: &'k Kernel) -> Result<Self, DriversError> {
        let mut loadable: BTreeMap<ModuleName, Stored<'k>> = BTreeMap::new();
        for (file, content) in &kernel.files {
            let Some((packing, path)) = Packing::of_module(file) else { continue };
            let stored = Stored { packing, path, content };
            // As depmod(8) searches: `updates` before what the kernel came with.
            let name = ModuleName::of_path(path);
            if path.starts_with("updates/") || !loadable.contains_key(&name) {
                loadable.insert(name, stored);
            }
        }
        let list = |name| Self::list(kernel, name);
        let builtin_paths: Vec<String> = list("modules.builtin")?.lines().map(str::to_owned).collect();
        let builtin = builtin_paths.iter().map(|path| ModuleName::of_path(path)).collect();
        // `crc32c.alias=crypto-crc32c`, each ended by a zero byte.
        let modinfo = list("modules.builtin.modinfo")?;
        let alias = |entry: &str| entry.split_once(".alias=").map(|(_, alias)| alias.to_owned());
        let builtin_aliases = modinfo.split('\0').filter_map(alias).collect();
        Ok(Catalogue { kernel, loadable, builtin, builtin_paths, builtin_aliases, aliases: OnceCell::new() })
    }

    fn list(kernel: &Kernel, name: &str) -> Result<String, DriversError> {
        let Some(content) = kernel.files.get(name) else { return Ok(String::new()) };
        let bytes = content.read().map_err(|source| bad_module(kernel, name, source))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn below(&self, prefix: &str) -> impl Iterator<Item = &ModuleName> {
        self.loadable.iter().filter(move |(_, stored)| stored.path.starts_with(prefix)).map(|(name, _)| name)
    }

    fn open(&self, stored: &Stored<'_>) -> Result<(Cow<'_, [u8]>, ModuleInfo, u16), DriversError> {
        let failed = |source| bad_module(self.kernel, stored.path, source);
        let packed = stored.content.read().map_err(failed)?;
        let bytes = decompress(stored.packing, packed).map_err(failed)?;
        let (info, machine) = module::read(&bytes).map_err(failed)?;
        Ok((bytes.into(), info, machine))
    }

    /// What a soft dependency means: modules by name or by alias; empty when it is built in; none when unknown.
    fn resolve(&self, word: &str) -> Result<Option<Vec<ModuleName>>, DriversError> {
        let name = ModuleName::new(word);
        if self.loadable.contains_key(&name) {
            return Ok(Some(vec![name]));
        }
        if self.builtin.contains(&name) || self.builtin_aliases.contains(word) {
            return Ok(Some(Vec::new()));
        }
        if self.aliases.get().is_none() {
            let _ = self.aliases.set(self.read_aliases()?);
        }
        Ok(self.aliases.get().and_then(|aliases| aliases.get(word)).cloned())
    }

    fn read_aliases(&self) -> Result<BTreeMap<String, Vec<ModuleName>>, DriversError> {
        let mut aliases: BTreeMap<String, Vec<ModuleName>> = BTreeMap::new();
        for (name, stored) in &self.loadable {
            let (_, info, _) = self.open(stored)?;
            for alias in info.aliases.into_iter().filter(|alias| !alias.contains(['*', '?', '['])) {
                aliases.entry(alias).or_default().push(name.clone());
            }
        }
        Ok(aliases)
    }
}

fn bad_module(kernel: &Kernel, path: &str, source: io::Error) -> DriversError {
    DriversError::BadModule { path: path.to_owned(), release: kernel.release.clone(), source }
}

/// Depth first: a module is put down after everything that must be loaded before it.
struct Walk<'c> {
    catalogue: &'c Catalogue<'c>,
    chosen: Chosen,
    entered: BTreeSet<ModuleName>,
}

impl Walk<'_> {
    fn visit(&mut self, name: &ModuleName, because: String) -> Result<(), DriversError> {
        let catalogue = self.catalogue;
        let Some(stored) = catalogue.loadable.get(name) else { return Ok(()) };
        // Soft dependencies may form circles; the second visit ends them.
        if !self.entered.insert(name.clone()) {
            return Ok(());
        }
        let (bytes, info, machine) = catalogue.open(stored)?;
        self.chosen.machine = Some(machine);
        for needed in &info.depends {
            if !catalogue.loadable.contains_key(needed) && !catalogue.builtin.contains(needed) {
                return Err(DriversError::MissingDependency {
                    module: name.to_string(),
                    path: stored.path.to_owned(),
                    needs: needed.to_string(),
                    kernel: catalogue.kernel.words(),
                });
            }
            self.visit(needed, format!("needed by {name}"))?;
        }
        self.visit_soft(name, &info.before)?;
        let after = info.after.clone();
        let (path, bytes) = (stored.path.to_owned(), bytes.into_owned());
        self.chosen.modules.push(Module { name: name.clone(), path, bytes, info, because });
        self.visit_soft(name, &after)
    }

    fn visit_soft(&mut self, name: &ModuleName, words: &[String]) -> Result<(), DriversError> {
        for word in words {
            match self.catalogue.resolve(word)? {
                Some(modules) => {
                    for module in modules {
                        self.visit(&module, format!("asked for by {name}"))?;
                    }
                }
                None => {
                    self.chosen.unresolved.insert(format!("{name} → {word}"));
                }
            }
        }
        Ok(())
    }
}
