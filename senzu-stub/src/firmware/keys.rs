//! Reading TOML strictly: what is wrong is told with its file, its key and a remedy; a key that nobody reads is refused.

use thiserror::Error;
use toml::{Table, Value};

const SECONDS: &str = "write seconds, 1 to 86400";

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}: {key} {problem}: {remedy}")]
pub struct KeyError {
    pub file: String,
    pub key: String,
    pub problem: String,
    pub remedy: String,
}

/// The keys of one table that were not read yet.
pub struct Keys<'a> {
    file: &'a str,
    /// Where the table stands, with a dot behind it; empty: it is the file.
    at: String,
    table: Table,
    read: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    /// A whole file.
    pub fn parse(file: &'a str, text: &str) -> Result<Self, KeyError> {
        let table = text.parse::<Table>().map_err(|error| {
            let at = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            KeyError {
                file: file.to_owned(),
                key: format!("line {at}"),
                problem: "is no TOML".into(),
                remedy: error.message().to_owned(),
            }
        })?;
        Ok(Self { file, at: String::new(), table, read: Vec::new() })
    }

    /// An error about one of its keys.
    pub fn wrong(&self, key: &str, problem: impl Into<String>, remedy: impl Into<String>) -> KeyError {
        KeyError {
            file: self.file.to_owned(),
            key: format!("{}{key}", self.at),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.read.push(key);
        self.table.remove(key)
    }

    /// A value that must be there.
    pub fn needed<T>(&self, key: &str, value: Option<T>, remedy: &str) -> Result<T, KeyError> {
        value.ok_or_else(|| self.wrong(key, "is missing", remedy))
    }

    pub fn text(&mut self, key: &'static str, remedy: &str) -> Result<Option<String>, KeyError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, shown(&other), remedy)),
        }
    }

    pub fn texts(&mut self, key: &'static str, remedy: &str) -> Result<Vec<String>, KeyError> {
        let value = self.take(key);
        let value = self.needed(key, value, remedy)?;
        let texts = match &value {
            Value::Array(items) => {
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            }
            _ => None,
        };
        match texts {
            Some(texts) if !texts.is_empty() && texts.iter().all(|text| !text.trim().is_empty()) => Ok(texts),
            Some(_) | None => Err(self.wrong(key, shown(&value), remedy)),
        }
    }

    /// Whether a key holds a list.
    pub fn is_list(&self, key: &str) -> bool {
        matches!(self.table.get(key), Some(Value::Array(_)))
    }

    pub fn flag(&mut self, key: &'static str) -> Result<bool, KeyError> {
        match self.take(key) {
            None => Ok(false),
            Some(Value::Boolean(flag)) => Ok(flag),
            Some(other) => Err(self.wrong(key, shown(&other), "write true or false")),
        }
    }

    /// Seconds, at least one and at most a day.
    pub fn seconds(&mut self, key: &'static str) -> Result<u32, KeyError> {
        let seconds = self.seconds_if_any(key)?;
        self.needed(key, seconds, SECONDS)
    }

    /// The same; `None`: it is not there.
    pub fn seconds_if_any(&mut self, key: &'static str) -> Result<Option<u32>, KeyError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Integer(seconds)) if (1..=86_400).contains(&seconds) => {
                Ok(Some(u32::try_from(seconds).unwrap_or(86_400)))
            }
            Some(other) => Err(self.wrong(key, shown(&other), SECONDS)),
        }
    }

    /// One of some words; `None`: it is not there.
    pub fn word<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Result<Option<T>, KeyError> {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        let remedy = format!("write {}", either(&names));
        let Some(text) = self.text(key, &remedy)? else { return Ok(None) };
        match words.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(self.wrong(key, format!("is {text:?}"), remedy)),
        }
    }

    /// A table within it.
    pub fn table(&mut self, key: &'static str, remedy: &str) -> Result<Option<Keys<'a>>, KeyError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(self.within(key, table))),
            Some(other) => Err(self.wrong(key, shown(&other), remedy)),
        }
    }

    /// Tables within it, `[[so]]`.
    pub fn tables(&mut self, key: &'static str, remedy: &str) -> Result<Vec<Keys<'a>>, KeyError> {
        let Some(value) = self.take(key) else { return Ok(Vec::new()) };
        let Value::Array(items) = value else { return Err(self.wrong(key, shown(&value), remedy)) };
        let table = |(at, item)| match item {
            Value::Table(table) => Ok(self.within(&format!("{key}[{at}]"), table)),
            other => Err(self.wrong(key, shown(&other), remedy)),
        };
        items.into_iter().enumerate().map(table).collect()
    }

    fn within(&self, key: &str, table: Table) -> Keys<'a> {
        Keys { file: self.file, at: format!("{}{key}.", self.at), table, read: Vec::new() }
    }

    /// All was read.
    pub fn end(self) -> Result<(), KeyError> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.wrong(key, "is not a key", format!("known are {}", self.read.join(", ")))),
        }
    }
}

/// What stands there.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("is {text:?}"),
        Value::Integer(number) => format!("is {number}"),
        Value::Float(number) => format!("is {number}"),
        Value::Boolean(flag) => format!("is {flag}"),
        Value::Datetime(time) => format!("is {time}"),
        Value::Array(items) if items.is_empty() => "is an empty list".into(),
        Value::Array(_) => "is a list".into(),
        Value::Table(_) => "is a table".into(),
    }
}

/// `a, b or c`.
fn either(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
