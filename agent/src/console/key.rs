//! What hands press, as terminals tell it: bytes in, keys out.

use super::Page;

/// More bytes than hands press at once: a serial line that echoes what it is sent, or noise. Nothing of it is a key.
const MOST_BYTES: usize = 32;

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Show a page.
    Page(Page),
    /// Towards the end.
    Down(Stride),
    /// Towards the beginning.
    Up(Stride),
    /// Switch the chassis's identify LED.
    Identify,
    /// Show what the kernel says.
    Kernel,
    /// Leave, where there is something to leave to.
    Quit,
}

/// How far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stride {
    /// A row, or a finding.
    One,
    /// A screenful.
    Screen,
    /// All the way.
    All,
}

/// The keys among what one read gave; other bytes mean nothing.
pub(super) fn decode(bytes: &[u8]) -> Vec<Key> {
    if bytes.len() > MOST_BYTES {
        return Vec::new();
    }
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        let (key, left) = match (first, behind) {
            (0x1b, [b'[' | b'O', sequence @ ..]) => escape(sequence),
            (byte, left) => (letter(*byte), left),
        };
        keys.extend(key);
        rest = left;
    }
    keys
}

fn letter(byte: u8) -> Option<Key> {
    Some(match byte.to_ascii_lowercase() {
        b's' => Key::Page(Page::Summary),
        b'n' => Key::Page(Page::Nics),
        b'd' => Key::Page(Page::Disks),
        b'm' => Key::Page(Page::Memory),
        b'b' => Key::Page(Page::Bmc),
        b'l' => Key::Page(Page::Log),
        b'k' => Key::Kernel,
        b'i' => Key::Identify,
        b'q' => Key::Quit,
        b' ' => Key::Down(Stride::Screen),
        _ => return None,
    })
}

/// What follows `ESC [` or `ESC O` (ECMA-48 §5.4: parameters, then one final byte), and what is left behind it.
fn escape(sequence: &[u8]) -> (Option<Key>, &[u8]) {
    let Some(end) = sequence.iter().position(|byte| (0x40..=0x7e).contains(byte)) else { return (None, &[]) };
    let (parameters, left) = sequence.split_at(end);
    let key = match (left.first(), parameters) {
        (Some(b'A'), b"") => Some(Key::Up(Stride::One)),
        (Some(b'B'), b"") => Some(Key::Down(Stride::One)),
        (Some(b'H'), b"") | (Some(b'~'), b"1" | b"7") => Some(Key::Up(Stride::All)),
        (Some(b'F'), b"") | (Some(b'~'), b"4" | b"8") => Some(Key::Down(Stride::All)),
        (Some(b'~'), b"5") => Some(Key::Up(Stride::Screen)),
        (Some(b'~'), b"6") => Some(Key::Down(Stride::Screen)),
        _ => None,
    };
    (key, left.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{Key, MOST_BYTES, Page, Stride, decode};
    use proptest::prelude::*;

    #[test]
    fn letters_and_sequences() {
        let keys = [
            Key::Page(Page::Nics),
            Key::Down(Stride::One),
            Key::Up(Stride::Screen),
            Key::Down(Stride::All),
            Key::Page(Page::Log),
        ];
        assert_eq!(decode(b"N\x1b[B\x1b[5~\x1bOFl"), keys);
        assert_eq!(decode(b"\x1b[1;5B?\x1b[3~\x1b"), [], "keys that mean nothing");
        assert_eq!(decode(b"\x1b[1;5"), [], "cut off");
    }

    #[test]
    fn what_no_hand_presses_is_no_key() {
        assert_eq!(decode(&[b'i'; MOST_BYTES]).len(), MOST_BYTES);
        assert_eq!(decode(&[b'i'; MOST_BYTES + 1]), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(decode(&bytes).len() <= bytes.len());
        }
    }
}
