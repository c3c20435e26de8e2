//! Searching: both lists, fused by reciprocal rank.
use super::vectors::{Scope, VectorCache, direction};
use super::{ORDINALS, scope_of, words};
use crate::fault::Fault;
use runtime::ports::search::{Hit, Query};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// The constant of reciprocal rank fusion.
const K: f64 = 60.0;

/// How a passage did in the two lists.
#[derive(Default)]
struct Ranks {
    text: Option<u32>,
    score: f64,
}

pub(super) fn query(
    sql: &Connection,
    cache: &VectorCache,
    tenant: &str,
    query: &Query,
) -> Result<Vec<Hit>, Fault> {
    let Some(scope_no) = scope_of(sql, tenant, &query.chatbot)? else {
        return Ok(vec![]);
    };
    let scope = cache.scope(sql, scope_no)?;
    let vector = direction(&query.vector).unwrap_or_default();
    let depth = (4 * query.limit).max(50);
    let by_text = match words::expression(sql, scope_no, &scope, &query.text)? {
        Some(expression) => by_text(sql, &scope, &expression, depth)?,
        None => vec![],
    };
    let by_vector = if vector.is_empty() {
        vec![]
    } else {
        scope.nearest(&vector, depth)
    };

    let mut ranks: BTreeMap<i64, Ranks> = BTreeMap::new();
    for (passage, rank) in by_text.into_iter().zip(1u32..) {
        let entry = ranks.entry(passage).or_default();
        entry.text = Some(rank);
        entry.score += 1.0 / (K + f64::from(rank));
    }
    for ((passage, _), rank) in by_vector.into_iter().zip(1u32..) {
        ranks.entry(passage).or_default().score += 1.0 / (K + f64::from(rank));
    }
    let mut best: Vec<(i64, Ranks)> = ranks.into_iter().collect();
    best.sort_by(|(a, x), (b, y)| y.score.total_cmp(&x.score).then(a.cmp(b)));
    let mut hits = vec![];
    for (passage, ranks) in best {
        if hits.len() >= query.limit {
            break;
        }
        let similarity = if vector.is_empty() {
            0.0
        } else {
            scope.similarity(passage, &vector)
        };
        // A passage that somebody took out by hand is in no list any more.
        hits.extend(hit(sql, passage, &ranks, similarity)?);
    }
    Ok(hits)
}

/// The published passages that hold any of the words, best first by BM25. Headings count double.
fn by_text(
    sql: &Connection,
    scope: &Scope,
    expression: &str,
    depth: usize,
) -> Result<Vec<i64>, Fault> {
    let mut find = sql.prepare_cached(
        "SELECT rowid FROM search_text WHERE search_text MATCH ?1 ORDER BY bm25(search_text, 0, 2, 1), rowid",
    )?;
    let mut rows = find.query([expression])?;
    let mut found = vec![];
    while found.len() < depth
        && let Some(row) = rows.next()?
    {
        let passage = row.get(0)?;
        if scope.holds(passage) {
            found.push(passage);
        }
    }
    Ok(found)
}

fn hit(
    sql: &Connection,
    passage: i64,
    ranks: &Ranks,
    similarity: f32,
) -> Result<Option<Hit>, Fault> {
    let mut find = sql.prepare_cached(
        "SELECT r.document, r.name, r.revision, p.text, p.heading, p.page
         FROM search_passages p JOIN search_revisions r ON r.no = ?2 WHERE p.id = ?1",
    )?;
    let (revision, ordinal) = (passage.div_euclid(ORDINALS), passage.rem_euclid(ORDINALS));
    let hit = find.query_row(params![passage, revision], |row| {
        Ok(Hit {
            document: row.get(0)?,
            name: row.get(1)?,
            revision: row.get(2)?,
            ordinal: u32::try_from(ordinal).unwrap_or_default(),
            text: row.get(3)?,
            heading: row.get(4)?,
            page: row.get(5)?,
            score: ranks.score,
            text_rank: ranks.text,
            similarity,
        })
    });
    Ok(hit.optional()?)
}
