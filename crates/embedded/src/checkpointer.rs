//! Moves what is committed from the write-ahead log into the database, beside the writer, so that no message
//! waits for it.
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, MAIN_DB};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

/// With so many pages in the write-ahead log, the checkpointer is called.
const CALLED_AT: i32 = 1_000;
/// With so many, the writer helps: it does not write meanwhile, so that the log can start over.
const HELPED_AT: i32 = 10_000;

/// The thread; it ends with the writer's connection, which holds the other end.
pub(crate) struct Checkpointer(Mutex<Option<JoinHandle<()>>>);

impl Checkpointer {
    /// Watches `writer`'s commits; works on a connection of its own.
    pub(crate) fn start(
        own: Connection,
        writer: &mut Connection,
    ) -> Result<Self, crate::OpenError> {
        let (call, calls) = sync_channel::<()>(1);
        let work = move || {
            while calls.recv().is_ok() {
                match own.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE) {
                    Ok(_) => {}
                    // The writer is at it.
                    Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
                    Err(error) => tracing::warn!(%error, "cannot checkpoint"),
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("troupe-checkpoint".into())
            .spawn(work);
        let thread = thread.map_err(crate::OpenError::Thread)?;
        watch(writer, call)?;
        Ok(Self(Mutex::new(Some(thread))))
    }
}

fn watch(writer: &mut Connection, call: SyncSender<()>) -> rusqlite::Result<()> {
    writer.wal_hook(Some(move |wal: &mut rusqlite::hooks::Wal, pages: i32| {
        if pages >= HELPED_AT {
            // What does not work now is tried again at the next commit.
            let _ = wal.checkpoint_v2(CheckpointMode::PASSIVE);
        } else if pages >= CALLED_AT {
            // A call that waits already is enough.
            let _ = call.try_send(());
        }
        Ok(())
    }))
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        let thread = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the checkpointer had panicked");
        }
    }
}
