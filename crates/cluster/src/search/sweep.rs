//! Passages of revisions that nobody will find again.
use super::{QdrantSearch, filters, names, points, switch};
use events::TenantId;
use points::text;
use qdrant_client::qdrant::{PointId, RetrievedPoint, WithPayloadSelector};
use runtime::PortError;
use std::collections::BTreeSet;

/// Revisions of one page.
const PAGE: u32 = 256;

/// Passages that are deleted at once.
const ROUND: usize = 1_000;

/// A revision that was staged long ago.
struct Staged {
    tenant: TenantId,
    chatbot: String,
    document: PointId,
    key: String,
}

/// `None`: somebody else's point.
fn read(point: &RetrievedPoint) -> Option<Staged> {
    let tenant = TenantId::new(text(point, names::TENANT).ok()?).ok()?;
    let document = names::document(&tenant, text(point, names::OF_DOCUMENT).ok()?);
    Some(Staged {
        chatbot: text(point, names::CHATBOT).ok()?.to_owned(),
        key: text(point, names::KEY).ok()?.to_owned(),
        tenant,
        document,
    })
}

pub(super) async fn sweep(
    search: &QdrantSearch,
    before_ms: i64,
    limit: usize,
) -> Result<usize, PortError> {
    let (mut removed, mut offset) = (0, None);
    while removed < limit {
        let page = search.page(
            filters::staged_before(before_ms),
            offset,
            PAGE,
            WithPayloadSelector::from(true),
        );
        let (found, next) = page.await?;
        let staged: Vec<Staged> = found.iter().filter_map(read).collect();
        for orphan in orphans(search, staged).await? {
            if removed >= limit {
                return Ok(removed);
            }
            removed += remove(search, &orphan, before_ms, limit - removed).await?;
        }
        offset = next;
        if offset.is_none() {
            break;
        }
    }
    Ok(removed)
}

/// Those that no document names.
async fn orphans(search: &QdrantSearch, staged: Vec<Staged>) -> Result<Vec<Staged>, PortError> {
    if staged.is_empty() {
        return Ok(vec![]);
    }
    let mut documents: Vec<PointId> = vec![];
    for revision in &staged {
        if !documents.contains(&revision.document) {
            documents.push(revision.document.clone());
        }
    }
    let mut published = BTreeSet::new();
    for document in search.points(documents, false).await? {
        if let Ok(key) = text(&document, names::KEY) {
            published.insert(key.to_owned());
        }
    }
    let unpublished = |revision: &Staged| !published.contains(&revision.key);
    Ok(staged.into_iter().filter(unpublished).collect())
}

/// Removes up to `most` passages; when none are left, the revision.
async fn remove(
    search: &QdrantSearch,
    orphan: &Staged,
    before_ms: i64,
    most: usize,
) -> Result<usize, PortError> {
    // If it was published once, somebody may still think that it is.
    search.announce(&orphan.tenant, &orphan.chatbot).await?;
    let mut removed = 0;
    while removed < most {
        let round = ROUND.min(most - removed);
        let page = search.page(
            filters::passages_before(&orphan.key, before_ms),
            None,
            u32::try_from(round).unwrap_or(u32::MAX),
            WithPayloadSelector::from(false),
        );
        let (found, _) = page.await?;
        let ids: Vec<PointId> = found.into_iter().filter_map(|point| point.id).collect();
        let count = ids.len();
        if count > 0 {
            let passages = filters::these_before(ids, before_ms);
            search.change(vec![switch::delete(passages)]).await?;
            removed += count;
        }
        if count < round {
            let revision = filters::these_before(vec![names::revision(&orphan.key)], before_ms);
            search.change(vec![switch::delete(revision)]).await?;
            break;
        }
    }
    Ok(removed)
}
