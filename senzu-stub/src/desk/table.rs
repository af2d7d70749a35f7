//! Rows and columns on a terminal.

use std::io::Write;
use tabwriter::TabWriter;

/// Between columns.
const GAP: usize = 2;

/// Rows under a head, each column as wide as its widest cell. Nothing at all where there are no rows.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return String::new();
    }
    let line = |cells: [String; N]| cells.map(|cell| flat(&cell)).join("\t");
    let lines: Vec<_> = std::iter::once(head.map(str::to_owned)).chain(rows).map(line).collect();
    let mut writer = TabWriter::new(Vec::new()).minwidth(0).padding(GAP);
    // Writing to memory can't fail.
    let _ = writer.write_all(lines.join("\n").as_bytes());
    let table = writer.into_inner().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// One cell: a line and no more.
fn flat(cell: &str) -> String {
    cell.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect()
}

/// Names come from switches and firmware: what would steer a terminal, or turn the direction of writing, is shown instead.
pub fn printable(text: &str) -> String {
    let is_steering = |c: char| {
        c != '\n' && c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_steering(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["r1-u10", "SPARE", ""], ["a\nlong\tname", "NEW", "é"]].map(|row| row.map(str::to_owned));
        assert_eq!(
            table(["NAME", "STATE", "WHY"], rows),
            "NAME         STATE  WHY\nr1-u10       SPARE\na long name  NEW    é\n"
        );
        assert_eq!(table(["NAME"], []), "");
    }
}
