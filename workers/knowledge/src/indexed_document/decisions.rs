//! What a document in the index does about each thing it hears.
use super::{IndexedDocument, Retirement, Stage, Staged, Why, Work};
use crate::{IndexRefusal, reason};
use events::knowledge::{
    EmbedPassages, Embedded, EmbeddingFailed, EmbeddingReady, EmbeddingRemoved, IndexDocument,
    PublishRevision, Published, RemoveFromIndex, RetireDocument, Retired,
};
use runtime::{Decision, Moment};

/// The first pause after a retirement that failed, in milliseconds; doubled each time.
const FIRST_PAUSE_MS: i64 = 30_000;
/// Retirements that may fail before a person has to look (they stand in the dead letters).
const MAX_RETIREMENTS: u32 = 8;

type Decided = Decision<IndexedDocument>;

/// What an effect is called in `ask`: its answers are told apart by it.
fn embed_request(work: &Work) -> String {
    format!("embed/{}", work.revision)
}
fn publish_request(version: i64) -> String {
    format!("publish/{version}")
}
fn retire_request(version: i64) -> String {
    format!("retire/{version}")
}

impl IndexedDocument {
    /// Ids of documents are never used again: what comes after a removal, or during one, came too late.
    pub(super) fn index(&self, asked: IndexDocument, at: &Moment) -> Result<Decided, IndexRefusal> {
        let IndexDocument {
            document: _,
            chatbot,
            revision,
            name,
            passages,
            count,
        } = asked;
        let work = Work {
            chatbot,
            revision,
            name,
            passages,
            expected: count,
        };
        match &self.stage {
            Stage::Gone
            | Stage::Retiring(Retirement {
                why: Why::Removed, ..
            }) => Err(IndexRefusal::Removed),
            Stage::Embedding(under_way)
            | Stage::Publishing(Staged {
                work: under_way, ..
            }) if under_way.revision == work.revision => Ok(Decision::stay()),
            Stage::Ready if self.shown.as_ref() == Some(&work.revision) => Ok(Decision::stay()),
            Stage::Absent | Stage::Embedding(_) | Stage::Ready => Ok(self.clone().embed(work, at)),
            Stage::Publishing(staged) => {
                let waiting = Staged {
                    next: Some(work),
                    ..staged.clone()
                };
                Ok(Decision::to(Self {
                    stage: Stage::Publishing(waiting),
                    ..self.clone()
                }))
            }
            Stage::Retiring(retirement) => {
                let waiting = Retirement {
                    next: Some(work),
                    ..retirement.clone()
                };
                Ok(Decision::to(Self {
                    stage: Stage::Retiring(waiting),
                    ..self.clone()
                }))
            }
        }
    }

    fn embed(self, work: Work, at: &Moment) -> Decided {
        let command = EmbedPassages {
            document: at.id.to_string(),
            chatbot: work.chatbot.clone(),
            revision: work.revision.clone(),
            name: work.name.clone(),
            passages: work.passages.clone(),
            count: work.expected,
        };
        let request = embed_request(&work);
        Decision::to(Self {
            failed: None,
            stage: Stage::Embedding(work),
            ..self
        })
        .ask(command, request)
    }

    pub(super) fn embedded(&self, done: Embedded, at: &Moment) -> Decided {
        let work = match (&self.stage, &self.failed) {
            (Stage::Embedding(work), _) => work,
            (Stage::Absent | Stage::Ready, Some(work)) => work, // redriven
            _ => return Decision::stay(),
        };
        if work.revision != done.revision {
            return Decision::stay(); // of a revision that another one has replaced
        }
        if done.embedded != work.expected || done.stored != work.expected {
            let found = format!("{} embedded and {} stored", done.embedded, done.stored);
            return self.embedding_failed(
                work,
                "knowledge.ledger_mismatch",
                &unbalanced(work, &found),
                at,
            );
        }
        let version = self.version + 1;
        let command = PublishRevision {
            document: at.id.to_string(),
            chatbot: work.chatbot.clone(),
            revision: work.revision.clone(),
            version,
        };
        let staged = Staged {
            work: work.clone(),
            embedded: done.embedded,
            stored: done.stored,
            next: None,
        };
        let next = Self {
            failed: None,
            version,
            stage: Stage::Publishing(staged),
            ..self.clone()
        };
        Decision::to(next).ask(command, publish_request(version))
    }

    pub(super) fn published(&self, done: Published, at: &Moment) -> Decided {
        let Stage::Publishing(staged) = &self.stage else {
            return Decision::stay();
        };
        let Staged {
            work,
            embedded,
            stored,
            next: waiting,
        } = staged;
        if done.version != self.version || done.revision != work.revision {
            return Decision::stay();
        }
        if done.retrievable != work.expected {
            let reason = unbalanced(work, &format!("{} can be found", done.retrievable));
            return self.withdraw(staged, "knowledge.ledger_mismatch", &reason, at);
        }
        let ready = EmbeddingReady {
            document: at.id.to_string(),
            chatbot: work.chatbot.clone(),
            revision: work.revision.clone(),
            version: self.version,
            expected: work.expected,
            embedded: *embedded,
            stored: *stored,
            retrievable: done.retrievable,
        };
        let shown = Some(work.revision.clone());
        let next = Self {
            shown,
            stage: Stage::Ready,
            ..self.clone()
        };
        let decided = match waiting.clone() {
            Some(work) => next.embed(work, at),
            None => Decision::to(next),
        };
        decided.emit(ready)
    }

    /// An effect that was asked for did not succeed.
    pub(super) fn failed(&self, code: &str, message: &str, at: &Moment) -> Decided {
        let Some(request) = at.request.as_deref() else {
            return Decision::stay();
        };
        match &self.stage {
            Stage::Embedding(work) if request == embed_request(work) => {
                self.embedding_failed(work, code, message, at)
            }
            // It may have happened, or may yet be redriven: a higher version makes sure that it has not.
            Stage::Publishing(staged) if request == publish_request(self.version) => {
                self.withdraw(staged, code, message, at)
            }
            Stage::Retiring(retirement) if request == retire_request(self.version) => {
                self.retirement_failed(retirement, at)
            }
            Stage::Absent
            | Stage::Embedding(_)
            | Stage::Publishing(_)
            | Stage::Ready
            | Stage::Retiring(_)
            | Stage::Gone => Decision::stay(),
        }
    }

    /// Nothing was published: what was found before is still found.
    fn embedding_failed(&self, work: &Work, code: &str, why: &str, at: &Moment) -> Decided {
        let stage = if self.shown.is_some() {
            Stage::Ready
        } else {
            Stage::Absent
        };
        Decision::to(Self {
            failed: Some(work.clone()),
            stage,
            ..self.clone()
        })
        .emit(failure(work, code, why, 0, at))
    }

    /// Half a document may be found, and the switch took what was found before: better nothing, and the failure said.
    fn withdraw(&self, staged: &Staged, code: &str, why: &str, at: &Moment) -> Decided {
        let Staged { work, next, .. } = staged;
        let version = self.version + 1;
        let failure = failure(work, code, why, version, at);
        let retirement = Retirement {
            chatbot: work.chatbot.clone(),
            why: Why::Withdrawn,
            since: version,
            failures: 0,
            next: next.clone(),
        };
        self.clone().ask_to_retire(retirement, at).emit(failure)
    }

    pub(super) fn remove(&self, asked: RemoveFromIndex, at: &Moment) -> Decided {
        match &self.stage {
            Stage::Gone => Decision::stay().emit(self.removed(&asked.chatbot, at)),
            Stage::Retiring(retirement) if retirement.failures < MAX_RETIREMENTS => {
                let retirement = Retirement {
                    why: Why::Removed,
                    next: None,
                    ..retirement.clone()
                };
                Decision::to(Self {
                    stage: Stage::Retiring(retirement),
                    ..self.clone()
                })
            }
            // A retirement that was given up once is asked for again.
            Stage::Absent
            | Stage::Embedding(_)
            | Stage::Publishing(_)
            | Stage::Ready
            | Stage::Retiring(_) => self.clone().retire(asked.chatbot, at),
        }
    }

    fn retire(self, chatbot: String, at: &Moment) -> Decided {
        let version = self.version + 1;
        let retirement = Retirement {
            chatbot,
            why: Why::Removed,
            since: version,
            failures: 0,
            next: None,
        };
        self.ask_to_retire(retirement, at)
    }

    fn ask_to_retire(self, retirement: Retirement, at: &Moment) -> Decided {
        let version = self.version + 1;
        let (document, chatbot) = (at.id.to_string(), retirement.chatbot.clone());
        let next = Self {
            failed: None,
            version,
            stage: Stage::Retiring(retirement),
            ..self
        };
        Decision::to(next).ask(
            RetireDocument {
                document,
                chatbot,
                version,
            },
            retire_request(version),
        )
    }

    pub(super) fn retired(&self, done: Retired, at: &Moment) -> Decided {
        let Stage::Retiring(retirement) = &self.stage else {
            return Decision::stay();
        };
        if done.version < retirement.since {
            return Decision::stay();
        }
        if done.remaining > 0 {
            return if done.version == self.version {
                self.retirement_failed(retirement, at)
            } else {
                Decision::stay()
            };
        }
        let next = Self {
            shown: None,
            stage: Stage::Absent,
            ..self.clone()
        };
        let decided = match (retirement.why, retirement.next.clone()) {
            (Why::Removed, _) => Decision::to(Self {
                stage: Stage::Gone,
                ..next
            })
            .emit(self.removed(&retirement.chatbot, at)),
            (Why::Withdrawn, Some(work)) => next.embed(work, at),
            (Why::Withdrawn, None) => Decision::to(next),
        };
        decided.never_wake()
    }

    /// It is tried again later, with a higher version: whatever was in the way may have been a higher one.
    fn retirement_failed(&self, retirement: &Retirement, at: &Moment) -> Decided {
        let failures = retirement.failures + 1;
        let next = Self {
            stage: Stage::Retiring(Retirement {
                failures,
                ..retirement.clone()
            }),
            ..self.clone()
        };
        if failures >= MAX_RETIREMENTS {
            return Decision::to(next).never_wake();
        }
        Decision::to(next).wake_at(at.now_ms + (FIRST_PAUSE_MS << (failures - 1)))
    }

    pub(super) fn try_again(&self, at: &Moment) -> Decided {
        match &self.stage {
            Stage::Retiring(retirement) if retirement.failures > 0 => {
                self.clone().ask_to_retire(retirement.clone(), at)
            }
            Stage::Absent
            | Stage::Embedding(_)
            | Stage::Publishing(_)
            | Stage::Ready
            | Stage::Retiring(_)
            | Stage::Gone => Decision::stay(),
        }
    }

    fn removed(&self, chatbot: &str, at: &Moment) -> EmbeddingRemoved {
        EmbeddingRemoved {
            document: at.id.to_string(),
            chatbot: chatbot.to_owned(),
            version: self.version,
        }
    }
}

fn unbalanced(work: &Work, found: &str) -> String {
    format!("{} passages were expected, {found}", work.expected)
}

/// `version`: of the switch that takes all out of the index; 0 if there is none.
fn failure(work: &Work, code: &str, why: &str, version: i64, at: &Moment) -> EmbeddingFailed {
    EmbeddingFailed {
        document: at.id.to_string(),
        chatbot: work.chatbot.clone(),
        revision: work.revision.clone(),
        code: code.to_owned(),
        reason: reason(why),
        version,
    }
}
