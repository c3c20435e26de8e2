//! What the disk itself takes: everything durable waits for it.
use crate::machine::Failed;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// The median of 200 writes of 4 KiB with fdatasync.
pub fn fdatasync(directory: &Path) -> Result<Duration, Failed> {
    let mut file = std::fs::File::create(directory.join("fdatasync"))?;
    let mut times = vec![];
    for _ in 0..200 {
        let begun = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
