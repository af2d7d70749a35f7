//! Files of purchase orders: CSV, or JSON of the same rows. A row is one delivery of one line of one order. Whatever is
//! wrong is told with its line and column.

use crate::store::plans::ProfileName;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use thiserror::Error;
use utoipa::ToSchema;

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Json,
}

/// One row of a file: so many machines of a profile, on a line of an order, in one delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderRow {
    #[schema(min_length = 1)]
    pub vendor: String,
    #[schema(min_length = 1)]
    pub order: String,
    /// Counts from 1 within the order.
    #[schema(minimum = 1)]
    pub line: u32,
    /// `name@version`, or `name` for any version.
    #[schema(min_length = 1)]
    pub profile: String,
    #[schema(minimum = 1, maximum = 100_000)]
    pub count: u32,
    /// Of some or all of them, where the vendor told. In CSV: with spaces between.
    #[serde(default)]
    pub serials: Vec<String>,
    /// The delivery's name, where there are several.
    #[serde(default)]
    pub delivery: Option<String>,
    /// When it is due: a date, as `2026-12-24`.
    #[serde(default)]
    pub due: Option<String>,
}

/// The columns, in the order in which they are documented.
pub const FIELDS: [&str; 8] = ["vendor", "order", "line", "profile", "count", "serials", "delivery", "due"];
const NEEDED: [&str; 5] = ["vendor", "order", "line", "profile", "count"];
/// More machines than this on a line are a mistyped count.
const MAX_COUNT: u32 = 100_000;
const MAX_NAME: usize = 63;

/// Where in a file; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: u64,
    pub column: u64,
}

/// Why a file is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {}, column {} ({field}): {problem}", at.line, at.column)]
pub struct RowError {
    pub at: Place,
    pub field: String,
    pub problem: String,
}

/// A row with the places of its fields.
pub struct PlacedRow {
    pub row: OrderRow,
    pub profile: ProfileName,
    places: Places,
}

/// Where a row begins, and where its fields stand.
struct Places {
    start: Place,
    fields: HashMap<String, Place>,
}

impl Places {
    fn error(&self, field: &str, problem: impl Into<String>) -> RowError {
        let at = self.fields.get(field).copied().unwrap_or(self.start);
        RowError { at, field: field.to_owned(), problem: problem.into() }
    }
}

impl PlacedRow {
    /// What is wrong with one of its fields.
    pub fn error(&self, field: &str, problem: impl Into<String>) -> RowError {
        self.places.error(field, problem)
    }
}

/// Reads a file.
pub fn read(format: Format, text: &str) -> Result<Vec<PlacedRow>, RowError> {
    let rows = match format {
        Format::Csv => read_csv(text)?,
        Format::Json => read_json(text)?,
    };
    rows.into_iter().map(|(fields, places)| placed(&fields, places)).collect()
}

type Fields = HashMap<String, String>;

fn read_csv(text: &str) -> Result<Vec<(Fields, Places)>, RowError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let broken = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        RowError { at: Place { line, column: 1 }, field: "row".into(), problem: error.to_string() }
    };
    let headers = reader.headers().map_err(|error| broken(&error))?.clone();
    for (index, name) in headers.iter().enumerate() {
        let at = Place { line: 1, column: index as u64 + 1 };
        let refuse = |problem: String| Err(RowError { at, field: name.to_owned(), problem });
        if !FIELDS.contains(&name) {
            return refuse(format!("there is no such column: {}", FIELDS.join(", ")));
        }
        if headers.iter().take(index).any(|before| before == name) {
            return refuse("the column stands twice".into());
        }
    }
    if let Some(missing) = NEEDED.iter().find(|needed| !headers.iter().any(|name| name == **needed)) {
        let at = Place { line: 1, column: headers.len() as u64 };
        return Err(RowError { at, field: (*missing).to_owned(), problem: "the column is missing".into() });
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().map_or(1, csv::Position::line);
        let place = |column: usize| Place { line, column: column as u64 + 1 };
        let named = || headers.iter().zip(&record).enumerate();
        let fields = named().filter(|(_, (_, value))| !value.is_empty());
        let fields = fields.map(|(_, (name, value))| (name.to_owned(), value.to_owned())).collect();
        let places = named().map(|(column, (name, _))| (name.to_owned(), place(column))).collect();
        rows.push((fields, Places { start: place(0), fields: places }));
    }
    Ok(rows)
}

/// The JSON file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    rows: Vec<serde_json::Map<String, serde_json::Value>>,
}

fn read_json(text: &str) -> Result<Vec<(Fields, Places)>, RowError> {
    let document: Document = serde_json::from_str(text).map_err(|error| {
        let at = Place { line: error.line() as u64, column: error.column() as u64 };
        RowError { at, field: "rows".into(), problem: error.to_string() }
    })?;
    let mut rows = Vec::new();
    for (object, places) in document.rows.into_iter().zip(places_of_rows(text)) {
        let mut fields = Fields::new();
        for (name, value) in object {
            if !FIELDS.contains(&name.as_str()) {
                return Err(places.error(&name, format!("there is no such field: {}", FIELDS.join(", "))));
            }
            match value_text(&value) {
                Some(text) if text.is_empty() => {}
                Some(text) => drop(fields.insert(name, text)),
                None => return Err(places.error(&name, format!("{value} is neither a text nor a number"))),
            }
        }
        rows.push((fields, places));
    }
    Ok(rows)
}

/// A JSON value as it would stand in CSV.
fn value_text(value: &serde_json::Value) -> Option<String> {
    use serde_json::Value::{Array, Bool, Null, Number, Object, String};
    match value {
        Null => Some(std::string::String::new()),
        String(text) => Some(text.trim().to_owned()),
        Number(number) => Some(number.to_string()),
        Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(serde_json::Value::as_str).collect();
            // A serial with a space in it would be two.
            texts
                .filter(|texts| texts.iter().all(|text| !text.contains(char::is_whitespace)))
                .map(|texts| texts.join(" "))
        }
        Bool(_) | Object(_) => None,
    }
}

/// Where each row of a document that was read begins, and where its fields' names stand. The text is JSON, and its only
/// member is `rows`, so that depth says it all: 1 is the document, 2 the list, 3 a row.
fn places_of_rows(text: &str) -> Vec<Places> {
    let mut rows: Vec<Places> = Vec::new();
    let (mut depth, mut expects_name) = (0_u32, false);
    let mut at = Place { line: 1, column: 0 };
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        at.column += 1;
        match letter {
            '\n' => at = Place { line: at.line + 1, column: 0 },
            '{' | '[' => {
                depth += 1;
                expects_name = letter == '{';
                if depth == 3 {
                    rows.push(Places { start: at, fields: HashMap::new() });
                }
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            ',' => expects_name = depth == 3,
            '"' => {
                let (start, mut name) = (at, String::new());
                while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
                    at.column += 1;
                    name.push(letter);
                    if letter == '\\'
                        && let Some(escaped) = letters.next()
                    {
                        at.column += 1;
                        name.push(escaped);
                    }
                }
                at.column += 1;
                if depth == 3
                    && std::mem::take(&mut expects_name)
                    && let Some(row) = rows.last_mut()
                {
                    row.fields.insert(name, start);
                }
            }
            _ => {}
        }
    }
    rows
}

fn placed(fields: &Fields, places: Places) -> Result<PlacedRow, RowError> {
    let needed = |field: &str| fields.get(field).ok_or_else(|| places.error(field, "it is missing"));
    let name = |field: &str, text: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+ ".contains(&byte);
        match (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(fits) {
            true => Ok(text.to_owned()),
            false => Err(places.error(field, format!("{text:?} is no name: 1 to 63 letters, digits, spaces and -_.+"))),
        }
    };
    let number = |field: &str, max: u32| {
        let text = needed(field)?;
        match text.parse::<u32>() {
            Ok(number) if (1..=max).contains(&number) => Ok(number),
            Ok(_) | Err(_) => Err(places.error(field, format!("{text:?} is no number from 1 to {max}"))),
        }
    };
    let written = needed("profile")?;
    let profile = written.parse().map_err(|problem| places.error("profile", format!("{problem}")))?;
    let due = match fields.get("due") {
        Some(due) if due.parse::<jiff::civil::Date>().is_err() || due.len() != 10 => {
            return Err(places.error("due", format!("{due:?} is no date: write it as 2026-12-24")));
        }
        due => due.cloned(),
    };
    let row = OrderRow {
        vendor: name("vendor", needed("vendor")?)?,
        order: name("order", needed("order")?)?,
        line: number("line", MAX_COUNT)?,
        profile: written.clone(),
        count: number("count", MAX_COUNT)?,
        serials: fields
            .get("serials")
            .map(|text| text.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default(),
        delivery: fields.get("delivery").map(|text| name("delivery", text)).transpose()?,
        due,
    };
    if row.serials.len() > usize::try_from(row.count).unwrap_or(usize::MAX) {
        return Err(places.error("serials", format!("{} serials for {} machines", row.serials.len(), row.count)));
    }
    if let Some(serial) = row.serials.iter().find(|serial| pious_protocol::identity::is_placeholder(serial)) {
        return Err(places.error("serials", format!("{serial:?} is a placeholder that any machine may show")));
    }
    Ok(PlacedRow { row, profile, places })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(format: Format, text: &str) -> String {
        read(format, text).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn csv_and_json_say_the_same() {
        let csv = "order,vendor,line,profile,count,serials,delivery,due\n\
                   PO-1, Acme Inc. ,1,demo@2,2,\"A-1 A-2\",first,2026-12-24\nPO-1,Acme Inc.,2,demo,5,,,\n";
        let json = r#"{"rows": [
            {"order": "PO-1", "vendor": "Acme Inc.", "line": 1, "profile": "demo@2", "count": 2,
             "serials": ["A-1", "A-2"], "delivery": "first", "due": "2026-12-24"},
            {"order": "PO-1", "vendor": "Acme Inc.", "line": 2, "profile": "demo", "count": 5, "due": null}]}"#;
        let rows = |format, text| read(format, text).ok().unwrap().into_iter().map(|p| p.row).collect::<Vec<_>>();
        let (first, second) = (rows(Format::Csv, csv), rows(Format::Json, json));
        assert_eq!(first, second);
        let expected = OrderRow {
            vendor: "Acme Inc.".into(),
            order: "PO-1".into(),
            line: 1,
            profile: "demo@2".into(),
            count: 2,
            serials: vec!["A-1".into(), "A-2".into()],
            delivery: Some("first".into()),
            due: Some("2026-12-24".into()),
        };
        assert_eq!(first[0], expected);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let head = "vendor,order,line,profile,count,serials,due\n";
        for (text, words) in [
            ("vendor,order,line,profile,counts\n", "line 1, column 5 (counts): there is no such column: vendor,"),
            ("vendor,order,line,profile\n", "line 1, column 4 (count): the column is missing"),
            ("vendor,vendor\n", "line 1, column 2 (vendor): the column stands twice"),
            (
                &format!("{head}a,b,1,demo,1,,\na,b,2,demo,0,,\n"),
                "line 3, column 5 (count): \"0\" is no number from 1 to 100000",
            ),
            (&format!("{head}a,b,1,demo,x,,\n"), "line 2, column 5 (count): \"x\" is no number"),
            (&format!("{head}a,,1,demo,1,,\n"), "line 2, column 2 (order): it is missing"),
            (&format!("{head}a,b,1,demo@x,1,,\n"), "line 2, column 4 (profile): \"demo@x\" names no profile"),
            (&format!("{head}a,b,1,demo,1,A-1 A-2,\n"), "line 2, column 6 (serials): 2 serials for 1 machines"),
            (&format!("{head}a,b,1,demo,1,,24.12.2026\n"), "line 2, column 7 (due): \"24.12.2026\" is no date"),
            (&format!("{head}a,b,1\n"), "line 2, column 1 (row): "),
        ] {
            let said = error(Format::Csv, text);
            assert!(said.starts_with(words), "{text:?}: {said}");
        }
        for (text, words) in [
            ("{\"rows\": [\n{\"vendor\": }]}", "line 2, column 12 (rows): "),
            ("{\"rows\": [], \"x\": 1}", "line 1, column 16 (rows): unknown field `x`"),
            (
                "{\"rows\": [\n {\"vendor\": \"a\", \"order\": \"b\", \"line\": 1, \"profile\": \"demo\",\n  \"count\": 0}]}",
                "line 3, column 3 (count): \"0\" is no number",
            ),
            (
                "{\"rows\": [\n {\"vendor\": \"a,{\\\"\", \"order\": \"b\", \"line\": 1, \"profile\": \"demo\", \"count\": {}}]}",
                "line 2, column 66 (count): {} is neither a text nor a number",
            ),
            (
                "{\"rows\": [\n {\"vendor\": \"a\", \"oder\": \"b\"}]}",
                "line 2, column 18 (oder): there is no such field",
            ),
            ("{\"rows\": [\n {}]}", "line 2, column 2 (profile): it is missing"),
        ] {
            let said = error(Format::Json, text);
            assert!(said.starts_with(words), "{text:?}: {said}");
        }
    }
}
