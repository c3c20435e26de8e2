//! What a decision may know besides its state and message: whose it is, when, and who asked.
use events::{MessageId, ReplyAddress, ReplyStatus};
use std::sync::Arc;

/// The circumstances of one message. Pure: the same on every repeat but for `now_ms` and `attempt`.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Whose message it is.
    pub tenant: Arc<str>,
    /// The id part of the message's key: for an entity, its own id.
    pub id: Arc<str>,
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// The consumer's name.
    pub consumer: Arc<str>,
    /// Who the message is (I1).
    pub message: MessageId,
    /// The same in all that one request caused.
    pub correlation: Arc<str>,
    /// The W3C trace that the message belongs to, if any; what it causes belongs to it too.
    pub traceparent: Option<Arc<str>>,
    /// Where an answer goes, if one was asked for.
    pub reply_to: Option<ReplyAddress>,
    /// If the message is an answer: what it is.
    pub reply_status: Option<ReplyStatus>,
    /// If the message is an answer: the request that it answers, as it was called in `ask`.
    pub request: Option<String>,
    /// Names the effect; the same on every attempt, try and redrive (O1).
    pub idempotency_key: String,
    /// Whether the message itself carried an idempotency key, which what it causes inherits.
    pub idempotency_key_given: bool,
    /// After this no attempt may begin (E6), in milliseconds since 1970.
    pub deadline_ms: Option<i64>,
    /// From 0: attempts at this message that failed before.
    pub attempt: u32,
}

impl Moment {
    /// A new id for something that this message brings into being: the same on every repeat. `name` tells
    /// apart the ids made for one message.
    pub fn new_id(&self, name: &str) -> String {
        self.message
            .derive(&self.consumer, &format!("id:{name}"))
            .to_string()
    }
    /// Nothing known yet; for the machine's own messages.
    pub(crate) fn blank() -> Self {
        Self {
            tenant: "".into(),
            id: "".into(),
            consumer: "".into(),
            ..Self::for_tests("")
        }
    }
    /// A moment for tests: tenant `acme`, entity `id`, time 0.
    pub fn for_tests(id: &str) -> Self {
        let message = MessageId {
            tenant: "acme".into(),
            source: "test".into(),
            id: "m1".into(),
        };
        Self {
            tenant: "acme".into(),
            id: id.into(),
            now_ms: 0,
            consumer: "test".into(),
            message,
            correlation: "c1".into(),
            traceparent: None,
            reply_to: None,
            reply_status: None,
            request: None,
            idempotency_key: "m1".into(),
            idempotency_key_given: false,
            deadline_ms: None,
            attempt: 0,
        }
    }
}
