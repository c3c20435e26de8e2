//! A blob on its way in.
use super::{CHUNK, CHUNKS_MAX, Whole, chunk_place, find, rests};
use crate::crash::CrashPoint;
use crate::embedded::Inner;
use crate::fault::Fault;
use events::BlobRef;
use runtime::ports::blobs::BlobError;
use rusqlite::params;
use std::sync::Arc;

/// What is dropped before it is finished leaves nothing behind.
pub(crate) struct Upload {
    inner: Arc<Inner>,
    blob: i64,
    chunks: i64,
    finished: bool,
}

impl Upload {
    /// Takes a number; until the blob is whole, its chunks are rests.
    pub(crate) async fn begin(inner: Arc<Inner>) -> Result<Self, BlobError> {
        let begun = inner.writer.run(|batch| {
            let blob: i64 = batch.sql.query_row(
                "SELECT max(coalesce((SELECT max(blob) FROM blobs), 0),
                            coalesce((SELECT max(blob) FROM blob_rests), 0)) + 1",
                [],
                |row| row.get(0),
            )?;
            rests::add(batch.sql, blob)?;
            Ok(blob)
        });
        let blob = begun.await.map_err(Fault::of_blobs)?;
        Ok(Self {
            inner,
            blob,
            chunks: 0,
            finished: false,
        })
    }

    /// Writes one chunk.
    pub(crate) async fn add(&mut self, bytes: Vec<u8>) -> Result<(), BlobError> {
        if self.chunks >= CHUNKS_MAX {
            return Err(BlobError::TooLarge {
                limit: CHUNKS_MAX as u64 * CHUNK as u64,
            });
        }
        let place = chunk_place(self.blob, self.chunks);
        let added = self.inner.writer.run(move |batch| {
            batch.bytes += bytes.len();
            let mut insert = batch
                .sql
                .prepare_cached("INSERT INTO blob_chunks(place, bytes) VALUES (?1, ?2)")?;
            insert.execute(params![place, bytes])?;
            Ok(())
        });
        added.await.map_err(Fault::of_blobs)?;
        self.chunks += 1;
        self.inner.shared.crash.pass(CrashPoint::MidBlob);
        Ok(())
    }

    /// Makes it visible, unless the id was taken meanwhile; says by what.
    pub(crate) async fn finish(
        mut self,
        tenant: &str,
        as_: &BlobRef,
    ) -> Result<Option<Whole>, BlobError> {
        self.inner.shared.crash.pass(CrashPoint::BeforeBlobWhole);
        let (blob, tenant, as_) = (self.blob, tenant.to_owned(), as_.clone());
        let finished = self.inner.writer.run(move |batch| {
            let other = find(batch.sql, &tenant, &as_.id)?;
            if other.is_none() {
                batch
                    .sql
                    .prepare_cached(
                        "INSERT INTO blobs(tenant, id, blob, size, sha256) VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![tenant, as_.id, blob, as_.size, as_.sha256])?;
                rests::clear(batch.sql, blob)?;
            }
            Ok(other)
        });
        let other = finished.await.map_err(Fault::of_blobs)?;
        self.finished = other.is_none();
        Ok(other)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.finished {
            rests::remove_later(&self.inner, self.blob);
        }
    }
}
