//! The lab's firmware images: one line that says what it is for, then bytes that make it as long as a real one. Pure.

use pious_protocol::firmware::FirmwareComponent;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use thiserror::Error;

/// The only format there is.
const FORMAT: u8 = 1;

/// The longest first line.
const MAX_LINE_BYTES: usize = 1024;

/// What an image says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pious_lab_firmware: u8,
    /// What it is for.
    pub component: FirmwareComponent,
    /// The machine that it is for.
    pub model: String,
    /// What runs once it is applied.
    pub version: String,
}

/// Why bytes are no image.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImageError {
    /// There is no first line where it must be.
    #[error("the image has no first line within {MAX_LINE_BYTES} bytes")]
    NoLabel,
    /// The first line is something else.
    #[error("the image's first line is no label: {0}")]
    NotALabel(String),
    /// A label of a later format.
    #[error("the image's format is {0}; only {FORMAT} is known")]
    Format(u8),
}

impl Label {
    /// A label.
    pub fn new(component: FirmwareComponent, model: &str, version: &str) -> Self {
        Self { pious_lab_firmware: FORMAT, component, model: model.to_owned(), version: version.to_owned() }
    }

    /// Reads the label at an image's beginning.
    pub fn parse(image: &[u8]) -> Result<Self, ImageError> {
        let head = &image[..image.len().min(MAX_LINE_BYTES)];
        let end = head.iter().position(|byte| *byte == b'\n').ok_or(ImageError::NoLabel)?;
        let label: Self =
            serde_json::from_slice(&head[..end]).map_err(|error| ImageError::NotALabel(error.to_string()))?;
        match label.pious_lab_firmware {
            FORMAT => Ok(label),
            other => Err(ImageError::Format(other)),
        }
    }

    fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// An image of so many bytes (of its label, if that is longer).
pub fn make(component: FirmwareComponent, model: &str, version: &str, size_bytes: usize) -> Vec<u8> {
    let mut image = Vec::with_capacity(size_bytes);
    // A Vec takes everything.
    let _ = write(&Label::new(component, model, version), size_bytes as u64, &mut image);
    image
}

/// Writes the same anywhere, a piece at a time.
pub fn write(label: &Label, size_bytes: u64, to: &mut impl Write) -> io::Result<()> {
    const PIECE_BYTES: usize = 64 * 1024;
    let line = label.line();
    to.write_all(&line)?;
    let mut left = size_bytes.saturating_sub(line.len() as u64);
    // Xorshift: looks like firmware to whoever compresses it, and is the same every time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    while left > 0 {
        piece.clear();
        while piece.len() < PIECE_BYTES {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            piece.extend_from_slice(&state.to_le_bytes());
        }
        let count = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        to.write_all(&piece[..count])?;
        left -= count as u64;
    }
    Ok(())
}

/// An image on its way in: its beginning, its length and its digest are kept, not its bytes.
#[derive(Default)]
pub struct Incoming {
    head: Vec<u8>,
    bytes: u64,
    digest: Sha256,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// How long it was.
    pub bytes: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// What it says of itself.
    pub label: Result<Label, ImageError>,
}

impl Incoming {
    /// The next bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        let room = MAX_LINE_BYTES.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.bytes += bytes.len() as u64;
        self.digest.update(bytes);
    }

    /// How many came.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// That was all.
    pub fn finish(self) -> Received {
        Received { bytes: self.bytes, sha256: hex(&self.digest.finalize()), label: Label::parse(&self.head) }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_begins_with_its_label_and_is_always_the_same() {
        let image = make(FirmwareComponent::Bios, "Lab Server", "2.2.0", 4096);
        let line = br#"{"pious_lab_firmware":1,"component":"bios","model":"Lab Server","version":"2.2.0"}"#;
        assert_eq!(&image[..line.len()], line);
        assert_eq!(image[line.len()], b'\n');
        assert_eq!(image.len(), 4096);
        assert_eq!(image, make(FirmwareComponent::Bios, "Lab Server", "2.2.0", 4096));
        assert_eq!(Label::parse(&image), Ok(Label::new(FirmwareComponent::Bios, "Lab Server", "2.2.0")));
    }

    #[test]
    fn what_is_no_image_is_said() {
        assert_eq!(Label::parse(b"MZ"), Err(ImageError::NoLabel));
        assert_eq!(Label::parse(&[b'x'; 5000]), Err(ImageError::NoLabel));
        assert!(matches!(Label::parse(b"{}\n"), Err(ImageError::NotALabel(_))));
        let later = br#"{"pious_lab_firmware":2,"component":"bios","model":"m","version":"1"}"#;
        assert_eq!(Label::parse(&[later.as_slice(), b"\n"].concat()), Err(ImageError::Format(2)));
    }

    #[test]
    fn pieces_are_the_same_as_the_whole() {
        let image = make(FirmwareComponent::Bmc, "m", "1", 10_000);
        let (mut whole, mut pieces) = (Incoming::default(), Incoming::default());
        whole.take(&image);
        image.chunks(7).for_each(|piece| pieces.take(piece));
        let received = pieces.finish();
        assert_eq!(received.bytes, 10_000);
        assert_eq!(received, whole.finish());
    }
}
