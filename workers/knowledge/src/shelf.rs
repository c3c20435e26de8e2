//! For tests: an index in memory that keeps the versions of O2 and finds nothing.
use events::TenantId;
use runtime::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
use runtime::{BoxFuture, PortError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct Shelf(Mutex<Kept>);

#[derive(Default)]
pub struct Kept {
    pub passages: BTreeMap<(String, u32), IndexedPassage>,
    pub published: Option<String>,
    pub version: i64,
    /// How many passages came at a time.
    pub batches: Vec<usize>,
}

impl Shelf {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn switch(&self, version: i64, published: Option<String>) -> bool {
        let mut kept = self.kept();
        if version <= kept.version {
            return false;
        }
        (kept.version, kept.published) = (version, published);
        true
    }
}

fn now<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, PortError>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Search for Shelf {
    fn stage<'a>(
        &'a self,
        _: &'a TenantId,
        revision: &'a Revision,
        passages: Vec<IndexedPassage>,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        let mut kept = self.kept();
        kept.batches.push(passages.len());
        for passage in passages {
            kept.passages
                .entry((revision.revision.clone(), passage.ordinal))
                .or_insert(passage);
        }
        now(())
    }
    fn publish<'a>(
        &'a self,
        _: &'a TenantId,
        revision: &'a Revision,
        version: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        now(self.switch(version, Some(revision.revision.clone())))
    }
    fn retire<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        version: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        let switched = self.switch(version, None);
        if switched {
            self.kept().passages.clear();
        }
        now(switched)
    }
    fn count<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        revision: &'a str,
    ) -> BoxFuture<'a, Result<Counts, PortError>> {
        let kept = self.kept();
        let of = |wanted: &str| kept.passages.keys().filter(|(of, _)| of == wanted).count() as u64;
        now(Counts {
            stored: of(revision),
            retrievable: kept.published.as_deref().map_or(0, of),
        })
    }
    fn count_chatbot<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
    ) -> BoxFuture<'a, Result<u64, PortError>> {
        now(0)
    }
    fn query<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a Query,
    ) -> BoxFuture<'a, Result<Vec<Hit>, PortError>> {
        now(vec![])
    }
    fn sweep(&self, _: i64, _: usize) -> BoxFuture<'_, Result<usize, PortError>> {
        now(0)
    }
}
