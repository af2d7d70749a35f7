//! Where the console is shown: one thread per device, so that a serial line held by flow control never stalls a boot
//! session. A device gets the newest view when it is ready for one; what it was too slow for it never sees.

use super::{Lines, View, draw};
use crate::priority::Turn;
use nix::libc;
use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::{Backend, CrosstermBackend},
    layout::{Rect, Size},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    os::fd::AsRawFd,
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

/// A screen that does not tell its size is a VGA text console.
const FALLBACK_SIZE: Size = Size { width: 80, height: 25 };

/// How often a screen is painted whole, though nothing changed: a driver may have scribbled over it.
const REPAINT: Duration = Duration::from_secs(60);

/// How often a screen looks whether its size changed (a framebuffer driver came): there is no event for it.
const LOOK: Duration = Duration::from_secs(1);

/// How long the last view may take to reach its device before the machine goes down.
const LAST_VIEW: Duration = Duration::from_millis(500);

/// No blanking of the screen (`setterm --blank 0`), no powering down of the monitor, cursor hidden, screen cleared.
/// A blanked console gets the machine reset mid-write.
const PREPARE_SCREEN: &[u8] = b"\x1b[9;0]\x1b[14;0]\x1b[?25l\x1b[0m\x1b[2J\x1b[H";

/// One device that shows the console.
#[derive(Debug)]
pub struct Output {
    slot: Arc<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    newest: Mutex<Newest>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Newest {
    view: Option<Arc<View>>,
    is_shown: bool,
}

impl Output {
    /// A full screen, e.g. `/dev/tty1`.
    pub fn screen(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        file.write_all(PREPARE_SCREEN)?;
        Self::start("console-screen", move |slot| show_screen(slot, &file))
    }

    /// Lines, e.g. on `/dev/ttyS0`.
    pub fn lines(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).open(path)?;
        Self::start("console-lines", move |slot| show_lines(slot, file, "\r\n"))
    }

    /// Lines on standard error, for an ordinary host.
    pub fn stderr() -> io::Result<Self> {
        Self::start("console-stderr", move |slot| show_lines(slot, io::stderr(), "\n"))
    }

    fn start(name: &str, show: impl FnOnce(&Slot) + Send + 'static) -> io::Result<Self> {
        let slot = Arc::new(Slot::default());
        let theirs = Arc::clone(&slot);
        std::thread::Builder::new().name(name.into()).spawn(move || {
            Turn::Last.take();
            show(&theirs);
        })?;
        Ok(Self { slot })
    }

    /// Shows a view, soon.
    pub fn show(&self, view: Arc<View>) {
        let mut newest = self.slot.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.view = Some(view);
        newest.is_shown = false;
        self.slot.changed.notify_all();
    }

    /// Waits until the newest view is on the device, a moment at most.
    pub fn finish(&self) {
        let newest = self.slot.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting =
            self.slot.changed.wait_timeout_while(newest, LAST_VIEW, |newest| newest.view.is_some() && !newest.is_shown);
        drop(waiting);
    }
}

impl Slot {
    /// The newest view when there is one that is not shown yet; else the same again, after a while.
    fn wait(&self, at_most: Duration) -> (Option<Arc<View>>, bool) {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let is_stale = |newest: &mut Newest| newest.view.is_none() || newest.is_shown;
        match self.changed.wait_timeout_while(newest, at_most, is_stale) {
            Ok((newest, waited)) => (newest.view.clone(), !waited.timed_out()),
            Err(poisoned) => (poisoned.into_inner().0.view.clone(), true),
        }
    }

    fn shown(&self, view: &Arc<View>) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.is_shown = newest.view.as_ref().is_some_and(|newest| Arc::ptr_eq(newest, view));
        self.changed.notify_all();
    }
}

fn show_screen(slot: &Slot, file: &File) {
    let mut painted = Duration::ZERO;
    let mut size = size_of(file);
    let Ok(mut terminal) = terminal(file, size) else { return };
    loop {
        let (view, is_new) = slot.wait(LOOK);
        let Some(view) = view else { continue };
        painted += LOOK;
        let now_size = size_of(file);
        let is_resized = now_size != size;
        if is_resized {
            size = now_size;
            let _kept_as_it_is = terminal.resize(Rect::new(0, 0, size.width, size.height));
        }
        let is_overdue = painted >= REPAINT;
        if is_resized || is_overdue {
            painted = Duration::ZERO;
            let _next_time = terminal.clear();
        }
        if is_new || is_resized || is_overdue {
            let _next_time = terminal.draw(|frame| draw(&view, frame.area(), frame.buffer_mut()));
            slot.shown(&view);
        }
    }
}

fn terminal(file: &File, size: Size) -> io::Result<Terminal<CrosstermBackend<BufWriter<File>>>> {
    let mut backend = CrosstermBackend::new(BufWriter::new(file.try_clone()?));
    backend.clear()?;
    let viewport = Viewport::Fixed(Rect::new(0, 0, size.width, size.height));
    Terminal::with_options(backend, TerminalOptions { viewport })
}

fn show_lines(slot: &Slot, mut device: impl Write, end_of_line: &str) {
    let mut lines = Lines::default();
    loop {
        let (view, is_new) = slot.wait(Duration::MAX);
        let (Some(view), true) = (view, is_new) else { continue };
        let text = lines.show(&view).replace('\n', end_of_line);
        // A device that fails is not there; the next view may find it again.
        let _not_there = device.write_all(text.as_bytes()).and_then(|()| device.flush());
        slot.shown(&view);
    }
}

/// The screen's size; a screen that says 0×0 or nothing is taken for 80×25.
fn size_of(file: &File) -> Size {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open for as long as `file` lives, and TIOCGWINSZ writes one winsize, which `size` is.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    match result {
        0 if size.ws_col > 0 && size.ws_row > 0 => Size { width: size.ws_col, height: size.ws_row },
        _ => FALLBACK_SIZE,
    }
}

/// Keeps the kernel from writing over the screen: only what precedes a kernel's death still goes to the consoles.
pub fn quiet_kernel() {
    // Four numbers: the console's level (1: emergencies alone), and the kernel's defaults for the others.
    let _not_linux_or_not_ours = std::fs::write("/proc/sys/kernel/printk", "1 4 1 7\n");
}
