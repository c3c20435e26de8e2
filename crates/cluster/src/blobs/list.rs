//! Listing ids, and sweeping what no entry names.
use super::{S3Blobs, entry, fault, keys};
use events::TenantId;
use futures::stream::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use runtime::PortError;
use runtime::ports::blobs::BlobError;
use std::sync::{MutexGuard, PoisonError};

/// Keys are listed by their bytes. A store lists directories, so that of a prefix its directory is listed, from the
/// prefix on.
pub(super) async fn list(
    blobs: &S3Blobs,
    tenant: &TenantId,
    prefix: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<String>, BlobError> {
    let directory = prefix
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    if limit == 0 || !(directory.is_empty() || keys::is_key(directory)) {
        return Ok(vec![]);
    }
    let mut ids = vec![];
    // What is listed comes after the offset: an id that is the whole prefix would be left out.
    if after < prefix
        && let Some(key) = blobs.keys.entry(tenant, prefix)
        && entry::look(&blobs.store, &key).await?.is_some()
    {
        ids.push(prefix.to_owned());
    }
    let from = after.max(prefix);
    let base = blobs.keys.entries(tenant, directory);
    let mut listed = if from.is_empty() {
        blobs.store.list(Some(&base))
    } else {
        let offset = blobs.keys.entries(tenant, from);
        blobs.store.list_with_offset(Some(&base), &offset)
    };
    while ids.len() < limit {
        let Some(found) = listed.next().await else {
            break;
        };
        let found = found.map_err(|error| fault::of(&error))?;
        let Some(id) = blobs.keys.id(tenant, &found.location) else {
            continue;
        };
        if id.starts_with(prefix) && id > after && ids.last().is_none_or(|last| last.as_str() < id)
        {
            ids.push(id.to_owned());
        } else if id > from && !id.starts_with(prefix) {
            break;
        }
    }
    Ok(ids)
}

impl S3Blobs {
    /// Removes large content of before `before_ms` that no entry names. What is being written needs a day at most: let
    /// `before_ms` be a day ago. Looks at up to `limit` pieces, each of which costs a question, from where the last sweep
    /// stopped, and begins anew at the end.
    pub(super) async fn sweep_contents(
        &self,
        before_ms: i64,
        limit: usize,
    ) -> Result<usize, PortError> {
        let contents = self.keys.contents();
        let from = self.swept_to().take();
        let mut listed = match &from {
            Some(from) => self.store.list_with_offset(Some(&contents), from),
            None => self.store.list(Some(&contents)),
        };
        let mut removed = 0;
        for looked_at in 1..=limit {
            let found = listed.try_next().await;
            let Some(found) = found.map_err(|error| fault::of(&error))? else {
                break;
            };
            if found.last_modified.timestamp_millis() < before_ms
                && !self.named(&found.location).await?
            {
                let deleted = self.store.delete(&found.location).await;
                deleted.map_err(|error| fault::of(&error))?;
                removed += 1;
            }
            if looked_at == limit {
                *self.swept_to() = Some(found.location);
            }
        }
        Ok(removed)
    }
    fn swept_to(&self) -> MutexGuard<'_, Option<Path>> {
        self.swept_to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an entry names this content.
    async fn named(&self, content: &Path) -> Result<bool, PortError> {
        let Some(key) = self.keys.entry_of(content) else {
            return Ok(true);
        };
        let entry = entry::look(&self.store, &key).await?;
        Ok(entry.is_some_and(|entry| entry.content.as_ref() == Some(content)))
    }
}
