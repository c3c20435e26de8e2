//! What a search finds of a document: the change of one point, and only to a higher version (O2).
use super::points::Switched;
use super::published::new_token;
use super::{QdrantSearch, filters, names, points, stage};
use events::TenantId;
use qdrant_client::qdrant::Filter;
use qdrant_client::qdrant::points_update_operation::{DeletePoints, Operation, PointStructList};
use runtime::PortError;
use runtime::ports::search::Revision;
use std::collections::BTreeSet;

pub(super) async fn publish(
    search: &QdrantSearch,
    tenant: &TenantId,
    revision: &Revision,
    version: i64,
) -> Result<bool, PortError> {
    let key = names::revision_key(tenant, &revision.document, &revision.revision);
    let wanted = Switched {
        version,
        published: Some(key.clone()),
        chatbot: Some(revision.chatbot.clone()),
        token: new_token(),
    };
    let before = search.document(tenant, &revision.document).await?;
    if !above(search, tenant, before.as_ref(), version).await? {
        return Ok(false);
    }
    // Whoever still wants to delete something of before this version does not mean these.
    stage::refresh(search, tenant, revision, version).await?;
    if !switch(search, tenant, &revision.document, before.as_ref(), &wanted).await? {
        return Ok(false);
    }
    let old = before.and_then(|before| before.published);
    if let Some(old) = old.filter(|old| *old != key) {
        clear(search, filters::given_up(&old, version)).await;
    }
    Ok(true)
}

pub(super) async fn retire(
    search: &QdrantSearch,
    tenant: &TenantId,
    document: &str,
    version: i64,
) -> Result<bool, PortError> {
    let wanted = Switched {
        version,
        published: None,
        chatbot: None,
        token: new_token(),
    };
    let before = search.document(tenant, document).await?;
    if !above(search, tenant, before.as_ref(), version).await?
        || !switch(search, tenant, document, before.as_ref(), &wanted).await?
    {
        return Ok(false);
    }
    clear(search, filters::retired(tenant, document, version)).await;
    Ok(true)
}

/// Whether a version is above the stored one. The same version: it may be our own, of a process that died before it had
/// said so.
async fn above(
    search: &QdrantSearch,
    tenant: &TenantId,
    before: Option<&Switched>,
    version: i64,
) -> Result<bool, PortError> {
    let Some(before) = before else {
        return Ok(true);
    };
    if version == before.version
        && let Some(chatbot) = &before.chatbot
    {
        search.announce(tenant, chatbot).await?;
    }
    Ok(version > before.version)
}

/// Changes the document's point, if its version still is below; says whether it did.
async fn switch(
    search: &QdrantSearch,
    tenant: &TenantId,
    document: &str,
    before: Option<&Switched>,
    wanted: &Switched,
) -> Result<bool, PortError> {
    let changed = Operation::Upsert(PointStructList {
        points: vec![points::document(tenant, document, wanted)],
        update_filter: Some(filters::version_below(wanted.version)),
        ..PointStructList::default()
    });
    search.change(vec![changed]).await?;
    let stored = search.document(tenant, document).await?;
    if stored.is_none_or(|stored| stored.token != wanted.token) {
        return Ok(false);
    }
    let before = before.and_then(|before| before.chatbot.as_ref());
    let chatbots: BTreeSet<&String> = before.into_iter().chain(&wanted.chatbot).collect();
    for chatbot in chatbots {
        search.announce(tenant, chatbot).await?;
    }
    Ok(true)
}

/// Removes what nobody finds any more. The switch stands, so that a failure here is only left to the sweep.
async fn clear(search: &QdrantSearch, filter: Filter) {
    if let Err(error) = search.change(vec![delete(filter)]).await {
        tracing::warn!(%error, "passages that nobody finds are left to the sweep");
    }
}

/// Deletes the points that pass a filter.
pub(super) fn delete(filter: Filter) -> Operation {
    Operation::DeletePoints(DeletePoints {
        points: stage::which(filter),
        ..DeletePoints::default()
    })
}
