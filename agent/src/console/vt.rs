//! Terminals as devices: their size, keys that come one by one, and which virtual terminal is in front.

use nix::{
    libc,
    sys::termios::{InputFlags, LocalFlags, SetArg, Termios, tcgetattr, tcsetattr},
};
use ratatui::layout::Size;
use std::{fs::File, io, os::fd::AsRawFd};

/// A screen that does not tell its size is a VGA text console.
const FALLBACK_SIZE: Size = Size { width: 80, height: 25 };

/// `VT_ACTIVATE` of linux/vt.h.
const VT_ACTIVATE: libc::Ioctl = 0x5606;

/// The size; a screen that says 0x0 or nothing is taken for 80x25.
pub(super) fn size(terminal: &File) -> Size {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open for as long as `terminal` lives, and TIOCGWINSZ writes one winsize, which `size` is.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    match result {
        0 if size.ws_col > 0 && size.ws_row > 0 => Size { width: size.ws_col, height: size.ws_row },
        _ => FALLBACK_SIZE,
    }
}

/// Brings a virtual terminal to the front; `any` is one of them. Fails where `any` is none.
pub(super) fn bring_to_front(any: &File, number: u8) -> io::Result<()> {
    // SAFETY: the descriptor is open for as long as `any` lives, and VT_ACTIVATE takes a number, no pointer.
    let result = unsafe { libc::ioctl(any.as_raw_fd(), VT_ACTIVATE, libc::c_ulong::from(number)) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What Ctrl-S does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlowControl {
    /// It halts a serial line that is too fast for its other end.
    Heeded,
    /// It is nothing: a screen that a hand halted by mistake would show what is no longer so.
    Ignored,
}

/// Lets keys through one by one, unseen, and none of them be a signal; answers how it was.
pub(super) fn take_keys(terminal: &File, flow: FlowControl) -> io::Result<Termios> {
    let before = tcgetattr(terminal)?;
    let mut keys = before.clone();
    // How output is treated stays: others write to the same device.
    keys.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG | LocalFlags::IEXTEN);
    match flow {
        FlowControl::Heeded => {}
        FlowControl::Ignored => keys.input_flags.remove(InputFlags::IXON),
    }
    tcsetattr(terminal, SetArg::TCSANOW, &keys)?;
    Ok(before)
}

/// Leaves a terminal as it was.
pub(super) fn give_back(terminal: &File, before: &Termios) {
    let _gone = tcsetattr(terminal, SetArg::TCSANOW, before);
}
