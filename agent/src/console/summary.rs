//! The summary: who this server is, its network, and every check that did not pass, the worst first. Beside them, where
//! the screen is big enough, the way to its page in Senzu for a telephone.

use super::{
    NicView, SenzuReach, View,
    marks::About,
    panel::Panel,
    qr,
    screen::{bold, bright, inverse, length, loud, texts},
    words::{self, Times},
};
use pious_protocol::{
    facts::Link,
    finding::{Finding, Verdict},
};
use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::{Color, Style},
    text::{Line, Span, Text},
    widgets::{Block, Borders, Paragraph, Widget},
};

/// Rows of the network block at most on a small screen, frame included, so that findings keep the larger half. A larger
/// one gives it a third.
const MOST_NETWORK_ROWS: u16 = 10;

/// Rows of it at least where there are more NICs: three of them, of which what fails and what changed come first.
const LEAST_NETWORK_ROWS: u16 = 6;

/// Warnings at most, the newest; each of them has a row for certain.
const MOST_WARNINGS: usize = 2;

/// Failures that are gone, at most.
const MOST_SOLVED: usize = 2;

/// Rows of findings at least, frame included.
const LEAST_FINDING_ROWS: usize = 4;

/// A QR code may narrow the findings down to this.
const LEAST_FINDING_COLUMNS: u16 = 80;

/// Draws the summary; answers how many findings are above it, and how many a screenful is.
pub(super) fn draw(panel: &Panel, area: Rect, buffer: &mut Buffer) -> (usize, usize) {
    let view = panel.view();
    let width = usize::from(area.width);
    let nics = u16::try_from(view.nics.len().max(1)).unwrap_or(u16::MAX);
    let warned = view.warnings.len().min(MOST_WARNINGS);
    let status = status(view);
    let others = status.len() + warned;
    let solved: Vec<_> = panel.marks().solved().take(MOST_SOLVED).map(|title| solved_row(title, width)).collect();
    // What findings want comes first; what they leave is for texts that are longer than a row.
    let wanted: usize = view.findings.iter().map(|finding| finding_rows(view, finding, false, width).len()).sum();
    let finding_rows = (1 + wanted).max(LEAST_FINDING_ROWS);
    let network_rows = network_rows(nics, finding_rows + others + solved.len(), area.height);
    let taken = others + usize::from(network_rows) + finding_rows + solved.len();
    let mut spare = usize::from(area.height).saturating_sub(taken);
    let status = texts(status, width, &mut spare);
    let warnings = view.warnings.iter().skip(view.warnings.len() - warned);
    let yellow = Style::new().fg(Color::Yellow);
    let warnings = texts(warnings.map(|warning| ("Warn", warning.clone(), yellow)), width, &mut spare);
    let rows = [
        length(status.len()),
        Constraint::Length(network_rows),
        Constraint::Min(4),
        length(solved.len()),
        length(warnings.len()),
    ];
    let [status_area, network, findings, solved_area, warnings_area] = Layout::vertical(rows).areas(area);
    Paragraph::new(Text::from(status)).render(status_area, buffer);
    draw_network(panel, network, buffer);
    Paragraph::new(Text::from(solved)).render(solved_area, buffer);
    Paragraph::new(Text::from(warnings)).render(warnings_area, buffer);
    let left = draw_code(view, findings, buffer);
    draw_findings(panel, left, buffer)
}

/// Rows of the network block: as many as it wants where there is room, else no more than leave findings the larger half,
/// and fewer while those lack room.
fn network_rows(nics: u16, others: usize, height: u16) -> u16 {
    let others = u16::try_from(others).unwrap_or(u16::MAX);
    let most = MOST_NETWORK_ROWS.max(height / 3).min(height.saturating_sub(others).max(LEAST_NETWORK_ROWS));
    nics.saturating_add(2).min(most).min(height / 2)
}

/// Who this is and how far it is.
fn status(view: &View) -> Vec<(&'static str, String, Style)> {
    let or_dash = |text: String| if text.is_empty() { "-".into() } else { text };
    let senzu_style = match &view.senzu {
        SenzuReach::Fails { .. } => bright(Color::LightRed),
        SenzuReach::Untried { .. } | SenzuReach::Answers => Style::new(),
    };
    let mut rows =
        vec![("Server", view.machine.clone(), Style::new()), ("Step", or_dash(words::step(view)), Style::new())];
    rows.extend(words::work(view, Times::Exact).map(|work| ("Work", work, Style::new())));
    rows.extend([
        ("Senzu", words::senzu(view, Times::Exact), senzu_style),
        ("Agent", or_dash(view.agent_urls.join("  ")), Style::new()),
    ]);
    rows
}

fn draw_network(panel: &Panel, area: Rect, buffer: &mut Buffer) {
    let view = panel.view();
    let legend = if panel.marks().are_any() { "─ > has just changed " } else { "" };
    let block = Block::new().borders(Borders::TOP).title(format!(" Network {legend}"));
    let inner = block.inner(area);
    block.render(area, buffer);
    // What matters comes first where not all fit: what just changed or fails, links that work, then the rest in order.
    let mut nics: Vec<_> = view.nics.iter().collect();
    let room = usize::from(inner.height.saturating_sub(1));
    let shown = if nics.len() > room { room.saturating_sub(1) } else { nics.len() };
    let is_marked = |nic: &NicView| panel.is_marked(&About::Nic(nic.name.clone()));
    if shown < nics.len() {
        nics.sort_by_key(|nic| (!is_marked(nic), !words::is_blamed(view, nic), nic.link != Link::Up));
    }
    let columns = Columns::of(view, usize::from(inner.width));
    let mut lines = vec![Line::styled(columns.heading(), bold())];
    for nic in nics.iter().take(shown) {
        let mark = match (is_marked(nic), words::is_blamed(view, nic)) {
            (true, _) => '>',
            (false, true) => '!',
            (false, false) => ' ',
        };
        let style = match (mark, nic.link) {
            ('>', _) => inverse(),
            (_, Link::Up) => Style::new(),
            (_, Link::NoCarrier | Link::Disabled | Link::Unknown) => Style::new().fg(Color::Yellow),
        };
        lines.push(Line::styled(columns.of_nic(mark, nic), style));
    }
    match nics.len() - shown {
        0 if view.nics.is_empty() => lines.push(Line::raw(" none found yet")),
        0 => {}
        hidden => lines.push(Line::styled(format!(" and {hidden} more: N"), bold())),
    }
    Paragraph::new(Text::from(lines)).render(inner, buffer);
}

/// Columns of the network block: what names and addresses leave is the neighbour's. They keep their widths, so that a
/// link that goes changes its own cell and no other.
struct Columns {
    name: usize,
    neighbour: usize,
    location: usize,
    mac: usize,
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
    /// `Slot 3 Port 1`.
    const LOCATION: usize = 16;
    const MAC: usize = 17;
    /// `dc1-r17-leaf-a Ethernet1/12/1`; a neighbour needs no more, and gets it where it can.
    const NEIGHBOUR: usize = 32;
    /// Two neighbours on one link, mostly; more than this parts an address from its NIC.
    const MOST_NEIGHBOUR: usize = 48;

    fn of(view: &View, width: usize) -> Self {
        let longest = view.nics.iter().map(|nic| nic.name.len()).max().unwrap_or_default();
        let name = longest.clamp(*Self::NAME.start(), *Self::NAME.end());
        // One before each of the five.
        let others = 5 + name + Self::LINK + Self::VLAN + Self::ADDRESS;
        let mut left = width.saturating_sub(others);
        let mut spared = |wanted: usize| {
            let is_room = left > wanted + Self::NEIGHBOUR;
            if is_room {
                left -= wanted + 1;
            }
            if is_room { wanted } else { 0 }
        };
        let location = if view.nics.iter().any(|nic| nic.location.is_some()) { spared(Self::LOCATION) } else { 0 };
        let mac = spared(Self::MAC);
        Self { name, neighbour: left.clamp(12, Self::MOST_NEIGHBOUR), location, mac }
    }

    fn heading(&self) -> String {
        self.row(' ', ["NIC", "LINK", "VLAN", "NEIGHBOUR", "LOCATION", "MAC", "ADDRESS"])
    }

    fn of_nic(&self, mark: char, nic: &NicView) -> String {
        let (link, vlan, neighbour) = (words::link(nic), words::vlan(nic), words::neighbour(nic));
        let (location, mac) = (nic.location.as_deref().unwrap_or_default(), nic.mac.as_deref().unwrap_or_default());
        let address = words::address(nic, Times::Exact);
        self.row(mark, [&nic.name, &link, &vlan, &neighbour, location, mac, &address])
    }

    fn row(&self, mark: char, texts: [&str; 7]) -> String {
        let widths = [self.name, Self::LINK, Self::VLAN, self.neighbour, self.location, self.mac, usize::MAX];
        let mut row = String::new();
        for (text, width) in texts.into_iter().zip(widths).filter(|(_, width)| *width > 0) {
            row.push(if row.is_empty() { mark } else { ' ' });
            match width {
                usize::MAX => row.push_str(text),
                width => row.push_str(&format!("{:<width$}", words::fit(text, width))),
            }
        }
        row
    }
}

/// The way to Senzu's page, at the right, where there is room; answers what is left.
fn draw_code(view: &View, area: Rect, buffer: &mut Buffer) -> Rect {
    let Some(rows) = view.senzu_page.as_deref().and_then(qr::rows) else { return area };
    let code_width = rows.first().map_or(0, |row| row.chars().count());
    let (Ok(width), Ok(height)) = (u16::try_from(code_width), u16::try_from(rows.len())) else { return area };
    // A row for the frame, a column between.
    if area.height <= height || area.width < LEAST_FINDING_COLUMNS + 1 + width {
        return area;
    }
    let [left, _, right] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(1), Constraint::Length(width)]).areas(area);
    let block = Block::new().borders(Borders::TOP).title(" This server in Senzu ");
    let inner = block.inner(right);
    block.render(right, buffer);
    let style = bright(Color::White).bg(Color::Black);
    let lines: Vec<_> = rows.into_iter().map(|row| Line::styled(row, style)).collect();
    Paragraph::new(Text::from(lines)).render(inner, buffer);
    left
}

fn draw_findings(panel: &Panel, area: Rect, buffer: &mut Buffer) -> (usize, usize) {
    let view = panel.view();
    let above = panel.above().min(view.findings.len().saturating_sub(1));
    let from = if above > 0 { format!("(from no. {} on) ", above + 1) } else { String::new() };
    let block = Block::new().borders(Borders::TOP).title(format!(" Checks: {} {from}", words::tally(view)));
    let inner = block.inner(area);
    block.render(area, buffer);
    let room = usize::from(inner.height);
    let findings = view.findings.get(above..).unwrap_or_default();
    let is_marked = |finding: &Finding| panel.is_marked(&About::Finding(words::title(finding)));
    let width = usize::from(inner.width);
    let (mut lines, shown) = fitted(view, findings, is_marked, width, room);
    if shown < findings.len() {
        lines.push(Line::styled(format!(" and {} more: PgDn, or /v1/status", findings.len() - shown), bold()));
    }
    Paragraph::new(Text::from(lines)).render(inner, buffer);
    (above, shown)
}

/// As much of findings as fits, and of how many: the first whole, and of those that do not fit whole a row each.
fn fitted(
    view: &View,
    findings: &[Finding],
    is_marked: impl Fn(&Finding) -> bool,
    width: usize,
    room: usize,
) -> (Vec<Line<'static>>, usize) {
    let mut lines = Vec::new();
    for (number, finding) in findings.iter().enumerate() {
        let whole = finding_rows(view, finding, is_marked(finding), width);
        let behind = findings.len() - number - 1;
        // Of those behind, at least one row each, or else the row that counts them.
        let left = room.saturating_sub(lines.len());
        if whole.len() + behind <= left || (number == 0 && whole.len() + behind.min(1) <= left) {
            lines.extend(whole);
        } else if behind.min(1) < left {
            lines.push(finding_row(finding, is_marked(finding), width));
        } else {
            return (lines, number);
        }
    }
    (lines, findings.len())
}

/// How far a finding's words are indented.
const INDENT: usize = 13;

fn finding_rows(view: &View, finding: &Finding, is_marked: bool, width: usize) -> Vec<Line<'static>> {
    let mut rows = vec![heading(finding, is_marked, &words::title(finding))];
    let seen = words::seen(view, finding);
    for (name, text) in [("seen", &seen), ("expected", &finding.expected), ("do", &finding.remedy)] {
        for (number, row) in words::wrapped(text, width.saturating_sub(INDENT)).into_iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            rows.push(Line::raw(format!("   {name:<9} {row}")));
        }
    }
    rows
}

/// A finding in one row, as much of it as fits.
fn finding_row(finding: &Finding, is_marked: bool, width: usize) -> Line<'static> {
    let words = format!("{}: {}", words::title(finding), finding.remedy);
    // A mark, the verdict and the spaces around it.
    let taken = words::verdict(finding).len() + 4;
    heading(finding, is_marked, &words::fit(&words, width.saturating_sub(taken)))
}

fn heading(finding: &Finding, is_marked: bool, words: &str) -> Line<'static> {
    let color = match finding.verdict {
        Verdict::Fail => Color::Red,
        Verdict::Unknown => Color::Blue,
        Verdict::Pass => Color::Black,
    };
    let (mark, style) = match is_marked {
        true => (">", inverse()),
        false => (" ", bold()),
    };
    Line::from(vec![
        Span::raw(mark),
        Span::styled(format!(" {} ", words::verdict(finding)), loud(color)),
        Span::styled(format!(" {words}"), style),
    ])
}

fn solved_row(title: &str, width: usize) -> Line<'static> {
    let words = words::fit(&format!("> solved  {title}"), width);
    Line::styled(words, inverse())
}
