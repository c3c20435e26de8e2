//! Ports that break one rule each, and keep all others.
use edge::{Replies, Told};
use events::TenantId;
use events::envelope::name;
use runtime::ports::BoxFuture;
use runtime::ports::log::{Joining, Log, Member, Message, Outgoing, Position};
use runtime::ports::search::{Counts, Hit, IndexedPassage, Query, Revision, Search};
use runtime::ports::state::{Due, Row, Save, Saved, State};
use runtime::{Moment, PortError, View};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// E1: rows of one collection are kept as those of another: one entity with two inputs.
pub struct OneEntity {
    pub inner: Arc<dyn State>,
    pub second: &'static str,
    pub first: &'static str,
}
impl OneEntity {
    fn of<'a>(&'a self, collection: &'a str) -> &'a str {
        if collection == self.second {
            self.first
        } else {
            collection
        }
    }
}
impl State for OneEntity {
    fn load<'a>(
        &'a self,
        collection: &'a str,
        ids: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Option<Row>>, PortError>> {
        self.inner.load(self.of(collection), ids)
    }
    fn save(&self, mut saves: Vec<Save>) -> BoxFuture<'_, Result<Vec<Saved>, PortError>> {
        for save in &mut saves {
            save.collection = self.of(&save.collection).to_owned();
        }
        self.inner.save(saves)
    }
    fn scan<'a>(
        &'a self,
        collection: &'a str,
        prefix: &'a str,
        after: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, PortError>> {
        self.inner.scan(self.of(collection), prefix, after, limit)
    }
    fn due<'a>(
        &'a self,
        collection: &'a str,
        partition: i32,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Due>, PortError>> {
        self.inner.due(self.of(collection), partition, limit)
    }
    fn sweep<'a>(
        &'a self,
        collection: &'a str,
        now_ms: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, PortError>> {
        self.inner.sweep(self.of(collection), now_ms, limit)
    }
}

/// O2: whoever switches last has switched, whatever version they say.
pub struct VersionsIgnored {
    pub inner: Arc<dyn Search>,
    pub switches: Arc<AtomicI64>,
}
impl VersionsIgnored {
    fn next(&self) -> i64 {
        self.switches.fetch_add(1, Ordering::Relaxed) + 1
    }
}
impl Search for VersionsIgnored {
    fn stage<'a>(
        &'a self,
        tenant: &'a TenantId,
        revision: &'a Revision,
        passages: Vec<IndexedPassage>,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        self.inner.stage(tenant, revision, passages)
    }
    fn publish<'a>(
        &'a self,
        tenant: &'a TenantId,
        revision: &'a Revision,
        _: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        self.inner.publish(tenant, revision, self.next())
    }
    fn retire<'a>(
        &'a self,
        tenant: &'a TenantId,
        document: &'a str,
        _: i64,
    ) -> BoxFuture<'a, Result<bool, PortError>> {
        self.inner.retire(tenant, document, self.next())
    }
    fn count<'a>(
        &'a self,
        tenant: &'a TenantId,
        document: &'a str,
        revision: &'a str,
    ) -> BoxFuture<'a, Result<Counts, PortError>> {
        self.inner.count(tenant, document, revision)
    }
    fn count_chatbot<'a>(
        &'a self,
        tenant: &'a TenantId,
        chatbot: &'a str,
    ) -> BoxFuture<'a, Result<u64, PortError>> {
        self.inner.count_chatbot(tenant, chatbot)
    }
    fn query<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Vec<Hit>, PortError>> {
        self.inner.query(tenant, query)
    }
    fn sweep(&self, before_ms: i64, limit: usize) -> BoxFuture<'_, Result<usize, PortError>> {
        self.inner.sweep(before_ms, limit)
    }
}

/// H2: what is appended gets an id of its own each time.
pub struct FreshIds {
    pub inner: Arc<dyn Log>,
    pub appended: AtomicI64,
}
impl Log for FreshIds {
    fn partitions(&self, topic: &str) -> Option<i32> {
        self.inner.partitions(topic)
    }
    fn max_message_bytes(&self, topic: &str) -> usize {
        self.inner.max_message_bytes(topic)
    }
    fn append(
        &self,
        mut messages: Vec<Outgoing>,
    ) -> BoxFuture<'_, Result<Vec<Position>, PortError>> {
        for message in &mut messages {
            let number = self.appended.fetch_add(1, Ordering::Relaxed);
            message.headers.set(name::ID, format!("fresh-{number}"));
        }
        self.inner.append(messages)
    }
    fn join(&self, joining: Joining) -> BoxFuture<'_, Result<Arc<dyn Member>, PortError>> {
        self.inner.join(joining)
    }
    fn read<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, PortError>> {
        self.inner.read(topic, partition, offset, limit)
    }
    fn end<'a>(&'a self, topic: &'a str, partition: i32) -> BoxFuture<'a, Result<i64, PortError>> {
        self.inner.end(topic, partition)
    }
    fn grown<'a>(
        &'a self,
        topic: &'a str,
        partition: i32,
        offset: i64,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        self.inner.grown(topic, partition, offset)
    }
}

/// H1: the last final answer counts, not the first.
pub struct LastAnswerWins;
impl View for LastAnswerWins {
    type Event = <Replies as View>::Event;
    type Row = Told;
    fn key(&self, event: &Self::Event, at: &Moment) -> String {
        Replies.key(event, at)
    }
    fn apply(&self, row: &mut Told, event: Self::Event, at: &Moment) {
        row.status = None;
        Replies.apply(row, event, at);
    }
    fn merge(&self, into: &mut Told, other: Told) {
        Replies.merge(into, other);
    }
}
