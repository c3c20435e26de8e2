//! Consumers: what a worker registers. One input topic, one group, one behaviour.
use crate::entity::{Decision, Entity};
use crate::handler::Handler;
use crate::inbox::{Inbox, Incoming, Table};
use crate::ports::log::{Message, Outgoing};
use crate::view::View;
use crate::{BoxFuture, Context, Emits, Failure, Moment, Refusal, Verdict};
use events::Addressed;
use events::record::Undecodable;
use serde_json::value::RawValue;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An entity's or view's state, its type forgotten.
pub type AnyState = Arc<dyn Any + Send + Sync>;

/// What became of one message in a handler.
pub enum Handled {
    /// It went well.
    Done(Emits),
    /// It did not: the verdict, and what the error said.
    Failed(Verdict, String),
    /// The bytes are not what they should be.
    Undecodable(String),
}

/// A handler, its types forgotten.
pub trait EffectStep: Send + Sync {
    /// Runs it on one message.
    fn run<'a>(&'a self, incoming: &'a Incoming<'a>, cx: &'a Context) -> BoxFuture<'a, Handled>;
}

/// What an entity decided, its types forgotten.
pub enum Decided {
    /// The new state, if it changed, and the rest of the decision.
    Done(Decision<AnyState>),
    /// It refused: code and message.
    Refused(&'static str, String),
    /// The bytes are not what they should be.
    Undecodable(String),
}

/// An entity, its types forgotten.
pub trait EntityStep: Send + Sync {
    /// State from its row; the default without one.
    ///
    /// # Errors
    /// What serde says of a row that this version cannot read.
    fn load(&self, stored: Option<&RawValue>) -> Result<AnyState, String>;
    /// State for its row.
    ///
    /// # Errors
    /// What serde says of a state that cannot be written (a personal field left clear, say).
    fn store(&self, state: &AnyState) -> Result<Box<RawValue>, String>;
    /// Decides on one message.
    fn decide(&self, state: &AnyState, incoming: &Incoming<'_>, at: &Moment) -> Decided;
}

/// What a route does with one message.
pub enum Routed {
    /// Passes it on.
    On(Emits),
    /// It cannot be passed on: a dead letter with this code, and why.
    Unroutable(&'static str, String),
    /// The bytes are not what they should be.
    Undecodable(String),
}

/// A route, its types forgotten.
pub trait RouteStep: Send + Sync {
    /// Where the message goes.
    fn route(&self, incoming: &Incoming<'_>, at: &Moment) -> Routed;
}

/// A view, its types forgotten.
pub trait ViewStep: Send + Sync {
    /// The view key of a message, `[a-z0-9-]+`: messages of one view key are built in one after the other.
    ///
    /// # Errors
    /// [`Undecodable`].
    fn key(&self, incoming: &Incoming<'_>, at: &Moment) -> Result<String, Undecodable>;
    /// A row from its body.
    ///
    /// # Errors
    /// What serde says.
    fn load(&self, stored: Option<&RawValue>) -> Result<AnyState, String>;
    /// A row for its body, and when it expires.
    ///
    /// # Errors
    /// What serde says.
    fn store(&self, row: &AnyState) -> Result<(Box<RawValue>, Option<i64>), String>;
    /// Builds a message into its row.
    ///
    /// # Errors
    /// [`Undecodable`].
    fn apply(
        &self,
        row: &AnyState,
        incoming: &Incoming<'_>,
        at: &Moment,
    ) -> Result<AnyState, Undecodable>;
}

/// A stage over bytes as they are: for mirrors and measurements, where nothing of a message is ours.
pub trait BytesStep: Send + Sync {
    /// What is to be appended for one message.
    ///
    /// # Errors
    /// Why it could not be handled: it is tried again, and becomes a dead letter after its attempts.
    fn run<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Vec<Outgoing>, String>>;
}

/// What a consumer does with its messages.
#[derive(Clone)]
pub enum Behaviour {
    /// Copies or changes bytes: no tenant, no schema, no envelope. Messages without a key have no order.
    Bytes(Arc<dyn BytesStep>),
    /// Passes them on; at an inbox it is the border too (I3).
    Route(Arc<dyn RouteStep>),
    /// Handlers, by the record they take.
    Handlers(BTreeMap<&'static str, Arc<dyn EffectStep>>),
    /// Decides on a row.
    Entity(Arc<dyn EntityStep>),
    /// Builds rows.
    View(Arc<dyn ViewStep>),
}

/// An event or command that a consumer may emit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Emitted {
    /// Its topic.
    pub topic: &'static str,
    /// The record's full name.
    pub record: &'static str,
}

/// One input topic, one group, one behaviour. Its name, its options and what it may emit stand in topics.yaml.
#[derive(Clone)]
pub struct Consumer {
    /// `<context>.<what>`, as in topics.yaml.
    pub name: &'static str,
    /// What it does.
    pub behaviour: Behaviour,
    /// The records that it takes; `*` for any.
    pub records: Vec<&'static str>,
    /// The events and commands that it may emit; answers are not among them.
    pub emits: Vec<Emitted>,
}

impl Consumer {
    /// A stage over bytes as they are.
    pub fn bytes(name: &'static str, step: impl BytesStep + 'static) -> Self {
        Self {
            name,
            behaviour: Behaviour::Bytes(Arc::new(step)),
            records: vec!["*"],
            emits: vec![],
        }
    }
    /// Passes events on to the entity they concern; at an inbox, the border check goes before (I3).
    pub fn route<M: Inbox>(name: &'static str, route: fn(M, &Moment) -> Emits) -> Self {
        Self::fallible_route(name, move |message, at| Ok(route(message, at)))
    }
    /// A route that may find a message unroutable: the code of its dead letter, and why.
    pub fn fallible_route<M: Inbox>(
        name: &'static str,
        route: impl Fn(M, &Moment) -> Result<Emits, (&'static str, String)> + Send + Sync + 'static,
    ) -> Self {
        let table = Table::<M>::new();
        let records = table.records();
        Self {
            name,
            behaviour: Behaviour::Route(Arc::new(Routing { table, route })),
            records,
            emits: vec![],
        }
    }
    /// An entity kind or a saga.
    pub fn entity<E: Entity>(name: &'static str) -> Self {
        let table = Table::<E::Message>::new();
        let records = table.records();
        Self {
            name,
            behaviour: Behaviour::Entity(Arc::new(Deciding::<E> { table })),
            records,
            emits: vec![],
        }
    }
    /// A view.
    pub fn view<V: View>(name: &'static str, view: V) -> Self {
        let table = Table::<V::Event>::new();
        let records = table.records();
        Self {
            name,
            behaviour: Behaviour::View(Arc::new(Viewing { table, view })),
            records,
            emits: vec![],
        }
    }
    /// A context's handlers, none yet.
    pub fn handlers(name: &'static str) -> Self {
        Self {
            name,
            behaviour: Behaviour::Handlers(BTreeMap::new()),
            records: vec![],
            emits: vec![],
        }
    }
    /// It may emit this event or command. Answers need no word: they go where they were asked from. Who says nothing
    /// of what it emits may emit whatever topics.yaml lets it write.
    pub fn emits<A: Addressed>(mut self) -> Self {
        self.emits.push(Emitted {
            topic: A::TOPIC,
            record: A::NAME,
        });
        self
    }
    /// One more handler.
    ///
    /// # Panics
    /// If another handler takes one of its records, or this is no consumer of handlers: a fault of wiring,
    /// found at start.
    pub fn handler<H: Handler>(mut self, handler: H) -> Self {
        let Behaviour::Handlers(steps) = &mut self.behaviour else {
            panic!("{} is not a consumer of handlers", self.name)
        };
        let table = Table::<H::Message>::new();
        let records = table.records();
        let step = Arc::new(Handling { table, handler });
        for record in records {
            assert!(
                steps.insert(record, step.clone()).is_none(),
                "{record} has two handlers"
            );
            self.records.push(record);
        }
        self
    }
}

struct Handling<H: Handler> {
    table: Table<H::Message>,
    handler: H,
}
impl<H: Handler> EffectStep for Handling<H> {
    fn run<'a>(&'a self, incoming: &'a Incoming<'a>, cx: &'a Context) -> BoxFuture<'a, Handled> {
        Box::pin(async move {
            let message = match self.table.read(incoming) {
                Ok(message) => message,
                Err(Undecodable(why)) => return Handled::Undecodable(why),
            };
            match self.handler.handle(message, cx).await {
                Ok(emits) => Handled::Done(emits),
                Err(e) => Handled::Failed(e.verdict(), e.to_string()),
            }
        })
    }
}

struct Routing<M, F> {
    table: Table<M>,
    route: F,
}
impl<M: Inbox, F> RouteStep for Routing<M, F>
where
    F: Fn(M, &Moment) -> Result<Emits, (&'static str, String)> + Send + Sync,
{
    fn route(&self, incoming: &Incoming<'_>, at: &Moment) -> Routed {
        match self.table.read(incoming) {
            Err(Undecodable(why)) => Routed::Undecodable(why),
            Ok(message) => match (self.route)(message, at) {
                Ok(emits) => Routed::On(emits),
                Err((code, why)) => Routed::Unroutable(code, why),
            },
        }
    }
}

fn state_of<T: Send + Sync + 'static>(state: &AnyState) -> &T {
    // The runtime hands a step only what the step's own `load` and `decide` made.
    state
        .downcast_ref::<T>()
        .unwrap_or_else(|| unreachable!("a step is given its own state"))
}
fn load<T: Default + serde::de::DeserializeOwned + Send + Sync + 'static>(
    stored: Option<&RawValue>,
) -> Result<AnyState, String> {
    let state: T = match stored {
        Some(raw) => serde_json::from_str(raw.get()).map_err(|e| e.to_string())?,
        None => T::default(),
    };
    Ok(Arc::new(state))
}
fn store<T: serde::Serialize + Send + Sync + 'static>(
    state: &AnyState,
) -> Result<Box<RawValue>, String> {
    serde_json::value::to_raw_value(state_of::<T>(state)).map_err(|e| e.to_string())
}

struct Deciding<E: Entity> {
    table: Table<E::Message>,
}
impl<E: Entity> EntityStep for Deciding<E> {
    fn load(&self, stored: Option<&RawValue>) -> Result<AnyState, String> {
        load::<E>(stored)
    }
    fn store(&self, state: &AnyState) -> Result<Box<RawValue>, String> {
        store::<E>(state)
    }
    fn decide(&self, state: &AnyState, incoming: &Incoming<'_>, at: &Moment) -> Decided {
        let message = match self.table.read(incoming) {
            Ok(message) => message,
            Err(Undecodable(why)) => return Decided::Undecodable(why),
        };
        match state_of::<E>(state).decide(message, at) {
            Err(refusal) => Decided::Refused(refusal.code(), refusal.to_string()),
            Ok(Decision {
                next,
                emits,
                wake,
                expires_at_ms,
            }) => {
                let next = next.map(|next| Arc::new(next) as AnyState);
                Decided::Done(Decision {
                    next,
                    emits,
                    wake,
                    expires_at_ms,
                })
            }
        }
    }
}

struct Viewing<V: View> {
    table: Table<V::Event>,
    view: V,
}
impl<V: View> ViewStep for Viewing<V> {
    fn key(&self, incoming: &Incoming<'_>, at: &Moment) -> Result<String, Undecodable> {
        Ok(self.view.key(&self.table.read(incoming)?, at))
    }
    fn load(&self, stored: Option<&RawValue>) -> Result<AnyState, String> {
        load::<V::Row>(stored)
    }
    fn store(&self, row: &AnyState) -> Result<(Box<RawValue>, Option<i64>), String> {
        Ok((
            store::<V::Row>(row)?,
            self.view.expires_at_ms(state_of::<V::Row>(row)),
        ))
    }
    fn apply(
        &self,
        row: &AnyState,
        incoming: &Incoming<'_>,
        at: &Moment,
    ) -> Result<AnyState, Undecodable> {
        let mut row = state_of::<V::Row>(row).clone();
        self.view.apply(&mut row, self.table.read(incoming)?, at);
        Ok(Arc::new(row))
    }
}
