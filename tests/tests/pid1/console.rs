//! A console of the room: a pseudo-terminal whose other end the test reads. What was shown is kept, and can be waited for.

use nix::{
    pty::{Winsize, openpty},
    sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr},
    unistd::ttyname,
};
use std::{
    fs::{File, Permissions},
    io::Read,
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// A VGA text console.
const SIZE: Winsize = Winsize { ws_row: 25, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

pub struct Console {
    name: &'static str,
    path: PathBuf,
    shown: Arc<Shown>,
    /// Kept open, so that the other end lives on while nobody in the room has the console open.
    _terminal: OwnedFd,
}

#[derive(Default)]
struct Shown {
    bytes: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Console {
    pub fn open(name: &'static str) -> Self {
        let pty = openpty(&SIZE, None).expect("a pseudo-terminal");
        let mut settings = tcgetattr(&pty.slave).expect("the terminal's settings");
        cfmakeraw(&mut settings);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &settings).expect("a terminal that changes nothing");
        let path = ttyname(&pty.slave).expect("the terminal's path");
        // Root in the room is nobody out here.
        std::fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("a terminal for everybody");
        let shown = Arc::new(Shown::default());
        let theirs = Arc::clone(&shown);
        let mut output = File::from(pty.master);
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            // EIO: the last one has closed the terminal.
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                theirs.bytes.lock().expect("no panic while shown").extend_from_slice(&chunk[..count]);
                theirs.more.notify_all();
            }
        });
        Self { name, path, shown, _terminal: pty.slave }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything that was shown so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.bytes.lock().expect("no panic while shown")).into_owned()
    }

    /// Waits until `needle` was shown (again) after `seen` bytes; answers with where it ends.
    pub fn wait_for(&self, seen: usize, needle: &str, patience: Duration) -> usize {
        let deadline = Instant::now() + patience;
        let mut bytes = self.shown.bytes.lock().expect("no panic while shown");
        loop {
            let news = bytes.get(seen..).unwrap_or_default();
            if let Some(at) = news.windows(needle.len()).position(|window| window == needle.as_bytes()) {
                return seen + at + needle.len();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let news = String::from_utf8_lossy(news).into_owned();
                panic!("{} did not show {needle:?} within {patience:?}, but this:\n{news:?}", self.name);
            }
            bytes = self.shown.more.wait_timeout(bytes, left).expect("no panic while shown").0;
        }
    }
}
