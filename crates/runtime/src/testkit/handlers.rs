//! given/when/then for a handler: blobs in memory, every other port as the test gives it, else unreachable.
use super::nowhere::{Nowhere, StillClock};
use crate::codec::Schemas;
use crate::ports::blobs::{BlobError, Blobs, Content};
use crate::ports::search::Search;
use crate::{
    BoxFuture, Context, Emits, Failure, Handler, Moment, PortError, Ports, Stores, Verdict,
};
use bytes::Bytes;
use events::{BlobRef, TenantId};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

/// A handler about to hear a message.
pub struct Given<H> {
    handler: H,
    ports: Ports,
    blobs: Arc<OneTenantsBlobs>,
    moment: Moment,
}

/// A handler with empty blobs; search, log and state are unreachable until given.
pub async fn given<H: Handler>(handler: H) -> Given<H> {
    let (clock, nowhere) = (Arc::new(StillClock::default()), Arc::new(Nowhere));
    let blobs = Arc::new(OneTenantsBlobs::default());
    let schemas = Schemas::start(nowhere.clone(), &[]).await;
    let schemas = schemas.unwrap_or_else(|_| unreachable!("no record is resolved"));
    let stores = Stores {
        log: nowhere.clone(),
        state: nowhere.clone(),
        search: nowhere,
        blobs: blobs.clone(),
    };
    let ports = Ports::new(stores, schemas, clock);
    Given {
        handler,
        ports,
        blobs,
        moment: Moment::for_tests("e1"),
    }
}

impl<H: Handler> Given<H> {
    /// With this blob.
    pub fn with_blob(self, id: &str, bytes: &[u8]) -> Self {
        self.blobs.lock().0.insert(id.to_owned(), bytes.to_vec());
        self
    }
    /// With a blob store that does not answer.
    pub fn with_blobs_unreachable(self) -> Self {
        self.blobs.lock().1 = true;
        self
    }
    /// With this index.
    pub fn with_search(mut self, search: Arc<dyn Search>) -> Self {
        self.ports.search = search;
        self
    }
    /// With other ports.
    pub fn with_ports(mut self, change: impl FnOnce(&mut Ports)) -> Self {
        change(&mut self.ports);
        self
    }
    /// In other circumstances.
    pub fn at(mut self, change: impl FnOnce(&mut Moment)) -> Self {
        change(&mut self.moment);
        self
    }
    /// The message arrives.
    pub async fn when(self, message: H::Message) -> Then<H::Error> {
        let tenant = TenantId::new(&self.moment.tenant).unwrap_or_else(|e| panic!("{e}"));
        let cx = Context::new(self.moment, tenant, self.ports);
        let outcome = self.handler.handle(message, &cx).await;
        Then {
            outcome,
            blobs: self.blobs,
        }
    }
}

/// What came of it.
pub struct Then<E> {
    /// As the handler said it.
    pub outcome: Result<Emits, E>,
    blobs: Arc<OneTenantsBlobs>,
}
impl<E: Failure + Debug> Then<E> {
    /// It says exactly this, in this order.
    #[track_caller]
    pub fn emits(self, wanted: Emits) -> Self {
        match &self.outcome {
            Ok(got) => assert!(got.same(&wanted), "\n  said {got:#?}\nwanted {wanted:#?}"),
            Err(e) => panic!("failed: {e}"),
        }
        self
    }
    /// It fails so that this is the verdict.
    #[track_caller]
    pub fn fails(self, verdict: Verdict) {
        match self.outcome {
            Ok(got) => panic!("did not fail: {got:#?}"),
            Err(e) => assert_eq!(e.verdict(), verdict, "{e}"),
        }
    }
    /// The content of a blob that it left.
    pub fn blob(&self, id: &str) -> Option<Vec<u8>> {
        self.blobs.lock().0.get(id).cloned()
    }
}

/// Blobs of a single tenant, in memory; unreachable if the flag is set.
#[derive(Default)]
struct OneTenantsBlobs(Mutex<(BTreeMap<String, Vec<u8>>, bool)>);
impl OneTenantsBlobs {
    fn lock(&self) -> std::sync::MutexGuard<'_, (BTreeMap<String, Vec<u8>>, bool)> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
    fn reachable(&self) -> Result<(), BlobError> {
        let down = PortError::Unreachable {
            port: "blobs",
            why: "the test says so".into(),
        };
        if self.lock().1 {
            Err(down.into())
        } else {
            Ok(())
        }
    }
}
impl Blobs for OneTenantsBlobs {
    fn put<'a>(
        &'a self,
        _: &'a TenantId,
        id: &'a str,
        mut content: Content,
        _: u64,
    ) -> BoxFuture<'a, Result<BlobRef, BlobError>> {
        Box::pin(async move {
            self.reachable()?;
            let mut bytes = vec![];
            while let Some(chunk) = content.next().await {
                bytes.extend_from_slice(&chunk?);
            }
            let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            self.lock().0.insert(id.to_owned(), bytes);
            Ok(BlobRef {
                id: id.to_owned(),
                size,
                sha256: String::new(),
            })
        })
    }
    fn get<'a>(
        &'a self,
        _: &'a TenantId,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Content, BlobError>> {
        Box::pin(async move {
            self.reachable()?;
            let found = self.lock().0.get(id).cloned();
            let bytes = found.ok_or_else(|| BlobError::Missing(id.to_owned()))?;
            Ok(futures::stream::iter([Ok(Bytes::from(bytes))]).boxed())
        })
    }
    fn delete<'a>(&'a self, _: &'a TenantId, id: &'a str) -> BoxFuture<'a, Result<(), BlobError>> {
        Box::pin(async move {
            self.reachable()?;
            self.lock().0.remove(id);
            Ok(())
        })
    }
    fn list<'a>(
        &'a self,
        _: &'a TenantId,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, BlobError>> {
        Box::pin(async move {
            self.reachable()?;
            let held = self.lock();
            let ids = held
                .0
                .keys()
                .filter(|id| id.starts_with(prefix) && id.as_str() > after);
            Ok(ids.take(limit).cloned().collect())
        })
    }
}
