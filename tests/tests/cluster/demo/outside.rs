//! What the servers hold of a tenant, read by somebody who has no part in it.
use super::world::World;
use app::clock::SystemClock;
use cluster::{QdrantOptions, QdrantSearch};
use events::map::{TopicKind, TopicMap};
use events::{Envelope, TenantId};
use providers::LexicalEmbedder;
use runtime::ports::log::Log;
use runtime::ports::providers::Embedder;
use runtime::ports::search::Search;
use runtime::ports::state::State;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) struct Outside {
    tenant: String,
    /// Messages whose key is the tenant's.
    pub(super) messages: u64,
    /// Those that workers said for good.
    pub(super) emitted: u64,
    pub(super) dead: u64,
    pub(super) twice: Vec<String>,
    /// When each was said, by topic and key.
    said: BTreeMap<(String, String), Vec<i64>>,
    rows: BTreeMap<(String, String), Value>,
    search: QdrantSearch,
}

impl Outside {
    pub(super) async fn of(world: &World, tenant: &str) -> Self {
        let model = LexicalEmbedder;
        let options = QdrantOptions::new(&World::qdrant(), model.model(), model.dimensions());
        let mut outside = Self {
            tenant: tenant.to_owned(),
            messages: 0,
            emitted: 0,
            dead: 0,
            twice: vec![],
            said: BTreeMap::new(),
            rows: BTreeMap::new(),
            search: QdrantSearch::open(options, Arc::new(SystemClock)).expect("a client"),
        };
        outside.read_log(world).await;
        let state = world.state().await;
        for collection in ["knowledge.ledger", "chatbots.creation"] {
            let rows = state
                .scan(collection, &format!("{tenant}/"), "", 10_000)
                .await;
            for (id, row) in rows.expect("reads") {
                let body = serde_json::from_slice(&row.body).expect("JSON");
                outside.rows.insert((collection.to_owned(), id), body);
            }
        }
        outside
    }

    /// Page after page, not as the demo itself reads it.
    async fn read_log(&mut self, world: &World) {
        let (log, mut seen) = (world.log().await, BTreeSet::new());
        let own = format!("{}/", self.tenant);
        for topic in TopicMap::embedded().topics() {
            for partition in 0..topic.partitions {
                let mut from = 0;
                loop {
                    let page = log.read(&topic.name, partition, from, 500).await;
                    let page = page.expect("reads");
                    let Some(last) = page.last() else { break };
                    from = last.at.offset + 1;
                    for message in page {
                        let key = String::from_utf8(message.key.into()).expect("UTF-8");
                        let envelope = Envelope::read(&message.headers);
                        if !key.starts_with(&own)
                            && envelope.tenant.as_deref() != Some(&self.tenant)
                        {
                            continue;
                        }
                        self.messages += 1;
                        self.dead += u64::from(topic.kind == TopicKind::Dead);
                        let said = self.said.entry((topic.name.clone(), key)).or_default();
                        said.push(message.timestamp_ms);
                        let source = envelope.source.unwrap_or_default();
                        if source == "troupe/edge" || topic.kind == TopicKind::Ephemeral {
                            continue;
                        }
                        self.emitted += 1;
                        let id = (topic.name.clone(), source, envelope.id);
                        if !seen.insert(id.clone()) {
                            self.twice.push(format!("{id:?}"));
                        }
                    }
                }
            }
        }
    }

    fn said(&self, topic: &str, document: &str) -> &[i64] {
        let key = (topic.to_owned(), format!("{}/{document}", self.tenant));
        self.said.get(&key).map_or(&[], Vec::as_slice)
    }
    pub(super) fn times(&self, topic: &str, document: &str) -> usize {
        self.said(topic, document).len()
    }
    pub(super) fn ready_at_ms(&self, document: &str) -> i64 {
        let [at_ms] = self.said("embedding.ready", document) else {
            panic!("{document} became ready once");
        };
        *at_ms
    }
    pub(super) fn of_topic(&self, topic: &str) -> u64 {
        let all = self.said.iter().filter(|((of, _), _)| of == topic);
        all.map(|(_, said)| said.len() as u64).sum()
    }

    fn row(&self, collection: &str, of: &str) -> &Value {
        let own = format!("{}/{of}", self.tenant);
        let of_it = |id: &str| id == own || id.starts_with(&format!("{own}/"));
        let mut rows = self.rows.iter();
        let row = rows.find(|((name, id), _)| name == collection && of_it(id));
        row.unwrap_or_else(|| panic!("{own} is in {collection}")).1
    }
    /// Expected, embedded, stored, retrievable: the view's row.
    pub(super) fn ledger(&self, document: &str) -> [u64; 4] {
        let row = &self.row("knowledge.ledger", document)["row"];
        let counts = ["expected", "embedded", "stored", "retrievable"];
        counts.map(|count| row[count].as_u64().expect("a count"))
    }
    /// Where a saga stands.
    pub(super) fn phase(&self, saga: &str, id: &str) -> &str {
        let row = self.row(saga, id);
        row["state"]["saga"]["phase"].as_str().expect("a phase")
    }
    /// Passages that a chatbot finds.
    pub(super) async fn retrievable(&self, chatbot: &str) -> u64 {
        let tenant = TenantId::new(&self.tenant).expect("a tenant");
        let counted = self.search.count_chatbot(&tenant, chatbot).await;
        counted.expect("counts")
    }
}
