//! Searching: both lists, fused by reciprocal rank. By us: Qdrant would say neither the rank among the words nor how
//! similar a passage is that was found by its words.
use super::names::{DENSE, TEXT};
use super::points::{self, to_passage, unit};
use super::published::{Keys, token};
use super::words::{self, Weights};
use super::{QdrantSearch, fault, filters, names};
use events::TenantId;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::query::Variant;
use qdrant_client::qdrant::{
    Filter, IdfParams, PointId, Query as Asked, QueryBatchPoints, QueryPoints, SearchParams,
    VectorInput, WithPayloadSelector,
};
use runtime::PortError;
use runtime::ports::search::{Hit, Query};
use std::collections::BTreeMap;

/// The constant of reciprocal rank fusion.
const K: f64 = 60.0;

/// How often a query starts again because a revision was given up under it.
const TRIES: usize = 20;

/// How a passage did in the two lists.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Ranks {
    text: Option<u32>,
    score: f64,
}

/// What is searched for, as Qdrant understands it.
struct Wanted {
    words: Option<Weights>,
    /// Of unit length, or empty.
    vector: Vec<f32>,
    limit: usize,
}

impl Wanted {
    fn of(search: &QdrantSearch, query: &Query) -> Self {
        let usable = query.vector.len() == search.options.dimension;
        let vector = unit(&query.vector).filter(|_| usable);
        Self {
            words: words::of_query(&query.text),
            vector: vector.unwrap_or_default(),
            limit: query.limit,
        }
    }

    fn is_nothing(&self) -> bool {
        self.limit == 0 || self.words.is_none() && self.vector.is_empty()
    }

    /// The lists that are asked for: that of the words first, if there is one.
    fn lists(&self, collection: &str, found: &Filter, corpus: &Filter) -> Vec<QueryPoints> {
        let depth = (4 * self.limit).max(50) as u64;
        let list = |using: &str, input| QueryPoints {
            collection_name: collection.to_owned(),
            query: Some(Asked {
                variant: Some(Variant::Nearest(input)),
            }),
            using: Some(using.to_owned()),
            filter: Some(found.clone()),
            limit: Some(depth),
            with_payload: Some(WithPayloadSelector::from(false)),
            ..QueryPoints::default()
        };
        let by_text = self.words.as_ref().map(|words| {
            let input = VectorInput::new_sparse(words.words.clone(), words.weights.clone());
            let idf = IdfParams {
                corpus: Some(corpus.clone()),
            };
            QueryPoints {
                params: Some(SearchParams {
                    idf: Some(idf),
                    ..SearchParams::default()
                }),
                ..list(TEXT, input)
            }
        });
        let by_vector = (!self.vector.is_empty()).then(|| QueryPoints {
            score_threshold: Some(0.0),
            ..list(DENSE, VectorInput::new_dense(self.vector.clone()))
        });
        by_text.into_iter().chain(by_vector).collect()
    }
}

pub(super) async fn query(
    search: &QdrantSearch,
    tenant: &TenantId,
    query: &Query,
) -> Result<Vec<Hit>, PortError> {
    let wanted = Wanted::of(search, query);
    if wanted.is_nothing() {
        return Ok(vec![]);
    }
    let mut published = search.published(tenant, &query.chatbot).await?;
    for _ in 0..TRIES {
        if published.keys.is_empty() {
            return Ok(vec![]);
        }
        let best = best(search, tenant, query, &wanted, &published).await?;
        let (hits, seen) = fetch(search, tenant, query, &wanted, &best).await?;
        if seen != published.token {
            let now = search.published_at(tenant, &query.chatbot, seen).await?;
            if published.are_among(&now) && hits.len() == best.len() {
                return Ok(hits);
            }
            published = now;
        } else if hits.len() == best.len() {
            return Ok(hits);
        } else {
            // A point is gone, and nobody had said so yet; or somebody took it out by hand.
            published = search.published(tenant, &query.chatbot).await?;
            if published.token == seen {
                return Ok(hits);
            }
        }
    }
    Err(fault::unreachable(
        "what is published changes faster than it can be searched",
    ))
}

/// The best passages of both lists.
async fn best(
    search: &QdrantSearch,
    tenant: &TenantId,
    query: &Query,
    wanted: &Wanted,
    published: &Keys,
) -> Result<Vec<(String, Ranks)>, PortError> {
    let found = filters::findable(tenant, &query.chatbot, &published.keys);
    let corpus = filters::of_chatbot(tenant, &query.chatbot);
    let answered = search.client.query_batch(QueryBatchPoints {
        collection_name: search.collection.clone(),
        query_points: wanted.lists(&search.collection, &found, &corpus),
        read_consistency: search.consistency(),
        ..QueryBatchPoints::default()
    });
    let answered = answered.await.map_err(|error| fault::of(&error))?;
    let mut lists = answered.result.into_iter().map(|list| {
        let scored = list.result.into_iter();
        let scored = scored.filter_map(|point| Some((uuid(point.id.as_ref())?, point.score)));
        ranked(scored.filter(|(_, score)| *score > 0.0).collect())
    });
    let by_text = match wanted.words {
        Some(_) => lists.next().unwrap_or_default(),
        None => vec![],
    };
    let by_vector = lists.next().unwrap_or_default();
    Ok(fused(by_text, by_vector, wanted.limit))
}

fn uuid(id: Option<&PointId>) -> Option<String> {
    match id?.point_id_options.as_ref()? {
        PointIdOptions::Uuid(uuid) => Some(uuid.clone()),
        PointIdOptions::Num(_) => None,
    }
}

/// The best first; those of the same score always in the same order.
fn ranked(mut list: Vec<(String, f32)>) -> Vec<String> {
    list.sort_by(|(a, x), (b, y)| y.total_cmp(x).then_with(|| a.cmp(b)));
    list.into_iter().map(|(id, _)| id).collect()
}

/// By reciprocal rank, the best `limit`.
fn fused(by_text: Vec<String>, by_vector: Vec<String>, limit: usize) -> Vec<(String, Ranks)> {
    let mut ranks: BTreeMap<String, Ranks> = BTreeMap::new();
    for (id, rank) in by_text.into_iter().zip(1u32..) {
        let entry = ranks.entry(id).or_default();
        entry.text = Some(rank);
        entry.score += 1.0 / (K + f64::from(rank));
    }
    for (id, rank) in by_vector.into_iter().zip(1u32..) {
        ranks.entry(id).or_default().score += 1.0 / (K + f64::from(rank));
    }
    let mut best: Vec<(String, Ranks)> = ranks.into_iter().collect();
    best.sort_by(|(a, x), (b, y)| y.score.total_cmp(&x.score).then_with(|| a.cmp(b)));
    best.truncate(limit);
    best
}

/// The passages themselves, and the chatbot's token as it is after the search.
async fn fetch(
    search: &QdrantSearch,
    tenant: &TenantId,
    query: &Query,
    wanted: &Wanted,
    best: &[(String, Ranks)],
) -> Result<(Vec<Hit>, Option<String>), PortError> {
    let scope = names::scope(tenant, &query.chatbot);
    let scope_id = uuid(Some(&scope));
    let passages = best.iter().map(|(id, _)| PointId::from(id.as_str()));
    let ids = passages.chain([scope]).collect();
    let points = search.points(ids, true).await?;
    let mut found = BTreeMap::new();
    for point in points {
        if let Some(id) = uuid(point.id.as_ref()) {
            found.insert(id, point);
        }
    }
    let token = token(scope_id.and_then(|id| found.get(&id)))?;
    let mut hits = vec![];
    for (id, ranks) in best {
        let Some(point) = found.get(id) else { continue };
        let points::Found {
            document,
            name,
            revision,
            passage,
        } = to_passage(point)?;
        let pairs = wanted.vector.iter().zip(&passage.vector);
        hits.push(Hit {
            document,
            name,
            revision,
            ordinal: passage.ordinal,
            text: passage.text,
            heading: passage.heading,
            page: passage.page,
            score: ranks.score,
            text_rank: ranks.text,
            similarity: pairs.map(|(a, b)| a * b).sum(),
        });
    }
    Ok((hits, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn in_both_lists_is_best() {
        let found = fused(names(&["a", "c"]), names(&["c", "b"]), 3);
        let order: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(order, ["c", "a", "b"]);
        assert!((found[0].1.score - (1.0 / 62.0 + 1.0 / 61.0)).abs() < 1e-12);
        let text: Vec<_> = found.iter().map(|(_, ranks)| ranks.text).collect();
        assert_eq!(text, [Some(2), Some(1), None]);
        assert_eq!(fused(names(&["a", "c"]), vec![], 1).len(), 1);
    }

    #[test]
    fn the_same_score_is_always_in_the_same_order() {
        let list =
            |ids: &[(&str, f32)]| ranked(ids.iter().map(|(id, s)| ((*id).into(), *s)).collect());
        assert_eq!(list(&[("b", 1.0), ("a", 1.0), ("c", 2.0)]), ["c", "a", "b"]);
        assert_eq!(list(&[("a", 1.0), ("c", 2.0), ("b", 1.0)]), ["c", "a", "b"]);
    }

    #[test]
    fn what_is_asked_is_the_chatbots_with_its_own_frequencies() {
        let acme = TenantId::new("acme").expect("a tenant");
        let found = filters::findable(&acme, "bot", &names(&["k"]));
        let corpus = filters::of_chatbot(&acme, "bot");
        let wanted = Wanted {
            words: words::of_query("zebra"),
            vector: vec![1.0, 0.0],
            limit: 5,
        };
        let lists = wanted.lists("c", &found, &corpus);
        let [text, vector] = lists.as_slice() else {
            panic!("two lists: {lists:?}")
        };
        assert_eq!(text.using.as_deref(), Some(TEXT));
        assert_eq!(vector.using.as_deref(), Some(DENSE));
        for list in &lists {
            assert_eq!(list.filter.as_ref(), Some(&found));
            assert_eq!(list.limit, Some(50));
        }
        let idf = text.params.as_ref().and_then(|params| params.idf.as_ref());
        assert_eq!(idf.and_then(|idf| idf.corpus.as_ref()), Some(&corpus));
        let only_vector = Wanted {
            words: None,
            ..wanted
        };
        let lists = only_vector.lists("c", &found, &corpus);
        assert_eq!(lists.len(), 1);
        assert_eq!(lists[0].using.as_deref(), Some(DENSE));
    }
}
