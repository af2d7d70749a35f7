//! The view as one full screen: 80×25 or larger, 16 colours, CP437 glyphs. Colour only underlines what the words say.

use super::{
    View,
    words::{self, Times},
};
use pious_protocol::{facts::Link, finding::Verdict};
use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span, Text},
    widgets::{Block, Borders, Paragraph, Widget, Wrap},
};

/// Rows of the network block at most, frame included, so that findings keep the larger half.
const MOST_NETWORK_ROWS: u16 = 10;

/// Rows of warnings at most.
const MOST_WARNING_ROWS: u16 = 2;

/// Rows of the next action: a remedy takes two lines at 80 columns.
const NEXT_ROWS: u16 = 3;

/// Draws a view.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let nics = u16::try_from(view.nics.len().max(1)).unwrap_or(u16::MAX);
    let network_rows = nics.saturating_add(3).min(MOST_NETWORK_ROWS).min(area.height / 2);
    let warning_rows = u16::try_from(view.warnings.len()).unwrap_or(u16::MAX).min(MOST_WARNING_ROWS);
    let rows = [
        Constraint::Length(1),
        Constraint::Length(3),
        Constraint::Length(network_rows),
        Constraint::Min(4),
        Constraint::Length(warning_rows),
        Constraint::Length(u16::from(view.busy.is_some())),
        Constraint::Length(NEXT_ROWS),
    ];
    let [title, status, network, findings, warnings, busy, next] = Layout::vertical(rows).areas(area);
    draw_title(view, title, buffer);
    draw_status(view, status, buffer);
    draw_network(view, network, buffer);
    draw_findings(view, findings, buffer);
    draw_warnings(view, warnings, buffer);
    if let Some(words) = words::busy(view) {
        Paragraph::new(format!(" {words}")).style(loud(Color::Red)).render(busy, buffer);
    }
    let line = Line::from(vec![Span::styled("next: ", bold()), Span::raw(view.next.clone())]);
    Paragraph::new(line)
        .wrap(Wrap { trim: true })
        .block(Block::new().borders(Borders::TOP))
        .style(Style::new().fg(Color::White))
        .render(next, buffer);
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// White on a colour: 16 colours have no orange, and yellow on white can't be read.
fn loud(color: Color) -> Style {
    Style::new().fg(Color::White).bg(color).add_modifier(Modifier::BOLD)
}

fn draw_title(view: &View, area: Rect, buffer: &mut Buffer) {
    let ending = view.ending.as_deref().unwrap_or_default();
    let title = words::joined(&[&words::asset(view), words::state(view), &ending.to_uppercase()], "  ");
    let style = Style::new().fg(Color::Black).bg(Color::Gray);
    Paragraph::new(format!(" PIOUS {}  {title}", view.version)).style(style).render(area, buffer);
}

fn draw_status(view: &View, area: Rect, buffer: &mut Buffer) {
    let step = words::step(view);
    let senzu_style = match &view.senzu {
        super::SenzuReach::Fails { .. } => Style::new().fg(Color::LightRed),
        super::SenzuReach::Untried { .. } | super::SenzuReach::Answers => Style::new(),
    };
    let agent = match view.agent_urls.as_slice() {
        [] => view.machine.clone(),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" +{}", rest.len()) };
            format!("{}  agent {first}{more}", view.machine)
        }
    };
    let text = Text::from(vec![
        row("Step", if step.is_empty() { "-" } else { &step }, Style::new()),
        row("Senzu", &words::senzu(view, Times::Exact), senzu_style),
        row("Here", &agent, Style::new()),
    ]);
    Paragraph::new(text).render(area, buffer);
}

fn row(name: &str, words: &str, style: Style) -> Line<'static> {
    Line::from(vec![Span::styled(format!(" {name:<6}"), bold()), Span::styled(words.to_owned(), style)])
}

fn draw_network(view: &View, area: Rect, buffer: &mut Buffer) {
    let block = Block::new().borders(Borders::TOP).title(" Network ");
    let inner = block.inner(area);
    block.render(area, buffer);
    // What matters comes first where not all fit: links that work, then the rest in order.
    let mut nics: Vec<_> = view.nics.iter().collect();
    let room = usize::from(inner.height.saturating_sub(1));
    if nics.len() > room {
        nics.sort_by_key(|nic| nic.link != Link::Up);
    }
    let hidden = nics.len().saturating_sub(room);
    let shown = if hidden > 0 { room.saturating_sub(1) } else { nics.len() };
    // The columns share what a line has: names of switches and ports are the longest.
    let spare = usize::from(inner.width.saturating_sub(42));
    let neighbour_chars = 20 + spare.saturating_sub(20) / 2;
    let heading = format!(" {:<9}{:<12}{:<9}{:<neighbour_chars$} ADDRESS", "NIC", "LINK", "VLAN", "NEIGHBOUR");
    let mut lines = vec![Line::styled(heading, bold())];
    for nic in nics.iter().take(shown) {
        let cut = |text: String, chars| words::plain(&text, chars);
        let words = format!(
            " {:<9}{:<12}{:<9}{:<neighbour_chars$} {}",
            cut(nic.name.clone(), 8),
            words::link(nic),
            fit(&words::vlan(nic), 8),
            fit(&words::neighbour(nic, Times::Exact), neighbour_chars),
            words::address(nic, Times::Exact)
        );
        let style = match nic.link {
            Link::Up => Style::new(),
            Link::NoCarrier | Link::Disabled | Link::Unknown => Style::new().fg(Color::Yellow),
        };
        lines.push(Line::styled(words, style));
    }
    match hidden {
        0 if view.nics.is_empty() => lines.push(Line::raw(" none found yet")),
        0 => {}
        _ => lines.push(Line::raw(format!(" and {} more", nics.len().saturating_sub(shown)))),
    }
    Paragraph::new(Text::from(lines)).render(inner, buffer);
}

/// Cuts to a width, with a mark.
fn fit(text: &str, chars: usize) -> String {
    match text.chars().count() > chars {
        true => text.chars().take(chars.saturating_sub(1)).chain(['~']).collect(),
        false => text.to_owned(),
    }
}

fn draw_findings(view: &View, area: Rect, buffer: &mut Buffer) {
    let block = Block::new().borders(Borders::TOP).title(format!(" Checks: {} ", words::tally(view)));
    let inner = block.inner(area);
    block.render(area, buffer);
    let mut lines = Vec::new();
    for finding in &view.findings {
        let color = match finding.verdict {
            Verdict::Fail => Color::Red,
            Verdict::Unknown => Color::Blue,
            Verdict::Pass => Color::Black,
        };
        lines.push(Line::from(vec![
            Span::raw(" "),
            Span::styled(format!(" {} ", words::verdict(finding)), loud(color)),
            Span::styled(format!(" {}", words::title(finding)), bold()),
        ]));
        for (name, words) in [("seen", &finding.seen), ("expected", &finding.expected), ("do", &finding.remedy)] {
            lines.push(Line::raw(format!("   {name:<9} {words}")));
        }
    }
    let hidden = hidden_rows(&lines, inner);
    if hidden > 0 {
        // Whole findings only: half a one misleads.
        let room = usize::from(inner.height.saturating_sub(1));
        let mut kept = 0;
        while kept + 4 <= lines.len() && rows(lines.get(..kept + 4).unwrap_or_default(), inner.width) <= room {
            kept += 4;
        }
        let left = (lines.len() - kept) / 4;
        lines.truncate(kept);
        lines.push(Line::raw(format!("   and {left} more; all of them at /v1/status, on serial, and in Senzu")));
    }
    Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }).render(inner, buffer);
}

fn hidden_rows(lines: &[Line<'_>], area: Rect) -> usize {
    rows(lines, area.width).saturating_sub(usize::from(area.height))
}

/// Rows that lines take when wrapped; a word that is carried over may take one more, so each long line counts one on top.
fn rows(lines: &[Line<'_>], width: u16) -> usize {
    let width = usize::from(width).max(1);
    lines.iter().map(|line| line.width().max(1).div_ceil(width) + usize::from(line.width() > width * 2 - 12)).sum()
}

fn draw_warnings(view: &View, area: Rect, buffer: &mut Buffer) {
    let newest = view.warnings.iter().rev().take(usize::from(area.height)).rev();
    let lines: Vec<_> =
        newest.map(|warning| Line::styled(format!(" warning: {warning}"), Style::new().fg(Color::Yellow))).collect();
    Paragraph::new(Text::from(lines)).render(area, buffer);
}
