//! The laws of the search index.
mod finding;
mod switching;

pub use finding::*;
pub use switching::*;

use super::{Keep, within};
use crate::ports::clock::Clock;
use crate::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
use events::TenantId;
use futures::future::{join, join_all};
use std::sync::Arc;

/// A new, empty world.
pub struct Searches {
    /// A process.
    pub one: Arc<dyn Search>,
    /// Another process of the same world, or the same.
    pub other: Arc<dyn Search>,
    /// The clock that says when passages were staged.
    pub clock: Arc<dyn Clock>,
    /// As long as the law runs.
    pub keep: Keep,
}

/// Every law. `make` gives a new world each time.
///
/// # Panics
/// If a law is broken.
pub async fn all(make: impl AsyncFn() -> Searches) {
    what_is_staged_is_not_found(make().await).await;
    what_is_published_is_found_whole(make().await).await;
    staging_the_same_again_changes_nothing(make().await).await;
    publishing_switches_in_one_step(make().await).await;
    a_version_that_is_not_above_does_nothing(make().await).await;
    who_comes_late_changes_nothing(make().await).await;
    what_is_retired_is_not_found(make().await).await;
    a_retired_document_can_come_back(make().await).await;
    no_tenant_and_no_chatbot_finds_anothers_passages(make().await).await;
    vectors_are_found_by_cosine(make().await).await;
    both_lists_are_fused_by_reciprocal_rank(make().await).await;
    no_text_is_syntax(make().await).await;
    a_query_keeps_its_limit(make().await).await;
    a_sweep_takes_only_orphans(make().await).await;
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("a tenant")
}

fn revision(document: &str, revision: &str) -> Revision {
    Revision {
        chatbot: "bot".into(),
        document: document.into(),
        name: format!("{document}.pdf"),
        revision: revision.into(),
    }
}

/// Passages with these texts; each is a direction of its own.
fn passages(texts: &[&str]) -> Vec<IndexedPassage> {
    let passage = |(n, text): (usize, &&str)| {
        let mut vector = vec![0.0; 8];
        vector[n % 8] = 1.0;
        let page = (n % 2 == 0).then_some(n as u32 + 1);
        IndexedPassage {
            ordinal: n as u32,
            text: (*text).to_owned(),
            heading: format!("Chapter {n}"),
            page,
            vector,
        }
    };
    texts.iter().enumerate().map(passage).collect()
}

fn words(text: &str) -> Query {
    Query {
        chatbot: "bot".into(),
        text: text.into(),
        vector: vec![],
        limit: 10,
    }
}

async fn stage(search: &Arc<dyn Search>, wanted: &Revision, texts: &[&str]) {
    search
        .stage(&tenant("acme"), wanted, passages(texts))
        .await
        .expect("stages");
}

async fn publish(search: &Arc<dyn Search>, wanted: &Revision, version: i64) -> bool {
    search
        .publish(&tenant("acme"), wanted, version)
        .await
        .expect("publishes")
}

async fn retire(search: &Arc<dyn Search>, document: &str, version: i64) -> bool {
    search
        .retire(&tenant("acme"), document, version)
        .await
        .expect("retires")
}

async fn hits(search: &Arc<dyn Search>, query: &Query) -> Vec<Hit> {
    search
        .query(&tenant("acme"), query)
        .await
        .expect("searches")
}

async fn counts(search: &Arc<dyn Search>, wanted: &Revision) -> (u64, u64) {
    let counted = search
        .count(&tenant("acme"), &wanted.document, &wanted.revision)
        .await;
    let Counts {
        stored,
        retrievable,
    } = counted.expect("counts");
    (stored, retrievable)
}

async fn of_chatbot(search: &Arc<dyn Search>) -> u64 {
    search
        .count_chatbot(&tenant("acme"), "bot")
        .await
        .expect("counts")
}
