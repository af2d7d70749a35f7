//! What the kernel says: on a virtual terminal of its own, and its end as lines for whoever sits at a serial line.
//!
//! The kernel itself writes on whatever terminal is in front, over a screen that somebody reads; it is kept from that
//! (see [`super::quiet_kernel`]), and its log is copied instead.

use super::vt;
use crate::priority::Turn;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
};

/// The kernel's log, a record for each read (Documentation/ABI/testing/dev-kmsg).
const KERNEL_LOG: &str = "/dev/kmsg";

/// The longest record is 8 KiB (CONSOLE_EXT_LOG_MAX); a shorter buffer gets EINVAL.
const RECORD_BYTES: usize = 8192;

/// Lines at the end of the log that a serial line prints: a screenful and what led to it.
const LATEST: usize = 40;

/// The text of one record, with its moment; `None` for what is no record.
fn line(record: &[u8]) -> Option<String> {
    let record = String::from_utf8_lossy(record);
    let (head, rest) = record.split_once(';')?;
    let microseconds: u64 = head.split(',').nth(2)?.parse().ok()?;
    // Behind the first line are the device's properties.
    let text = rest.lines().next().unwrap_or_default();
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Some(format!("[{:5}.{:03}] {text}", microseconds / 1_000_000, microseconds / 1000 % 1000))
}

/// The log, from its oldest record on; it has an end for now, and may go on.
struct Log {
    file: File,
    buffer: Vec<u8>,
}

impl Log {
    fn open() -> io::Result<Self> {
        let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(KERNEL_LOG)?;
        Ok(Self { file, buffer: vec![0; RECORD_BYTES] })
    }

    /// The next line; `Ok(None)` where there is none yet.
    fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(count) => match self.buffer.get(..count).and_then(line) {
                    Some(line) => return Ok(Some(line)),
                    None => continue,
                },
                // EPIPE: the record was overwritten meanwhile, and the next read gives the oldest that is left.
                Err(error) if error.raw_os_error() == Some(nix::libc::EPIPE) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The end of the log as text.
pub(super) fn latest() -> io::Result<String> {
    let mut log = Log::open()?;
    let mut lines = VecDeque::new();
    while let Some(line) = log.next()? {
        if lines.len() == LATEST {
            lines.pop_front();
        }
        lines.push_back(line);
    }
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

/// Copies the log to a virtual terminal as it grows; any key there brings another terminal back to the front.
pub(super) fn show_on(terminal: File, back: u8) -> io::Result<()> {
    let mut log = Log::open()?;
    vt::take_keys(&terminal, vt::FlowControl::Ignored)?;
    std::thread::Builder::new().name("kernel-log".into()).spawn(move || {
        Turn::Last.take();
        // Without it the page stands still, and the console goes on.
        let _no_page = copy(&mut log, &terminal, back);
    })?;
    Ok(())
}

fn copy(log: &mut Log, mut terminal: &File, back: u8) -> io::Result<()> {
    loop {
        while let Some(line) = log.next()? {
            terminal.write_all(line.as_bytes())?;
            terminal.write_all(b"\r\n")?;
        }
        let mut waited =
            [PollFd::new(log.file.as_fd(), PollFlags::POLLIN), PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        poll(&mut waited, PollTimeout::NONE)?;
        if waited.get(1).and_then(PollFd::any).unwrap_or_default() {
            match terminal.read(&mut [0; 64])? {
                0 => return Ok(()),
                _ => vt::bring_to_front(terminal, back)?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_record_is_its_moment_and_its_first_line() {
        let record =
            b"4,1027,61234567,-,caller=T1;r8169 0000:02:00.0: \x1b[2Jodd\n SUBSYSTEM=pci\n DEVICE=+pci:0000:02:00.0\n";
        assert_eq!(line(record).as_deref(), Some("[   61.234] r8169 0000:02:00.0:  [2Jodd"));
        assert_eq!(line(b"6,1,5,-;").as_deref(), Some("[    0.000] "));
        assert_eq!(line(b"no record"), None);
        assert_eq!(line(b"6,1;no moment"), None);
        assert_eq!(line(b"\xff\xfe"), None);
    }
}
