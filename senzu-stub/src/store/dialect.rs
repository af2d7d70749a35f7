//! All that is SQLite's own: how the file is opened, how a transaction begins, what the connection is called.
//!
//! Everything else of the store is SQL that other databases understand too, so that a second database is a second file
//! like this one.

use super::{During, StoreError};
use sqlx::{
    Pool, Sqlite, SqliteConnection, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

/// One connection.
pub type Conn = SqliteConnection;
/// One row.
pub type Row = SqliteRow;
/// A transaction that may write.
pub type Tx = Transaction<'static, Sqlite>;

/// How long a writer waits for another process's (an import's) transaction.
const BUSY: Duration = Duration::from_secs(10);
/// Readers don't wait for each other in WAL; more than a few only hold memory.
const READERS: u32 = 8;

/// The open database: one writer, because SQLite has one, and several readers.
#[derive(Clone)]
pub struct Database {
    write: Pool<Sqlite>,
    read: Pool<Sqlite>,
}

impl Database {
    /// Opens (or makes) the file and brings its tables up to date.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let io = |source| StoreError::File { path: file.to_owned(), source };
        // SQLite gives its WAL the mode of the database file, so making that private makes all of it private.
        OpenOptions::new().create(true).append(true).mode(0o600).open(file).map_err(io)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            // What was acknowledged survives a power cut, not only a crash.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let write = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await;
        let write = write.during("open the database for writing")?;
        sqlx::migrate!("./migrations").run(&write).await.map_err(StoreError::Migrate)?;
        let read = SqlitePoolOptions::new().max_connections(READERS).connect_with(options).await;
        Ok(Self { write, read: read.during("open the database for reading")? })
    }

    /// Begins a transaction that will write. It owns the writer until it ends.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        // IMMEDIATE: waits for another process's writer here, rather than failing in the middle.
        self.write.begin_with("BEGIN IMMEDIATE").await.during("begin a writing transaction")
    }

    /// A transaction that sees one state of the database and writes nothing.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        self.read.begin().await.during("begin a reading transaction")
    }

    /// Closes every connection; the WAL is folded into the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}
