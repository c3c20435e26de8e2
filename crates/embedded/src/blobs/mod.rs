//! Blobs: chunks of 256 KiB, each a transaction of its own (M2); visible only when whole.
mod put;
pub(crate) mod rests;

use crate::embedded::Inner;
use crate::fault::Fault;
use bytes::Bytes;
use events::{BlobRef, TenantId};
use futures::stream::{self, StreamExt};
use put::Upload;
use runtime::BoxFuture;
use runtime::ports::blobs::{BlobError, Blobs, Content};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Bytes of a chunk; only the last one of a blob is shorter.
pub(crate) const CHUNK: usize = 256 * 1024;

/// A chunk's place is its blob times this, plus its number.
const CHUNKS_MAX: i64 = 1 << 20;

/// The port.
pub(crate) struct EmbeddedBlobs(pub Arc<Inner>);

/// A whole blob, as its row says.
#[derive(Clone, PartialEq, Eq)]
struct Whole {
    blob: i64,
    size: i64,
    sha256: String,
}

fn find(sql: &Connection, tenant: &str, id: &str) -> rusqlite::Result<Option<Whole>> {
    sql.prepare_cached("SELECT blob, size, sha256 FROM blobs WHERE tenant = ?1 AND id = ?2")?
        .query_row(params![tenant, id], |row| {
            Ok(Whole {
                blob: row.get(0)?,
                size: row.get(1)?,
                sha256: row.get(2)?,
            })
        })
        .optional()
}

fn chunk_place(blob: i64, number: i64) -> i64 {
    blob * CHUNKS_MAX + number
}

impl EmbeddedBlobs {
    async fn look(&self, tenant: &TenantId, id: &str) -> Result<Option<Whole>, BlobError> {
        let (tenant, id) = (tenant.as_str().to_owned(), id.to_owned());
        let found = self
            .0
            .readers
            .run_short(move |sql| Ok(find(sql, &tenant, &id)?));
        found.await.map_err(Fault::of_blobs)
    }

    /// Takes the content in. Where the id is taken already, it is only compared.
    async fn take(
        &self,
        tenant: &TenantId,
        id: &str,
        mut content: Content,
        limit: u64,
    ) -> Result<BlobRef, BlobError> {
        let known = self.look(tenant, id).await?;
        let mut upload = match known {
            Some(_) => None,
            None => Some(Upload::begin(Arc::clone(&self.0)).await?),
        };
        let (mut hash, mut size, mut chunk) = (Sha256::new(), 0u64, Vec::new());
        while let Some(part) = content.next().await {
            let mut part = part?;
            size += part.len() as u64;
            if size > limit {
                return Err(BlobError::TooLarge { limit });
            }
            hash.update(&part);
            let Some(upload) = &mut upload else { continue };
            while chunk.len() + part.len() >= CHUNK {
                chunk.extend_from_slice(&part.split_to(CHUNK - chunk.len()));
                upload.add(std::mem::take(&mut chunk)).await?;
            }
            chunk.extend_from_slice(&part);
        }
        let sha256: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let done = BlobRef {
            id: id.to_owned(),
            size,
            sha256,
        };
        let taken = match (upload, known) {
            (Some(mut upload), _) => {
                if !chunk.is_empty() {
                    upload.add(chunk).await?;
                }
                upload.finish(tenant.as_str(), &done).await?
            }
            (None, known) => known,
        };
        match taken {
            Some(other) if other.size != done.size || other.sha256 != done.sha256 => {
                Err(BlobError::Exists(done.id))
            }
            _ => Ok(done),
        }
    }
}

impl Blobs for EmbeddedBlobs {
    fn put<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
        content: Content,
        limit: u64,
    ) -> BoxFuture<'a, Result<BlobRef, BlobError>> {
        Box::pin(self.take(tenant, id, content, limit))
    }

    fn get<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Content, BlobError>> {
        Box::pin(async move {
            let whole = self
                .look(tenant, id)
                .await?
                .ok_or_else(|| BlobError::Missing(id.to_owned()))?;
            let readers = Arc::clone(&self.0.readers);
            let chunks =
                whole.size.div_euclid(CHUNK as i64) + i64::from(whole.size % CHUNK as i64 > 0);
            let id: Arc<str> = id.into();
            let parts = stream::iter(0..chunks).then(move |number| {
                let (readers, id) = (Arc::clone(&readers), Arc::clone(&id));
                async move {
                    let place = chunk_place(whole.blob, number);
                    let read = move |sql: &Connection| -> Result<Option<Vec<u8>>, Fault> {
                        let mut find =
                            sql.prepare_cached("SELECT bytes FROM blob_chunks WHERE place = ?1")?;
                        Ok(find.query_row([place], |row| row.get(0)).optional()?)
                    };
                    let bytes = readers.run(read).await.map_err(Fault::of_blobs)?;
                    bytes
                        .map(Bytes::from)
                        .ok_or_else(|| BlobError::Missing(id.to_string()))
                }
            });
            Ok(parts.boxed())
        })
    }

    fn delete<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
    ) -> BoxFuture<'a, Result<(), BlobError>> {
        Box::pin(async move {
            let (tenant, id) = (tenant.as_str().to_owned(), id.to_owned());
            let hidden = self.0.writer.run(move |batch| {
                let found = find(batch.sql, &tenant, &id)?;
                if let Some(whole) = &found {
                    rests::add(batch.sql, whole.blob)?;
                    batch
                        .sql
                        .prepare_cached("DELETE FROM blobs WHERE tenant = ?1 AND id = ?2")?
                        .execute(params![tenant, id])?;
                }
                Ok(found.map(|whole| whole.blob))
            });
            if let Some(blob) = hidden.await.map_err(Fault::of_blobs)? {
                rests::remove(&self.0, blob)
                    .await
                    .map_err(Fault::of_blobs)?;
            }
            Ok(())
        })
    }

    fn list<'a>(
        &'a self,
        tenant: &'a TenantId,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, BlobError>> {
        let (tenant, prefix, after) = (
            tenant.as_str().to_owned(),
            prefix.to_owned(),
            after.to_owned(),
        );
        let listed = self.0.readers.run(move |sql| {
            let end = format!("{prefix}{}", char::MAX);
            let mut find = sql.prepare_cached(
                "SELECT id FROM blobs WHERE tenant = ?1 AND id >= ?2 AND id < ?3 AND id > ?4
                 ORDER BY id LIMIT ?5",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let ids =
                find.query_map(params![tenant, prefix, end, after, limit], |row| row.get(0))?;
            Ok(ids.collect::<Result<Vec<String>, _>>()?)
        });
        Box::pin(async move { listed.await.map_err(Fault::of_blobs) })
    }
}
