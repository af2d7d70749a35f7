//! What Senzu remembers. Rows in, rows out: no rule about assets lives here.
//!
//! Each function takes a connection, so that its caller decides what belongs into one transaction. Nothing is kept in
//! memory.

pub mod alerts;
pub mod approvals;
pub mod artifacts;
pub mod assets;
pub mod bmcs;
pub mod campaigns;
pub mod clock;
pub mod dialect;
pub mod findings;
pub mod fleet;
pub mod goals;
pub mod instructions;
pub mod listing;
pub mod members;
pub mod operators;
pub mod orders;
pub mod plans;
pub mod promotions;
pub mod runs;
pub mod sessions;
pub mod slots;
pub mod tokens;
pub mod transitions;
pub mod ui_sessions;
pub mod webhooks;

pub use dialect::{Conn, Database, Location, Row, Tx};

use pious_protocol::ids::UnixMs;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::Row as _;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};
use thiserror::Error;
use uuid::{ContextV7, Timestamp, Uuid};

/// Why the store did not do it.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file itself.
    #[error("cannot make or open {path}")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The database as a whole.
    #[error("cannot {operation} {place}: {remedy}")]
    Trouble {
        operation: &'static str,
        place: String,
        remedy: &'static str,
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// A newer Senzu wrote it.
    #[error("{place} was written by a newer Senzu (its tables have version {version}): run that one")]
    Newer { place: String, version: i64 },
    /// The tables could not be brought up to date.
    #[error("cannot bring the tables of {place} up to date")]
    Migrate {
        place: String,
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A database that has better tools than ours.
    #[error("{place} is PostgreSQL's: back it up with pg_dump, from any machine that reaches it")]
    BackUpElsewhere { place: String },
    /// Not a database that we know.
    #[error(
        "--database is a URL of {scheme}: write postgres://USER:PASSWORD@HOST/DATABASE, or leave it out for SQLite"
    )]
    Url { scheme: String },
    /// The database refused.
    #[error("cannot {operation}")]
    Sql {
        operation: &'static str,
        #[source]
        source: sqlx::Error,
    },
    /// Somebody else changed it in between.
    #[error("cannot {operation}: somebody was faster")]
    Overtaken { operation: &'static str },
    /// A value in a row is not what this build writes.
    #[error("column {column} holds {value:?}, which this build can't read")]
    Column {
        column: &'static str,
        value: String,
        #[source]
        source: serde_json::Error,
    },
}

/// Says what was being done when the database refused.
pub trait During<T> {
    fn during(self, operation: &'static str) -> Result<T, StoreError>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, operation: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Sql { operation, source })
    }
}

/// What says it already: [`Tx::commit`].
impl<T> During<T> for Result<T, StoreError> {
    fn during(self, _: &'static str) -> Self {
        self
    }
}

/// Where rows' names come from: the clock, and what goes on counting where that was set back.
static NAMES: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// A name for a new row; later ones sort behind.
pub fn new_id() -> Uuid {
    Uuid::new_v7(Timestamp::now(&NAMES))
}

/// From here on, rows are named behind this one.
pub fn name_behind(newest: Uuid) {
    if let Some(at) = newest.get_timestamp() {
        let (seconds, nanoseconds) = at.to_unix();
        Timestamp::from_unix(&NAMES, seconds, nanoseconds);
    }
}

/// A number as the database keeps it.
pub fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// JSON as the database keeps it.
pub fn json<T: Serialize>(value: &T) -> String {
    // Our own types: maps with text keys and no failing serializers.
    serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"unwritable\":\"{error}\"}}"))
}

/// The one word that a unit enum is on the wire.
pub fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

/// Typed access to a row's columns.
pub trait Columns {
    fn text(&self, column: &'static str) -> Result<String, StoreError>;
    fn text_opt(&self, column: &'static str) -> Result<Option<String>, StoreError>;
    fn number(&self, column: &'static str) -> Result<u64, StoreError>;
    fn number_opt(&self, column: &'static str) -> Result<Option<u64>, StoreError>;

    fn time(&self, column: &'static str) -> Result<UnixMs, StoreError> {
        self.number(column).map(UnixMs)
    }

    fn time_opt(&self, column: &'static str) -> Result<Option<UnixMs>, StoreError> {
        Ok(self.number_opt(column)?.map(UnixMs))
    }

    /// A JSON document.
    fn body<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let value = self.text(column)?;
        serde_json::from_str(&value).map_err(|source| StoreError::Column { column, value, source })
    }

    fn body_opt<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let Some(value) = self.text_opt(column)? else { return Ok(None) };
        serde_json::from_str(&value).map(Some).map_err(|source| StoreError::Column { column, value, source })
    }

    /// One word of a unit enum, or an id.
    fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let value = self.text(column)?;
        serde_json::from_value(serde_json::Value::String(value.clone())).map_err(|source| StoreError::Column {
            column,
            value,
            source,
        })
    }

    fn word_opt<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        match self.text_opt(column)? {
            Some(_) => self.word(column).map(Some),
            None => Ok(None),
        }
    }
}

impl Columns for Row {
    fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.try_get(column).during("read a text column")
    }

    fn text_opt(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.try_get(column).during("read a text column")
    }

    fn number(&self, column: &'static str) -> Result<u64, StoreError> {
        Ok(self.try_get::<i64, _>(column).during("read a number column")?.try_into().unwrap_or(0))
    }

    fn number_opt(&self, column: &'static str) -> Result<Option<u64>, StoreError> {
        let number: Option<i64> = self.try_get(column).during("read a number column")?;
        Ok(number.map(|number| number.try_into().unwrap_or(0)))
    }
}

/// The value of a counter.
pub async fn counter(conn: &mut Conn, name: &'static str) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT value FROM counters WHERE name = $1").bind(name).fetch_one(conn).await;
    row.during("read a counter")?.number("value")
}

/// Counts one more.
pub async fn count_up(conn: &mut Conn, name: &'static str) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE counters SET value = value + 1 WHERE name = $1").bind(name).execute(conn).await;
    done.during("count up").map(|_| ())
}

/// What changes with every change of a boot target.
pub const BOOT_TARGETS: &str = "boot_targets";
/// What changes with every import.
pub const IMPORTS: &str = "imports";
