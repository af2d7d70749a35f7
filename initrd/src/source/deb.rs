//! A Debian package (deb(5)): an ar archive of `debian-binary`, `control.tar*` and `data.tar*`. Read in this process, so
//! that it works wherever this program does.

use std::io::{self, Read};
use std::path::Path;

use super::{Content, Image, Package, Parts, Place, SourceError, unpack};
use crate::digest::Digest;
use crate::source::Packing;

/// The ar format's magic.
const AR_MAGIC: &[u8] = b"!<arch>\n";

/// Whether these bytes begin like a Debian package.
pub fn looks_like_deb(bytes: &[u8]) -> bool {
    bytes.starts_with(AR_MAGIC)
}

/// The package at hand, as far as it is known: for messages.
struct Named<'a> {
    path: &'a Path,
    control: Option<(String, String)>,
}

impl Named<'_> {
    fn damaged(&self, what: String, source: io::Error) -> SourceError {
        let kernel = self.control.as_ref().map(|(name, version)| format!(" ({name} {version})")).unwrap_or_default();
        SourceError::Damaged { file: self.path.display().to_string(), kernel, what, source }
    }
}

/// Reads the kernel's parts from a package.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Parts, SourceError> {
    let mut package = Named { path, control: None };
    let mut parts = Parts::default();
    let mut has_data = false;
    let mut members = ar::Archive::new(bytes);
    while let Some(member) = members.next_entry() {
        let mut member = member.map_err(|error| package.damaged("its table of members is cut".to_owned(), error))?;
        let name = String::from_utf8_lossy(member.header().identifier()).trim_end_matches('/').to_owned();
        let size = member.header().size();
        let mut content = Vec::new();
        member
            .read_to_end(&mut content)
            .and_then(|_| if content.len() as u64 == size { Ok(()) } else { Err(cut_short()) })
            .map_err(|error| package.damaged(format!("{name} has {} of its {size} bytes", content.len()), error))?;
        if name.starts_with("control.tar") {
            let control = read_control(&name, &content).map_err(|error| package.damaged(name, error))?;
            package.control = control;
        } else if name.starts_with("data.tar") {
            has_data = true;
            read_data(&name, &content, &mut parts, &package)?;
        }
    }
    if !has_data {
        return Err(package.damaged("it ends before data.tar".to_owned(), cut_short()));
    }
    let (name, version) = package.control.unwrap_or_default();
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    parts.packages.push(Package { file, name, version, sha256: Digest::of(bytes) });
    Ok(parts)
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends early")
}

/// Name and version of the package.
fn read_control(member: &str, content: &[u8]) -> io::Result<Option<(String, String)>> {
    let mut archive = tar::Archive::new(open(member, content)?);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.file_name().is_some_and(|name| name == "control") {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            let field =
                |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(|value| value.trim().to_owned());
            return Ok(field("Package:").zip(field("Version:")));
        }
    }
    Ok(None)
}

fn read_data(member: &str, content: &[u8], parts: &mut Parts, package: &Named<'_>) -> Result<(), SourceError> {
    let damaged = |last: &str, error| package.damaged(format!("{member} breaks after {last}"), error);
    let mut last = "its beginning".to_owned();
    let stream = open(member, content).map_err(|error| damaged(&last, error))?;
    let mut archive = tar::Archive::new(stream);
    for entry in archive.entries().map_err(|error| damaged(&last, error))? {
        let mut entry = entry.map_err(|error| damaged(&last, error))?;
        let path = entry.path().map_err(|error| damaged(&last, error))?.to_string_lossy().into_owned();
        if entry.header().entry_type().is_file()
            && let Some(place) = Parts::wants(&path)
        {
            // The size is only a hint: a damaged header must not make us allocate what it says.
            let mut bytes = Vec::with_capacity(usize::try_from(entry.size()).unwrap_or(0).min(content.len()));
            entry.read_to_end(&mut bytes).map_err(|error| damaged(&path, error))?;
            match place {
                Place::Image(release) => {
                    let from = format!("{} in {}", path, package.path.display());
                    parts.images.push(Image { named_release: release.map(str::to_owned), from, bytes });
                }
                Place::Module { release, file } => parts.add_module(release, file, Content::Bytes(bytes))?,
            }
        }
        last = path;
    }
    Ok(())
}

fn open<'a>(member: &str, content: &'a [u8]) -> io::Result<Box<dyn Read + 'a>> {
    let (packing, plain) = Packing::of(member);
    if plain.ends_with(".tar") {
        unpack::stream(packing, content)
    } else {
        Err(io::Error::new(io::ErrorKind::Unsupported, format!("{member} is packed in a way that is not known here")))
    }
}
