//! The pages: what there is to see besides the summary. Each is rows of plain text, so that a screen scrolls through
//! what a serial line prints.

mod bmc;
mod disks;
mod log;
mod memory;
mod nics;
mod table;

use super::{View, words};
use crate::facts::Part;

/// The longest row that anybody else's text makes.
const MOST_CHARS: usize = 400;

/// A page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Page {
    /// What is wrong, and what to do.
    #[default]
    Summary,
    /// Each NIC.
    Nics,
    /// Each disk.
    Disks,
    /// Each slot.
    Memory,
    /// The management controller: chassis, power supplies, sensors, event log.
    Bmc,
    /// What the agent said of late.
    Log,
}

impl Page {
    /// All, in the order of their keys.
    pub const ALL: [Self; 6] = [Self::Summary, Self::Nics, Self::Disks, Self::Memory, Self::Bmc, Self::Log];

    /// What it is called; its key is the first letter.
    pub fn name(self) -> &'static str {
        match self {
            Self::Summary => "Summary",
            Self::Nics => "NICs",
            Self::Disks => "Disks",
            Self::Memory => "Memory",
            Self::Bmc => "BMC",
            Self::Log => "Log",
        }
    }
}

/// A row of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub text: String,
    pub tone: Tone,
}

/// How a row is said. Colour and weight only underline it: a bad row says so in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// A heading, or the first row of a block.
    Head,
    /// Something to look at.
    Bad,
}

impl Row {
    fn new(tone: Tone, text: impl AsRef<str>) -> Self {
        // Here passes what switches, firmware and disks call themselves, on its way to a terminal.
        Self { text: words::plain(text.as_ref(), MOST_CHARS), tone }
    }

    fn plain(text: impl AsRef<str>) -> Self {
        Self::new(Tone::Plain, text)
    }

    fn head(text: impl AsRef<str>) -> Self {
        Self::new(Tone::Head, text)
    }

    fn bad(text: impl AsRef<str>) -> Self {
        Self::new(Tone::Bad, text)
    }

    fn when(is_bad: bool, text: impl AsRef<str>) -> Self {
        Self::new(if is_bad { Tone::Bad } else { Tone::Plain }, text)
    }
}

/// The rows of a page, for a width; none for the summary, which is drawn otherwise.
pub(super) fn rows(page: Page, view: &View, width: usize) -> Vec<Row> {
    let facts = view.facts.facts();
    let rows = match page {
        Page::Summary => Vec::new(),
        Page::Nics => nics::rows(view, width),
        Page::Disks => disks::rows(facts, width),
        Page::Memory => memory::rows(facts, width),
        Page::Bmc => bmc::rows(facts, width),
        Page::Log => log::rows(view),
    };
    let ages = age_row(view, page);
    ages.into_iter().chain(rows).flat_map(|row| folded(row, width)).collect()
}

/// When what this page shows was last read, of that which no event tells of.
fn age_row(view: &View, page: Page) -> Option<Row> {
    let ages = view.ages.iter().filter(|age| shows(page, age.part));
    let said: Vec<_> = ages.map(|age| format!("{} {}", words::part(age.part), words::ago(age.age_s))).collect();
    (!said.is_empty()).then(|| Row::plain(format!(" read: {}", said.join(", "))))
}

/// Whether a page shows a part that is read from time to time.
fn shows(page: Page, part: Part) -> bool {
    match page {
        Page::Disks => part == Part::DiskHealth,
        Page::Memory => part == Part::MemoryErrors,
        Page::Bmc => matches!(part, Part::BmcHealth | Part::Sensors),
        Page::Summary | Page::Nics | Page::Log => false,
    }
}

/// A row that is longer than the width goes on in the next, behind its own indentation.
fn folded(row: Row, width: usize) -> Vec<Row> {
    if row.text.chars().count() <= width {
        return vec![row];
    }
    let indent = row.text.chars().take_while(|c| *c == ' ').count();
    let inner = width.saturating_sub(indent + FOLD).max(1);
    let first: String = " ".repeat(indent);
    let mut rows = Vec::new();
    for (number, text) in words::wrapped(row.text.trim_start(), inner).into_iter().enumerate() {
        let more = if number == 0 { 0 } else { FOLD };
        rows.push(Row { text: format!("{first}{}{text}", " ".repeat(more)), tone: row.tone });
    }
    rows
}

/// How much further a row's second half is indented.
const FOLD: usize = 10;

/// Labelled text, where there is any.
fn labelled(label: &str, text: Option<impl AsRef<str>>) -> Option<Row> {
    let text = text?;
    let text = text.as_ref().trim();
    (!text.is_empty()).then(|| Row::plain(format!("   {label:<9} {text}")))
}
