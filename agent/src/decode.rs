//! The `facts` and `decode` subcommands: what they print, and how they fail. The only place here that opens files.

use crate::{
    capture::{self, CaptureError},
    facts::{
        self, LiveHost, RootHost,
        lldp::{self, LldpError},
        smbios::{self, SmbiosError},
    },
};
use pious_protocol::facts::{Neighbour, Smbios};
use serde::Serialize;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};
use thiserror::Error;

/// A dump or a capture is read whole. A long capture is filtered first, which is quicker too.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// What a subcommand has to say.
#[derive(Debug)]
pub struct Output {
    /// For stdout: JSON, each document on lines of its own.
    pub text: String,
    /// For stderr, without being a failure.
    pub remark: Option<String>,
    /// Why the exit status is not 0. The text before it stands.
    pub error: Option<DecodeError>,
}

/// Why there is nothing to print, or not all.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The file can't be read.
    #[error("{} can't be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is too big.
    #[error("{} is bigger than {} MiB; filter it first", file.display(), MAX_FILE_BYTES >> 20)]
    TooBig {
        /// The file.
        file: PathBuf,
    },
    /// The file is no SMBIOS dump.
    #[error("{} is no SMBIOS table that can be decoded", file.display())]
    Smbios {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: SmbiosError,
    },
    /// The file is no capture, or breaks off.
    #[error("{} is not a whole capture of Ethernet frames", file.display())]
    Capture {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: CaptureError,
    },
    /// There are LLDP frames, and none is well-formed.
    #[error("none of the {frames} LLDP frames in {} is well-formed", file.display())]
    AllRefused {
        /// The file.
        file: PathBuf,
        /// How many there are.
        frames: usize,
        /// What is wrong with the last.
        source: LldpError,
    },
    /// What was decoded can't be written as JSON.
    #[error("the facts can't be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl From<Result<String, DecodeError>> for Output {
    fn from(result: Result<String, DecodeError>) -> Self {
        match result {
            Ok(text) => Self { text, remark: None, error: None },
            Err(error) => Self { text: String::new(), remark: None, error: Some(error) },
        }
    }
}

/// `pious-agent facts [--root DIR]`: one JSON document of all facts of the live host, or of one recorded in a folder.
pub fn facts(root: Option<&Path>) -> Output {
    let facts = match root {
        None => Ok(facts::gather(&LiveHost)),
        Some(root) => RootHost::new(root)
            .map(|host| facts::gather(&host))
            .map_err(|source| DecodeError::Read { file: root.to_owned(), source }),
    };
    facts.and_then(|facts| document(&facts)).into()
}

/// `pious-agent decode smbios FILE`: one JSON document. The file is a dump of `dmidecode --dump-bin`, or the `DMI` or
/// the `smbios_entry_point` of `/sys/firmware/dmi/tables` with the other beside it.
pub fn smbios(file: &Path) -> Output {
    smbios_of(file).and_then(|smbios| document(&smbios)).into()
}

fn smbios_of(file: &Path) -> Result<Smbios, DecodeError> {
    let bytes = read(file)?;
    let beside = |name| read(&file.with_file_name(name)).ok();
    let decoded = if smbios::has_entry_point(&bytes) {
        match (smbios::decode_dump(&bytes), beside("DMI")) {
            (Err(SmbiosError::TableOutside { .. }), Some(table)) => smbios::decode_pair(&bytes, &table),
            (decoded, _) => decoded,
        }
    } else {
        match beside("smbios_entry_point") {
            Some(entry) => smbios::decode_pair(&entry, &bytes),
            None => smbios::decode_dump(&bytes),
        }
    };
    decoded.map_err(|source| DecodeError::Smbios { file: file.to_owned(), source })
}

/// One line of `decode lldp`.
#[derive(Serialize)]
struct Line {
    /// The frame's number in the capture, the first being 1.
    frame: u64,
    #[serde(flatten)]
    content: Content,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", untagged)]
enum Content {
    Decoded {
        neighbour: Box<Neighbour>,
        /// The frame's 802.1Q tags, outermost first.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tags: Vec<u16>,
        /// Malformed optional TLVs that were set aside.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        problems: Vec<String>,
    },
    Refused {
        error: String,
    },
}

/// `pious-agent decode lldp FILE`: one JSON line per LLDP frame, with the frame's number in the capture. Other frames
/// are passed over. A capture without LLDP frames prints nothing and succeeds (stderr says so); one whose LLDP frames
/// are all malformed, or that breaks off, prints its lines and fails.
pub fn lldp(file: &Path) -> Output {
    match read(file) {
        Ok(bytes) => lldp_in(&bytes, file),
        Err(error) => Err(error).into(),
    }
}

fn lldp_in(bytes: &[u8], file: &Path) -> Output {
    let broken = |source| DecodeError::Capture { file: file.to_owned(), source };
    let capture = match capture::read(bytes) {
        Ok(capture) => capture,
        Err(error) => return Err(broken(error)).into(),
    };
    let (mut text, mut decoded, mut refused) = (String::new(), 0_usize, Vec::new());
    for frame in &capture.frames {
        let content = match lldp::decode(frame.bytes) {
            // Another protocol's, or cut before it could say whose.
            Err(LldpError::NotLldp { .. } | LldpError::ShortFrame { .. }) => continue,
            Err(error) => {
                let line = Content::Refused { error: error.to_string() };
                refused.push(error);
                line
            }
            Ok(lldpdu) => {
                decoded += 1;
                Content::Decoded { neighbour: Box::new(lldpdu.neighbour), tags: lldpdu.tags, problems: lldpdu.problems }
            }
        };
        match serde_json::to_string(&Line { frame: frame.number, content }) {
            Ok(line) => text.extend([line.as_str(), "\n"]),
            Err(error) => return Output { text, remark: None, error: Some(error.into()) },
        }
    }
    let total = decoded + refused.len();
    let remark = (total == 0 && capture.broken.is_none())
        .then(|| format!("{}: none of the {} Ethernet frames is LLDP", file.display(), capture.frames.len()));
    let all_refused = refused.pop().filter(|_| decoded == 0);
    let all_refused =
        all_refused.map(|source| DecodeError::AllRefused { file: file.to_owned(), frames: total, source });
    Output { text, remark, error: capture.broken.map(broken).or(all_refused) }
}

fn document(value: &impl Serialize) -> Result<String, DecodeError> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

fn read(file: &Path) -> Result<Vec<u8>, DecodeError> {
    let unreadable = |source| DecodeError::Read { file: file.to_owned(), source };
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(unreadable)?;
    opened.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(DecodeError::TooBig { file: file.to_owned() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
