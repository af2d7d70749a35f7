//! A kernel that is unpacked already: a folder laid out like a system (`boot/`, `lib/modules/`), a modules' folder itself,
//! or a folder of packages.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Content, Image, Parts, Place, SourceError, is_module_file, kernel_image, looks_like_kernel};
use crate::digest::Hasher;

/// Reads the kernel's parts below a folder.
pub fn read(root: &Path) -> Result<Parts, SourceError> {
    let mut parts = Parts::default();
    for_each_relevant(root, &mut |file, _| {
        let failed = |error| SourceError::read(&file.path, error);
        match &file.place {
            Role::Image(release) => {
                let bytes = fs::read(&file.path).map_err(failed)?;
                if looks_like_kernel(&bytes) {
                    let named_release = release.clone().or_else(|| kernel_image::release_of(&bytes));
                    parts.images.push(Image { named_release, from: file.path.display().to_string(), bytes });
                }
                Ok(())
            }
            Role::Module { release, file: name } => parts.add_module(release, name, Content::File(file.path.clone())),
            Role::Package => parts.merge(super::read_one(&file.path)?),
        }
    })?;
    if parts.images.is_empty() && parts.modules.is_empty() {
        return Err(SourceError::Unknown { path: root.display().to_string() });
    }
    Ok(parts)
}

/// Adds everything that [`read`] looks at, by name, size, inode and times. The change time moves with every write,
/// whatever a program does to the others.
pub fn fingerprint(root: &Path, hasher: &mut Hasher) -> Result<(), SourceError> {
    for_each_relevant(root, &mut |file, about| {
        hasher.field(file.path.as_os_str().as_encoded_bytes());
        let (modified, changed) = ((about.mtime(), about.mtime_nsec()), (about.ctime(), about.ctime_nsec()));
        hasher.field(format!("{} {} {modified:?} {changed:?}", about.len(), about.ino()).as_bytes());
        Ok(())
    })
}

struct Relevant {
    path: PathBuf,
    place: Role,
}

enum Role {
    Image(Option<String>),
    Module { release: String, file: String },
    Package,
}

type Visit<'a> = dyn FnMut(&Relevant, &Metadata) -> Result<(), SourceError> + 'a;

fn for_each_relevant(root: &Path, visit: &mut Visit<'_>) -> Result<(), SourceError> {
    let modules_itself = root.join("kernel").is_dir() || root.join("modules.builtin").is_file();
    let release = modules_itself.then(|| modules_release(root)).transpose()?;
    let mut starts = vec![root.to_owned()];
    if release.is_none() {
        starts.extend(["boot", "lib/modules", "usr/lib/modules"].map(|below| root.join(below)));
    }
    // A merged /usr has one folder under two names.
    let mut seen = std::collections::BTreeSet::new();
    for start in starts.iter().filter(|start| start.is_dir()) {
        let real = start.canonicalize().map_err(|error| SourceError::read(start, error))?;
        if seen.insert(real) {
            let deep = release.is_some() || start != root;
            walk(root, start, deep, release.as_deref(), visit)?;
        }
    }
    Ok(())
}

/// A modules' folder is named after its release.
fn modules_release(root: &Path) -> Result<String, SourceError> {
    let real = root.canonicalize().map_err(|error| SourceError::read(root, error))?;
    Ok(real.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

fn walk(
    root: &Path,
    folder: &Path,
    deep: bool,
    release: Option<&str>,
    visit: &mut Visit<'_>,
) -> Result<(), SourceError> {
    for path in sorted(folder).map_err(|error| SourceError::read(folder, error))? {
        let about = fs::symlink_metadata(&path).map_err(|error| SourceError::read(&path, error))?;
        if about.is_dir() {
            if deep {
                walk(root, &path, deep, release, visit)?;
            }
        } else if let Some(place) = role(root, &path, release) {
            let about = fs::metadata(&path).map_err(|error| SourceError::read(&path, error))?;
            if about.is_file() {
                visit(&Relevant { path, place }, &about)?;
            }
        }
    }
    Ok(())
}

fn role(root: &Path, path: &Path, release: Option<&str>) -> Option<Role> {
    let below = path.strip_prefix(root).ok()?.to_str()?;
    if let Some(release) = release {
        if below == "vmlinuz" {
            return Some(Role::Image(Some(release.to_owned())));
        }
        return is_module_file(below).then(|| Role::Module { release: release.to_owned(), file: below.to_owned() });
    }
    if !below.contains('/') {
        if below.ends_with(".deb") {
            return Some(Role::Package);
        }
        return below.strip_prefix("vmlinuz").map(|rest| Role::Image(rest.strip_prefix('-').map(str::to_owned)));
    }
    match Parts::wants(below)? {
        Place::Image(release) => Some(Role::Image(release.map(str::to_owned))),
        Place::Module { release, file } => Some(Role::Module { release: release.to_owned(), file: file.to_owned() }),
    }
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
