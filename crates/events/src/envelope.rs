//! What stands in a message's headers: CloudEvents in binary mode, W3C tracing, request and reply.
use crate::MessageId;
use crate::outside::{hex, spring};
use serde::{Deserialize, Serialize};

/// The names of the headers, each once.
pub mod name {
    /// Always `1.0`.
    pub const SPEC_VERSION: &str = "ce_specversion";
    /// With source and tenant, the message's identity (I1).
    pub const ID: &str = "ce_id";
    /// Who made the id; ours are `troupe/<consumer>`.
    pub const SOURCE: &str = "ce_source";
    /// The record's full name; for people and filters. The schema id decides (A3).
    pub const TYPE: &str = "ce_type";
    /// RFC 3339, when it happened.
    pub const TIME: &str = "ce_time";
    /// The id it is about.
    pub const SUBJECT: &str = "ce_subject";
    /// The tenant; agrees with the key (I4).
    pub const TENANT: &str = "ce_tenantid";
    /// The same in all that one request caused.
    pub const CORRELATION: &str = "ce_correlationid";
    /// The id of the message that caused this one.
    pub const CAUSATION: &str = "ce_causationid";
    /// Whom its personal fields are about (G1).
    pub const SUBJECT_KEY: &str = "ce_subjectkey";
    /// W3C trace context.
    pub const TRACEPARENT: &str = "traceparent";
    /// The topic that an answer goes to.
    pub const REPLY_TO: &str = "reply-to";
    /// The partition that an answer goes to, in decimal.
    pub const REPLY_PARTITION: &str = "reply-partition";
    /// The key that an answer goes under.
    pub const REPLY_KEY: &str = "reply-key";
    /// Names the request in its answer: who asked chooses it, and gets it back.
    pub const REQUEST: &str = "correlation-id";
    /// Names the effect, the same on every try (O1).
    pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
    /// Milliseconds since 1970 after which no attempt may begin (E6).
    pub const DEADLINE: &str = "deadline";
    /// In an undo: the idempotency key of what it undoes (S4).
    pub const UNDOES: &str = "undoes";
    /// `done`, `refused`, `failed` or `progress`: marks an answer.
    pub const REPLY_STATUS: &str = "reply-status";
    /// The dead letter this message was, by its place: `<topic>/<partition>/<offset>` (D4).
    pub const REDRIVEN: &str = "redriven";
    /// `clients` where an answer was asked for from outside (K4).
    pub const ORIGIN: &str = "origin";
    /// In an answer to an outsider: names its command, for a copy of it that comes later (I3).
    pub const COMMAND: &str = "command";
}

/// Headers as they are on the log: in order, names may repeat; the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers(pub Vec<(String, Vec<u8>)>);

impl Headers {
    /// The raw bytes of `name`.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_slice())
    }
    /// `name` as text; none if it is absent or not UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|v| std::str::from_utf8(v).ok())
    }
    /// Sets `name`, in place of what it was.
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.retain(|(n, _)| n != name);
        self.0.push((name.to_owned(), value.into()));
    }
    /// Sets `name` if there is a value.
    pub fn set_some(&mut self, name: &str, value: Option<impl Into<Vec<u8>>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }
    /// Bytes of names and values together.
    pub fn size(&self) -> usize {
        self.0.iter().map(|(n, v)| n.len() + v.len()).sum()
    }
}

/// Where an answer goes. An entity that answers later keeps it in its state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReplyAddress {
    /// A topic that may be named so (K4).
    pub topic: String,
    /// The answer's key.
    pub key: String,
    /// The answer's partition; by the key if absent.
    pub partition: Option<i32>,
    /// What who asked calls the request.
    pub request: String,
    /// Whether the asking came from outside, so that only topics for clients may be named.
    #[serde(default)]
    pub from_outside: bool,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplyStatus {
    /// The command's own record follows.
    Done,
    /// [`crate::reply::Refused`].
    Refused,
    /// [`crate::reply::Failed`].
    Failed,
    /// [`crate::reply::Progress`]; the final answer comes later.
    Progress,
}
impl ReplyStatus {
    /// As it stands in the header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Progress => "progress",
        }
    }
    /// From the header.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Done, Self::Refused, Self::Failed, Self::Progress]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// The headers, understood. What is absent is `None`; nothing here fails: the border decides what must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// `ce_id`.
    pub id: Option<String>,
    /// `ce_source`.
    pub source: Option<String>,
    /// `ce_tenantid`.
    pub tenant: Option<String>,
    /// `ce_time` as it stands.
    pub time: Option<String>,
    /// `ce_subject`.
    pub subject: Option<String>,
    /// `ce_correlationid`.
    pub correlation: Option<String>,
    /// `ce_causationid`.
    pub causation: Option<String>,
    /// `ce_subjectkey`.
    pub subject_key: Option<String>,
    /// `traceparent`.
    pub traceparent: Option<String>,
    /// Where an answer goes, if one is asked for.
    pub reply_to: Option<ReplyAddress>,
    /// In an answer: which request it answers.
    pub request: Option<String>,
    /// In an answer: what it is.
    pub reply_status: Option<ReplyStatus>,
    /// `idempotency-key`.
    pub idempotency_key: Option<String>,
    /// `deadline`, in milliseconds since 1970.
    pub deadline_ms: Option<i64>,
    /// The dead letter this message was.
    pub redriven: Option<String>,
    /// In an undo: the idempotency key of what it undoes.
    pub undoes: Option<String>,
    /// In an answer to an outsider: which command it answers.
    pub command: Option<String>,
}

impl Envelope {
    /// Reads the headers that Troupe knows, with the ones of Spring's `ReplyingKafkaTemplate`
    /// (`kafka_replyTopic`, `kafka_replyPartition` as 4 bytes big-endian, `kafka_correlationId`).
    pub fn read(headers: &Headers) -> Self {
        let text = |name: &str| headers.text(name).map(str::to_owned);
        let request = text(name::REQUEST).or_else(|| headers.get(spring::CORRELATION).map(hex));
        let topic = text(name::REPLY_TO).or_else(|| text(spring::REPLY_TOPIC));
        let partition = headers
            .text(name::REPLY_PARTITION)
            .and_then(|p| p.parse().ok())
            .or_else(|| {
                let bytes = headers.get(spring::REPLY_PARTITION)?;
                Some(i32::from_be_bytes(bytes.try_into().ok()?))
            });
        let reply_status = headers
            .text(name::REPLY_STATUS)
            .and_then(ReplyStatus::parse);
        Self {
            reply_to: topic.map(|topic| ReplyAddress {
                topic,
                key: text(name::REPLY_KEY).unwrap_or_default(),
                partition,
                request: request.clone().unwrap_or_default(),
                from_outside: headers.text(name::ORIGIN) == Some("clients"),
            }),
            id: text(name::ID),
            source: text(name::SOURCE),
            tenant: text(name::TENANT),
            time: text(name::TIME),
            subject: text(name::SUBJECT),
            correlation: text(name::CORRELATION),
            causation: text(name::CAUSATION),
            subject_key: text(name::SUBJECT_KEY),
            traceparent: text(name::TRACEPARENT),
            request,
            reply_status,
            idempotency_key: text(name::IDEMPOTENCY_KEY),
            deadline_ms: headers.text(name::DEADLINE).and_then(|d| d.parse().ok()),
            redriven: text(name::REDRIVEN),
            undoes: text(name::UNDOES),
            command: text(name::COMMAND),
        }
    }

    /// Who the message is (I1), if it says so.
    pub fn identity(&self) -> Option<MessageId> {
        Some(MessageId {
            tenant: self.tenant.clone()?,
            source: self.source.clone()?,
            id: self.id.clone()?,
        })
    }
}
