//! A blob on its way in.
use super::entry::{self, Entry, attributes};
use super::{PART, S3Blobs, fault};
use bytes::{Bytes, BytesMut};
use events::{BlobRef, TenantId};
use futures::stream::StreamExt;
use object_store::path::Path;
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use runtime::ports::blobs::{BlobError, Content};
use sha2::{Digest, Sha256};

/// Where the bytes go that were read so far.
enum Taken {
    /// All are in memory.
    Small,
    /// They are sent in parts.
    Large(Upload),
    /// The id is taken: they are only counted and hashed.
    Compared(Entry),
}

pub(super) async fn put(
    blobs: &S3Blobs,
    tenant: &TenantId,
    id: &str,
    mut content: Content,
    limit: u64,
) -> Result<BlobRef, BlobError> {
    let key = blobs
        .keys
        .entry(tenant, id)
        .ok_or_else(|| fault::corrupt(format!("{id:?} cannot be a blob's id")))?;
    let (mut taken, mut held) = (Taken::Small, BytesMut::new());
    let (mut hash, mut size) = (Sha256::new(), 0u64);
    while let Some(part) = content.next().await {
        let part = part?;
        size += part.len() as u64;
        if size > limit {
            return Err(BlobError::TooLarge { limit });
        }
        hash.update(&part);
        match &mut taken {
            Taken::Compared(_) => continue,
            Taken::Small | Taken::Large(_) => held.extend_from_slice(&part),
        }
        if matches!(taken, Taken::Small) && held.len() > blobs.small {
            taken = match entry::look(&blobs.store, &key).await? {
                Some(known) => Taken::Compared(known),
                None => Taken::Large(Upload::begin(blobs, tenant, id).await?),
            };
        }
        match &mut taken {
            Taken::Small => {}
            Taken::Large(upload) => {
                while held.len() >= PART {
                    upload.add(held.split_to(PART).freeze()).await?;
                }
            }
            Taken::Compared(_) => held = BytesMut::new(),
        }
    }
    let blob = BlobRef {
        id: id.to_owned(),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        sha256: hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    };
    match taken {
        Taken::Small => enter(blobs, &key, blob, held.freeze(), None).await,
        Taken::Compared(known) => same(&known, blob),
        Taken::Large(mut upload) => {
            if !held.is_empty() {
                upload.add(held.freeze()).await?;
            }
            let content = upload.finish().await?;
            enter(blobs, &key, blob, Bytes::new(), Some(content)).await
        }
    }
}

fn same(known: &Entry, blob: BlobRef) -> Result<BlobRef, BlobError> {
    if known.is_of(&blob) {
        Ok(blob)
    } else {
        Err(BlobError::Exists(blob.id))
    }
}

/// Writes the entry, if there is none.
async fn enter(
    blobs: &S3Blobs,
    key: &Path,
    blob: BlobRef,
    own: Bytes,
    content: Option<Path>,
) -> Result<BlobRef, BlobError> {
    let options = PutOptions {
        mode: PutMode::Create,
        attributes: attributes(&blob, content.as_ref()),
        ..PutOptions::default()
    };
    let written = blobs.store.put_opts(key, own.into(), options).await;
    match written {
        Ok(_) => return Ok(blob),
        Err(Error::AlreadyExists { .. }) => {}
        // Whether the entry is there is not known: its content must stay.
        Err(error) => return Err(fault::of(&error).into()),
    }
    let known = entry::look(&blobs.store, key).await?;
    let known = known.ok_or_else(|| {
        fault::of(&Error::Generic {
            store: "S3",
            source: "a blob was deleted while it was written".into(),
        })
    })?;
    // An answer may have been lost, and the entry be our own.
    if let Some(content) = content.filter(|content| known.content.as_ref() != Some(content))
        && let Err(error) = blobs.store.delete(&content).await
    {
        tracing::warn!(%error, "content that no entry names is left to the sweep");
    }
    same(&known, blob)
}

/// Large content on its way. Dropped before it is finished, it leaves nothing behind.
struct Upload {
    upload: Option<Box<dyn MultipartUpload>>,
    key: Path,
}

impl Upload {
    async fn begin(blobs: &S3Blobs, tenant: &TenantId, id: &str) -> Result<Self, BlobError> {
        let key = blobs.keys.content(tenant, id);
        let upload = blobs.store.put_multipart(&key).await;
        let upload = Some(upload.map_err(|error| fault::of(&error))?);
        Ok(Self { upload, key })
    }

    async fn add(&mut self, part: Bytes) -> Result<(), BlobError> {
        if let Some(upload) = &mut self.upload {
            let sent = upload.put_part(part.into()).await;
            sent.map_err(|error| fault::of(&error))?;
        }
        Ok(())
    }

    /// Says where it is.
    async fn finish(mut self) -> Result<Path, BlobError> {
        if let Some(upload) = &mut self.upload {
            let completed = upload.complete().await;
            completed.map_err(|error| fault::of(&error))?;
        }
        self.upload = None;
        Ok(self.key.clone())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, "an upload that was given up is left to the store's own rules");
            }
        });
    }
}
