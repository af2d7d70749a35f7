//! Decompression, by a file name's ending: distributions ship modules (and packages their members) plain, as xz or as
//! zstd.

use std::borrow::Cow;
use std::io::{self, Cursor, Read};

use lzma_rust2::{XzReader, XzReaderMt};

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// `.xz`
    Xz,
    /// `.zst`
    Zstd,
}

impl Packing {
    /// By the name's ending, and the name without it.
    pub fn of(name: &str) -> (Packing, &str) {
        if let Some(inner) = name.strip_suffix(".xz") {
            (Packing::Xz, inner)
        } else if let Some(inner) = name.strip_suffix(".zst") {
            (Packing::Zstd, inner)
        } else {
            (Packing::Plain, name)
        }
    }

    /// For a module's file: its packing and its path as plain `.ko`; none if the file is no module.
    pub fn of_module(name: &str) -> Option<(Packing, &str)> {
        let (packing, plain) = Packing::of(name);
        plain.ends_with(".ko").then_some((packing, plain))
    }
}

/// The plain bytes.
pub fn decompress(packing: Packing, bytes: Cow<'_, [u8]>) -> io::Result<Vec<u8>> {
    match packing {
        Packing::Plain => Ok(bytes.into_owned()),
        Packing::Xz => {
            let mut plain = Vec::new();
            XzReader::new(bytes.as_ref(), true).read_to_end(&mut plain)?;
            Ok(plain)
        }
        Packing::Zstd => zstd::decode_all(bytes.as_ref()),
    }
}

/// A stream of the plain bytes; several processors share the blocks of an xz file.
pub fn stream(packing: Packing, bytes: &[u8]) -> io::Result<Box<dyn Read + '_>> {
    match packing {
        Packing::Plain => Ok(Box::new(bytes)),
        Packing::Xz => {
            let workers = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
            Ok(Box::new(XzReaderMt::new(Cursor::new(bytes), true, workers)?))
        }
        Packing::Zstd => Ok(Box::new(zstd::Decoder::new(bytes)?)),
    }
}
