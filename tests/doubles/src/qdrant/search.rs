//! Queries: nearest by dense and sparse vectors, prefetches fused by reciprocal rank.
use super::collection::Collection;
use super::filter::{admit, passes};
use super::id::Id;
use super::point::{Point, Sparse, numbers, weights};
use super::refusal::{not_played, without, wrong_input};
use super::strict;
use qdrant_client::qdrant::query::Variant;
use qdrant_client::qdrant::{
    Filter, Fusion, PrefetchQuery, Query, QueryPoints, Rrf, SearchParams, VectorInput, vector_input,
};
use std::collections::BTreeMap;
use tonic::Status;

/// A point that was found, and how well it fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) id: Id,
    pub(super) score: f32,
}

/// Where nothing else is asked for: so many.
const LIMIT: u64 = 10;
/// The constant of reciprocal rank fusion, where nothing else is asked for.
const RRF_K: u32 = 2;

/// One level of a query: its own or a prefetch's.
struct Level<'a> {
    prefetch: &'a [PrefetchQuery],
    query: Option<&'a Query>,
    using: &'a str,
    filter: Option<&'a Filter>,
    params: Option<&'a SearchParams>,
    score_threshold: Option<f32>,
    limit: u64,
}

/// What a query finds, best first; its offset is taken off.
pub(super) fn query(asked: &QueryPoints, collection: &Collection) -> Result<Vec<Found>, Status> {
    without("shard keys", &asked.shard_key_selector)?;
    without("vectors of other collections", &asked.lookup_from)?;
    let (limit, offset) = (
        asked.limit.unwrap_or(LIMIT),
        asked.offset.unwrap_or_default(),
    );
    if limit == 0 {
        return Err(wrong_input("limit must be 1 or larger"));
    }
    strict::most(limit, collection)?;
    let level = Level {
        prefetch: &asked.prefetch,
        query: asked.query.as_ref(),
        using: asked.using.as_deref().unwrap_or_default(),
        filter: asked.filter.as_ref(),
        params: asked.params.as_ref(),
        score_threshold: asked.score_threshold,
        limit: limit.saturating_add(offset),
    };
    let found = level.find(&[], collection)?;
    Ok(found
        .into_iter()
        .skip(usize::try_from(offset).unwrap_or(usize::MAX))
        .collect())
}

impl<'a> Level<'a> {
    fn of_prefetch(asked: &'a PrefetchQuery) -> Result<Self, Status> {
        without("vectors of other collections", &asked.lookup_from)?;
        Ok(Self {
            prefetch: &asked.prefetch,
            query: asked.query.as_ref(),
            using: asked.using.as_deref().unwrap_or_default(),
            filter: asked.filter.as_ref(),
            params: asked.params.as_ref(),
            score_threshold: asked.score_threshold,
            limit: asked.limit.unwrap_or(LIMIT),
        })
    }

    /// `outer`: the filters of the levels above; they hold below as well.
    fn find(&self, outer: &[&Filter], collection: &Collection) -> Result<Vec<Found>, Status> {
        if let Some(filter) = self.filter {
            admit(filter)?;
            strict::read(filter, collection)?;
        }
        strict::exact(
            self.params.and_then(|params| params.exact) == Some(true),
            collection,
        )?;
        let filters: Vec<&Filter> = outer.iter().copied().chain(self.filter).collect();
        let variant = self.query.map(|query| {
            query
                .variant
                .as_ref()
                .ok_or_else(|| wrong_input("an empty query"))
        });
        if self.prefetch.is_empty() {
            return match variant.transpose()? {
                Some(Variant::Nearest(input)) => self.nearest(input, &filters, collection),
                Some(Variant::Fusion(_) | Variant::Rrf(_)) => {
                    Err(wrong_input("a fusion without prefetches"))
                }
                Some(_) => Err(not_played("queries other than nearest and fusion")),
                None => Ok(self.by_id(&filters, collection)),
            };
        }
        let lists = self.prefetch.iter().map(|prefetch| {
            strict::most(prefetch.limit.unwrap_or(LIMIT), collection)?;
            Level::of_prefetch(prefetch)?.find(&filters, collection)
        });
        let lists: Result<Vec<Vec<Found>>, Status> = lists.collect();
        let default = Rrf::default();
        let rrf = match variant.transpose()? {
            Some(Variant::Rrf(rrf)) => rrf,
            Some(Variant::Fusion(fusion)) if *fusion == Fusion::Rrf as i32 => &default,
            Some(_) => {
                return Err(not_played(
                    "rescoring of prefetches, and fusions other than RRF",
                ));
            }
            None => {
                let why = "A query is needed to merge the prefetches. Can't have prefetches without defining a query.";
                return Err(wrong_input(why));
            }
        };
        Ok(self.best(fused(&lists?, rrf)?))
    }

    fn by_id(&self, filters: &[&Filter], collection: &Collection) -> Vec<Found> {
        let found = passing(filters, collection).map(|(id, _)| Found { id, score: 0.0 });
        found
            .take(usize::try_from(self.limit).unwrap_or(usize::MAX))
            .collect()
    }

    fn nearest(
        &self,
        input: &VectorInput,
        filters: &[&Filter],
        collection: &Collection,
    ) -> Result<Vec<Found>, Status> {
        let name = self.using;
        let unknown = || wrong_input(format!("Not existing vector name error: {name}"));
        let idf_of = self
            .params
            .and_then(|params| params.idf.as_ref())
            .and_then(|idf| idf.corpus.as_ref());
        if let Some(corpus) = idf_of {
            admit(corpus)?;
            strict::read(corpus, collection)?;
        }
        let scored: Vec<Found> = match input
            .variant
            .as_ref()
            .ok_or_else(|| wrong_input("an empty vector"))?
        {
            vector_input::Variant::Dense(vector) => {
                let dense = collection.shape.dense.get(name).ok_or_else(unknown)?;
                let wanted = numbers(&vector.data, dense.size, dense.cosine)?;
                let score = |(id, point): (Id, &Point)| {
                    let score = dot(&wanted, point.dense.get(name)?);
                    Some(Found { id, score })
                };
                passing(filters, collection).filter_map(score).collect()
            }
            vector_input::Variant::Sparse(vector) => {
                let idf = *collection.shape.sparse.get(name).ok_or_else(unknown)?;
                let mut wanted = weights(&vector.indices, &vector.values)?;
                if idf {
                    weigh(&mut wanted, name, idf_of, collection);
                }
                let score = |(id, point): (Id, &Point)| {
                    let score = overlap(&wanted, point.sparse.get(name)?)?;
                    Some(Found { id, score })
                };
                passing(filters, collection).filter_map(score).collect()
            }
            vector_input::Variant::Id(_) => return Err(not_played("queries by the id of a point")),
            _ => return Err(not_played("multivectors and inference")),
        };
        Ok(self.best(scored))
    }

    /// The best of them, those of the same score in no order that anybody could use.
    fn best(&self, mut found: Vec<Found>) -> Vec<Found> {
        found.retain(|found| {
            self.score_threshold
                .is_none_or(|threshold| found.score > threshold)
        });
        found.sort_by_key(|found| found.id.jumble());
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        found
    }
}

fn passing<'a>(
    filters: &'a [&Filter],
    collection: &'a Collection,
) -> impl Iterator<Item = (Id, &'a Point)> {
    let all = collection.points.iter().map(|(id, point)| (*id, point));
    all.filter(|(id, point)| {
        filters
            .iter()
            .all(|filter| passes(filter, *id, &point.payload))
    })
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The dot product; `None` if they have no dimension in common: such a point is not found.
fn overlap(wanted: &Sparse, stored: &Sparse) -> Option<f32> {
    let common = wanted.iter().filter_map(|(dimension, weight)| {
        let at = stored
            .binary_search_by_key(dimension, |(dimension, _)| *dimension)
            .ok()?;
        Some(weight * stored[at].1)
    });
    common.fold(None, |sum: Option<f32>, product| {
        Some(sum.unwrap_or_default() + product)
    })
}

/// Multiplies the weights of a query with the inverse document frequency of their dimensions:
/// ln((n - df + 0.5) / (df + 0.5) + 1), where n points have this vector, and df of them the dimension. Counted are all
/// points of the collection, of every tenant, or those of `corpus`.
fn weigh(wanted: &mut Sparse, name: &str, corpus: Option<&Filter>, collection: &Collection) {
    let vectors: Vec<&Sparse> = collection
        .filtered(corpus)
        .filter_map(|(_, point)| point.sparse.get(name))
        .filter(|vector| !vector.is_empty())
        .collect();
    let n = vectors.len() as f32;
    for (dimension, weight) in wanted {
        let has = |vector: &&&Sparse| {
            vector
                .binary_search_by_key(dimension, |(of, _)| *of)
                .is_ok()
        };
        let df = vectors.iter().filter(has).count() as f32;
        *weight *= ((n - df + 0.5) / (df + 0.5) + 1.0).ln();
    }
}

/// Reciprocal rank fusion. A point at place p (from 0) of a list of weight w has 1 / ((p + 1) / w + k - 1) from it.
fn fused(lists: &[Vec<Found>], rrf: &Rrf) -> Result<Vec<Found>, Status> {
    if !rrf.weights.is_empty() && rrf.weights.len() != lists.len() {
        let (got, expected) = (rrf.weights.len(), lists.len());
        return Err(wrong_input(format!(
            "Number of weights in RRF should match number of pre-fetches: got {got}, expected {expected}"
        )));
    }
    let k = rrf.k.unwrap_or(RRF_K);
    if k == 0 {
        return Err(wrong_input("the k of a fusion is 1 or larger"));
    }
    let mut scores: BTreeMap<Id, f32> = BTreeMap::new();
    for (n, list) in lists.iter().enumerate() {
        let weight = rrf.weights.get(n).copied().unwrap_or(1.0);
        for (found, rank) in list.iter().zip(1u32..) {
            let score = if weight > 0.0 {
                1.0 / (rank as f32 / weight + k as f32 - 1.0)
            } else {
                0.0
            };
            *scores.entry(found.id).or_default() += score;
        }
    }
    Ok(scores
        .into_iter()
        .map(|(id, score)| Found { id, score })
        .collect())
}
