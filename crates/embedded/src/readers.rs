//! Connections for reading. A point read runs where it is asked for: it costs a few microseconds, a change of
//! thread costs more. Everything else runs on a blocking thread.
use crate::fault::Fault;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The pool.
pub(crate) struct Readers {
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    inline: bool,
}

/// A connection on loan, returned when it is dropped.
struct Loan {
    readers: Arc<Readers>,
    sql: Option<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(sql) = self.sql.take() {
            self.readers
                .free
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(sql);
        }
    }
}

impl Readers {
    /// Opens `count` connections; `inline` if no work may move to another thread.
    pub(crate) fn open(path: &Path, count: usize, inline: bool) -> rusqlite::Result<Arc<Self>> {
        let free = (0..count.max(1))
            .map(|_| connect(path))
            .collect::<Result<Vec<_>, _>>()?;
        let permits = Arc::new(Semaphore::new(free.len()));
        Ok(Arc::new(Self {
            free: Mutex::new(free),
            permits,
            inline,
        }))
    }

    /// Runs `work` on one snapshot, on a blocking thread.
    pub(crate) async fn run<T, F>(self: &Arc<Self>, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| closed())?;
        let loan = self.lend(permit)?;
        if self.inline {
            return loan.snapshot(work);
        }
        let task = tokio::task::spawn_blocking(move || loan.snapshot(work));
        task.await
            .unwrap_or_else(|e| Err(Fault::Failed(format!("a reader stopped: {e}"))))
    }

    /// Runs a point read here and now if a connection is free, otherwise as [`Self::run`].
    pub(crate) async fn run_short<T, F>(self: &Arc<Self>, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => self.lend(permit)?.snapshot(work),
            Err(_) => self.run(work).await,
        }
    }

    fn lend(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Result<Loan, Fault> {
        let sql = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let sql = sql.ok_or_else(closed)?;
        Ok(Loan {
            readers: Arc::clone(self),
            sql: Some(sql),
            _permit: permit,
        })
    }
}

impl Loan {
    fn snapshot<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let sql = self.sql.as_ref().ok_or_else(closed)?;
        sql.prepare_cached("BEGIN")?.execute([])?;
        let done = work(sql);
        sql.prepare_cached("COMMIT")?.execute([])?;
        done
    }
}

fn closed() -> Fault {
    Fault::Failed("the file is closed".to_owned())
}

/// A connection that only reads.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = Connection::open_with_flags(path, flags)?;
    sql.busy_timeout(Duration::from_secs(5))?;
    keep_plans(&sql)?;
    sql.set_prepared_statement_cache_capacity(64);
    sql.pragma_update(None, "cache_size", -2_000)?;
    sql.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(sql)
}

/// A statement keeps its plan whatever is bound to it. Without this SQLite compiles a statement anew each time that a
/// value is bound which might have changed its plan, those within FTS5 too: 7 % of all that a question takes.
pub(crate) fn keep_plans(sql: &Connection) -> rusqlite::Result<()> {
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(|_| ())
}
