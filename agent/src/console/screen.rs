//! The view as one full screen: 80×25 or larger, 16 colours, CP437 glyphs. Colour only underlines what the words say.

use super::{
    SenzuReach, View,
    words::{self, Times},
};
use pious_protocol::{
    facts::Link,
    finding::{Finding, Verdict},
};
use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span, Text},
    widgets::{Block, Borders, Paragraph, Widget},
};

/// Rows of the network block at most, frame included, so that findings keep the larger half.
const MOST_NETWORK_ROWS: u16 = 10;

/// Warnings at most, the newest; each of them has a row for certain.
const MOST_WARNINGS: usize = 2;

/// Rows of findings at least, frame included.
const LEAST_FINDING_ROWS: usize = 4;

/// Rows of one text at most: the second is given where findings leave room, the next action has it always.
const MOST_TEXT_ROWS: usize = 2;

/// Where texts begin: behind their label.
const TEXT_COLUMN: usize = 8;

/// Draws a view.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let nics = u16::try_from(view.nics.len().max(1)).unwrap_or(u16::MAX);
    let network_rows = nics.saturating_add(3).min(MOST_NETWORK_ROWS).min(area.height / 2);
    let findings: Vec<_> = view.findings.iter().map(|finding| finding_rows(finding, width)).collect();
    let busy = words::busy(view);
    let next_rows = texts([("Next", view.next.clone(), Style::new().fg(Color::White))], width, &mut { 1 });
    let warned = view.warnings.len().min(MOST_WARNINGS);
    // What findings want comes first; what they leave is for texts that are longer than a row.
    let finding_rows = (1 + findings.iter().map(Vec::len).sum::<usize>()).max(LEAST_FINDING_ROWS);
    let taken =
        5 + usize::from(network_rows) + finding_rows + warned + usize::from(busy.is_some()) + 1 + MOST_TEXT_ROWS;
    let mut spare = usize::from(area.height).saturating_sub(taken);
    let status = texts(status(view), width, &mut spare);
    let warnings = view.warnings.iter().skip(view.warnings.len() - warned);
    let yellow = Style::new().fg(Color::Yellow);
    let warnings = texts(warnings.map(|warning| ("Warn", warning.clone(), yellow)), width, &mut spare);
    let length = |rows: &[Line<'_>]| Constraint::Length(u16::try_from(rows.len()).unwrap_or(u16::MAX));
    let rows = [
        Constraint::Length(1),
        length(&status),
        Constraint::Length(network_rows),
        Constraint::Min(4),
        length(&warnings),
        Constraint::Length(u16::from(busy.is_some())),
        Constraint::Length(3),
    ];
    let [title_area, status_area, network, findings_area, warnings_area, busy_area, next] =
        Layout::vertical(rows).areas(area);
    draw_title(view, title_area, buffer);
    Paragraph::new(Text::from(status)).render(status_area, buffer);
    draw_network(view, network, buffer);
    draw_findings(view, findings, findings_area, buffer);
    Paragraph::new(Text::from(warnings)).render(warnings_area, buffer);
    if let Some(words) = busy {
        Paragraph::new(format!(" {words}")).style(loud(Color::Red)).render(busy_area, buffer);
    }
    Paragraph::new(Text::from(next_rows)).block(Block::new().borders(Borders::TOP)).render(next, buffer);
}

/// Labelled texts, a row each; a longer one has a second row while there are `spare` ones, and is then cut with a mark.
fn texts(
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
            rows.push(fit(&cut, width));
        }
        *spare -= rows.len() - 1;
        for (number, row) in rows.into_iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            lines.push(Line::from(vec![Span::styled(format!(" {label:<6} "), bold()), Span::styled(row, style)]));
        }
    }
    lines
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

/// Who this is and how far it is.
fn status(view: &View) -> [(&'static str, String, Style); 4] {
    let or_dash = |text: String| if text.is_empty() { "-".into() } else { text };
    let senzu_style = match &view.senzu {
        SenzuReach::Fails { .. } => Style::new().fg(Color::LightRed),
        SenzuReach::Untried { .. } | SenzuReach::Answers => Style::new(),
    };
    [
        ("Server", view.machine.clone(), Style::new()),
        ("Step", or_dash(words::step(view)), Style::new()),
        ("Senzu", words::senzu(view, Times::Exact), senzu_style),
        ("Agent", or_dash(view.agent_urls.join("  ")), Style::new()),
    ]
}

fn draw_network(view: &View, area: Rect, buffer: &mut Buffer) {
    let block = Block::new().borders(Borders::TOP).title(" Network ");
    let inner = block.inner(area);
    block.render(area, buffer);
    // What matters comes first where not all fit: links that work, then the rest in order.
    let mut nics: Vec<_> = view.nics.iter().collect();
    let room = usize::from(inner.height.saturating_sub(1));
    let shown = if nics.len() > room { room.saturating_sub(1) } else { nics.len() };
    if shown < nics.len() {
        nics.sort_by_key(|nic| nic.link != Link::Up);
    }
    let columns = Columns::of(view, usize::from(inner.width));
    let mut lines = vec![Line::styled(columns.row("NIC", "LINK", "VLAN", "NEIGHBOUR", "ADDRESS"), bold())];
    for nic in nics.iter().take(shown) {
        let (link, vlan, neighbour) = (words::link(nic), words::vlan(nic), words::neighbour(nic));
        let row = columns.row(&nic.name, &link, &vlan, &neighbour, &words::address(nic, Times::Exact));
        let style = match nic.link {
            Link::Up => Style::new(),
            Link::NoCarrier | Link::Disabled | Link::Unknown => Style::new().fg(Color::Yellow),
        };
        lines.push(Line::styled(row, style));
    }
    match nics.len() - shown {
        0 if view.nics.is_empty() => lines.push(Line::raw(" none found yet")),
        0 => {}
        hidden => lines.push(Line::raw(format!(" and {hidden} more"))),
    }
    Paragraph::new(Text::from(lines)).render(inner, buffer);
}

/// Columns of the network block: what names and addresses leave is the neighbour's.
struct Columns {
    name: usize,
    neighbour: usize,
}

impl Columns {
    /// The longest name of systemd's kind is `enp130s0f1np1`.
    const NAME: std::ops::RangeInclusive<usize> = 4..=13;
    /// `up 100 Gb/s`.
    const LINK: usize = 11;
    /// `10 +20,30`; more is cut.
    const VLAN: usize = 9;
    /// `DHCP: NO ANSWER for 120 s`.
    const ADDRESS: usize = 25;

    fn of(view: &View, width: usize) -> Self {
        let longest = view.nics.iter().map(|nic| nic.name.len()).max().unwrap_or_default();
        let name = longest.clamp(*Self::NAME.start(), *Self::NAME.end());
        // One before each of the five.
        let others = 5 + name + Self::LINK + Self::VLAN + Self::ADDRESS;
        Self { name, neighbour: width.saturating_sub(others).max(12) }
    }

    fn row(&self, name: &str, link: &str, vlan: &str, neighbour: &str, address: &str) -> String {
        let cell = |text: &str, width: usize| format!(" {:<width$}", fit(text, width));
        let cells = [
            cell(name, self.name),
            cell(link, Self::LINK),
            cell(vlan, Self::VLAN),
            cell(neighbour, self.neighbour),
            format!(" {address}"),
        ];
        cells.concat()
    }
}

/// Cuts to a width, with a mark.
fn fit(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width.saturating_sub(1)).chain(['~']).collect(),
        false => text.to_owned(),
    }
}

fn draw_findings(view: &View, blocks: Vec<Vec<Line<'static>>>, area: Rect, buffer: &mut Buffer) {
    let block = Block::new().borders(Borders::TOP).title(format!(" Checks: {} ", words::tally(view)));
    let inner = block.inner(area);
    block.render(area, buffer);
    let room = usize::from(inner.height);
    let all: usize = blocks.iter().map(Vec::len).sum();
    let mut lines = Vec::new();
    let mut left = blocks.len();
    for rows in blocks {
        // Whole findings only: half a one misleads. The last row says how many are left.
        if all > room && lines.len() + rows.len() >= room {
            break;
        }
        lines.extend(rows);
        left -= 1;
    }
    if left > 0 {
        lines.push(Line::raw(format!("   and {left} more; all of them at /v1/status, on serial, and in Senzu")));
    }
    Paragraph::new(Text::from(lines)).render(inner, buffer);
}

/// How far a finding's words are indented.
const INDENT: usize = 13;

fn finding_rows(finding: &Finding, width: usize) -> Vec<Line<'static>> {
    let color = match finding.verdict {
        Verdict::Fail => Color::Red,
        Verdict::Unknown => Color::Blue,
        Verdict::Pass => Color::Black,
    };
    let mut rows = vec![Line::from(vec![
        Span::raw(" "),
        Span::styled(format!(" {} ", words::verdict(finding)), loud(color)),
        Span::styled(format!(" {}", words::title(finding)), bold()),
    ])];
    for (name, text) in [("seen", &finding.seen), ("expected", &finding.expected), ("do", &finding.remedy)] {
        for (number, row) in words::wrapped(text, width.saturating_sub(INDENT)).into_iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            rows.push(Line::raw(format!("   {name:<9} {row}")));
        }
    }
    rows
}
