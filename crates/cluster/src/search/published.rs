//! Which revisions of a chatbot are published: read once, and again when the chatbot's token has changed.
use super::points::{text, to_switched};
use super::{QdrantSearch, fault, filters, names, points};
use events::TenantId;
use qdrant_client::qdrant::points_update_operation::{Operation, PointStructList};
use qdrant_client::qdrant::read_consistency::Value as Consistency;
use qdrant_client::qdrant::{
    GetPoints, PointId, PointStruct, PointsUpdateOperation, ReadConsistency, ReadConsistencyType,
    RetrievedPoint, ScrollPoints, UpdateBatchPoints, WithPayloadSelector, WriteOrdering,
    WriteOrderingType,
};
use runtime::PortError;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many chatbots are remembered.
const CHATBOTS: usize = 1_000;

/// For so long. Who switched may have died before it changed the token.
const FRESH: Duration = Duration::from_secs(60);

/// Points of one page.
const PAGE: u32 = 1_000;

/// What was published when it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// The token that the chatbot had before; `None`: there was none.
    pub(super) token: Option<String>,
    /// Of the published revisions, rising.
    pub(super) keys: Vec<String>,
}

impl Keys {
    /// Whether all of them still are published.
    pub(super) fn are_among(&self, later: &Keys) -> bool {
        let is_there = |key| later.keys.binary_search(key).is_ok();
        self.keys.iter().all(is_there)
    }
}

type Remembered = BTreeMap<(String, String), (Instant, Arc<Keys>)>;

/// What was read last of each chatbot.
#[derive(Default)]
pub(super) struct Published(Mutex<Remembered>);

impl Published {
    fn recall(&self, scope: &(String, String), token: &Option<String>) -> Option<Arc<Keys>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, keys) = known.get(scope)?;
        let same = token.is_some() && keys.token == *token && read.elapsed() < FRESH;
        same.then(|| Arc::clone(keys))
    }

    fn remember(&self, scope: (String, String), read: Instant, keys: &Arc<Keys>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CHATBOTS && !known.contains_key(&scope) {
            let oldest = known.iter().min_by_key(|(_, (read, _))| *read);
            if let Some(oldest) = oldest.map(|(scope, _)| scope.clone()) {
                known.remove(&oldest);
            }
        }
        known.insert(scope, (read, Arc::clone(keys)));
    }
}

/// Writes go through one node, so that of two of them each sees the other.
pub(super) fn in_order() -> Option<WriteOrdering> {
    Some(WriteOrdering {
        r#type: WriteOrderingType::Strong as i32,
    })
}

impl QdrantSearch {
    /// Where there are several replicas, a majority is asked.
    pub(super) fn consistency(&self) -> Option<ReadConsistency> {
        let majority = Consistency::Type(ReadConsistencyType::Majority as i32);
        (self.options.replicas > 1).then_some(ReadConsistency {
            value: Some(majority),
        })
    }

    /// The points with these ids, as far as there are, with what they say.
    pub(super) async fn points(
        &self,
        ids: Vec<PointId>,
        vectors: bool,
    ) -> Result<Vec<RetrievedPoint>, PortError> {
        let found = self.client.get_points(GetPoints {
            collection_name: self.collection.clone(),
            ids,
            with_payload: Some(WithPayloadSelector::from(true)),
            with_vectors: vectors.then(|| vec![names::DENSE].into()),
            read_consistency: self.consistency(),
            ..GetPoints::default()
        });
        let found = found.await.map_err(|error| fault::of(&error))?;
        Ok(found.result)
    }

    /// Changes points, one operation after the other; returns when they are changed.
    pub(super) async fn change(&self, operations: Vec<Operation>) -> Result<(), PortError> {
        let operation = |operation| PointsUpdateOperation {
            operation: Some(operation),
        };
        let changed = self.client.update_points_batch(UpdateBatchPoints {
            collection_name: self.collection.clone(),
            wait: Some(true),
            operations: operations.into_iter().map(operation).collect(),
            ordering: in_order(),
            ..UpdateBatchPoints::default()
        });
        changed.await.map(|_| ()).map_err(|error| fault::of(&error))
    }

    /// A page of points that pass a filter, after `offset`, and where the next one begins.
    pub(super) async fn page(
        &self,
        filter: qdrant_client::qdrant::Filter,
        offset: Option<PointId>,
        limit: u32,
        payload: WithPayloadSelector,
    ) -> Result<(Vec<RetrievedPoint>, Option<PointId>), PortError> {
        let found = self.client.scroll(ScrollPoints {
            collection_name: self.collection.clone(),
            filter: Some(filter),
            offset,
            limit: Some(limit),
            with_payload: Some(payload),
            read_consistency: self.consistency(),
            ..ScrollPoints::default()
        });
        let found = found.await.map_err(|error| fault::of(&error))?;
        Ok((found.result, found.next_page_offset))
    }

    /// What is known of a document.
    pub(super) async fn document(
        &self,
        tenant: &TenantId,
        document: &str,
    ) -> Result<Option<points::Switched>, PortError> {
        let id = names::document(tenant, document);
        let found = self.points(vec![id], false).await?;
        found.first().map(to_switched).transpose()
    }

    /// What is published, as of now.
    pub(super) async fn published(
        &self,
        tenant: &TenantId,
        chatbot: &str,
    ) -> Result<Arc<Keys>, PortError> {
        let scope = self
            .points(vec![names::scope(tenant, chatbot)], false)
            .await?;
        self.published_at(tenant, chatbot, token(scope.first())?)
            .await
    }

    /// What is published, where the chatbot's token has just been seen.
    pub(super) async fn published_at(
        &self,
        tenant: &TenantId,
        chatbot: &str,
        token: Option<String>,
    ) -> Result<Arc<Keys>, PortError> {
        let scope = (tenant.as_str().to_owned(), chatbot.to_owned());
        if let Some(known) = self.published.recall(&scope, &token) {
            return Ok(known);
        }
        let read = Instant::now();
        let (mut keys, mut offset) = (vec![], None);
        loop {
            let only_keys = WithPayloadSelector::from(vec![names::KEY]);
            let documents = filters::documents(tenant, chatbot);
            let (found, next) = self.page(documents, offset, PAGE, only_keys).await?;
            keys.extend(
                found
                    .iter()
                    .filter_map(|point| text(point, names::KEY).ok().map(str::to_owned)),
            );
            offset = next;
            if offset.is_none() {
                break;
            }
        }
        keys.sort_unstable();
        let keys = Arc::new(Keys { token, keys });
        self.published.remember(scope, read, &keys);
        Ok(keys)
    }

    /// Says that what is published of a chatbot has changed.
    pub(super) async fn announce(&self, tenant: &TenantId, chatbot: &str) -> Result<(), PortError> {
        let point = points::scope(tenant, chatbot, &new_token());
        self.change(vec![upsert(vec![point])]).await
    }
}

/// Another one each time.
pub(super) fn new_token() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// The token of a chatbot's point, if there is one.
pub(super) fn token(scope: Option<&RetrievedPoint>) -> Result<Option<String>, PortError> {
    let token = scope.map(|scope| text(scope, names::TOKEN).map(str::to_owned));
    token.transpose()
}

/// Writes points, whatever was there.
pub(super) fn upsert(points: Vec<PointStruct>) -> Operation {
    Operation::Upsert(PointStructList {
        points,
        ..PointStructList::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(token: &str, keys: &[&str]) -> Arc<Keys> {
        Arc::new(Keys {
            token: Some(token.into()),
            keys: keys.iter().map(|&key| key.into()).collect(),
        })
    }

    #[test]
    fn what_was_read_under_another_token_is_read_again() {
        let published = Published::default();
        let scope = ("acme".to_owned(), "bot".to_owned());
        let token = |token: &str| Some(token.to_owned());
        let read = keys("1", &["a"]);
        published.remember(scope.clone(), Instant::now(), &read);
        assert_eq!(published.recall(&scope, &token("1")), Some(read));
        assert_eq!(published.recall(&scope, &token("2")), None);
        assert_eq!(published.recall(&scope, &None), None);
        let other = ("acme".to_owned(), "bot-2".to_owned());
        assert_eq!(published.recall(&other, &token("1")), None);
        let Some(long_ago) = Instant::now().checked_sub(FRESH) else {
            return;
        };
        published.remember(scope.clone(), long_ago, &keys("3", &[]));
        assert_eq!(published.recall(&scope, &token("3")), None, "too old");
    }

    #[test]
    fn only_so_many_chatbots_are_remembered() {
        let published = Published::default();
        for n in 0..CHATBOTS + 10 {
            let scope = ("acme".to_owned(), n.to_string());
            published.remember(scope, Instant::now(), &keys("1", &[]));
        }
        let known = published.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(known.len(), CHATBOTS);
    }

    #[test]
    fn a_revision_that_was_given_up_is_noticed() {
        let before = keys("1", &["a", "b"]);
        assert!(
            before.are_among(&keys("2", &["a", "b", "c"])),
            "more is no harm"
        );
        assert!(!before.are_among(&keys("2", &["a", "c"])));
    }
}
