//! From what a worker gives back to messages on the log: ids, headers, sealing, checks (I2, G1, K4).
use crate::PortError;
use crate::context::Ports;
use crate::emits::{AnyRecord, Emits, Out, Sealing, To};
use crate::moment::Moment;
use crate::ports::log::Outgoing;
use crate::trace;
use events::envelope::name;
use events::outside::{OutsideRequest, spring};
use events::{Addressed, Headers, Key, ReplyAddress, ReplyStatus, TenantId};

/// An event over this is refused; large content is a blob (G2). In bytes of key, headers and payload.
pub const MAX_EVENT: usize = 256 << 10;

/// Why something cannot be said. It is the message's own verdict, not its batch's (K4).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmissionError {
    /// A topic that does not exist, or that this consumer does not write.
    #[error("{consumer} does not write {record} to {topic}")]
    NotDeclared {
        /// Who emits.
        consumer: String,
        /// The record's name.
        record: &'static str,
        /// Where to.
        topic: String,
    },
    /// Not a key, another partition than there is, or too large.
    #[error("{record} to {topic}: {why}")]
    Invalid {
        /// The record's name.
        record: &'static str,
        /// Where to.
        topic: String,
        /// What is wrong with it.
        why: String,
    },
    /// A port could not be asked: nobody's fault.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Turns records into messages.
pub struct Emitter<'a> {
    ports: &'a Ports,
}

/// What a message's headers say besides what follows from its cause.
#[derive(Default)]
struct Saying<'a> {
    reply_to: Option<&'a ReplyAddress>,
    request: Option<&'a str>,
    status: Option<ReplyStatus>,
    idempotency_key: Option<&'a str>,
    deadline_ms: Option<i64>,
    undoes: Option<&'a str>,
    /// It answers this request of an outsider.
    outside: Option<&'a OutsideRequest>,
}

/// What an outsider called its request, if one asked.
fn outside(to: &ReplyAddress) -> Option<OutsideRequest> {
    let carried = to.from_outside.then_some(to.request.as_str());
    carried.and_then(OutsideRequest::read)
}

impl<'a> Emitter<'a> {
    /// On these ports.
    pub fn new(ports: &'a Ports) -> Self {
        Self { ports }
    }

    /// All that a message emits. `input` is the consumer's own input, where answers come back to;
    /// `declared` says of a topic and a record whether it may write it there.
    ///
    /// # Errors
    /// See [`EmissionError`].
    pub async fn all(
        &self,
        at: &Moment,
        input: &str,
        declared: &(dyn Fn(&'static str, &'static str) -> bool + Sync),
        emits: &Emits,
    ) -> Result<Vec<Outgoing>, EmissionError> {
        let mut outgoing = Vec::with_capacity(emits.0.len());
        for (index, out) in emits.0.iter().enumerate() {
            outgoing.extend(
                self.one(at, input, declared, out, &index.to_string())
                    .await?,
            );
        }
        Ok(outgoing)
    }

    async fn one(
        &self,
        at: &Moment,
        input: &str,
        declared: &(dyn Fn(&'static str, &'static str) -> bool + Sync),
        out: &Out,
        part: &str,
    ) -> Result<Option<Outgoing>, EmissionError> {
        let to = match &out.to {
            To::Topic(topic, id) | To::Onward(topic, id) => {
                if !declared(topic, out.body.name()) {
                    return Err(EmissionError::NotDeclared {
                        consumer: at.consumer.to_string(),
                        record: out.body.name(),
                        topic: (*topic).to_owned(),
                    });
                }
                let inherited = at
                    .idempotency_key_given
                    .then_some(at.idempotency_key.as_str());
                let answer_here = ReplyAddress {
                    topic: input.to_owned(),
                    key: format!("{}/{}", at.tenant, at.id),
                    partition: None,
                    request: String::new(),
                    from_outside: false,
                };
                let mut saying = Saying {
                    reply_to: out.request.is_some().then_some(&answer_here),
                    request: out.request.as_deref(),
                    idempotency_key: out.idempotency_key.as_deref().or(inherited),
                    deadline_ms: out.deadline_ms,
                    undoes: out.undoes.as_deref(),
                    ..Saying::default()
                };
                if matches!(out.to, To::Onward(..)) {
                    saying.reply_to = at.reply_to.as_ref();
                    saying.request = saying.reply_to.map(|to| to.request.as_str());
                    saying.deadline_ms = at.deadline_ms;
                }
                let key = self.key(at, topic, id, &*out.body)?;
                return self
                    .message(at, topic, key, None, &*out.body, part, &saying)
                    .await
                    .map(Some);
            }
            To::Sender(status) => at.reply_to.as_ref().map(|to| (to, *status)),
            To::Asker(to, status) => Some((to, *status)),
        };
        let Some((to, status)) = to else {
            return Ok(None);
        };
        // Spring takes the first reply for the answer.
        if status == ReplyStatus::Progress && outside(to).is_some_and(|to| to.spring.is_some()) {
            return Ok(None);
        }
        self.reply(at, to, status, &*out.body, part).await.map(Some)
    }

    fn key(
        &self,
        at: &Moment,
        topic: &str,
        id: &str,
        body: &dyn AnyRecord,
    ) -> Result<String, EmissionError> {
        let invalid = |why: String| EmissionError::Invalid {
            record: body.name(),
            topic: topic.to_owned(),
            why,
        };
        let tenant = TenantId::new(&at.tenant).map_err(|e| invalid(e.to_string()))?;
        Ok(Key::of(&tenant, id)
            .map_err(|e| invalid(e.to_string()))?
            .as_str()
            .to_owned())
    }

    /// An answer to whoever asked.
    ///
    /// # Errors
    /// See [`EmissionError`].
    pub async fn reply(
        &self,
        at: &Moment,
        to: &ReplyAddress,
        status: ReplyStatus,
        body: &dyn AnyRecord,
        part: &str,
    ) -> Result<Outgoing, EmissionError> {
        let outside = outside(to);
        let request = match &outside {
            Some(outside) => outside.request(),
            None => Some(to.request.clone()),
        };
        let saying = Saying {
            request: request.as_deref(),
            status: Some(status),
            outside: outside.as_ref(),
            ..Saying::default()
        };
        let key = if to.key.is_empty() {
            format!("{}/{}", at.tenant, at.id)
        } else {
            to.key.clone()
        };
        self.message(at, &to.topic, key, to.partition, body, part, &saying)
            .await
    }

    #[allow(clippy::too_many_arguments)] // each says another thing of one message
    async fn message(
        &self,
        at: &Moment,
        topic: &str,
        key: String,
        partition: Option<i32>,
        body: &dyn AnyRecord,
        part: &str,
        saying: &Saying<'_>,
    ) -> Result<Outgoing, EmissionError> {
        let invalid = |why: String| EmissionError::Invalid {
            record: body.name(),
            topic: topic.to_owned(),
            why,
        };
        let Some(partitions) = self.ports.log.partitions(topic) else {
            return Err(invalid("there is no such topic".into()));
        };
        if partition.is_some_and(|p| !(0..partitions).contains(&p)) {
            return Err(invalid(format!("it has {partitions} partitions")));
        }
        let id = at.message.derive(&at.consumer, part);
        let span = id.as_u64_pair().0; // the first 16 digits
        let id = id.to_string();
        let mut headers = Headers::default();
        headers.set(name::SPEC_VERSION, "1.0");
        headers.set(name::ID, id.as_str());
        headers.set(name::SOURCE, format!("troupe/{}", at.consumer));
        headers.set(name::TYPE, body.name());
        headers.set(name::TIME, crate::time::rfc3339(at.now_ms));
        headers.set(name::SUBJECT, key.split_once('/').map_or("", |(_, id)| id));
        headers.set(name::TENANT, &*at.tenant);
        headers.set(name::CORRELATION, &*at.correlation);
        headers.set(name::CAUSATION, at.message.id.as_str());
        let parent = at.traceparent.as_deref();
        headers.set_some(
            name::TRACEPARENT,
            parent.and_then(|parent| trace::child(parent, span)),
        );
        if let Some(to) = saying.reply_to {
            headers.set(name::REPLY_TO, to.topic.as_str());
            headers.set(name::REPLY_KEY, to.key.as_str());
            headers.set_some(name::REPLY_PARTITION, to.partition.map(|p| p.to_string()));
            headers.set_some(name::ORIGIN, to.from_outside.then_some("clients"));
        }
        headers.set_some(name::REQUEST, saying.request);
        headers.set_some(name::REPLY_STATUS, saying.status.map(ReplyStatus::as_str));
        headers.set_some(name::IDEMPOTENCY_KEY, saying.idempotency_key);
        headers.set_some(name::DEADLINE, saying.deadline_ms.map(|d| d.to_string()));
        headers.set_some(name::UNDOES, saying.undoes);
        if let Some(outside) = saying.outside {
            headers.set(name::COMMAND, outside.command.as_str());
            headers.set_some(spring::CORRELATION, outside.spring.as_deref());
        }

        let subject = body.subject_key().filter(|_| saying.outside.is_none());
        headers.set_some(name::SUBJECT_KEY, subject.as_deref());
        let datum = match &subject {
            None if saying.outside.is_some() => body.encode_for_outside(),
            None => body.encode(None),
            Some(subject) => {
                let key = self.ports.keys.sealing(&at.tenant, subject).await?;
                let sealing = Sealing {
                    key: key.as_ref(),
                    tenant: &at.tenant,
                    subject,
                    message: &id,
                };
                body.encode(Some(&sealing))
            }
        };
        let datum = datum.map_err(|e| invalid(e.to_string()))?;
        let payload = self
            .ports
            .schemas
            .frame(body.name(), &datum)
            .map_err(|e| invalid(e.to_string()))?;
        let size = key.len() + headers.size() + payload.len();
        let limit = self.ports.log.max_message_bytes(topic).min(MAX_EVENT);
        if size > limit {
            return Err(invalid(format!(
                "{size} bytes, and {limit} are allowed (G2)"
            )));
        }
        Ok(Outgoing {
            topic: topic.into(),
            partition,
            key: key.into_bytes().into(),
            headers,
            payload: payload.into(),
        })
    }

    /// A message of the machine itself to a consumer's own input, under the key of `at`.
    ///
    /// # Errors
    /// See [`EmissionError`].
    pub async fn own(
        &self,
        at: &Moment,
        topic: &str,
        body: &dyn AnyRecord,
        part: &str,
    ) -> Result<Outgoing, EmissionError> {
        let key = self.key(at, topic, &at.id, body)?;
        self.message(at, topic, key, None, body, part, &Saying::default())
            .await
    }

    /// Appends at once, outside any transaction: deltas (H3).
    ///
    /// # Errors
    /// If a port cannot be asked, or the record cannot be said.
    pub async fn say<A: Addressed>(&self, at: &Moment, record: A) -> Result<(), PortError> {
        let said = async {
            let key = self.key(at, A::TOPIC, record.id(), &record)?;
            self.message(at, A::TOPIC, key, None, &record, "said", &Saying::default())
                .await
        };
        match said.await {
            Ok(outgoing) => self.ports.log.append(vec![outgoing]).await.map(|_| ()),
            Err(EmissionError::Port(e)) => Err(e),
            Err(e) => Err(PortError::Corrupt {
                port: "log",
                why: e.to_string(),
            }),
        }
    }

    /// A command from the edge: with its own id, and where the answer goes.
    ///
    /// # Errors
    /// See [`EmissionError`].
    pub async fn command<A: Addressed>(
        &self,
        at: &Moment,
        record: &A,
        reply_to: &ReplyAddress,
        deadline_ms: i64,
    ) -> Result<Outgoing, EmissionError> {
        let key = self.key(at, A::TOPIC, record.id(), record)?;
        let saying = Saying {
            reply_to: Some(reply_to),
            request: Some(&reply_to.request),
            deadline_ms: Some(deadline_ms),
            ..Saying::default()
        };
        let mut outgoing = self
            .message(at, A::TOPIC, key, None, record, "command", &saying)
            .await?;
        // The command is the beginning: its id is the request's own (H2), and nothing caused it.
        outgoing.headers.set(name::ID, at.message.id.as_str());
        outgoing
            .headers
            .set(name::SOURCE, at.message.source.as_str());
        outgoing.headers.0.retain(|(n, _)| n != name::CAUSATION);
        Ok(outgoing)
    }
}
