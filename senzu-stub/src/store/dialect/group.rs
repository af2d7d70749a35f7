//! SQLite's one writer, and group commit: an fsync takes milliseconds, and everybody who waits at that time shares it.
//!
//! Each transaction is a savepoint of one outer transaction. Whoever has released its savepoint asks the committer to
//! commit the outer one; the committer waits in the same queue for the writer as everybody, so whoever queued before it
//! gets into the same commit. Nobody is answered before that commit. One that is dropped halfway is rolled back to its
//! savepoint by whoever has the writer next, be it the committer; one that breaks the outer transaction fails all that were in it.

use super::{Conn, Location, StoreError, trouble};
use sqlx::{Connection, Executor};
use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Mutex as Queue, Notify, OwnedMappedMutexGuard, OwnedMutexGuard, oneshot};

/// The one writer.
pub struct Group {
    /// Fair: first come, first served. `None` once it is closed.
    conn: Arc<Queue<Option<Conn>>>,
    state: Mutex<State>,
    /// Somebody waits for the outer transaction's commit.
    released: Notify,
    location: Location,
}

#[derive(Default)]
struct State {
    outer: Outer,
    /// Who waits for the commit of the outer transaction.
    waiting: Vec<oneshot::Sender<Result<(), Arc<sqlx::Error>>>>,
}

/// What runs on the connection.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Outer {
    /// Nothing.
    #[default]
    Closed,
    /// A transaction, between two savepoints.
    Open,
    /// A transaction, with a savepoint in it.
    InSavepoint,
}

/// The writer, for one of the transactions in a commit.
pub struct GroupTx {
    conn: OwnedMappedMutexGuard<Option<Conn>, Conn>,
    group: Arc<Group>,
}

impl Drop for GroupTx {
    /// Released or left halfway: the outer transaction must not stay open until somebody writes again, for no other
    /// process can write as long as it is.
    fn drop(&mut self) {
        self.group.released.notify_one();
    }
}

impl Deref for GroupTx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for GroupTx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl Group {
    /// Takes the connection that writes, and starts the committer.
    pub fn new(conn: Conn, location: Location) -> Arc<Self> {
        let conn = Arc::new(Queue::new(Some(conn)));
        let group = Arc::new(Self { conn, state: Mutex::default(), released: Notify::new(), location });
        let committer = Arc::downgrade(&group);
        tokio::spawn(async move {
            while let Some(group) = committer.upgrade() {
                group.released.notified().await;
                let mut conn = group.conn.lock().await;
                let Some(conn) = conn.as_mut() else { return };
                group.commit_outer(conn).await;
            }
        });
        group
    }

    /// Waits for its turn, and begins.
    pub async fn begin(self: &Arc<Self>) -> Result<GroupTx, StoreError> {
        let conn = self.conn.clone().lock_owned().await;
        let conn = OwnedMutexGuard::try_map(conn, Option::as_mut);
        let conn = conn.map_err(|_| self.trouble("begin", sqlx::Error::PoolClosed))?;
        // From here on, whoever is dropped leaves the rest to the committer.
        let mut tx = GroupTx { conn, group: self.clone() };
        let conn = &mut tx.conn;
        self.tidy(conn).await;
        // What a statement leads to is noted before it runs: whoever is dropped while it does has begun it.
        if self.set(Outer::Open) == Outer::Closed
            // IMMEDIATE: waits for another process's writer here, rather than failing in the middle.
            && let Err(source) = run(conn, "BEGIN IMMEDIATE").await
        {
            self.set(Outer::Closed);
            return Err(self.trouble("begin a transaction in", source));
        }
        self.set(Outer::InSavepoint);
        run(conn, "SAVEPOINT one").await.map_err(|source| self.trouble("begin a transaction in", source))?;
        Ok(tx)
    }

    /// Commits what is committed, and closes the connection: its WAL is folded into the file.
    pub async fn close(&self) {
        let mut slot = self.conn.lock().await;
        if let Some(mut conn) = slot.take() {
            self.commit_outer(&mut conn).await;
            if let Err(error) = conn.close().await {
                tracing::warn!(%error, "closing the database");
            }
        }
        self.released.notify_one();
    }

    /// Rolls back what somebody left halfway.
    async fn tidy(&self, conn: &mut Conn) {
        if self.lock().outer != Outer::InSavepoint {
            return;
        }
        let rolled_back = match run(conn, "ROLLBACK TO one").await {
            Ok(()) => run(conn, "RELEASE one").await,
            Err(error) => Err(error),
        };
        match rolled_back {
            Ok(()) => drop(self.set(Outer::Open)),
            // SQLite rolled everything back: a full disk, a failing one.
            Err(error) => self.fail(conn, error).await,
        }
    }

    async fn commit_outer(&self, conn: &mut Conn) {
        self.tidy(conn).await;
        if self.lock().outer == Outer::Closed {
            return;
        }
        match run(conn, "COMMIT").await {
            Ok(()) => self.answer(Ok(())),
            Err(error) => self.fail(conn, error).await,
        }
    }

    /// The outer transaction came to nothing, and with it all that were in it.
    async fn fail(&self, conn: &mut Conn, error: sqlx::Error) {
        // Where SQLite rolled back by itself there is nothing to roll back.
        let _ = run(conn, "ROLLBACK").await;
        self.answer(Err(Arc::new(error)));
    }

    fn answer(&self, ended: Result<(), Arc<sqlx::Error>>) {
        let mut state = self.lock();
        state.outer = Outer::Closed;
        for waiting in state.waiting.drain(..) {
            // Whoever does not wait any more does not want to know.
            let _ = waiting.send(ended.clone());
        }
    }

    fn trouble(&self, operation: &'static str, source: impl Into<Arc<sqlx::Error>>) -> StoreError {
        trouble(&self.location, operation, source)
    }

    fn set(&self, outer: Outer) -> Outer {
        std::mem::replace(&mut self.lock().outer, outer)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GroupTx {
    /// Releases the savepoint, and waits for the commit of all that are in the outer transaction.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let group = self.group.clone();
        run(&mut self.conn, "RELEASE one").await.map_err(|source| group.trouble("commit", source))?;
        let (answer, ended) = oneshot::channel();
        {
            let mut state = group.lock();
            state.outer = Outer::Open;
            state.waiting.push(answer);
        }
        drop(self);
        match ended.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(shared)) => Err(trouble(&group.location, "commit", shared)),
            Err(_) => Err(group.trouble("commit", sqlx::Error::WorkerCrashed)),
        }
    }
}

async fn run(conn: &mut Conn, sql: &'static str) -> Result<(), sqlx::Error> {
    conn.execute(sqlx::query(sql)).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use crate::store::{Database, Location, count_up, counter};
    use std::time::Instant;
    use tempfile::TempDir;
    use tokio::task::JoinSet;

    const COUNTER: &str = crate::store::IMPORTS;

    async fn database() -> (TempDir, Database) {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&Location::File(dir.path().join("a name with ? and #.sqlite"))).await.unwrap();
        (dir, database)
    }

    async fn count(database: &Database) -> u64 {
        counter(&mut database.read().await.unwrap(), COUNTER).await.unwrap()
    }

    async fn count_one(database: Database) {
        let mut tx = database.write().await.unwrap();
        count_up(&mut tx, COUNTER).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn each_of_many_writers_is_kept_and_nobody_is_answered_before() {
        let (_dir, database) = database().await;
        let mut writers = JoinSet::new();
        for _ in 0..100 {
            let database = database.clone();
            writers.spawn(async move {
                let mut tx = database.write().await.unwrap();
                count_up(&mut tx, COUNTER).await.unwrap();
                let mine = counter(&mut tx, COUNTER).await.unwrap();
                tx.commit().await.unwrap();
                // Another connection sees it: it is committed.
                assert!(count(&database).await >= mine);
            });
        }
        writers.join_all().await;
        assert_eq!(count(&database).await, 100);
    }

    #[tokio::test]
    async fn one_that_is_dropped_halfway_takes_nobody_with_it() {
        let (_dir, database) = database().await;
        let mut writers = JoinSet::new();
        for number in 0..60 {
            let database = database.clone();
            writers.spawn(async move {
                let mut tx = database.write().await.unwrap();
                count_up(&mut tx, COUNTER).await.unwrap();
                if number % 3 != 0 {
                    tx.commit().await.unwrap();
                }
            });
        }
        writers.join_all().await;
        assert_eq!(count(&database).await, 40);
        // Nobody comes behind the dropped one.
        let mut tx = database.write().await.unwrap();
        count_up(&mut tx, COUNTER).await.unwrap();
        drop(tx);
        database.close().await;
        let location = database.location.clone();
        assert_eq!(count(&Database::open(&location).await.unwrap()).await, 40);
    }

    #[tokio::test]
    async fn one_that_is_dropped_halfway_keeps_no_other_process_from_writing() {
        let (_dir, database) = database().await;
        let mut tx = database.write().await.unwrap();
        count_up(&mut tx, COUNTER).await.unwrap();
        drop(tx);
        let other = Database::open(&database.location).await.unwrap();
        count_one(other).await;
        assert_eq!(count(&database).await, 1);
    }

    #[tokio::test]
    async fn one_that_breaks_the_transaction_fails_all_that_were_in_it_and_none_behind() {
        let (_dir, database) = database().await;
        let mut first = database.write().await.unwrap();
        count_up(&mut first, COUNTER).await.unwrap();
        // As SQLite does by itself when the disk is full.
        super::run(&mut first, "ROLLBACK").await.unwrap();
        let words = first.commit().await.unwrap_err().to_string();
        assert!(words.starts_with("cannot commit ") && words.contains("a name with ? and #.sqlite"), "{words}");
        count_one(database.clone()).await;
        assert_eq!(count(&database).await, 1);
    }

    /// Prints figures: `cargo test -p senzu-stub --release -- --ignored --nocapture transactions_per_second`
    #[tokio::test]
    #[ignore = "measures"]
    async fn transactions_per_second() {
        let (_dir, database) = database().await;
        for at_once in [1, 16, 64, 256] {
            const ALL: usize = 2048;
            let begun = Instant::now();
            let mut writers = JoinSet::new();
            for _ in 0..at_once {
                let database = database.clone();
                writers.spawn(async move {
                    for _ in 0..ALL / at_once {
                        count_one(database.clone()).await;
                    }
                });
            }
            writers.join_all().await;
            println!("{at_once} at once: {:.0}/s", ALL as f64 / begun.elapsed().as_secs_f64());
        }
    }
}
