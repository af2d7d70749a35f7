//! What a session said before it died: the end of its output, kept in a small ring, and how it ended.
//!
//! Shown on the consoles, and kept in a file for the next session to send to Senzu.

use nix::sys::signal::Signal;
use std::{collections::VecDeque, fs, io, time::Duration};

/// Where the next session finds them.
pub(super) const LAST_WORDS_PATH: &str = "/run/pious/last-words";

/// How much of a session's output is kept: a panic's message with a backtrace, not a log.
const KEPT_BYTES: usize = 8 * 1024;

/// How many lines are shown on a console: what an 80×25 screen holds besides the frame.
const SHOWN_LINES: usize = 16;

/// The end of a session's output.
#[derive(Debug, Default)]
pub(super) struct Ring {
    bytes: VecDeque<u8>,
}

impl Ring {
    /// Keeps the end of what was said so far and of this.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let surplus = self.bytes.len().saturating_sub(KEPT_BYTES);
        self.bytes.drain(..surplus);
    }

    /// The kept text, with nothing in it that could move a console's cursor.
    fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        String::from_utf8_lossy(&bytes)
            .chars()
            .map(|c| if c == '\n' || !c.is_control() { c } else { ' ' })
            .collect::<String>()
            .trim()
            .to_owned()
    }
}

/// How a session ended without having asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// It returned this exit code, which is no [`super::Ending`].
    Code(i32),
    /// A signal killed it.
    Signal(Signal),
    /// It could not be started.
    NotStarted(nix::errno::Errno),
}

impl std::fmt::Display for Death {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended by itself with exit code {code}"),
            Self::Signal(signal) => write!(f, "was killed by {}", signal.as_str()),
            Self::NotStarted(errno) => write!(f, "could not be started: {}", errno.desc()),
        }
    }
}

/// A death and what was said before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LastWords {
    death: Death,
    lived: Duration,
    said: String,
}

impl LastWords {
    pub(super) fn new(death: Death, lived: Duration, ring: &Ring) -> Self {
        Self { death, lived, said: ring.text() }
    }

    /// One sentence on the death.
    pub(super) fn headline(&self) -> String {
        format!("PIOUS: the session {} after {:.1} s", self.death, self.lived.as_secs_f64())
    }

    /// The headline and the end of what was said, as much as a screen holds.
    pub(super) fn shown(&self) -> String {
        let lines: Vec<&str> = self.said.lines().collect();
        let end = lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default();
        if end.is_empty() {
            self.headline()
        } else {
            format!("{}\nIts last words:\n{}", self.headline(), end.join("\n"))
        }
    }

    /// Keeps them where the next session looks.
    pub(super) fn keep(&self) -> io::Result<()> {
        if let Some(folder) = std::path::Path::new(LAST_WORDS_PATH).parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(LAST_WORDS_PATH, format!("{}\n{}\n", self.headline(), self.said))
    }
}

#[cfg(test)]
mod tests {
    use super::{Death, KEPT_BYTES, LastWords, Ring, SHOWN_LINES};
    use nix::sys::signal::Signal;
    use std::time::Duration;

    #[test]
    fn the_ring_keeps_the_end() {
        let mut ring = Ring::default();
        ring.hear(&vec![b'a'; 3 * KEPT_BYTES]);
        ring.hear(b"the end");
        assert_eq!(ring.bytes.len(), KEPT_BYTES);
        assert!(ring.text().ends_with("athe end"));
    }

    #[test]
    fn what_is_shown_moves_no_cursor_and_fits_a_screen() {
        let mut ring = Ring::default();
        for line in 0..40 {
            ring.hear(format!("\x1b[2Jline {line}\r\n").as_bytes());
        }
        let words = LastWords::new(Death::Signal(Signal::SIGABRT), Duration::from_millis(1250), &ring);
        assert_eq!(words.headline(), "PIOUS: the session was killed by SIGABRT after 1.2 s");
        let shown = words.shown();
        assert_eq!(shown.lines().count(), 2 + SHOWN_LINES);
        assert!(shown.ends_with(" [2Jline 39"), "{shown}");
        assert!(!shown.contains('\x1b') && !shown.contains('\r'), "{shown}");
    }

    #[test]
    fn a_silent_death() {
        let words = LastWords::new(Death::Code(0), Duration::from_secs(3), &Ring::default());
        assert_eq!(words.shown(), "PIOUS: the session ended by itself with exit code 0 after 3.0 s");
    }
}
