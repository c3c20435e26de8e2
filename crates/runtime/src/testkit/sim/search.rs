//! The index of passages in memory, with the versions of O2; ranking is simple but fused as everywhere.
use super::wire::{Fate, Wire};
use super::world::World;
use crate::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
use crate::ports::{BoxFuture, PortError};
use events::TenantId;
use std::collections::{BTreeMap, BTreeSet};

/// Reciprocal rank fusion's constant, as the port says.
const FUSION: f64 = 60.0;

/// (tenant, document).
type DocumentKey = (String, String);

#[derive(Debug)]
struct Staged {
    revision: Revision,
    passages: BTreeMap<u32, IndexedPassage>,
    at_ms: i64,
}

#[derive(Debug, Default)]
struct Document {
    /// Of the last switch; nothing below or at it happens any more.
    version: Option<i64>,
    published: Option<String>,
    revisions: BTreeMap<String, Staged>,
}

impl Document {
    /// Takes a switch if it is new.
    fn switch(&mut self, version: i64, published: Option<String>) -> bool {
        if self.version.is_some_and(|stored| version <= stored) {
            return false;
        }
        (self.version, self.published) = (Some(version), published);
        true
    }
    fn retrievable(&self) -> Option<&Staged> {
        self.published
            .as_ref()
            .and_then(|revision| self.revisions.get(revision))
    }
}

/// All passages of all tenants.
#[derive(Debug, Default)]
pub(super) struct Index(BTreeMap<DocumentKey, Document>);

impl Index {
    fn document(&mut self, tenant: &TenantId, document: &str) -> &mut Document {
        self.0
            .entry((tenant.to_string(), document.to_owned()))
            .or_default()
    }
    /// What a search can find of a chatbot, in a fixed order.
    fn published(&self, tenant: &TenantId, chatbot: &str) -> Vec<(&Revision, &IndexedPassage)> {
        let ours = self
            .0
            .iter()
            .filter(|((owner, _), _)| owner == tenant.as_str());
        let staged = ours.filter_map(|(_, document)| document.retrievable());
        let staged = staged.filter(|staged| staged.revision.chatbot == chatbot);
        staged
            .flat_map(|staged| {
                staged
                    .passages
                    .values()
                    .map(|passage| (&staged.revision, passage))
            })
            .collect()
    }
}

pub(super) struct SimSearch(pub Wire);

impl Search for SimSearch {
    fn stage<'a>(
        &'a self,
        tenant: &'a TenantId,
        revision: &'a Revision,
        passages: Vec<IndexedPassage>,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        let (name, tenant, revision) = (self.0.name(), tenant.clone(), revision.clone());
        Box::pin(self.0.write("search.stage", move |world, fate| {
            let now_ms = world.now_ms();
            world.tell(
                name,
                format!(
                    "staged {} of {tenant}/{} {}",
                    passages.len(),
                    revision.document,
                    revision.revision
                ),
            );
            let document = world.index.document(&tenant, &revision.document);
            let staged = document
                .revisions
                .entry(revision.revision.clone())
                .or_insert_with(|| Staged {
                    revision,
                    passages: BTreeMap::new(),
                    at_ms: now_ms,
                });
            staged.at_ms = now_ms;
            if fate == Fate::Twice {
                for passage in passages.clone() {
                    staged.passages.entry(passage.ordinal).or_insert(passage);
                }
            }
            for passage in passages {
                staged.passages.entry(passage.ordinal).or_insert(passage);
            }
            Ok(())
        }))
    }

    fn publish<'a>(
        &'a self,
        tenant: &'a TenantId,
        revision: &'a Revision,
        version: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        let (name, tenant, revision) = (self.0.name(), tenant.clone(), revision.clone());
        Box::pin(self.0.write("search.publish", move |world, fate| {
            let document = world.index.document(&tenant, &revision.document);
            let mut switched = document.switch(version, Some(revision.revision.clone()));
            if fate == Fate::Twice {
                switched = document.switch(version, Some(revision.revision.clone()));
            }
            world.tell(
                name,
                format!(
                    "index: {tenant}/{} shows {} by {version}: {switched}",
                    revision.document, revision.revision
                ),
            );
            Ok(switched)
        }))
    }

    fn retire<'a>(
        &'a self,
        tenant: &'a TenantId,
        document: &'a str,
        version: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        let (name, tenant, id) = (self.0.name(), tenant.clone(), document.to_owned());
        Box::pin(self.0.write("search.retire", move |world, fate| {
            let document = world.index.document(&tenant, &id);
            let mut switched = document.switch(version, None);
            if switched {
                document.revisions.clear();
            }
            if fate == Fate::Twice {
                switched = document.switch(version, None);
            }
            world.tell(
                name,
                format!("index: {tenant}/{id} retired by {version}: {switched}"),
            );
            Ok(switched)
        }))
    }

    fn count<'a>(
        &'a self,
        tenant: &'a TenantId,
        document: &'a str,
        revision: &'a str,
    ) -> BoxFuture<'a, Result<Counts, PortError>> {
        Box::pin(self.0.read("search.count", move |world| {
            let document = world.index.document(tenant, document);
            let count =
                |staged: Option<&Staged>| staged.map_or(0, |staged| staged.passages.len() as u64);
            Counts {
                stored: count(document.revisions.get(revision)),
                retrievable: count(document.retrievable()),
            }
        }))
    }

    fn count_chatbot<'a>(
        &'a self,
        tenant: &'a TenantId,
        chatbot: &'a str,
    ) -> BoxFuture<'a, Result<u64, PortError>> {
        Box::pin(self.0.read("search.count_chatbot", move |world| {
            world.index.published(tenant, chatbot).len() as u64
        }))
    }

    fn query<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Vec<Hit>, PortError>> {
        Box::pin(
            self.0
                .read("search.query", move |world| rank(world, tenant, query)),
        )
    }

    fn sweep(&self, before_ms: i64, limit: usize) -> BoxFuture<'_, Result<usize, PortError>> {
        Box::pin(self.0.write("search.sweep", move |world, _| {
            let mut left = limit;
            for document in world.index.0.values_mut() {
                let published = document.published.clone();
                document.revisions.retain(|revision, staged| {
                    if Some(revision) != published.as_ref() && staged.at_ms < before_ms {
                        while left > 0 && staged.passages.pop_first().is_some() {
                            left -= 1;
                        }
                    }
                    Some(revision) == published.as_ref() || !staged.passages.is_empty()
                });
            }
            Ok(limit - left)
        }))
    }
}

fn rank(world: &World, tenant: &TenantId, query: &Query) -> Vec<Hit> {
    let passages = world.index.published(tenant, &query.chatbot);
    let wanted = words(&query.text);
    let scored = |score: &dyn Fn(&IndexedPassage) -> f64| {
        let mut list: Vec<(f64, usize)> = passages
            .iter()
            .enumerate()
            .map(|(at, (_, passage))| (score(passage), at))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        list.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        list.into_iter().map(|(_, at)| at).collect::<Vec<usize>>()
    };
    let by_text = scored(&|passage| {
        let found = words(&format!("{} {}", passage.heading, passage.text));
        wanted.intersection(&found).count() as f64
    });
    let by_vector = if query.vector.is_empty() {
        Vec::new()
    } else {
        scored(&|passage| f64::from(cosine(&query.vector, &passage.vector)))
    };
    let rank_in = |list: &[usize], at: usize| {
        list.iter()
            .position(|other| *other == at)
            .map(|rank| rank as u32 + 1)
    };
    let found: BTreeSet<usize> = by_text.iter().chain(&by_vector).copied().collect();
    let mut hits: Vec<Hit> = found
        .into_iter()
        .map(|at| {
            let (revision, passage) = passages[at];
            let (text_rank, vector_rank) = (rank_in(&by_text, at), rank_in(&by_vector, at));
            let score = [text_rank, vector_rank]
                .into_iter()
                .flatten()
                .map(|rank| 1.0 / (FUSION + f64::from(rank)))
                .sum();
            Hit {
                document: revision.document.clone(),
                name: revision.name.clone(),
                revision: revision.revision.clone(),
                ordinal: passage.ordinal,
                text: passage.text.clone(),
                heading: passage.heading.clone(),
                page: passage.page,
                score,
                text_rank,
                similarity: if query.vector.is_empty() {
                    0.0
                } else {
                    cosine(&query.vector, &passage.vector)
                },
            }
        })
        .collect();
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| (&a.document, a.ordinal).cmp(&(&b.document, b.ordinal)))
    });
    hits.truncate(query.limit);
    hits
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
