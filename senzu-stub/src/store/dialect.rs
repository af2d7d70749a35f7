//! All that differs between SQLite and PostgreSQL: how the database is opened, how a transaction that writes begins, how
//! rows are claimed, and how other processes are told. Everything else of the store is one SQL for both, through sqlx's
//! `Any` driver, which knows TEXT and BIGINT.
//!
//! | | SQLite | PostgreSQL |
//! | --- | --- | --- |
//! | writers | one, in this process ([`group`]): many transactions share one commit; it has a core ([`writer`]) | as many as there are assets |
//! | order of writers | the one writer's queue | advisory locks, held to the transaction's end |
//! | claiming rows | the one writer | `FOR UPDATE SKIP LOCKED` |
//! | a clock of its own | no | the server's |
//! | news for others | there are no others | `NOTIFY` ([`notify`]) |

pub mod group;
pub mod notify;
mod writer;

use super::{Columns, During, StoreError};
use group::{Group, GroupTx};
use notify::{Heard, Notifier};
use pious_protocol::ids::{AssetId, UnixMs};
use sha2::{Digest, Sha256};
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions, AnyRow},
    migrate::MigrateError,
    pool::PoolConnection,
};
use std::{
    fmt,
    fs::OpenOptions,
    ops::{Deref, DerefMut},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc::UnboundedReceiver;
use writer::Writer;

/// One connection.
pub type Conn = AnyConnection;
/// One row.
pub type Row = AnyRow;

/// How long a writer waits for another process's (an import's) transaction.
const BUSY: Duration = Duration::from_secs(10);
/// Readers don't wait for each other in WAL; more than a few only hold memory.
const READERS: u32 = 8;
/// PostgreSQL's own default allows 100 connections; six replicas fit, and an import, and whoever looks.
const POOL: u32 = 16;
/// A server that does not answer is better reported than waited for: whoever started us restarts us.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL server, as `postgres://USER:PASSWORD@HOST/DATABASE`.
    Server(String),
}

impl Location {
    /// What `--database` says: a URL of PostgreSQL; `None`: this file.
    pub fn of(url: Option<&str>, file: PathBuf) -> Result<Self, StoreError> {
        match url {
            None => Ok(Self::File(file)),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Self::Server(url.to_owned()))
            }
            Some(other) => Err(StoreError::Url { scheme: other.split(':').next().unwrap_or_default().to_owned() }),
        }
    }
}

/// Without the password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Server(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let rest = rest.split('?').next().unwrap_or_default();
                write!(f, "{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, place)| place))
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The open database.
#[derive(Clone)]
pub struct Database {
    location: Location,
    pool: AnyPool,
    /// SQLite's one writer, and where it runs.
    group: Option<(Arc<Group>, Arc<Writer>)>,
}

/// A transaction. It is rolled back unless it is committed.
pub struct Tx(Kind);

enum Kind {
    Grouped(GroupTx),
    Own { tx: Transaction<'static, Any>, location: Location },
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        match &self.0 {
            Kind::Grouped(tx) => tx,
            Kind::Own { tx, .. } => tx,
        }
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        match &mut self.0 {
            Kind::Grouped(tx) => tx,
            Kind::Own { tx, .. } => tx,
        }
    }
}

impl Tx {
    /// Ends it: what it did survives a power cut from here on.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.0 {
            Kind::Grouped(tx) => tx.commit().await,
            Kind::Own { tx, location } => tx.commit().await.map_err(|source| trouble(&location, "commit", source)),
        }
    }
}

impl Database {
    /// Opens (or makes) the database and brings its tables up to date.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        match location {
            Location::File(file) => Self::open_file(file, location).await,
            Location::Server(url) => Self::open_server(url, location).await,
        }
    }

    async fn open_file(file: &Path, location: &Location) -> Result<Self, StoreError> {
        let io = |source| StoreError::File { path: file.to_owned(), source };
        // SQLite gives its WAL the mode of the database file, so making that private makes all of it private.
        OpenOptions::new().create(true).append(true).mode(0o600).open(file).map_err(io)?;
        let open = |source| trouble(location, "open", source);
        let options: AnyConnectOptions = file_url(file).parse().map_err(open)?;
        let writer = Writer::start().map_err(io)?;
        // By hand, not through a pool: a pool tries again and again, and then says nothing but that it took too long.
        let (same, here) = (options.clone(), location.clone());
        let connected = writer.run(async move { Conn::connect_with(&same).await }).await;
        let mut conn = connected.map_err(open)?;
        prepare(&mut conn).await.map_err(open)?;
        // Savepoints' journals would go to files once they have 64 KiB.
        conn.execute(sqlx::raw_sql("PRAGMA temp_store = MEMORY")).await.map_err(open)?;
        migrate(&mut conn, location).await?;
        let group = writer.run(async move { Group::new(conn, here) }).await;
        let readers = AnyPoolOptions::new()
            .max_connections(READERS)
            .after_connect(|conn, _| Box::pin(prepare(conn)))
            .connect_lazy_with(options);
        Ok(Self { location: location.clone(), pool: readers, group: Some((group, Arc::new(writer))) })
    }

    /// Does something that writes where it is done fastest. Anybody may write anywhere; what is done hundreds of times in a
    /// second should be done here.
    pub async fn writing<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        match &self.group {
            Some((_, writer)) => writer.run(work).await,
            None => work.await,
        }
    }

    async fn open_server(url: &str, location: &Location) -> Result<Self, StoreError> {
        let open = |source| trouble(location, "open", source);
        let options: AnyConnectOptions = url.parse().map_err(open)?;
        let first = tokio::time::timeout(CONNECT_WITHIN, Conn::connect_with(&options)).await;
        let mut first = first.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(open)?;
        migrate(&mut first, location).await?;
        // Whether the server is told goodbye is nothing to us.
        let _ = first.close().await;
        let pool = AnyPoolOptions::new().max_connections(POOL).acquire_timeout(CONNECT_WITHIN);
        Ok(Self { location: location.clone(), pool: pool.connect_lazy_with(options), group: None })
    }

    /// Begins a transaction that may write anything: none that writes runs beside it.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        self.begin(&format!("SELECT pg_advisory_xact_lock({EVERYTHING})::text")).await
    }

    /// Begins a transaction that claims rows; any number of them run side by side.
    pub async fn write_claims(&self) -> Result<Tx, StoreError> {
        self.begin(&format!("SELECT pg_advisory_xact_lock_shared({EVERYTHING})::text")).await
    }

    /// Begins a transaction that writes what belongs to one asset: no other about this asset runs beside it.
    pub async fn write_asset(&self, asset: AssetId) -> Result<Tx, StoreError> {
        let lock = lock_of(&format!("asset {asset}"));
        let locks =
            format!("SELECT pg_advisory_xact_lock_shared({EVERYTHING})::text, pg_advisory_xact_lock({lock})::text");
        self.begin(&locks).await
    }

    /// Begins a transaction about a machine of which it is not known yet which asset it is: no other about a machine that
    /// shows one of the same values runs beside it. Once the asset is known, it must be taken by [`lock_asset`].
    pub async fn write_machine(&self, values: impl IntoIterator<Item = String>) -> Result<Tx, StoreError> {
        let mut locks: Vec<i64> = values.into_iter().map(|value| lock_of(&value)).collect();
        // All take theirs in the same order, so that no two wait for each other.
        locks.sort_unstable();
        locks.dedup();
        if locks.len() > MAX_LOCKS {
            return self.write().await;
        }
        let mut sql = format!("SELECT pg_advisory_xact_lock_shared({EVERYTHING})::text");
        for lock in locks {
            sql.push_str(&format!(", pg_advisory_xact_lock({lock})::text"));
        }
        self.begin(&sql).await
    }

    async fn begin(&self, postgres_locks: &str) -> Result<Tx, StoreError> {
        if let Some((group, _)) = &self.group {
            return Ok(Tx(Kind::Grouped(group.begin().await?)));
        }
        let begin = |source| trouble(&self.location, "begin a transaction in", source);
        let mut tx = self.pool.begin().await.map_err(begin)?;
        // Each statement behind the locks sees what was committed before them (READ COMMITTED).
        tx.execute(sqlx::raw_sql(AssertSqlSafe(postgres_locks.to_owned()))).await.map_err(begin)?;
        Ok(Tx(Kind::Own { tx, location: self.location.clone() }))
    }

    /// A transaction that sees one state of the database and writes nothing.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let begun = match self.group {
            Some(_) => self.pool.begin().await,
            None => self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await,
        };
        let tx = begun.map_err(|source| trouble(&self.location, "read", source))?;
        Ok(Tx(Kind::Own { tx, location: self.location.clone() }))
    }

    /// A connection for one statement that reads: spares the transaction's beginning and end.
    pub async fn look(&self) -> Result<PoolConnection<Any>, StoreError> {
        self.pool.acquire().await.map_err(|source| trouble(&self.location, "read", source))
    }

    /// Ways to tell other replicas of news about an asset, and to hear of theirs; on SQLite there are none.
    pub fn news(&self) -> (Notifier, Option<UnboundedReceiver<Heard>>) {
        match &self.location {
            Location::File(_) => (Notifier::silent(), None),
            Location::Server(url) => notify::start(self.pool.clone(), url.clone()),
        }
    }

    /// Where it is, for words.
    pub fn place(&self) -> String {
        self.location.to_string()
    }

    /// Closes every connection; SQLite's WAL is folded into the file.
    pub async fn close(&self) {
        self.pool.close().await;
        if let Some((group, _)) = &self.group {
            group.close().await;
        }
    }
}

/// Takes an asset for the rest of a transaction that began by [`Database::write_machine`].
pub async fn lock_asset(conn: &mut Conn, asset: AssetId) -> Result<(), StoreError> {
    if !is_postgres(conn) {
        return Ok(());
    }
    let lock = lock_of(&format!("asset {asset}"));
    let sql = format!("SELECT pg_advisory_xact_lock({lock})::text");
    conn.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.during("take an asset").map(|_| ())
}

/// What a SELECT of rows to claim ends with, so that replicas that claim at once get different ones.
pub fn skip_locked(conn: &Conn) -> &'static str {
    match is_postgres(conn) {
        true => "FOR UPDATE OF assets SKIP LOCKED",
        false => "",
    }
}

/// What a SELECT of rows ends with that nobody else may read so until the transaction ends.
pub fn for_update(conn: &Conn) -> &'static str {
    match is_postgres(conn) {
        true => "FOR UPDATE",
        false => "",
    }
}

/// What the database's own clock shows, if it has one.
pub async fn clock(conn: &mut Conn) -> Result<Option<UnixMs>, StoreError> {
    if !is_postgres(conn) {
        return Ok(None);
    }
    let query = sqlx::query("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT AS at_ms");
    query.fetch_one(conn).await.during("ask for the time")?.time_opt("at_ms")
}

fn is_postgres(conn: &Conn) -> bool {
    conn.backend_name() == "PostgreSQL"
}

/// The advisory lock that every writing transaction has: shared, or for itself. Any number would do; this is "SENZU".
const EVERYTHING: i64 = 0x53_45_4e_5a_55;
/// More advisory locks than this in one transaction crowd PostgreSQL's lock table (64 for each connection); a machine with
/// so many values takes everything instead.
const MAX_LOCKS: usize = 64;

/// The advisory lock of a value.
fn lock_of(value: &str) -> i64 {
    let digest = Sha256::digest(value.as_bytes());
    let mut octets = [0; 8];
    octets.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(octets)
}

/// A file as a URL: SQLite's are percent-encoded, so that a name with `?` or `#` stays a name.
fn file_url(file: &Path) -> String {
    let mut url = String::from("sqlite://");
    for octet in file.as_os_str().as_bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => url.push(char::from(*octet)),
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

/// Writes the database, as it is at one moment, to a new file, whoever else uses it meanwhile.
pub async fn backup(location: &Location, to: &Path) -> Result<(), StoreError> {
    let file = match location {
        Location::Server(_) => return Err(StoreError::BackUpElsewhere { place: location.to_string() }),
        Location::File(file) => file,
    };
    sqlx::any::install_default_drivers();
    let source_io = |source| StoreError::File { path: file.clone(), source };
    std::fs::metadata(file).map_err(source_io)?;
    let io = |source| StoreError::File { path: to.to_owned(), source };
    // Private, as the database is; SQLite takes a file that is empty.
    let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(to).map_err(io)?;
    let fail = |source| trouble(location, "back up", source);
    let options: AnyConnectOptions = file_url(file).parse().map_err(fail)?;
    let written = async {
        let mut conn = Conn::connect_with(&options).await?;
        conn.execute(sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA busy_timeout = {}", BUSY.as_millis())))).await?;
        let target = to.to_string_lossy().into_owned();
        sqlx::query("VACUUM INTO $1").bind(target).execute(&mut conn).await?;
        conn.close().await
    };
    if let Err(source) = written.await {
        // Half a backup is none.
        std::fs::remove_file(to).map_err(io)?;
        return Err(fail(source));
    }
    made.sync_all().map_err(io)
}

async fn prepare(conn: &mut Conn) -> Result<(), sqlx::Error> {
    let busy_ms = BUSY.as_millis();
    // FULL: what was acknowledged survives a power cut, not only a crash.
    let pragmas = format!(
        "PRAGMA busy_timeout = {busy_ms}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;"
    );
    conn.execute(sqlx::raw_sql(AssertSqlSafe(pragmas))).await.map(|_| ())
}

async fn migrate(conn: &mut Conn, location: &Location) -> Result<(), StoreError> {
    let migrated = sqlx::migrate!("./migrations").run(conn).await;
    migrated.map_err(|error| match error {
        MigrateError::VersionMissing(version) => StoreError::Newer { place: location.to_string(), version },
        MigrateError::Execute(source) => trouble(location, "bring up to date", source),
        source => StoreError::Migrate { place: location.to_string(), source },
    })
}

/// What a refusal of the whole database means, and what helps.
fn trouble(location: &Location, operation: &'static str, source: impl Into<Arc<sqlx::Error>>) -> StoreError {
    let source = source.into();
    let code = source.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
    // SQLite's codes are numbers whose lowest eight bits are the kind (sqlite.org/rescode.html); PostgreSQL's have five
    // letters and digits (its manual, appendix A).
    let kind = code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|number| number & 0xff);
    let remedy = match (location, kind, code.as_str()) {
        (Location::File(_), Some(5 | 6), _) => "another process holds it locked: end that one, and try again",
        (Location::File(_), Some(13), _) => "its disk is full: make room, and try again",
        (Location::File(_), Some(8), _) => "it is read-only: let this user write the file and its directory",
        (Location::File(_), Some(14), _) => {
            "it can't be opened: let this user read and write the file and its directory"
        }
        (Location::File(_), Some(11 | 26), _) => {
            "it is damaged, or no SQLite database: put a backup (senzu-stub backup) in its place"
        }
        (Location::File(_), Some(10), _) => "its disk fails: look at the kernel's log",
        (Location::Server(_), _, "28P01" | "28000") => "it refuses the user or the password: correct the URL",
        (Location::Server(_), _, "3D000") => "it has no such database: make it (createdb), or correct the URL",
        (Location::Server(_), _, "53100") => "its disk is full: make room there",
        (Location::Server(_), _, "53300") => {
            "it has no connection left: raise its max_connections, or end other clients"
        }
        (Location::Server(_), _, "25006") => "it is read-only, a standby perhaps: name the primary in the URL",
        (Location::Server(_), _, "42501") => "the user may not do that: make it the owner of the database",
        (Location::Server(_), None, _) if source.as_database_error().is_none() => {
            "it does not answer: is the server up, and is the URL right?"
        }
        (Location::File(_) | Location::Server(_), _, _) => "see the cause",
    };
    StoreError::Trouble { operation, place: location.to_string(), remedy, source }
}
