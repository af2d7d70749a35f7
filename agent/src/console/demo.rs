//! `pious-agent console --demo FILE`: a recorded view (`/v1/status`) as the engineer sees it, in any terminal.

use super::{Page, Panel, View, draw, output, vt};
use ratatui::{buffer::Buffer, layout::Rect};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};
use thiserror::Error;

/// Why a recording is not shown.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no such file, or none that may be read.
    #[error("the recorded view {file} can't be read", file = file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no view.
    #[error("{file} is no recorded view (the answer of /v1/status)", file = file.display())]
    NoView {
        /// The file.
        file: PathBuf,
        /// Where it is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// There is no terminal to show it on.
    #[error("there is no terminal to show it on: use --once")]
    Terminal(#[source] io::Error),
    /// It could not be printed.
    #[error("the screen can't be printed")]
    Print(#[source] io::Error),
}

/// Columns and rows, as `80x25`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenSize {
    columns: u16,
    rows: u16,
}

/// The largest side of a screen: an 8K display with the kernel's smallest font has fewer.
const MOST_CELLS: u16 = 1000;

impl FromStr for ScreenSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let side = |text: &str| text.parse().ok().filter(|side| (1..=MOST_CELLS).contains(side));
        let sides = text.split_once('x').map(|(columns, rows)| (side(columns), side(rows)));
        match sides {
            Some((Some(columns), Some(rows))) => Ok(Self { columns, rows }),
            Some(_) | None => Err(format!("{text} is no size of a screen: columns x rows, e.g. 80x25")),
        }
    }
}

/// Shows a recorded view on this terminal until `q` is pressed.
pub fn show(file: &Path) -> Result<(), Error> {
    let view = read(file)?;
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(Error::Terminal)?;
    let before = vt::take_keys(&terminal, vt::FlowControl::Ignored).map_err(Error::Terminal)?;
    let mut after = terminal.try_clone().map_err(Error::Terminal)?;
    let shown = output::show_until_quit(terminal, view).map_err(Error::Terminal);
    vt::give_back(&after, &before);
    // Colours, cursor and screen as they are with everybody else.
    let _gone = after.write_all(b"\x1b[0m\x1b[?25h\x1b[2J\x1b[H");
    shown
}

/// Prints one screen of a recorded view as text.
pub fn print(file: &Path, page: Page, size: Option<ScreenSize>) -> Result<(), Error> {
    let view = read(file)?;
    let size = size.map_or_else(this_terminal, |size| (size.columns, size.rows));
    let mut panel = Panel::default();
    panel.show(Arc::new(view), Duration::ZERO);
    panel.press(super::Key::Page(page), Duration::ZERO);
    let text = text(&mut panel, Rect::new(0, 0, size.0, size.1));
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads may have enough of it (`| head`).
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Print(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn this_terminal() -> (u16, u16) {
    let size = File::open("/dev/tty").map(|terminal| vt::size(&terminal));
    size.map_or((80, 25), |size| (size.width, size.height))
}

/// A panel as text: what a screen of this size shows, without its colours.
pub(super) fn text(panel: &mut Panel, area: Rect) -> String {
    let mut buffer = Buffer::empty(area);
    draw(panel, area, &mut buffer);
    let rows = buffer.content().chunks(usize::from(area.width.max(1)));
    let rows = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n");
    rows.collect()
}

fn read(file: &Path) -> Result<View, Error> {
    let bytes = std::fs::read(file).map_err(|source| Error::Read { file: file.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| Error::NoView { file: file.to_owned(), source })
}
