use crate::AnswerError;
use crate::ports::{Embedder, ModelError, Models, Pieces, Written};
use crate::prompt::Prompt;
use crate::settings::{NAME, SettingsRow};
use crate::unknown;
use crate::write_answer::WriteAnswer;
use events::answers::{AnswerDelta, AnswerWritten, Role, Turn, Usage};
use events::chatbots::ChatbotState;
use events::{Envelope, Personal, Record, TenantId};
use runtime::codec::Schemas;
use runtime::inbox::Incoming;
use runtime::keys::Keys;
use runtime::ports::search::{IndexedPassage, Revision};
use runtime::ports::state::{Row, Save};
use runtime::rows::ViewRow;
use runtime::testkit::handlers::{Given, Then, given};
use runtime::testkit::sim::{Sim, SimOptions, SimProcess, SimTopic};
use runtime::{BoxFuture, Retry, Verdict, reply};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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

#[tokio::test(start_paused = true)]
async fn an_answer_cites_the_sentence_that_it_rests_on_and_says_who_wrote_it() {
    let world = World::active().await;
    let answer = written(world.ask(WRITES, QUESTION).await);
    assert_eq!(
        text(&answer),
        "Only red torches are allowed on the terrace. [1] Bring one."
    );
    assert!(answer.known);
    let [citation] = &answer.citations[..] else {
        panic!("{:?}", answer.citations)
    };
    assert_eq!(
        (citation.document.as_str(), citation.name.as_str()),
        ("d1", "guide.pdf")
    );
    assert_eq!(
        (citation.page, citation.heading.as_str()),
        (Some(4), "Rules > Light")
    );
    assert_eq!(
        citation.quote,
        Personal::from("Only red torches are allowed on the terrace.")
    );
    assert_eq!(
        (
            answer.model.as_str(),
            answer.provider.as_str(),
            answer.usage.prompt_tokens
        ),
        ("m", "p", 7)
    );
    assert_eq!((answer.attempt, answer.visitor.as_str()), (1, "visitor"));
}

#[tokio::test(start_paused = true)]
async fn what_is_streamed_is_the_answer_numbered_from_0_and_only_the_first_piece_resets() {
    let world = World::active().await;
    let answer = written(world.ask(WRITES, QUESTION).await);
    assert_eq!(world.streamed().await, text(&answer));
    let deltas = world.deltas().await;
    assert_eq!(deltas.len() as i64, answer.deltas);
    for (delta, n) in deltas.iter().zip(0..) {
        assert_eq!((delta.n, delta.reset, delta.attempt), (n, n == 0, 1));
    }
    let message = &world.sim.messages("answers.deltas")[0];
    assert!(
        !String::from_utf8_lossy(&message.payload).contains("torches"),
        "personal fields are sealed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_resets_and_carries_its_number() {
    let world = World::active().await;
    let models = scripted(WRITES);
    let given = world
        .handler(&models, Vectors { down: false })
        .await
        .at(|at| at.attempt = 1);
    let answer = written(given.when(asked(QUESTION)).await);
    assert_eq!(answer.attempt, 2);
    let first = &world.deltas().await[0];
    assert_eq!((first.attempt, first.reset), (2, true));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_relevant_is_found_no_model_is_asked_and_it_says_so() {
    let world = World::active().await;
    let models = scripted(WRITES);
    let given = world.handler(&models, Vectors { down: false }).await;
    let answer = written(
        given
            .when(asked("Does the swimming pool have a sauna?"))
            .await,
    );
    assert_eq!(text(&answer), unknown::sentence(&[]));
    assert!(!answer.known && answer.citations.is_empty() && answer.model.is_empty());
    assert!(models.prompts.lock().expect("no panic").is_empty());
    assert_eq!(world.streamed().await, text(&answer));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cites_nothing_is_not_known() {
    let world = World::active().await;
    let answer = written(
        world
            .ask(Does::Writes(&["I am afraid I do not know."]), QUESTION)
            .await,
    );
    assert_eq!(
        (text(&answer), answer.known),
        ("I am afraid I do not know.", false)
    );
    let silent = written(world.ask(Does::Writes(&[]), QUESTION).await);
    assert_eq!(
        (text(&silent), silent.known),
        (unknown::sentence(&[]), false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_is_searched_with_what_it_refers_to_and_models_get_the_turns() {
    let world = World::active().await;
    let models = scripted(WRITES);
    let given = world.handler(&models, Vectors { down: false }).await;
    let turn = |role, text: &str| Turn {
        role,
        text: text.into(),
    };
    let turns = vec![
        turn(Role::Visitor, "Are dogs allowed?"),
        turn(Role::Chatbot, "They are welcome."),
    ];
    written(
        given
            .when(events::answers::WriteAnswer {
                turns,
                ..asked("And torches?")
            })
            .await,
    );
    let prompts = models.prompts.lock().expect("no panic");
    assert_eq!(prompts[0].before.len(), 2);
    assert_eq!(prompts[0].asked.query, "And torches? dogs allowed");
    assert_eq!(prompts[0].system, "You are Orla.");
    assert!(prompts[0].passages[0].text.starts_with("Only red torches"));
}

#[tokio::test(start_paused = true)]
async fn without_vectors_it_is_searched_by_words() {
    let world = World::active().await;
    let given = world
        .handler(&scripted(WRITES), Vectors { down: true })
        .await;
    assert!(written(given.when(asked(QUESTION)).await).known);
}

#[tokio::test(start_paused = true)]
async fn only_an_active_chatbot_answers() {
    let refused = || Verdict::Refuse("answers.chatbot_not_active");
    for state in [
        ChatbotState::Paused,
        ChatbotState::Retiring,
        ChatbotState::Removed,
    ] {
        World::with(state)
            .await
            .ask(WRITES, QUESTION)
            .await
            .fails(refused());
    }
    // The view may lag behind a creation: it is waited for, twice.
    for state in [ChatbotState::Unknown, ChatbotState::Registered] {
        let world = World::with(state).await;
        world
            .ask(WRITES, QUESTION)
            .await
            .fails(Verdict::Retry(Retry::After(Duration::from_millis(150))));
        let given = world
            .handler(&scripted(WRITES), Vectors { down: false })
            .await
            .at(|at| at.attempt = 2);
        given.when(asked(QUESTION)).await.fails(refused());
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_none_is_refused() {
    let world = World::active().await;
    world
        .ask(WRITES, " \n")
        .await
        .fails(Verdict::Refuse("answers.question_empty"));
    world
        .ask(WRITES, &"x".repeat(8_001))
        .await
        .fails(Verdict::Refuse("answers.question_too_long"));
    let given = world
        .handler(&scripted(WRITES), Vectors { down: false })
        .await;
    let erased = events::answers::WriteAnswer {
        text: Personal::Erased,
        ..asked("")
    };
    given
        .when(erased)
        .await
        .fails(Verdict::Refuse("answers.question_erased"));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_has_the_verdict_of_its_failure() {
    let world = World::active().await;
    let endpoint = || "model/test".to_owned();
    let fails = |e| world.ask(Does::Fails(e), QUESTION);
    fails(down())
        .await
        .fails(Verdict::Retry(Retry::WhenUp(endpoint())));
    let wait = Duration::from_secs(7);
    fails(ModelError::Busy {
        endpoint: endpoint(),
        wait,
    })
    .await
    .fails(Verdict::Retry(Retry::After(wait)));
    let why = String::new;
    let refused = ModelError::Refused {
        endpoint: endpoint(),
        why: why(),
    };
    fails(refused)
        .await
        .fails(Verdict::DeadLetter("answers.model_refused"));
    fails(ModelError::Nonsense {
        endpoint: endpoint(),
        why: why(),
    })
    .await
    .fails(Verdict::Retry(Retry::Backoff));
}

#[tokio::test(start_paused = true)]
async fn deltas_that_cannot_be_sent_do_not_hold_back_the_answer() {
    let world = World::active().await;
    let streamed = written(world.ask(WRITES, QUESTION).await);
    let given = world
        .handler(&scripted(WRITES), Vectors { down: false })
        .await;
    let nowhere = Arc::new(runtime::testkit::nowhere::Nowhere);
    let then = given
        .with_ports(|ports| ports.log = nowhere)
        .when(asked(QUESTION))
        .await;
    let tried = then.outcome.as_ref().map(|emits| emits.0.len());
    assert_eq!(tried.expect("an answer"), 1);
    then.emits(reply(AnswerWritten {
        deltas: 1,
        ..streamed
    }));
}
