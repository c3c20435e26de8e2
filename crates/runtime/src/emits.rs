//! What a worker gives back: records, and where they go.
use events::personal::{Binding, SubjectKey, seal};
use events::record::Unencodable;
use events::reply::{Failed, Progress, Refused};
use events::{Addressed, Personal, Record, ReplyAddress, ReplyStatus};
use std::any::Any;
use std::fmt::Debug;

/// The longest message of an answer, in characters.
pub const MAX_ANSWER_MESSAGE: usize = 1_000;

/// A record whose type is forgotten.
pub trait AnyRecord: Any + Debug + Send + Sync {
    /// Whether the other is the same record with the same content.
    fn same(&self, other: &dyn AnyRecord) -> bool;
    /// Its full name.
    fn name(&self) -> &'static str;
    /// Whom its personal fields are about, if it has any.
    fn subject_key(&self) -> Option<String>;
    /// Avro bytes; personal fields are sealed first (G1).
    ///
    /// # Errors
    /// [`Unencodable`].
    fn encode(&self, sealing: Option<&Sealing<'_>>) -> Result<Vec<u8>, Unencodable>;
    /// Avro bytes for somebody outside, personal fields clear (docs/adr/0004).
    ///
    /// # Errors
    /// [`Unencodable`].
    fn encode_for_outside(&self) -> Result<Vec<u8>, Unencodable>;
}

/// What personal fields are sealed with.
pub struct Sealing<'a> {
    /// The key of whom the record is about; `None` if it was erased: the fields are then erased too.
    pub key: Option<&'a SubjectKey>,
    /// The message's tenant.
    pub tenant: &'a str,
    /// Whom it is about.
    pub subject: &'a str,
    /// The message's id.
    pub message: &'a str,
}

impl<R: Record> AnyRecord for R {
    fn same(&self, other: &dyn AnyRecord) -> bool {
        (other as &dyn Any).downcast_ref::<R>() == Some(self)
    }
    fn name(&self) -> &'static str {
        R::NAME
    }
    fn subject_key(&self) -> Option<String> {
        Record::subject_key(self)
    }
    fn encode(&self, sealing: Option<&Sealing<'_>>) -> Result<Vec<u8>, Unencodable> {
        let Some(sealing) = sealing else {
            return R::schema().encode(self);
        };
        let mut record = self.clone();
        for (field, value) in record.personal() {
            let Personal::Clear(text) = &*value else {
                continue;
            };
            let binding = Binding {
                tenant: sealing.tenant,
                subject: sealing.subject,
                field: &field,
            };
            let sealed = sealing
                .key
                .map(|key| seal(text, key, binding, sealing.message));
            *value = sealed
                .unwrap_or(Ok(Personal::Erased))
                .map_err(|e| Unencodable {
                    record: R::NAME,
                    why: e.to_string(),
                })?;
        }
        R::schema().encode(&record)
    }
    fn encode_for_outside(&self) -> Result<Vec<u8>, Unencodable> {
        let mut record = self.clone();
        for (_, value) in record.personal() {
            *value = value.for_outside();
        }
        R::schema().encode(&record)
    }
}

/// Where a record goes.
#[derive(Clone, Debug, PartialEq)]
pub enum To {
    /// A topic, under the key of this id.
    Topic(&'static str, String),
    /// The same, and whoever gets it answers who sent the message at hand, by their deadline: borders pass on so.
    Onward(&'static str, String),
    /// Whoever sent the message at hand, if they asked for an answer.
    Sender(ReplyStatus),
    /// Whoever sent an earlier message.
    Asker(ReplyAddress, ReplyStatus),
}

/// A record on its way out.
#[derive(Debug)]
pub struct Out {
    /// Where it goes.
    pub to: To,
    /// What it is.
    pub body: Box<dyn AnyRecord>,
    /// If set, the answer comes back to this entity, and carries this text.
    pub request: Option<String>,
    /// Names the effect (O1). If absent, that of the message at hand is passed on.
    pub idempotency_key: Option<String>,
    /// In milliseconds since 1970 (E6). Never on an undo.
    pub deadline_ms: Option<i64>,
    /// The idempotency key of what this command undoes (S4): it does not queue behind it.
    pub undoes: Option<String>,
}

/// What a worker gives back, in order.
#[derive(Debug, Default)]
pub struct Emits(pub Vec<Out>);

/// An event or command and nothing more.
pub fn emit<A: Addressed>(record: A) -> Emits {
    Emits::default().and(record)
}
/// The command of an outsider, passed on as it was asked: who carries it out answers the outsider.
pub fn pass_on<A: Addressed>(command: A) -> Emits {
    let to = To::Onward(A::TOPIC, command.id().to_owned());
    Emits::default().push(to, Box::new(command))
}
/// The answer `Done` and nothing more.
pub fn reply<R: Record>(record: R) -> Emits {
    Emits::default().reply(record)
}

impl Emits {
    fn push(mut self, to: To, body: Box<dyn AnyRecord>) -> Self {
        let (request, idempotency_key, deadline_ms, undoes) = (None, None, None, None);
        self.0.push(Out {
            to,
            body,
            request,
            idempotency_key,
            deadline_ms,
            undoes,
        });
        self
    }
    fn last(mut self, change: impl FnOnce(&mut Out)) -> Self {
        if let Some(out) = self.0.last_mut() {
            change(out);
        }
        self
    }
    /// One more event or command, which nobody answers.
    pub fn and<A: Addressed>(self, record: A) -> Self {
        let id = record.id().to_owned();
        self.push(To::Topic(A::TOPIC, id), Box::new(record))
    }
    /// A command whose answers come back to this entity, carrying `request`.
    pub fn ask<A: Addressed>(self, record: A, request: impl Into<String>) -> Self {
        self.and(record)
            .last(|out| out.request = Some(request.into()))
    }
    /// Names the effect of the last command: the same on every try (O1).
    pub fn keyed(self, idempotency_key: impl Into<String>) -> Self {
        self.last(|out| out.idempotency_key = Some(idempotency_key.into()))
    }
    /// After this time, in milliseconds since 1970, no attempt at the last command may begin (E6).
    pub fn by(self, deadline_ms: i64) -> Self {
        self.last(|out| out.deadline_ms = Some(deadline_ms))
    }
    /// The last command undoes what had this idempotency key, and never queues behind it (S4).
    pub fn undoing(self, idempotency_key: impl Into<String>) -> Self {
        self.last(|out| out.undoes = Some(idempotency_key.into()))
    }
    /// `Done` to whoever sent the message at hand.
    pub fn reply<R: Record>(self, record: R) -> Self {
        self.push(To::Sender(ReplyStatus::Done), Box::new(record))
    }
    /// `Progress` to whoever sent the message at hand.
    pub fn reply_progress(self, message: &str, done: i64, total: i64) -> Self {
        let message = clipped(message);
        self.push(
            To::Sender(ReplyStatus::Progress),
            Box::new(Progress {
                message,
                done,
                total,
            }),
        )
    }
    /// `Refused` to whoever sent the message at hand.
    pub fn reply_refused(self, code: &str, message: &str) -> Self {
        self.push(
            To::Sender(ReplyStatus::Refused),
            Box::new(refused(code, message)),
        )
    }
    /// `Failed` to whoever sent the message at hand.
    pub fn reply_failed(self, code: &str, message: &str, may_have_happened: bool) -> Self {
        let body = failed(code, message, may_have_happened);
        self.push(To::Sender(ReplyStatus::Failed), Box::new(body))
    }
    /// `Done` to whoever sent an earlier message.
    pub fn answer<R: Record>(self, to: ReplyAddress, record: R) -> Self {
        self.push(To::Asker(to, ReplyStatus::Done), Box::new(record))
    }
    /// `Progress` to whoever sent an earlier message.
    pub fn answer_progress(self, to: ReplyAddress, message: &str, done: i64, total: i64) -> Self {
        let body = Progress {
            message: clipped(message),
            done,
            total,
        };
        self.push(To::Asker(to, ReplyStatus::Progress), Box::new(body))
    }
    /// `Refused` to whoever sent an earlier message.
    pub fn answer_refused(self, to: ReplyAddress, code: &str, message: &str) -> Self {
        self.push(
            To::Asker(to, ReplyStatus::Refused),
            Box::new(refused(code, message)),
        )
    }
    /// `Failed` to whoever sent an earlier message.
    pub fn answer_failed(self, to: ReplyAddress, code: &str, message: &str, may: bool) -> Self {
        self.push(
            To::Asker(to, ReplyStatus::Failed),
            Box::new(failed(code, message, may)),
        )
    }
    /// All of `more`, after these.
    pub fn append(mut self, more: Emits) -> Self {
        self.0.extend(more.0);
        self
    }
    /// Whether both say the same things to the same receivers, in the same order.
    pub fn same(&self, other: &Emits) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        self.0.len() == other.0.len()
            && pairs.into_iter().all(|(a, b)| {
                a.to == b.to
                    && a.body.same(&*b.body)
                    && (&a.request, &a.idempotency_key, a.deadline_ms, &a.undoes)
                        == (&b.request, &b.idempotency_key, b.deadline_ms, &b.undoes)
            })
    }
}

/// A text cut to what an answer may hold.
pub fn clipped(message: &str) -> String {
    message.chars().take(MAX_ANSWER_MESSAGE).collect()
}
pub(crate) fn refused(code: &str, message: &str) -> Refused {
    Refused {
        code: code.to_owned(),
        message: clipped(message),
    }
}
pub(crate) fn failed(code: &str, message: &str, may_have_happened: bool) -> Failed {
    Failed {
        code: code.to_owned(),
        message: clipped(message),
        may_have_happened,
    }
}
