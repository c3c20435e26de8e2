//! The vectors of what is published, in memory, and the search through all of them.
//!
//! Their numbers are kept as 16 bits: a cosine is right to about 0.00001, and half as much memory is read, which is what
//! such a search takes its time for.
use super::ORDINALS;
use crate::fault::Fault;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The vectors of one revision, of unit length. They never change.
pub(super) struct Part {
    pub revision: i64,
    /// With or without a vector.
    passages: usize,
    dimension: usize,
    /// Rising.
    ordinals: Vec<i64>,
    values: Vec<i16>,
}

/// What is published in a scope, as of one epoch.
pub(super) struct Scope {
    epoch: i64,
    /// By revision.
    parts: Vec<Arc<Part>>,
    counts: Counts,
}

/// In how many passages words are, as far as they were counted: the words of one question are those of the next.
#[derive(Default)]
struct Counts(Mutex<BTreeMap<String, Counted>>);

#[derive(Clone, Copy)]
struct Counted {
    found: i64,
    /// Counted up to so many; below that, `found` is the whole.
    most: i64,
}

/// Words whose counts are kept for a scope, about 100 bytes each.
const COUNTS: usize = 2_000;
/// Longer words are counted every time, in bytes.
const LONGEST_WORD: usize = 64;

/// The scopes that were searched last.
pub(crate) struct VectorCache {
    limit: usize,
    inner: Mutex<Cached>,
}

#[derive(Default)]
struct Cached {
    /// By the scope's number: when it was used last, and what it holds.
    scopes: BTreeMap<i64, (u64, Arc<Scope>)>,
    uses: u64,
}

/// The published revisions of a scope, by number.
pub(super) fn published(sql: &Connection, scope: i64) -> rusqlite::Result<Vec<i64>> {
    sql.prepare_cached(
        "SELECT published FROM search_documents WHERE scope = ?1 AND published IS NOT NULL ORDER BY 1",
    )?
    .query_map([scope], |row| row.get(0))?
    .collect()
}

impl VectorCache {
    /// Keeps about `limit` bytes.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            inner: Mutex::default(),
        })
    }
    fn lock(&self) -> MutexGuard<'_, Cached> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scope as of the snapshot that `sql` sees; only revisions that are new are read.
    pub(super) fn scope(&self, sql: &Connection, no: i64) -> Result<Arc<Scope>, Fault> {
        let epoch: i64 = sql
            .prepare_cached("SELECT epoch FROM search_scopes WHERE no = ?1")?
            .query_row([no], |row| row.get(0))?;
        let known = self.used(no);
        if let Some(known) = known.as_ref().filter(|known| known.epoch == epoch) {
            return Ok(Arc::clone(known));
        }
        let mut parts = vec![];
        for revision in published(sql, no)? {
            let kept = known.as_ref().and_then(|known| known.part(revision));
            parts.push(match kept {
                Some(part) => Arc::clone(part),
                None => Arc::new(Part::load(sql, revision)?),
            });
        }
        let counts = Counts::default();
        let scope = Arc::new(Scope {
            epoch,
            parts,
            counts,
        });
        self.keep(no, &scope);
        Ok(scope)
    }

    fn used(&self, no: i64) -> Option<Arc<Scope>> {
        let mut cached = self.lock();
        cached.uses += 1;
        let uses = cached.uses;
        let (used, scope) = cached.scopes.get_mut(&no)?;
        *used = uses;
        Some(Arc::clone(scope))
    }

    fn keep(&self, no: i64, scope: &Arc<Scope>) {
        let mut cached = self.lock();
        let newer = cached
            .scopes
            .get(&no)
            .is_some_and(|(_, known)| known.epoch > scope.epoch);
        if newer {
            return;
        }
        let uses = cached.uses;
        cached.scopes.insert(no, (uses, Arc::clone(scope)));
        let mut bytes: usize = cached.scopes.values().map(|(_, scope)| scope.bytes()).sum();
        while bytes > self.limit {
            let oldest = cached
                .scopes
                .iter()
                .min_by_key(|(_, (used, _))| *used)
                .map(|(no, _)| *no);
            let Some((_, scope)) = oldest.and_then(|no| cached.scopes.remove(&no)) else {
                break;
            };
            bytes -= scope.bytes();
        }
    }
}

impl Scope {
    fn bytes(&self) -> usize {
        self.parts
            .iter()
            .map(|part| 128 + 2 * part.values.len() + 8 * part.ordinals.len())
            .sum()
    }
    /// In how many passages a word is, up to `most`: as `count` says, which is asked once for each word and epoch.
    pub(super) fn counted(
        &self,
        word: &str,
        most: i64,
        count: impl FnOnce() -> Result<i64, Fault>,
    ) -> Result<i64, Fault> {
        let counts = || self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counts().get(word).copied();
        if let Some(known) = known.filter(|known| known.found < known.most || most <= known.most) {
            return Ok(known.found.min(most));
        }
        let found = count()?;
        if word.len() <= LONGEST_WORD {
            let mut counts = counts();
            if counts.len() >= COUNTS {
                counts.clear();
            }
            counts.insert(word.to_owned(), Counted { found, most });
        }
        Ok(found)
    }
    /// How many passages it has.
    pub(super) fn passages(&self) -> usize {
        self.parts.iter().map(|part| part.passages).sum()
    }
    fn part(&self, revision: i64) -> Option<&Arc<Part>> {
        let index = self
            .parts
            .binary_search_by_key(&revision, |part| part.revision)
            .ok()?;
        self.parts.get(index)
    }
    /// Whether a passage is published.
    pub(super) fn holds(&self, passage: i64) -> bool {
        self.part(passage.div_euclid(ORDINALS)).is_some()
    }
    /// The cosine of a passage and a [`direction`]; 0 if the passage has none.
    pub(super) fn similarity(&self, passage: i64, query: &[i16]) -> f32 {
        let ordinal = passage.rem_euclid(ORDINALS);
        let found = self.part(passage.div_euclid(ORDINALS)).and_then(|part| {
            let index = part.ordinals.binary_search(&ordinal).ok()?;
            (part.dimension == query.len()).then(|| cosine(part.vector(index), query))
        });
        found.unwrap_or(0.0)
    }
    /// The `limit` passages that are most similar, best first; those with nothing in common are left out.
    pub(super) fn nearest(&self, query: &[i16], limit: usize) -> Vec<(i64, f32)> {
        let mut best: Vec<(i64, f32)> = vec![];
        let mut least = 0.0;
        for part in self
            .parts
            .iter()
            .filter(|part| part.dimension == query.len())
        {
            for (index, ordinal) in part.ordinals.iter().enumerate() {
                let similarity = cosine(part.vector(index), query);
                if similarity > least {
                    best.push((part.revision * ORDINALS + ordinal, similarity));
                    if best.len() >= 4 * limit.max(16) {
                        least = cut(&mut best, limit);
                    }
                }
            }
        }
        cut(&mut best, limit);
        best
    }
}

/// Keeps the best; says what the next one must be above.
fn cut(best: &mut Vec<(i64, f32)>, limit: usize) -> f32 {
    best.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    best.truncate(limit);
    if best.len() < limit {
        0.0
    } else {
        best.last().map_or(0.0, |(_, similarity)| *similarity)
    }
}

impl Part {
    fn vector(&self, index: usize) -> &[i16] {
        &self.values[index * self.dimension..(index + 1) * self.dimension]
    }

    fn load(sql: &Connection, revision: i64) -> Result<Self, Fault> {
        let mut part = Self {
            revision,
            passages: 0,
            dimension: 0,
            ordinals: vec![],
            values: vec![],
        };
        let mut find = sql.prepare_cached(
            "SELECT id, vector FROM search_passages WHERE id >= ?1 AND id < ?2 ORDER BY id",
        )?;
        let mut rows = find.query(params![revision * ORDINALS, (revision + 1) * ORDINALS])?;
        while let Some(row) = rows.next()? {
            part.passages += 1;
            let bytes = row
                .get_ref(1)?
                .as_blob()
                .map_err(|e| Fault::Corrupt(e.to_string()))?;
            let values: Vec<f32> = bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect();
            let dimension = if part.ordinals.is_empty() {
                values.len()
            } else {
                part.dimension
            };
            if let Some(direction) = direction(&values).filter(|_| values.len() == dimension) {
                part.dimension = dimension;
                part.ordinals
                    .push(row.get::<_, i64>(0)?.rem_euclid(ORDINALS));
                part.values.extend(direction);
            }
        }
        part.ordinals.shrink_to_fit();
        part.values.shrink_to_fit();
        Ok(part)
    }
}

/// What 1 is, as 16 bits.
const ONE: f32 = 32_767.0;

/// The vector at length 1, in 16 bits each; `None` if it has no direction.
pub(super) fn direction(vector: &[f32]) -> Option<Vec<i16>> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    let rounded = |x: &f32| (x / length * ONE).round() as i16; // at most 1 by the length
    (length > 0.0 && length.is_finite()).then(|| vector.iter().map(rounded).collect())
}

/// Of two directions. The sum stays within 32 bits, since both have length 1; the compiler uses wide registers.
fn cosine(a: &[i16], b: &[i16]) -> f32 {
    let products = a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b));
    products.sum::<i32>() as f32 / (ONE * ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_is_right_to_the_fifth_digit() {
        let vector = |seed: u32| -> Vec<f32> {
            let number = |n: u32| ((n + 1) * (seed * 2 + 1) * 7_919 % 2_003) as f32 / 1_001.5 - 1.0;
            (0..384).map(number).collect()
        };
        for (a, b) in [(1, 2), (3, 30), (5, 5), (17, 400)] {
            let (a, b) = (vector(a), vector(b));
            let dot = |a: &[f32], b: &[f32]| -> f64 {
                let each = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
                each.sum()
            };
            let exact = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
            let found = cosine(&direction(&a).unwrap(), &direction(&b).unwrap());
            assert!((exact - f64::from(found)).abs() < 3e-5, "{exact} {found}");
        }
    }
    #[test]
    fn what_has_no_direction_is_left_out_and_the_longest_is_no_overflow() {
        assert_eq!(direction(&[0.0, 0.0]), None);
        assert_eq!(direction(&[f32::INFINITY, 1.0]), None);
        let all = direction(&[-1.0; 4_096]).unwrap();
        assert!((cosine(&all, &all) - 1.0).abs() < 1e-2);
        let one = direction(&[0.0, -3.0]).unwrap();
        assert!((cosine(&one, &one) - 1.0).abs() < 1e-6);
    }
}
