//! Server-sent events: an answer while it is written, an operation while it goes on. Any edge can resume them.
use crate::app::{App, stopped};
use crate::asked::Asked;
use crate::operations::Operation;
use crate::operations::row::Deltas;
use crate::operations::wait::Looks;
use crate::operations::waiters::Waiter;
use crate::tale::{Say, Tale};
use crate::tenant::Tenant;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use events::answers::AnswerDelta;
use events::{Envelope, topic};
use runtime::ports::log::Message;
use runtime::{Incoming, PortError};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// The id of the last event: whoever resumes after it is told that there is no more.
const END: &str = "end";
/// Events that wait for a slow client; then its stream waits.
const ROOM: usize = 32;
/// Deltas read at a time.
const BATCH: usize = 500;
/// When a client should come again after the edge stopped.
const COME_AGAIN: Duration = Duration::from_secs(1);

/// The client has gone.
struct Gone;
/// Why a stream ends early.
enum Broken {
    Gone,
    Port(PortError),
}
impl From<Gone> for Broken {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}
impl From<PortError> for Broken {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

/// One client's stream.
struct Stream {
    app: Arc<App>,
    tenant: Tenant,
    out: mpsc::Sender<Event>,
    /// `<tenant>/<question>`, the key of the deltas; empty if it is no question.
    question: String,
    /// Deltas up to this offset were sent before the client came again.
    seen: i64,
}

/// Streams an operation to its end: `operation` first; for a question `delta` and `reset`, for others `progress`;
/// `done` or `failed` last. `bye` means that this edge stops: come again.
pub fn stream(
    app: Arc<App>,
    tenant: Tenant,
    asked: &Asked,
    operation: Operation,
    waiter: Waiter,
) -> Response {
    if asked.last_event.as_deref() == Some(END) {
        // An EventSource comes again until it is told so.
        return StatusCode::NO_CONTENT.into_response();
    }
    let seen = asked.last_event.as_deref().and_then(|id| {
        let (partition, offset) = id.split_once('-')?;
        let same = partition.parse() == Ok(operation.row.deltas?.partition);
        offset.parse().ok().filter(|_| same)
    });
    let (out, events) = mpsc::channel(ROOM);
    let (place, keep_alive) = (
        asked.place.clone(),
        Duration::from_secs(app.config.limits.keep_alive_s.max(1)),
    );
    let question = operation
        .row
        .subject
        .question
        .as_ref()
        .map(|id| format!("{}/{id}", tenant.id()))
        .unwrap_or_default();
    let stream = Stream {
        app,
        tenant,
        out,
        question,
        seen: seen.unwrap_or(-1),
    };
    tokio::spawn(async move {
        let streams = &stream.app.observed.streams;
        streams.inc();
        stream.run(operation, waiter).await;
        streams.dec();
        drop(place);
    });
    let events = ReceiverStream::new(events).map(Ok::<_, Infallible>);
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(keep_alive))
        .into_response()
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

impl Stream {
    async fn say(&self, event: Event) -> Result<(), Gone> {
        self.out.send(event).await.map_err(|_| Gone)
    }

    async fn run(&self, operation: Operation, waiter: Waiter) {
        match self.tell(operation, waiter).await {
            Ok(()) | Err(Broken::Gone) => {}
            Err(Broken::Port(error)) => {
                tracing::warn!(%error, "a stream broke off");
                // Whether anybody hears it or not: the stream ends here.
                let _ = self.bye("something that is needed does not answer").await;
            }
        }
    }

    async fn bye(&self, why: &str) -> Result<(), Gone> {
        self.say(event("bye", &json!({"reason": why})).retry(COME_AGAIN))
            .await
    }

    async fn tell(&self, mut operation: Operation, mut waiter: Waiter) -> Result<(), Broken> {
        let app = &self.app;
        self.say(event("operation", &operation.to_json())).await?;
        let mut tale = Tale::default();
        let mut deltas = operation.row.deltas;
        let mut progress = operation.told.progress.clone();
        let mut looks = Looks::new(true);
        let mut look = looks.next();
        loop {
            if let Some(at) = &mut deltas {
                self.tell_deltas(&mut tale, at).await?;
            }
            if operation.is_final() {
                return self.tell_end(&mut tale, &operation).await;
            }
            if operation.told.progress != progress {
                progress.clone_from(&operation.told.progress);
                self.say(event("progress", &json!(progress))).await?;
            }
            tokio::select! {
                biased;
                () = self.out.closed() => return Err(Broken::Gone),
                () = stopped(&app.stopping) => return Ok(self.bye("the server is stopping").await?),
                () = waiter.changed() => {
                    let heard = app.operations.open(self.tenant.id(), waiter.heard()).await?;
                    operation.told.merge(heard);
                }
                grown = self.grown(deltas) => grown?,
                () = tokio::time::sleep_until(look) => {
                    look = looks.next();
                    operation = app.operations.load(self.tenant.id(), &operation.id).await?.unwrap_or(operation);
                }
            }
        }
    }

    async fn grown(&self, deltas: Option<Deltas>) -> Result<(), PortError> {
        match deltas {
            Some(Deltas { partition, from }) => {
                self.app
                    .ports
                    .log
                    .grown(topic::ANSWERS_DELTAS, partition, from)
                    .await
            }
            None => std::future::pending().await,
        }
    }

    /// Tells all deltas that are there.
    async fn tell_deltas(&self, tale: &mut Tale, at: &mut Deltas) -> Result<(), Broken> {
        loop {
            let log = &self.app.ports.log;
            let messages = log
                .read(topic::ANSWERS_DELTAS, at.partition, at.from, BATCH)
                .await?;
            for message in &messages {
                at.from = message.at.offset + 1;
                if let Some(delta) = self.read_delta(message).await? {
                    self.tell_delta(tale, &delta, message).await?;
                }
            }
            if messages.len() < BATCH {
                return Ok(());
            }
        }
    }

    async fn tell_delta(
        &self,
        tale: &mut Tale,
        delta: &AnswerDelta,
        message: &Message,
    ) -> Result<(), Gone> {
        let text = delta.text.reveal().unwrap_or_default();
        let says = tale.hear(delta.attempt, delta.n, delta.reset, text);
        if message.at.offset <= self.seen {
            return Ok(());
        }
        for say in says {
            let id = format!("{}-{}", message.at.partition, message.at.offset);
            let said = said(&say);
            // Whoever breaks off between a reset and its delta hears both again.
            self.say(if say == Say::Reset { said } else { said.id(id) })
                .await?;
        }
        Ok(())
    }

    /// The delta, if it is of this stream's question: the one whose key the message has.
    async fn read_delta(&self, message: &Message) -> Result<Option<AnswerDelta>, PortError> {
        if message.key != self.question.as_bytes() {
            return Ok(None);
        }
        let envelope = Envelope::read(&message.headers);
        let tenant = self.tenant.id().as_str();
        let opening = self
            .app
            .ports
            .keys
            .opening(tenant, envelope.subject_key.as_deref())
            .await?;
        let Ok(datum) = self.app.ports.schemas.datum(&message.payload).await else {
            return Ok(None);
        };
        Ok(Incoming {
            datum,
            envelope: &envelope,
            tenant,
            opening: &opening,
        }
        .read()
        .ok())
    }

    async fn tell_end(&self, tale: &mut Tale, operation: &Operation) -> Result<(), Broken> {
        if let Some(problem) = operation.problem() {
            self.say(event("failed", &problem.to_json(None)).id(END))
                .await?;
            return Ok(());
        }
        if operation.row.deltas.is_some() {
            let body = &operation.told.body;
            let attempt = body["attempt"].as_i64().unwrap_or_default();
            for say in tale.finish(attempt, body["text"].as_str().unwrap_or_default()) {
                self.say(said(&say)).await?;
            }
        }
        self.say(event("done", &operation.result()).id(END)).await?;
        Ok(())
    }
}

fn said(say: &Say) -> Event {
    match say {
        Say::Reset => event("reset", &json!({})),
        Say::More(text) => event("delta", &json!({"text": text})),
    }
}
