//! Where the console is shown: one thread per device, so that a serial line held by flow control never stalls a boot
//! session. A device gets the newest view when it is ready for one; what it was too slow for it never sees. The same
//! thread takes the device's keys.

use super::{
    Identify, Key, Lines, Page, Panel, View, draw, kernel_log, key, page,
    vt::{self, FlowControl},
};
use crate::{driver::now, priority::Turn};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::eventfd::{EfdFlags, EventFd},
};
use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::{Backend, CrosstermBackend},
    layout::{Rect, Size},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read, Write},
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How often a screen is painted whole, though nothing changed: something may have scribbled over it. Painting a large
/// framebuffer takes an emulated processor a fifth of a second.
const REPAINT: Duration = Duration::from_secs(600);

/// How often a screen looks whether its size changed (a framebuffer driver came): there is no event for it.
const LOOK: Duration = Duration::from_secs(10);

/// How long the last view may take to reach its device before the machine goes down.
const LAST_VIEW: Duration = Duration::from_millis(500);

/// How long the keys of a device rest that has failed: it may be plugged in again.
const REST: Duration = Duration::from_secs(10);

/// What comes on a serial line within this is taken for one press: at 9600 baud, noise and echoes are then too long for
/// hands (see [`key::decode`]), and an arrow's three bytes are together.
const PRESS: Duration = Duration::from_millis(50);

/// What a kernel keeps for a terminal that is not read (N_TTY_BUF_SIZE).
const MOST_INPUT_BYTES: usize = 4096;

/// How wide a page is printed on a serial line: nobody asked its terminal.
const LINE_COLUMNS: usize = 100;

/// No blanking of the screen (`setterm --blank 0`), no powering down of the monitor, cursor hidden, screen cleared.
/// A blanked console gets the machine reset mid-write.
const PREPARE_SCREEN: &[u8] = b"\x1b[9;0]\x1b[14;0]\x1b[?25l\x1b[0m\x1b[2J\x1b[H";

/// The way back from the kernel's page.
const BACK: &[u8] = b"\r\n\x1b[7m Messages of the kernel. Any key: back \x1b[0m\r\n";

/// One device that shows the console.
#[derive(Debug)]
pub struct Output {
    slot: Arc<Slot>,
}

#[derive(Debug)]
struct Slot {
    newest: Mutex<Newest>,
    changed: Condvar,
    wake: EventFd,
}

#[derive(Debug, Default)]
struct Newest {
    view: Option<Arc<View>>,
    is_shown: bool,
    /// How identifying went.
    answer: Option<String>,
    is_identifying: bool,
}

/// The virtual terminals, by number: `/dev/ttyN`.
#[derive(Clone, Copy, Debug)]
pub struct Terminals {
    /// The console's own.
    pub own: u8,
    /// The one that is in front when the kernel hands over, where its messages are.
    pub kernel: u8,
}

impl Output {
    /// A full screen on a virtual terminal of its own, and the kernel's log on another. Where the screen is none with
    /// terminals that take turns, it is all there is, and is drawn on.
    pub fn screen(terminals: Terminals, identify: Arc<Identify>) -> io::Result<Self> {
        let kernel = open(format!("/dev/tty{}", terminals.kernel))?;
        let own = open(format!("/dev/tty{}", terminals.own))
            .and_then(|own| vt::bring_to_front(&own, terminals.own).map(|()| own));
        let (own, kernel) = match own {
            Ok(own) => {
                // Without it, the kernel's page is what is left of its boot.
                let _no_log = kernel.try_clone().and_then(|page| kernel_log::show_on(page, terminals.own));
                (own, Some((kernel, terminals.kernel)))
            }
            Err(_) => (kernel, None),
        };
        let mut screen = Screen::new(own)?;
        Self::start("console-screen", move |slot| {
            loop {
                match screen.turn(slot) {
                    Some(Key::Identify) => identify_by(slot, &identify),
                    Some(Key::Kernel) => screen.show_kernel(kernel.as_ref()),
                    Some(Key::Page(_) | Key::Up(_) | Key::Down(_) | Key::Quit) | None => {}
                }
            }
        })
    }

    /// Lines, e.g. on `/dev/ttyS0`.
    pub fn lines(path: &Path, identify: Arc<Identify>) -> io::Result<Self> {
        let device = open(path)?;
        let keys = Keyboard::new(device.try_clone()?, FlowControl::Heeded);
        Self::start("console-lines", move |slot| show_lines(slot, keys, device, &identify))
    }

    /// Lines on standard error, for an ordinary host.
    pub fn stderr() -> io::Result<Self> {
        Self::start("console-stderr", move |slot| {
            let mut lines = Lines::default();
            loop {
                slot.wait(&mut Keyboard::none(), None);
                let (Some(view), _) = slot.take() else { continue };
                let _not_there = io::stderr().write_all(lines.show(&view).as_bytes());
                slot.shown(&view);
            }
        })
    }

    fn start(name: &str, show: impl FnOnce(&Arc<Slot>) + Send + 'static) -> io::Result<Self> {
        let slot = Arc::new(Slot::new()?);
        let theirs = Arc::clone(&slot);
        std::thread::Builder::new().name(name.into()).spawn(move || {
            Turn::Last.take();
            show(&theirs);
        })?;
        Ok(Self { slot })
    }

    /// Shows a view, soon.
    pub fn show(&self, view: Arc<View>) {
        self.slot.show(view);
    }

    /// Waits until the newest view is on the device, a moment at most.
    pub fn finish(&self) {
        let is_waited_for = |newest: &mut Newest| newest.view.is_some() && !newest.is_shown;
        let waiting = self.slot.changed.wait_timeout_while(self.slot.newest(), LAST_VIEW, is_waited_for);
        drop(waiting);
    }
}

fn open(path: impl AsRef<Path>) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(nix::libc::O_NOCTTY).open(path)
}

impl Slot {
    fn new() -> io::Result<Self> {
        let wake = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        Ok(Self { newest: Mutex::default(), changed: Condvar::new(), wake })
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, view: Arc<View>) {
        let mut newest = self.newest();
        (newest.view, newest.is_shown) = (Some(view), false);
        self.rouse();
    }

    fn rouse(&self) {
        // It fails where the thread was roused 2^64 times and never came: then once more is no loss.
        let _roused_already = self.wake.write(1);
    }

    /// Waits for a view, a key, or an answer; answers the keys.
    fn wait(&self, keys: &mut Keyboard, at_most: Option<Duration>) -> Vec<Key> {
        let pressed = keys.wait(&self.wake, at_most);
        let _was_not_roused = self.wake.read();
        pressed
    }

    /// What came meanwhile: a view that is not shown yet, and how identifying went.
    fn take(&self) -> (Option<Arc<View>>, Option<String>) {
        let mut newest = self.newest();
        let view = newest.view.clone().filter(|_| !newest.is_shown);
        (view, newest.answer.take())
    }

    fn shown(&self, view: &Arc<View>) {
        let mut newest = self.newest();
        newest.is_shown = newest.view.as_ref().is_some_and(|newest| Arc::ptr_eq(newest, view));
        self.changed.notify_all();
    }
}

/// Identifies in a thread of its own, one at a time: a BMC may take seconds, and a screen must not.
fn identify_by(slot: &Arc<Slot>, identify: &Arc<Identify>) {
    if std::mem::replace(&mut slot.newest().is_identifying, true) {
        return;
    }
    let (theirs, identify) = (Arc::clone(slot), Arc::clone(identify));
    let answer = move |words: String| {
        let mut newest = theirs.newest();
        (newest.answer, newest.is_identifying) = (Some(words), false);
        theirs.rouse();
    };
    let otherwise = answer.clone();
    let work = move || answer(identify.press(now()));
    if let Err(error) = std::thread::Builder::new().name("identify".into()).spawn(work) {
        otherwise(format!("the identify LED can't be switched: {error}"));
    }
}

/// A device's keys.
struct Keyboard {
    device: Option<File>,
    flow: FlowControl,
    rests_until: Option<Instant>,
}

impl Keyboard {
    fn new(device: File, flow: FlowControl) -> Self {
        // Without it keys come when a line is ended, which is better than none.
        let _by_lines = vt::take_keys(&device, flow);
        Self { device: Some(device), flow, rests_until: None }
    }

    fn none() -> Self {
        Self { device: None, flow: FlowControl::Ignored, rests_until: None }
    }

    /// Waits for keys, or for being roused.
    fn wait(&mut self, wake: &EventFd, at_most: Option<Duration>) -> Vec<Key> {
        let left = self.rests_until.map(|until| until.saturating_duration_since(Instant::now()));
        let rest = left.filter(|left| !left.is_zero());
        let device = self.device.as_ref().filter(|_| rest.is_none());
        let mut waited = vec![PollFd::new(wake.as_fd(), PollFlags::POLLIN)];
        waited.extend(device.map(|device| PollFd::new(device.as_fd(), PollFlags::POLLIN)));
        let at_most = at_most.into_iter().chain(rest).min();
        let timeout = at_most.map_or(PollTimeout::NONE, |most| PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX));
        match poll(&mut waited, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Nothing to wait with: rest, rather than turn in circles.
            Err(_) => std::thread::sleep(LOOK),
        }
        let is_pressed = waited.get(1).and_then(PollFd::any).unwrap_or_default();
        if is_pressed { self.read() } else { Vec::new() }
    }

    fn read(&mut self) -> Vec<Key> {
        let Some(mut device) = self.device.as_ref() else { return Vec::new() };
        match self.flow {
            FlowControl::Heeded => std::thread::sleep(PRESS),
            FlowControl::Ignored => {}
        }
        let mut bytes = vec![0; MOST_INPUT_BYTES];
        match device.read(&mut bytes) {
            Ok(count @ 1..) => key::decode(bytes.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Vec::new(),
            // Hung up, or gone.
            Ok(0) | Err(_) => {
                self.rests_until = Some(Instant::now() + REST);
                Vec::new()
            }
        }
    }
}

/// A terminal, the panel that it shows, and its keys.
pub(super) struct Screen {
    file: File,
    keys: Keyboard,
    panel: Panel,
    size: Size,
    terminal: Terminal<CrosstermBackend<BufWriter<File>>>,
    painted: Instant,
}

impl Screen {
    pub fn new(mut file: File) -> io::Result<Self> {
        file.write_all(PREPARE_SCREEN)?;
        let size = vt::size(&file);
        let mut backend = CrosstermBackend::new(BufWriter::new(file.try_clone()?));
        backend.clear()?;
        let viewport = Viewport::Fixed(whole(size));
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        let keys = Keyboard::new(file.try_clone()?, FlowControl::Ignored);
        Ok(Self { file, keys, panel: Panel::default(), size, terminal, painted: Instant::now() })
    }

    /// Waits for news a while, and draws them; answers a key that is not about what this screen shows.
    fn turn(&mut self, slot: &Slot) -> Option<Key> {
        let passes_after = self.panel.passes_at().map(|at| at.saturating_sub(now()));
        let keys = slot.wait(&mut self.keys, Some(passes_after.map_or(LOOK, |after| after.min(LOOK))));
        let at = now();
        let mut is_changed = self.panel.pass(at);
        let (view, answer) = slot.take();
        if let Some(words) = answer {
            self.panel.notice(words, at);
            is_changed = true;
        }
        if let Some(view) = &view {
            self.panel.show(Arc::clone(view), at);
        }
        let mut other = None;
        for key in keys {
            match self.panel.press(key, at) {
                true => is_changed = true,
                false => other = Some(key),
            }
        }
        if self.is_repainted() || is_changed || view.is_some() {
            self.draw();
        }
        if let Some(view) = view {
            slot.shown(&view);
        }
        other
    }

    /// Clears the screen where it has another size, or was not painted whole for long.
    fn is_repainted(&mut self) -> bool {
        let size = vt::size(&self.file);
        let is_resized = size != self.size;
        if is_resized {
            self.size = size;
            let _kept_as_it_is = self.terminal.resize(whole(size));
        }
        let is_due = is_resized || self.painted.elapsed() >= REPAINT;
        if is_due {
            self.painted = Instant::now();
            let _next_time = self.terminal.clear();
        }
        is_due
    }

    fn draw(&mut self) {
        if self.panel.has_view() {
            let panel = &mut self.panel;
            let _next_time = self.terminal.draw(|frame| draw(panel, frame.area(), frame.buffer_mut()));
        }
    }

    fn show_kernel(&mut self, kernel: Option<&(File, u8)>) {
        let shown = kernel.map(|(page, number)| {
            let mut page = page;
            page.write_all(BACK).and_then(|()| vt::bring_to_front(page, *number))
        });
        let words = match shown {
            Some(Ok(())) => return,
            Some(Err(error)) => format!("the kernel's messages can't be shown: {error}"),
            None => "this screen has no second terminal for the kernel's messages: see the serial line".into(),
        };
        self.panel.notice(words, now());
        self.draw();
    }
}

fn whole(size: Size) -> Rect {
    Rect::new(0, 0, size.width, size.height)
}

fn show_lines(slot: &Arc<Slot>, mut keys: Keyboard, mut device: File, identify: &Arc<Identify>) {
    let mut lines = Lines::default();
    let mut newest: Option<Arc<View>> = None;
    loop {
        let mut text = String::new();
        let pressed = slot.wait(&mut keys, None);
        let (view, answer) = slot.take();
        if let Some(view) = &view {
            text.push_str(&lines.show(view));
            newest = Some(Arc::clone(view));
        }
        text.extend(answer.map(|words| format!("  {words}\n")));
        for key in pressed {
            match key {
                Key::Page(page) => text.extend(newest.as_ref().map(|view| print_page(page, view))),
                Key::Identify => identify_by(slot, identify),
                Key::Kernel => text.push_str(
                    &kernel_log::latest()
                        .unwrap_or_else(|error| format!("  the kernel's log can't be read: {error}\n")),
                ),
                Key::Up(_) | Key::Down(_) | Key::Quit => {}
            }
        }
        // A device that fails is not there; the next view may find it again.
        let _not_there = device.write_all(text.replace('\n', "\r\n").as_bytes()).and_then(|()| device.flush());
        if let Some(view) = view {
            slot.shown(&view);
        }
    }
}

/// A page as lines; the summary is what a console that was told nothing yet is told.
fn print_page(page: Page, view: &View) -> String {
    match page {
        Page::Summary => Lines::default().show(view),
        page @ (Page::Nics | Page::Disks | Page::Memory | Page::Bmc | Page::Log) => {
            let rows = page::rows(page, view, LINE_COLUMNS);
            let rows = rows.into_iter().map(|row| row.text + "\n").collect::<String>();
            format!("-- {} --\n{rows}-- end of {}; S: Summary --\n", page.name(), page.name())
        }
    }
}

/// Shows one view on a terminal until somebody quits.
pub(super) fn show_until_quit(terminal: File, view: View) -> io::Result<()> {
    let slot = Slot::new()?;
    slot.show(Arc::new(view));
    let mut screen = Screen::new(terminal)?;
    let no_bmc = "this is a recording: it has no identify LED";
    loop {
        match screen.turn(&slot) {
            Some(Key::Quit) => return Ok(()),
            Some(Key::Identify) => {
                slot.newest().answer = Some(no_bmc.to_owned());
                slot.rouse();
            }
            Some(Key::Kernel) => screen.show_kernel(None),
            Some(Key::Page(_) | Key::Up(_) | Key::Down(_)) | None => {}
        }
    }
}

/// Keeps the kernel from writing over the screen: only what precedes a kernel's death still goes to the consoles.
pub fn quiet_kernel() {
    // Four numbers: the console's level (1: emergencies alone), and the kernel's defaults for the others.
    let _not_linux_or_not_ours = std::fs::write("/proc/sys/kernel/printk", "1 4 1 7\n");
}
