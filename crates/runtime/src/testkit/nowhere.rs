//! Ports that are not there, and a clock that stands still.
use crate::ports::clock::Clock;
use crate::ports::log::{Joining, Log, Member, Message, Outgoing, Position};
use crate::ports::schemas::SchemaRegistry;
use crate::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
use crate::ports::state::{Due, Row, Save, Saved, State};
use crate::{BoxFuture, PortError};
use events::TenantId;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A clock that moves only when told to; its randomness is all zeros, its blocking work inline.
#[derive(Default)]
pub struct StillClock(AtomicI64);
impl StillClock {
    /// Puts the hands, in milliseconds since 1970.
    pub fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::Relaxed);
    }
}
impl Clock for StillClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
    fn random(&self) -> [u8; 32] {
        [0; 32]
    }
    fn inline(&self) -> bool {
        true
    }
}

/// Every port; none of them answers.
pub struct Nowhere;
fn no<'a, T: Send + 'a>(port: &'static str) -> BoxFuture<'a, Result<T, PortError>> {
    Box::pin(async move {
        Err(PortError::Unreachable {
            port,
            why: "it is nowhere".into(),
        })
    })
}
impl Log for Nowhere {
    fn partitions(&self, _: &str) -> Option<i32> {
        Some(1)
    }
    fn max_message_bytes(&self, _: &str) -> usize {
        1 << 20
    }
    fn append(&self, _: Vec<Outgoing>) -> BoxFuture<'_, Result<Vec<Position>, PortError>> {
        no("log")
    }
    fn join(&self, _: Joining) -> BoxFuture<'_, Result<Arc<dyn Member>, PortError>> {
        no("log")
    }
    fn read<'a>(
        &'a self,
        _: &'a str,
        _: i32,
        _: i64,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, PortError>> {
        no("log")
    }
    fn end<'a>(&'a self, _: &'a str, _: i32) -> BoxFuture<'a, Result<i64, PortError>> {
        no("log")
    }
    fn grown<'a>(&'a self, _: &'a str, _: i32, _: i64) -> BoxFuture<'a, Result<(), PortError>> {
        no("log")
    }
}
impl State for Nowhere {
    fn load<'a>(
        &'a self,
        _: &'a str,
        _: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Option<Row>>, PortError>> {
        no("state")
    }
    fn save(&self, _: Vec<Save>) -> BoxFuture<'_, Result<Vec<Saved>, PortError>> {
        no("state")
    }
    fn scan<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a str,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, PortError>> {
        no("state")
    }
    fn due<'a>(
        &'a self,
        _: &'a str,
        _: i32,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Due>, PortError>> {
        no("state")
    }
    fn sweep<'a>(
        &'a self,
        _: &'a str,
        _: i64,
        _: usize,
    ) -> BoxFuture<'a, Result<usize, PortError>> {
        no("state")
    }
}
impl Search for Nowhere {
    fn stage<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a Revision,
        _: Vec<IndexedPassage>,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        no("search")
    }
    fn publish<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a Revision,
        _: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        no("search")
    }
    fn retire<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        no("search")
    }
    fn count<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Counts, PortError>> {
        no("search")
    }
    fn count_chatbot<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
    ) -> BoxFuture<'a, Result<u64, PortError>> {
        no("search")
    }
    fn query<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a Query,
    ) -> BoxFuture<'a, Result<Vec<Hit>, PortError>> {
        no("search")
    }
    fn sweep(&self, _: i64, _: usize) -> BoxFuture<'_, Result<usize, PortError>> {
        no("search")
    }
}
impl SchemaRegistry for Nowhere {
    fn id_of<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<u32, PortError>> {
        no("schemas")
    }
    fn text_of(&self, _: u32) -> BoxFuture<'_, Result<Option<String>, PortError>> {
        no("schemas")
    }
}
