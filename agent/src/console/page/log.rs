//! The page of the log: what people must know, then what the agent said, the latest first.

use super::Row;
use crate::{console::View, journal::Severity};

pub(super) fn rows(view: &View) -> Vec<Row> {
    let warnings = view.warnings.iter().rev().map(|warning| Row::bad(format!(" warning: {warning}")));
    let said = view.log.latest_first().map(|entry| {
        let at = format!("{:>6} s", entry.at_s);
        match entry.level {
            Severity::Error => Row::bad(format!(" {at}  ERROR  {}", entry.text)),
            Severity::Warning => Row::bad(format!(" {at}  warning  {}", entry.text)),
            Severity::Information => Row::plain(format!(" {at}  {}", entry.text)),
        }
    });
    let mut rows: Vec<_> = warnings.collect();
    rows.push(Row::head(" Said by the agent, the latest first; seconds since the kernel started"));
    rows.extend(said);
    rows
}
