//! The consoles that PID 1 itself can speak on: every one that the kernel uses, screen and serial alike.
//!
//! A session draws on them by means of its own; PID 1 only speaks while no session lives.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
};

/// The kernel's list of its consoles, e.g. `tty0 ttyS0`.
const ACTIVE_CONSOLES: &str = "/sys/class/tty/console/active";

/// How long one write waits for a console that takes nothing: a serial line held by flow control must not hold PID 1.
const WRITE_PATIENCE_MS: u16 = 200;

/// More consoles than any machine has.
const MOST_CONSOLES: usize = 8;

/// Leaves what a full-screen session may have left behind: alternate screen, hidden cursor, colours; then clears.
const FRESH_SCREEN: &str = "\x1b[?1049l\x1b[?25h\x1b[0m\x1b[2J\x1b[H";

/// Forgets colours and a hidden cursor, but clears nothing: a serial line is a log.
const FRESH_LINE: &str = "\x1b[?25h\x1b[0m\r\n";

pub(super) struct Consoles {
    opened: Vec<Console>,
}

struct Console {
    name: String,
    file: File,
    is_screen: bool,
}

/// The virtual terminal in front, whichever that is when it is opened: a session brings its own there.
const IN_FRONT: &str = "tty0";

impl Consoles {
    /// Opens every console that the kernel uses; `/dev/console` where it does not tell.
    pub(super) fn open() -> Self {
        let active = std::fs::read_to_string(ACTIVE_CONSOLES).unwrap_or_default();
        let mut opened: Vec<Console> = console_names(&active).filter_map(|name| Console::open(name).ok()).collect();
        if opened.is_empty() {
            opened.extend(Console::open("console"));
        }
        Self { opened }
    }

    /// Says lines on every console.
    pub(super) fn say(&mut self, text: &str) {
        let text = text.replace('\n', "\r\n");
        for console in &mut self.opened {
            console.follow();
            console.write(&text);
            console.write("\r\n");
        }
    }

    /// Takes the consoles over from a session: what comes next stands on a clean screen, or on a fresh line.
    pub(super) fn take_over(&mut self) {
        for console in &mut self.opened {
            console.follow();
            let fresh = if console.is_screen { FRESH_SCREEN } else { FRESH_LINE };
            console.write(fresh);
        }
    }

    /// Rewrites the line that the cursor is in.
    pub(super) fn tick(&mut self, text: &str) {
        for console in &mut self.opened {
            console.write("\r\x1b[K");
            console.write(text);
        }
    }
}

impl Console {
    fn open(name: &str) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .custom_flags(nix::libc::O_NOCTTY | nix::libc::O_NONBLOCK | nix::libc::O_CLOEXEC)
            .open(format!("/dev/{name}"))?;
        Ok(Self { name: name.to_owned(), file, is_screen: is_screen(name) })
    }

    /// What is said now must be seen now: not behind the terminal that a session has brought to the front since.
    fn follow(&mut self) {
        if self.name == IN_FRONT
            && let Ok(now) = Self::open(IN_FRONT)
        {
            *self = now;
        }
    }

    /// Writes what the console takes within its patience, and drops the rest.
    fn write(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return,
                Ok(taken) => rest = rest.get(taken..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut waited = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
                    if !matches!(poll(&mut waited, PollTimeout::from(WRITE_PATIENCE_MS)), Ok(1..)) {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }
}

fn console_names(active: &str) -> impl Iterator<Item = &str> {
    active.split_whitespace().filter(|name| !name.contains('/')).take(MOST_CONSOLES)
}

/// `tty0`, `tty1`, … are the screen; `ttyS0`, `ttyAMA0`, `hvc0`, … are lines.
fn is_screen(name: &str) -> bool {
    name.strip_prefix("tty").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{console_names, is_screen};

    #[test]
    fn the_kernels_list_of_consoles() {
        assert_eq!(console_names("tty0 ttyS0\n").collect::<Vec<_>>(), ["tty0", "ttyS0"]);
        assert_eq!(console_names("").count(), 0, "a kernel that does not tell");
        assert_eq!(console_names("../tty0 ttyS1").collect::<Vec<_>>(), ["ttyS1"], "no path");
    }

    #[test]
    fn screens_and_lines() {
        let told = ["tty0", "tty1", "ttyS0", "ttyAMA0", "hvc0", "console", "tty"].map(is_screen);
        assert_eq!(told, [true, true, false, false, false, false, false]);
    }
}
