//! A chatbot that knows two passages, and a model that writes what it is told to.
mod answering;
mod refusing;
mod streaming;

use crate::AnswerError;
use crate::ports::{Models, Pieces, Written};
use crate::prompt::Prompt;
use crate::settings::{NAME, SettingsRow};
use crate::write_answer::WriteAnswer;
use events::answers::{AnswerDelta, AnswerWritten, Usage};
use events::chatbots::ChatbotState;
use events::{Envelope, Record, TenantId};
use runtime::BoxFuture;
use runtime::codec::Schemas;
use runtime::inbox::Incoming;
use runtime::keys::Keys;
use runtime::ports::providers::{Embedder, ModelError};
use runtime::ports::search::{IndexedPassage, Revision};
use runtime::ports::state::{Row, Save};
use runtime::rows::ViewRow;
use runtime::testkit::handlers::{Given, Then, given};
use runtime::testkit::sim::{Sim, SimOptions, SimProcess, SimTopic};
use std::sync::{Arc, Mutex};

/// Every text has the same vector; or none can be had.
struct Vectors {
    down: bool,
}
impl Embedder for Vectors {
    fn model(&self) -> &str {
        "test"
    }
    fn dimensions(&self) -> usize {
        2
    }
    fn similar_from(&self) -> Option<f32> {
        None
    }
    fn embed<'a>(
        &'a self,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ModelError>> {
        let vectors = if self.down {
            Err(down())
        } else {
            Ok(vec![vec![1.0, 0.0]; texts.len()])
        };
        Box::pin(std::future::ready(vectors))
    }
}
fn down() -> ModelError {
    ModelError::Unavailable {
        endpoint: "model/test".into(),
        why: "hangs".into(),
    }
}

/// What a model does in a test.
#[derive(Clone)]
enum Does {
    Writes(&'static [&'static str]),
    Fails(ModelError),
}
struct Scripted {
    does: Does,
    prompts: Mutex<Vec<Prompt>>,
}
impl Models for Scripted {
    fn answer<'a>(
        &'a self,
        prompt: &'a Prompt,
        to: &'a mut Pieces,
    ) -> BoxFuture<'a, Result<Written, ModelError>> {
        self.prompts.lock().expect("no panic").push(prompt.clone());
        Box::pin(async move {
            match &self.does {
                Does::Writes(pieces) => {
                    for piece in *pieces {
                        match piece.strip_prefix('^').map(str::parse) {
                            Some(Ok(passage)) => to.cite(passage).await,
                            _ => to.say(*piece).await,
                        }
                    }
                    let usage = Usage {
                        prompt_tokens: 7,
                        completion_tokens: 3,
                    };
                    Ok(Written {
                        model: "m".into(),
                        provider: "p".into(),
                        usage,
                    })
                }
                Does::Fails(e) => {
                    to.say("a beginning that is not to be kept ").await;
                    Err(e.clone())
                }
            }
        })
    }
}

struct World {
    sim: Sim,
    outside: SimProcess,
    schemas: Arc<Schemas>,
    keys: Arc<Keys>,
}

impl World {
    /// A chatbot `bot` in this state, that knows two passages.
    async fn with(state: ChatbotState) -> Self {
        let sim = Sim::new(1, SimOptions::calm());
        sim.topic(SimTopic::new("answers.deltas", 1));
        let outside = sim.outside("test");
        let (tenant, revision) = (TenantId::new("acme").expect("an id"), revision());
        let passages = [
            "Only red torches are allowed on the terrace. Lasers blind pilots.",
            "Dogs are welcome.",
        ];
        let indexed = passages
            .iter()
            .zip(0..)
            .map(|(text, ordinal)| IndexedPassage {
                ordinal,
                text: (*text).to_owned(),
                heading: "Rules › Light".into(),
                page: Some(4),
                vector: vec![1.0, 0.0],
            });
        outside
            .search()
            .stage(&tenant, &revision, indexed.collect())
            .await
            .expect("staged");
        outside
            .search()
            .publish(&tenant, &revision, 1)
            .await
            .expect("published");
        if state != ChatbotState::Unknown {
            let row = SettingsRow {
                version: 1,
                state,
                system_prompt: "You are Orla.".into(),
                ..SettingsRow::default()
            };
            let body = serde_json::to_vec(&ViewRow { applied: None, row }).expect("JSON");
            let row = Row {
                version: 1,
                partition: -1,
                body,
                ..Row::default()
            };
            let save = Save {
                collection: NAME.into(),
                id: "acme/bot/chatbot.changed-0".into(),
                expected: 0,
                row: Some(row),
            };
            outside.state().save(vec![save]).await.expect("saved");
        }
        let schemas = Schemas::start(outside.schemas(), &[AnswerDelta::schema()])
            .await
            .expect("started");
        let keys = Keys::new(outside.state(), outside.clock());
        Self {
            sim,
            outside,
            schemas: Arc::new(schemas),
            keys: Arc::new(keys),
        }
    }
    async fn active() -> Self {
        Self::with(ChatbotState::Active).await
    }
    async fn handler(&self, models: &Arc<Scripted>, embedder: Vectors) -> Given<WriteAnswer> {
        let handler = WriteAnswer::with(Arc::new(embedder), models.clone());
        given(handler).await.with_ports(|ports| {
            (ports.log, ports.state) = (self.outside.log(), self.outside.state());
            (ports.search, ports.schemas) = (self.outside.search(), self.schemas.clone());
            ports.keys = self.keys.clone();
        })
    }
    async fn ask(&self, does: Does, question: &str) -> Then<AnswerError> {
        self.handler(&scripted(does), Vectors { down: false })
            .await
            .when(asked(question))
            .await
    }
    /// What was streamed.
    async fn deltas(&self) -> Vec<AnswerDelta> {
        let mut deltas = vec![];
        for message in self.sim.messages("answers.deltas") {
            let envelope = Envelope::read(&message.headers);
            let datum = self.schemas.datum(&message.payload).await.expect("a datum");
            let opening = self
                .keys
                .opening("acme", envelope.subject_key.as_deref())
                .await
                .expect("a key");
            let incoming = Incoming {
                datum,
                envelope: &envelope,
                tenant: "acme",
                opening: &opening,
            };
            deltas.push(incoming.read().expect("a delta"));
        }
        deltas
    }
    async fn streamed(&self) -> String {
        let deltas = self.deltas().await;
        deltas
            .iter()
            .filter_map(|delta| delta.text.reveal().map(str::to_owned))
            .collect()
    }
}

fn revision() -> Revision {
    Revision {
        chatbot: "bot".into(),
        document: "d1".into(),
        name: "guide.pdf".into(),
        revision: "r1".into(),
    }
}
fn scripted(does: Does) -> Arc<Scripted> {
    Arc::new(Scripted {
        does,
        prompts: Mutex::default(),
    })
}
fn asked(question: &str) -> events::answers::WriteAnswer {
    events::answers::WriteAnswer {
        question: "q1".into(),
        conversation: "v1".into(),
        chatbot: "bot".into(),
        visitor: "visitor".into(),
        text: question.into(),
        turns: vec![],
    }
}
fn written(then: Then<AnswerError>) -> AnswerWritten {
    let emits = then.outcome.expect("an answer");
    let body = &*emits.0[0].body;
    (body as &dyn std::any::Any)
        .downcast_ref::<AnswerWritten>()
        .expect("AnswerWritten")
        .clone()
}
fn text(answer: &AnswerWritten) -> &str {
    answer.text.reveal().expect("clear")
}
const WRITES: Does = Does::Writes(&[
    "Only red torches are ",
    "allowed on the terrace.",
    "^0",
    " Bring one.",
]);
const QUESTION: &str = "Which torches are allowed?";
