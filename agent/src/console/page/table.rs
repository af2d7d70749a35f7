//! Columns of text that fit a width: the least telling one is left out first, then the widest is cut.

use super::Row;
use crate::console::words;

/// A column never shrinks below this: less tells nothing.
const LEAST: usize = 4;

/// One column.
pub(super) struct Column {
    title: &'static str,
    /// 0 stays; of the others, the highest is left out first.
    rank: u8,
}

pub(super) const fn column(title: &'static str, rank: u8) -> Column {
    Column { title, rank }
}

/// One line of cells, and whether it tells of something bad.
pub(super) struct Cells {
    pub is_bad: bool,
    pub cells: Vec<String>,
}

/// The table: its heading, then its lines. A column that is empty throughout is left out.
pub(super) fn table(columns: &[Column], lines: &[Cells], width: usize) -> Vec<Row> {
    let longest = |number: usize| {
        let cell = |line: &Cells| line.cells.get(number).map_or(0, |cell| cell.chars().count());
        lines.iter().map(cell).max().filter(|longest| *longest > 0)
    };
    let natural = columns.iter().enumerate().filter_map(|(number, column)| {
        let longest = longest(number)?;
        Some(Shown { number, rank: column.rank, width: longest.max(column.title.len()) })
    });
    let mut shown: Vec<Shown> = natural.collect();
    fit(&mut shown, width);
    let row = |cell: &dyn Fn(usize) -> String| {
        let cells =
            shown.iter().map(|shown| format!(" {:<1$}", words::fit(&cell(shown.number), shown.width), shown.width));
        cells.collect::<String>().trim_end().to_owned()
    };
    let title = |number: usize| columns.get(number).map(|column| column.title.to_owned()).unwrap_or_default();
    let mut rows = vec![Row::head(row(&title))];
    for line in lines {
        rows.push(Row::when(line.is_bad, row(&|number| line.cells.get(number).cloned().unwrap_or_default())));
    }
    rows
}

struct Shown {
    number: usize,
    rank: u8,
    width: usize,
}

fn fit(shown: &mut Vec<Shown>, width: usize) {
    // A space before each.
    let total = |shown: &[Shown]| shown.iter().map(|shown| shown.width + 1).sum::<usize>();
    while total(shown) > width {
        let least_telling = shown.iter().filter(|shown| shown.rank > 0).max_by_key(|shown| shown.rank);
        if let Some(number) = least_telling.map(|shown| shown.number) {
            shown.retain(|shown| shown.number != number);
            continue;
        }
        match shown.iter_mut().max_by_key(|shown| shown.width) {
            Some(widest) if widest.width > LEAST => widest.width -= 1,
            Some(_) | None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cells, column, table};

    fn shown(width: usize) -> Vec<String> {
        let columns = [column("NAME", 0), column("NOTE", 1), column("NONE", 0), column("MODEL", 0)];
        let line = |cells: [&str; 4]| Cells { is_bad: false, cells: cells.map(str::to_owned).to_vec() };
        let lines = [line(["sda", "spins", "", "WDC WD4000FYYZ"]), line(["nvme0n1", "", "", "KIOXIA"])];
        table(&columns, &lines, width).into_iter().map(|row| row.text).collect()
    }

    #[test]
    fn columns_go_by_rank_and_then_shrink() {
        assert_eq!(
            shown(80),
            [" NAME    NOTE  MODEL", " sda     spins WDC WD4000FYYZ", " nvme0n1       KIOXIA"],
            "all but the empty one"
        );
        assert_eq!(shown(24), [" NAME    MODEL", " sda     WDC WD4000FYYZ", " nvme0n1 KIOXIA"]);
        assert_eq!(shown(18), [" NAME    MODEL", " sda     WDC WD40~", " nvme0n1 KIOXIA"]);
        assert_eq!(shown(1)[0], " NAME MOD~", "never to nothing");
    }
}
