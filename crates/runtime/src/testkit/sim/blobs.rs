//! Blobs in memory: whole or not there, never overwritten.
use super::wire::Wire;
use super::world::World;
use crate::ports::BoxFuture;
use crate::ports::blobs::{BlobError, Blobs, Content};
use bytes::Bytes;
use events::{BlobRef, TenantId};
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};
use std::ops::Bound;

/// A blob and what names it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    content: Bytes,
    reference: BlobRef,
}

pub(super) struct SimBlobs(pub Wire);

impl Blobs for SimBlobs {
    fn put<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
        mut content: Content,
        limit: u64,
    ) -> BoxFuture<'a, Result<BlobRef, BlobError>> {
        Box::pin(async move {
            let mut whole = Vec::new();
            while let Some(chunk) = content.next().await {
                whole.extend_from_slice(&chunk?);
                if whole.len() as u64 > limit {
                    return Err(BlobError::TooLarge { limit });
                }
            }
            let sha256: String = Sha256::digest(&whole)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let reference = BlobRef {
                id: id.to_owned(),
                size: whole.len() as i64,
                sha256,
            };
            let stored = Stored {
                content: whole.into(),
                reference: reference.clone(),
            };
            let key = (tenant.to_string(), id.to_owned());
            let name = self.0.name();
            let put = move |world: &mut World, _| match world.blobs.get(&key) {
                Some(there) => Ok(there.reference == stored.reference),
                None => {
                    world.tell(name, format!("put {}/{}", key.0, key.1));
                    world.blobs.insert(key, stored);
                    Ok(true)
                }
            };
            match self.0.write("blobs.put", put).await? {
                true => Ok(reference),
                false => Err(BlobError::Exists(id.to_owned())),
            }
        })
    }

    fn get<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Content, BlobError>> {
        Box::pin(async move {
            let key = (tenant.to_string(), id.to_owned());
            let wire = &self.0;
            let wrong = wire
                .world
                .lock()
                .answers_wrongly(&wire.process, "blobs.get");
            let found = self
                .0
                .read("blobs.get", move |world| world.blobs.get(&key).cloned())
                .await?;
            let content = found
                .ok_or_else(|| BlobError::Missing(id.to_owned()))?
                .content;
            // A few chunks, so that readers meet the seams.
            let size = (content.len() / 3).max(1);
            let mut chunks: Vec<_> = (0..content.len())
                .step_by(size)
                .map(|at| Ok(content.slice(at..(at + size).min(content.len()))))
                .collect();
            if wrong {
                chunks.pop();
                chunks.push(Err(BlobError::BrokeOff("the connection broke".to_owned())));
            }
            Ok(stream::iter(chunks).boxed())
        })
    }

    fn delete<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
    ) -> BoxFuture<'a, Result<(), BlobError>> {
        let key = (tenant.to_string(), id.to_owned());
        let name = self.0.name();
        let delete = move |world: &mut World, _| {
            if world.blobs.remove(&key).is_some() {
                world.tell(name, format!("removed {}/{}", key.0, key.1));
            }
            Ok(())
        };
        Box::pin(async move { Ok(self.0.write("blobs.delete", delete).await?) })
    }

    fn list<'a>(
        &'a self,
        tenant: &'a TenantId,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, BlobError>> {
        Box::pin(async move {
            let list = move |world: &mut World| {
                let tenant = tenant.to_string();
                let from = if after < prefix {
                    Bound::Included((tenant.clone(), prefix.to_owned()))
                } else {
                    Bound::Excluded((tenant.clone(), after.to_owned()))
                };
                let keys = world
                    .blobs
                    .range((from, Bound::Unbounded))
                    .map(|(key, _)| key);
                let ours =
                    keys.take_while(|(owner, id)| *owner == tenant && id.starts_with(prefix));
                ours.take(limit).map(|(_, id)| id.clone()).collect()
            };
            Ok(self.0.read("blobs.list", list).await?)
        })
    }
}
