//! One process owns the file (M1). The lock is a flock, which the system frees however the process ends.
use crate::OpenError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use tokio::sync::watch;

/// The right to write; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Ownership {
    file: File,
    /// Dropped last: who waits on it finds the file free.
    over: watch::Sender<()>,
}

impl Ownership {
    /// Errs when the right is over.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.over.subscribe()
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        // Closing is not enough: a child that is being started holds a copy of the handle until it begins.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "cannot unlock");
        }
    }
}

/// The file beside `path` that is locked.
pub(crate) fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Takes the lock and leaves our process id in it, for whom it stops.
pub(crate) fn take(path: &Path) -> Result<Ownership, OpenError> {
    let lock = lock_path(path);
    let failed = |source| OpenError::Lock {
        path: lock.clone(),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let read = file.read_to_string(&mut text).ok();
            let pid = read.and_then(|_| text.trim().parse().ok());
            return Err(OpenError::Owned {
                path: path.to_owned(),
                pid,
            });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(failed)?;
    let over = watch::Sender::new(());
    Ok(Ownership { file, over })
}
