//! A panel as one full screen: 80x25 or larger, 16 colours, CP437 glyphs. Colour only underlines what the words say.
//!
//! From the top: who this is, what must not be disturbed, what to do next; then the page; then the keys. So whatever page
//! somebody left behind, the next one who comes sees what is wrong.

use super::{
    Page, View,
    page::{self, Row, Tone},
    panel::Panel,
    summary,
    words::{self, Times},
};
use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span, Text},
    widgets::{Block, Borders, Paragraph, Widget},
};

/// Rows of one text at most: the second is given where there is room, the next action has it always.
const MOST_TEXT_ROWS: usize = 2;

/// Where texts begin: behind their label.
const TEXT_COLUMN: usize = 8;

/// Draws a panel, and notes in it how far down it really is.
pub fn draw(panel: &mut Panel, area: Rect, buffer: &mut Buffer) {
    let view = panel.view();
    let busy = words::busy(view, Times::Exact);
    let next = next_rows(view, usize::from(area.width));
    let rows = [
        Constraint::Length(1),
        Constraint::Length(u16::from(busy.is_some())),
        length(next.len()),
        Constraint::Min(0),
        Constraint::Length(1),
    ];
    let [title_area, busy_area, next_area, page_area, keys_area] = Layout::vertical(rows).areas(area);
    draw_title(view, title_area, buffer);
    if let Some(words) = busy {
        Paragraph::new(format!(" {words}")).style(loud(Color::Red)).render(busy_area, buffer);
    }
    Paragraph::new(Text::from(next)).render(next_area, buffer);
    let (above, screenful) = match panel.page() {
        Page::Summary => summary::draw(panel, page_area, buffer),
        page @ (Page::Nics | Page::Disks | Page::Memory | Page::Bmc | Page::Log) => {
            let rows = page::rows(page, view, usize::from(page_area.width));
            draw_page(page.name(), &rows, panel.above(), page_area, buffer)
        }
    };
    panel.drawn(above, screenful);
    draw_keys(panel, keys_area, buffer);
}

pub(super) fn length(rows: usize) -> Constraint {
    Constraint::Length(u16::try_from(rows).unwrap_or(u16::MAX))
}

fn draw_title(view: &View, area: Rect, buffer: &mut Buffer) {
    let ending = view.ending.as_deref().unwrap_or_default();
    let title = words::joined(&[&words::asset(view), words::state(view), &ending.to_uppercase()], "  ");
    Paragraph::new(format!(" PIOUS {}  {title}", view.version)).style(inverse()).render(area, buffer);
}

/// The one next action, whole: it is why somebody looks.
fn next_rows(view: &View, width: usize) -> Vec<Line<'static>> {
    let style = bright(Color::White);
    let mut rows = texts([("Next", view.next.clone(), style)], width, &mut { 1 });
    if let Some(label) = rows.first_mut().and_then(|row| row.spans.first_mut()) {
        label.style = inverse();
    }
    rows
}

/// Labelled texts, a row each; a longer one has a second row while there are `spare` ones, and is then cut with a mark.
pub(super) fn texts(
    texts: impl IntoIterator<Item = (&'static str, String, Style)>,
    width: usize,
    spare: &mut usize,
) -> Vec<Line<'static>> {
    let width = width.saturating_sub(TEXT_COLUMN + 1).max(1);
    let mut lines = Vec::new();
    for (label, text, style) in texts {
        let mut rows = words::wrapped(&text, width);
        let room = MOST_TEXT_ROWS.min(1 + *spare);
        if rows.len() > room {
            let cut = rows.split_off(room - 1).join(" ");
            rows.push(words::fit(&cut, width));
        }
        *spare -= rows.len() - 1;
        for (number, row) in rows.into_iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let label = Span::styled(format!(" {label:<6}"), bold());
            lines.push(Line::from(vec![label, Span::raw(" "), Span::styled(row, style)]));
        }
    }
    lines
}

pub(super) fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// A bright colour, always bold: Linux's terminals make text bold for a bright colour and leave it so when the colour ends
/// (`rgb_foreground` of vt.c), and only the end of bold ends that.
pub(super) fn bright(color: Color) -> Style {
    bold().fg(color)
}

/// Black on grey, in so many words: a console that swaps the colours of bold text makes it grey on grey.
pub(super) fn inverse() -> Style {
    Style::new().fg(Color::Black).bg(Color::Gray)
}

/// White on a colour: 16 colours have no orange, and yellow on white can't be read.
pub(super) fn loud(color: Color) -> Style {
    bright(Color::White).bg(color)
}

/// A page's rows as far as they go; answers how far down it is, and how much a screenful is.
fn draw_page(name: &str, rows: &[Row], above: usize, area: Rect, buffer: &mut Buffer) -> (usize, usize) {
    let block = Block::new().borders(Borders::TOP).title(format!(" {name} "));
    let inner = block.inner(area);
    block.render(area, buffer);
    let room = usize::from(inner.height);
    let is_whole = rows.len() <= room;
    // The last row tells that there is more.
    let shown = if is_whole { room } else { room.saturating_sub(1) };
    let above = above.min(rows.len().saturating_sub(shown));
    let mut lines: Vec<Line<'_>> = rows.iter().skip(above).take(shown).map(line).collect();
    if !is_whole {
        let (first, last, all) = (above + 1, above + lines.len(), rows.len());
        lines.push(Line::styled(format!(" rows {first} to {last} of {all}: PgDn, PgUp, arrows"), bold()));
    }
    Paragraph::new(Text::from(lines)).render(inner, buffer);
    (above, shown)
}

fn line(row: &Row) -> Line<'_> {
    let style = match row.tone {
        Tone::Plain => Style::new(),
        Tone::Head => bold(),
        Tone::Bad => bright(Color::LightRed),
    };
    Line::styled(row.text.as_str(), style)
}

/// The keys, or what the last one led to.
fn draw_keys(panel: &Panel, area: Rect, buffer: &mut Buffer) {
    if let Some(notice) = panel.noticed() {
        Paragraph::new(format!(" {notice}")).style(loud(Color::Blue)).render(area, buffer);
        return;
    }
    let mut keys = Vec::new();
    for page in Page::ALL {
        let is_shown = page == panel.page();
        let style = if is_shown { inverse() } else { Style::new() };
        keys.extend([Span::raw(" "), Span::styled(keyed(page.name()), style)]);
    }
    keys.push(Span::raw(format!("  {} {}", keyed("Kernel"), keyed("Identify LED"))));
    Paragraph::new(Line::from(keys)).render(area, buffer);
}

/// A name whose first letter is its key.
fn keyed(name: &str) -> String {
    let (key, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    format!("({key}){rest}")
}
