//! A small business on the real engine: a border, an entity with wakes and late answers, an ordered handler,
//! two views. What a document is asked stands in its name (see [`Ask`]).
use super::outside::Outside;
use events::documents::{
    AddDocument, DeleteDocument, DocumentChanged, DocumentReady, DocumentState, DocumentUploaded,
    ParseUpload, Parsed,
};
use events::map::TopicMap;
use events::reply::{Failed, Ok as Said, Refused};
use events::system::Woke;
use events::{ReplyAddress, ReplyStatus};
use runtime::testkit::sim::SimProcess;
use runtime::{
    Arm, Consumer, Context, Decision, Emits, Entity, Failure, Handler, Inbox, Incoming, Moment,
    Refusal, Retry, Verdict, View, any, arm, emit, reply,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub const BORDER: &str = "documents.border";
pub const DOCUMENT: &str = "documents.document";
pub const EFFECTS: &str = "documents.effects";
pub const DIRECTORY: &str = "documents.directory";
pub const OPERATIONS: &str = "operations";
pub const CONSUMERS: [&str; 5] = [BORDER, DOCUMENT, EFFECTS, DIRECTORY, OPERATIONS];

/// Documents wake on the full 5 s, in milliseconds: clocks that differ ask for the same time twice.
const LATE_MS: i64 = 5_000;

/// What topics and consumers there are.
pub const MAP: &str = include_str!("map.yaml");

pub fn map() -> Arc<TopicMap> {
    Arc::new(TopicMap::parse(MAP).expect("the simulation's map keeps the rules"))
}

/// What the name of a document asks of those who work on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// It goes well.
    Plain,
    /// It happens, and seems to fail so often first.
    Flaky(u32),
    /// It takes its time.
    Slow,
    /// It never goes well, until the outside is healed.
    Poison,
    /// Every attempt fails, until the outside is healed.
    Doomed,
    /// The outside refuses.
    Refuse,
    /// The document answers by itself, later.
    Late,
    /// Its key is kept as a blob.
    Kept,
}

impl Ask {
    pub fn name(self) -> String {
        match self {
            Self::Plain => "plain".to_owned(),
            Self::Flaky(times) => format!("flaky-{times}"),
            Self::Slow => "slow".to_owned(),
            Self::Poison => "poison".to_owned(),
            Self::Doomed => "doomed".to_owned(),
            Self::Refuse => "refuse".to_owned(),
            Self::Late => "late".to_owned(),
            Self::Kept => "kept".to_owned(),
        }
    }
    pub fn of(name: &str) -> Self {
        match name {
            "slow" => Self::Slow,
            "poison" => Self::Poison,
            "doomed" => Self::Doomed,
            "refuse" => Self::Refuse,
            "late" => Self::Late,
            "kept" => Self::Kept,
            other => other
                .strip_prefix("flaky-")
                .and_then(|times| times.parse().ok())
                .map_or(Self::Plain, Self::Flaky),
        }
    }
}

/// All consumers of one process.
pub fn consumers(process: &SimProcess, outside: &Outside) -> Vec<Consumer> {
    vec![
        Consumer::route::<DocumentUploaded>(BORDER, pass_on).emits::<AddDocument>(),
        Consumer::entity::<Document>(DOCUMENT)
            .emits::<DocumentChanged>()
            .emits::<ParseUpload>(),
        Consumer::handlers(EFFECTS).handler(Parse {
            process: process.clone(),
            outside: outside.clone(),
            begun: Mutex::default(),
        }),
        Consumer::view(DIRECTORY, Directory),
        Consumer::view(OPERATIONS, Operations),
    ]
}

fn pass_on(uploaded: DocumentUploaded, _: &Moment) -> Emits {
    let DocumentUploaded {
        document,
        chatbot,
        name,
        media_type,
        blob,
        ..
    } = uploaded;
    emit(AddDocument {
        document,
        chatbot,
        name,
        media_type,
        blob,
    })
}

// ---- the entity ----

pub enum Told {
    Add(AddDocument),
    Delete(DeleteDocument),
    Parsed(Parsed),
    Refused(Refused),
    Failed(Failed),
    Woke(Woke),
}
impl Inbox for Told {
    fn arms() -> Vec<Arm<Self>> {
        vec![
            arm(Self::Add),
            arm(Self::Delete),
            arm(Self::Parsed),
            arm(Self::Refused),
            arm(Self::Failed),
            arm(Self::Woke),
        ]
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it was never added")]
pub struct NeverAdded;
impl Refusal for NeverAdded {
    fn code(&self) -> &'static str {
        "documents.never_added"
    }
}

/// What somebody asked for and has not got yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    asker: Option<ReplyAddress>,
    name: String,
    /// It was told that it failed; a success may follow when a person redrives it.
    failed: bool,
}

/// It remembers all that had effect on it, so that the laws can be held against it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Document {
    /// The ids of all messages but wakes, in the order in which they had effect.
    pub log: Vec<String>,
    /// What is under way, by the number of what asked for it.
    pub asked: BTreeMap<String, Asked>,
    /// Who waits for the next wake.
    pub late: Vec<ReplyAddress>,
    /// The time that it asked to be woken at.
    pub armed_ms: Option<i64>,
    /// How often it woke.
    pub woken: u64,
    /// What the last wake said.
    pub woken_ms: i64,
    /// What should never happen.
    pub faults: Vec<String>,
}

impl Document {
    fn changed(&self, document: &str, chatbot: &str, state: DocumentState) -> DocumentChanged {
        DocumentChanged {
            document: document.to_owned(),
            chatbot: chatbot.to_owned(),
            revision: format!("{}-{}", self.log.len(), self.woken),
            state,
            passages: 1,
            ..DocumentChanged::default()
        }
    }

    fn add(mut self, add: AddDocument, at: &Moment) -> Decision<Self> {
        let number = self.log.len().to_string();
        let changed = self.changed(&add.document, &add.chatbot, DocumentState::Parsing);
        if Ask::of(&add.name) == Ask::Late {
            self.late.extend(at.reply_to.clone());
            let wake_ms = (at.now_ms / LATE_MS + 1) * LATE_MS;
            self.armed_ms = Some(wake_ms);
            return Decision::to(self).emit(changed).wake_at(wake_ms);
        }
        let work = ParseUpload {
            document: add.document,
            revision: number.clone(),
            name: add.name.clone(),
            ..ParseUpload::default()
        };
        self.asked.insert(
            number.clone(),
            Asked {
                asker: at.reply_to.clone(),
                name: add.name,
                failed: false,
            },
        );
        Decision::to(self).emit(changed).ask(work, number)
    }

    fn answered(
        mut self,
        at: &Moment,
        answer: impl FnOnce(Decision<Self>, Option<ReplyAddress>, Asked) -> Decision<Self>,
    ) -> Decision<Self> {
        let request = at.request.clone().unwrap_or_default();
        let Some(asked) = self.asked.remove(&request) else {
            self.faults.push(format!(
                "{} answers {request}, which nobody asks any more",
                at.message.id
            ));
            return Decision::to(self);
        };
        let asker = if asked.failed {
            None
        } else {
            asked.asker.clone()
        };
        answer(Decision::to(self), asker, asked)
    }

    fn woke(mut self, woke: &Woke, at: &Moment) -> Decision<Self> {
        match self.armed_ms.take() {
            None => self
                .faults
                .push(format!("woken at {}, and not armed", woke.at_ms)),
            Some(armed) if woke.at_ms < armed => self
                .faults
                .push(format!("woken by {}, armed for {armed}", woke.at_ms)),
            Some(_) => {}
        }
        if woke.at_ms <= self.woken_ms {
            let fault = format!("woken by {} after {}", woke.at_ms, self.woken_ms);
            self.faults.push(fault);
        }
        self.woken += 1;
        self.woken_ms = woke.at_ms;
        let ready = DocumentReady {
            document: at.id.to_string(),
            ..DocumentReady::default()
        };
        let changed = self.changed(&at.id, "wakes", DocumentState::Ready);
        let late = std::mem::take(&mut self.late);
        let decision = Decision::to(self).emit(changed).never_wake();
        late.into_iter().fold(decision, |decision, asker| {
            decision.answer(Some(asker), ready.clone())
        })
    }
}

impl Entity for Document {
    type Message = Told;
    type Refusal = NeverAdded;
    fn decide(&self, message: Told, at: &Moment) -> Result<Decision<Self>, NeverAdded> {
        let mut next = self.clone();
        if matches!(message, Told::Delete(_)) && self.log.is_empty() {
            return Err(NeverAdded);
        }
        if !matches!(message, Told::Woke(_)) {
            next.log.push(at.message.id.clone());
        }
        Ok(match message {
            Told::Add(add) => next.add(add, at),
            Told::Delete(delete) => {
                let changed =
                    next.changed(&delete.document, &delete.chatbot, DocumentState::Deleted);
                Decision::to(next).emit(changed).reply(Said {
                    id: delete.document,
                })
            }
            Told::Parsed(parsed) => next.answered(at, |decision, asker, asked| {
                let ready = DocumentReady {
                    document: parsed.document,
                    name: asked.name,
                    ..DocumentReady::default()
                };
                decision.answer(asker, ready)
            }),
            Told::Refused(refused) => next.answered(at, |decision, asker, _| {
                decision.answer_refused(asker, &refused.code, &refused.message)
            }),
            Told::Failed(failed) => next.answered(at, |mut decision, asker, asked| {
                if failed.may_have_happened
                    && let Some(next) = &mut decision.next
                {
                    let request = at.request.clone().unwrap_or_default();
                    next.asked.insert(
                        request,
                        Asked {
                            failed: true,
                            ..asked
                        },
                    );
                }
                decision.answer_failed(
                    asker,
                    &failed.code,
                    &failed.message,
                    failed.may_have_happened,
                )
            }),
            Told::Woke(woke) => next.woke(&woke, at),
        })
    }
}

// ---- the handler ----

#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    #[error("not this time")]
    NotYet,
    #[error("never")]
    Poisoned,
    #[error("the outside refuses")]
    Refused,
    #[error("the parser is down")]
    Down,
}
impl Failure for ParseError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::NotYet => Verdict::Retry(Retry::Backoff),
            Self::Poisoned => Verdict::DeadLetter("documents.poisoned"),
            Self::Refused => Verdict::Refuse("documents.refused"),
            Self::Down => Verdict::Retry(Retry::WhenUp("parser".to_owned())),
        }
    }
}

pub struct Parse {
    process: SimProcess,
    outside: Outside,
    /// What it would remember if it did (O4).
    begun: Mutex<BTreeSet<String>>,
}

impl Parse {
    /// O4 broken: whether it thinks that it has done this already.
    fn remembers(&self, at: &Moment) -> bool {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        self.outside.handlers_remember() && !begun.insert(at.message.id.clone())
    }
}

impl Handler for Parse {
    type Message = ParseUpload;
    type Error = ParseError;
    async fn handle(&self, work: ParseUpload, cx: &Context) -> Result<Emits, ParseError> {
        let key = format!("{}/{}", cx.moment.tenant, cx.moment.id);
        let call = self.outside.call(&self.process.name(), &key, &cx.moment);
        if self.remembers(&cx.moment) {
            return Ok(Emits::default());
        }
        let ask = Ask::of(&work.name);
        if ask == Ask::Kept {
            let (blobs, content) = (cx.blobs(), key.clone().into_bytes());
            let kept = blobs.write(&work.document, content).await;
            kept.map_err(|_| ParseError::NotYet)?;
        }
        let pause = if ask == Ask::Slow {
            3_000
        } else {
            self.outside.draw(0, 20)
        };
        tokio::time::sleep(Duration::from_millis(pause)).await;
        self.process.gate().await;
        let healed = self.outside.is_healed();
        match ask {
            Ask::Flaky(times) if cx.moment.attempt < times => {
                // It happens, and the answer is lost: the outside must be able to tell (O1).
                call.effect();
                return Err(ParseError::NotYet);
            }
            Ask::Poison if !healed => return Err(ParseError::Poisoned),
            Ask::Doomed if !healed => return Err(ParseError::NotYet),
            Ask::Refuse => return Err(ParseError::Refused),
            _ if cx.breakers().admit("parser").is_err() => return Err(ParseError::Down),
            _ if self.outside.is_down() => {
                cx.breakers().failed("parser", "down");
                return Err(ParseError::Down);
            }
            _ => cx.breakers().succeeded("parser"),
        }
        call.effect();
        // The answer is on its way back when the process may be killed.
        tokio::time::sleep(Duration::from_millis(self.outside.draw(0, 5))).await;
        self.process.gate().await;
        Ok(reply(Parsed {
            document: work.document,
            revision: work.revision,
            ..Parsed::default()
        }))
    }
}

// ---- the views ----

/// How often the documents of a chatbot changed.
pub struct Directory;
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryRow {
    pub changes: i64,
}
impl View for Directory {
    type Event = DocumentChanged;
    type Row = DirectoryRow;
    fn key(&self, event: &DocumentChanged, _: &Moment) -> String {
        event.chatbot.clone()
    }
    fn apply(&self, row: &mut DirectoryRow, event: DocumentChanged, _: &Moment) {
        row.changes += event.passages;
    }
    fn merge(&self, into: &mut DirectoryRow, other: DirectoryRow) {
        into.changes += other.changes;
    }
}

/// Answers by operation: the first final one counts (H1).
pub struct Operations;
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationRow {
    pub first: Option<ReplyStatus>,
    pub answers: u64,
}
/// An answer, whatever its record.
pub struct Answer(Option<ReplyStatus>);
impl Inbox for Answer {
    fn arms() -> Vec<Arm<Self>> {
        vec![any(|incoming: &Incoming<'_>| {
            Ok(Self(incoming.envelope.reply_status))
        })]
    }
}
impl View for Operations {
    type Event = Answer;
    type Row = OperationRow;
    fn key(&self, _: &Answer, at: &Moment) -> String {
        at.id.to_string()
    }
    fn apply(&self, row: &mut OperationRow, event: Answer, _: &Moment) {
        row.answers += 1;
        if row.first.is_none() && event.0 != Some(ReplyStatus::Progress) {
            row.first = event.0;
        }
    }
    fn merge(&self, into: &mut OperationRow, other: OperationRow) {
        into.answers += other.answers;
        into.first = into.first.or(other.first);
    }
}
