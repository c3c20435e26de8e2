//! Opening the file, and the ports on it.
use crate::blobs::{self, EmbeddedBlobs};
use crate::checkpointer::Checkpointer;
use crate::crash::Crash;
use crate::lock::{self, Ownership};
use crate::log::EmbeddedLog;
use crate::log::groups::Groups;
use crate::log::tail::Tail;
use crate::log::topics::{self, Topics};
use crate::readers::{Readers, connect, keep_plans};
use crate::schemas::EmbeddedSchemas;
use crate::search::{EmbeddedSearch, VectorCache};
use crate::state::EmbeddedState;
use crate::writer::{Shared, Writer};
use crate::{OpenError, Options, schema};
use runtime::ports::{
    blobs::Blobs, log::Log, schemas::SchemaRegistry, search::Search, state::State,
};
use runtime::{PortError, Stores};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// All ports on one SQLite file. Cheap to clone; the file is closed when the last clone, port and member is gone.
#[derive(Clone)]
pub struct Embedded(pub(crate) Arc<Inner>);

/// Dropped in this order: the readers first, since the last connection to close must be one that can write, or SQLite
/// leaves its WAL beside the file; then what is queued is done, then the lock is free.
pub(crate) struct Inner {
    pub readers: Arc<Readers>,
    pub writer: Writer,
    _checkpointer: Option<Checkpointer>,
    pub shared: Arc<Shared>,
    pub vectors: Arc<VectorCache>,
    ownership: Option<Ownership>,
    members: AtomicU64,
}

impl Inner {
    /// Whether this process owns the file.
    pub(crate) fn owned(&self) -> bool {
        self.ownership.is_some()
    }
    /// A number for a member, unique in the process.
    pub(crate) fn next_member(&self) -> u64 {
        self.members.fetch_add(1, Ordering::Relaxed)
    }
}

impl Embedded {
    /// Opens the file as its owner (M1); creates it, and the topics, if they are absent. Blocks for a moment.
    ///
    /// # Errors
    /// [`OpenError::Owned`] if another process has it; others as they say.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let ownership = lock::take(path)?;
        let mut sql = connect_writer(path, &options)?;
        if let Some(pages) = options.max_pages {
            limit_pages(&sql, Some(pages))?;
        }
        schema::migrate(&mut sql)?;
        topics::create(&mut sql, &options)?;
        blobs::rests::sweep(&sql)?;
        let checkpointer = Checkpointer::start(connect_writer(path, &options)?, &mut sql)?;
        let shared = share(&sql, &options)?;
        let readers = Readers::open(path, options.readers, options.clock.inline())?;
        let writer = Writer::start(sql, Arc::clone(&shared)).map_err(OpenError::Thread)?;
        Ok(Self(Arc::new(Inner {
            writer,
            _checkpointer: Some(checkpointer),
            readers,
            shared,
            vectors: VectorCache::new(options.vector_cache_bytes),
            ownership: Some(ownership),
            members: AtomicU64::new(0),
        })))
    }

    /// Opens the file only to read it, whoever owns it. Whatever would change something is refused, and nobody
    /// is told of new messages; topics are those that are there now.
    ///
    /// # Errors
    /// If there is no such file, or this program cannot read its version.
    pub fn open_readonly(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let sql = connect(path)?;
        schema::check(&sql)?;
        let shared = share(&sql, &options)?;
        let readers = Readers::open(path, options.readers, options.clock.inline())?;
        Ok(Self(Arc::new(Inner {
            writer: Writer::none(),
            _checkpointer: None,
            readers,
            shared,
            vectors: VectorCache::new(options.vector_cache_bytes),
            ownership: None,
            members: AtomicU64::new(0),
        })))
    }

    /// Gives this handle up, and returns when the last clone, port and member is gone and the file is free for
    /// another owner.
    pub async fn closed(self) {
        let over = self.0.ownership.as_ref().map(Ownership::watch);
        drop(self);
        if let Some(mut over) = over {
            // Nothing is ever sent: it ends with the ownership.
            while over.changed().await.is_ok() {}
        }
    }

    /// The log.
    pub fn log(&self) -> Arc<dyn Log> {
        Arc::new(EmbeddedLog(Arc::clone(&self.0)))
    }
    /// The state.
    pub fn state(&self) -> Arc<dyn State> {
        Arc::new(EmbeddedState(Arc::clone(&self.0)))
    }
    /// The index of passages.
    pub fn search(&self) -> Arc<dyn Search> {
        Arc::new(EmbeddedSearch(Arc::clone(&self.0)))
    }
    /// The blob store.
    pub fn blobs(&self) -> Arc<dyn Blobs> {
        Arc::new(EmbeddedBlobs(Arc::clone(&self.0)))
    }
    /// What it keeps, as the runtime's ports take it.
    pub fn stores(&self) -> Stores {
        Stores {
            log: self.log(),
            state: self.state(),
            search: self.search(),
            blobs: self.blobs(),
        }
    }
    /// The schemas and their ids.
    pub fn schemas(&self) -> Arc<dyn SchemaRegistry> {
        Arc::new(EmbeddedSchemas(Arc::clone(&self.0)))
    }

    /// For tests: what the connection that writes says of `synchronous`; 2 is FULL (M2).
    ///
    /// # Errors
    /// If the file is only read.
    #[cfg(any(test, feature = "testkit"))]
    pub async fn synchronous(&self) -> Result<i64, PortError> {
        let asked = self.0.writer.run(move |batch| {
            Ok(batch
                .sql
                .pragma_query_value(None, "synchronous", |row| row.get(0))?)
        });
        asked.await.map_err(|fault| fault.of("state"))
    }

    /// For tests: makes the disk as small as so many pages of 4 KiB, or (`None`) as large as it gets.
    ///
    /// # Errors
    /// If the file is only read.
    pub async fn set_max_pages(&self, pages: Option<u32>) -> Result<(), PortError> {
        let set = self
            .0
            .writer
            .run(move |batch| Ok(limit_pages(batch.sql, pages)?));
        set.await.map_err(|fault| fault.of("state"))
    }
}

fn limit_pages(sql: &Connection, pages: Option<u32>) -> rusqlite::Result<()> {
    // SQLite answers with the limit that holds now, which is never below the size of the file.
    sql.pragma_update_and_check(
        None,
        "max_page_count",
        pages.unwrap_or(u32::MAX - 1),
        |_| Ok(()),
    )
}

fn share(sql: &Connection, options: &Options) -> Result<Arc<Shared>, OpenError> {
    let topics = Topics::load(sql)?;
    let tail = Tail::new(topics.starts.clone(), topics.ends.clone());
    let (clock, crash) = (Arc::clone(&options.clock), Crash::new(options.crash_at));
    Ok(Arc::new(Shared {
        topics,
        tail,
        groups: Groups::default(),
        clock,
        crash,
    }))
}

/// FULL: a commit is on the disk before it is acknowledged (M2).
#[cfg(any(test, feature = "testkit"))]
fn synchronous(options: &Options) -> &'static str {
    if options.hasty { "OFF" } else { "FULL" }
}
/// FULL: a commit is on the disk before it is acknowledged (M2).
#[cfg(not(any(test, feature = "testkit")))]
const fn synchronous(_: &Options) -> &'static str {
    "FULL"
}

/// A connection that writes (M2). Checkpoints are the checkpointer's.
fn connect_writer(path: &Path, options: &Options) -> rusqlite::Result<Connection> {
    let sql = Connection::open(path)?;
    keep_plans(&sql)?;
    sql.busy_timeout(Duration::from_secs(5))?;
    sql.set_prepared_statement_cache_capacity(128);
    sql.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    sql.pragma_update(None, "synchronous", synchronous(options))?;
    sql.pragma_update(None, "temp_store", "MEMORY")?;
    sql.pragma_update(None, "cache_size", -8_000)?;
    sql.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    Ok(sql)
}
