//! The entity Summary: what became of the summary of a document.
//!
//! ```text
//! Absent -> Writing -> Ready      a newer revision begins at Writing again
//!               \----> Without    it has none, for a reason that has a code
//! ```
use super::error::SummaryRefusal;
use super::records::{Summarize, SummaryReady, SummaryWritten, WriteSummary};
use events::reply::{Failed, Progress, Refused};
use events::system::Woke;
use runtime::{Arm, Decision, Entity, Inbox, Moment, arm};
use serde::{Deserialize, Serialize};

/// How long writing may say nothing, in milliseconds (one hour). It answers by itself, a failure too.
const SILENCE_MS: i64 = 3_600_000;

/// All that arrives on the input of the summaries (E1).
#[derive(Clone, Debug, PartialEq)]
pub enum SummaryMessage {
    /// There is a new revision.
    Summarize(Summarize),
    /// The summary is written.
    Written(SummaryWritten),
    /// There is nothing to write.
    Refused(Refused),
    /// It could not be written, this time.
    Failed(Failed),
    /// It is being written.
    Progress(Progress),
    /// It has waited long enough (E7).
    Woke(Woke),
}

impl Inbox for SummaryMessage {
    fn arms() -> Vec<Arm<Self>> {
        vec![
            arm(Self::Summarize),
            arm(Self::Written),
            arm(Self::Refused),
            arm(Self::Failed),
            arm(Self::Progress),
            arm(Self::Woke),
        ]
    }
}

/// Which revision of which chatbot's document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    /// The chatbot it belongs to.
    pub chatbot: String,
    /// Which upload.
    pub revision: String,
}

/// The summary of a document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Summary {
    /// Nobody ever spoke of it.
    #[default]
    Absent,
    /// It is being written.
    Writing(Of),
    /// It is written.
    Ready(Of),
    /// There is none; the code says why.
    Without(Of, String),
}

impl Entity for Summary {
    type Message = SummaryMessage;
    type Refusal = SummaryRefusal;

    fn decide(
        &self,
        message: SummaryMessage,
        at: &Moment,
    ) -> Result<Decision<Self>, SummaryRefusal> {
        use SummaryMessage as M;
        match message {
            M::Summarize(ask) => self.summarize(ask, at),
            M::Written(written) => Ok(self.written(written, at)),
            M::Refused(said) => Ok(self.given_up(said.code, at)),
            M::Failed(said) => Ok(self.given_up(said.code, at)),
            M::Progress(_) => Ok(Decision::stay()), // writing has no parts
            M::Woke(_) => Ok(self.silent()),
        }
    }
}

impl Summary {
    fn of(&self) -> Option<&Of> {
        match self {
            Self::Absent => None,
            Self::Writing(of) | Self::Ready(of) | Self::Without(of, _) => Some(of),
        }
    }

    fn summarize(&self, ask: Summarize, at: &Moment) -> Result<Decision<Self>, SummaryRefusal> {
        let before = self.of();
        if before.is_some_and(|before| before.chatbot != ask.chatbot) {
            return Err(SummaryRefusal::OtherChatbot);
        }
        if before.is_some_and(|before| before.revision == ask.revision) {
            return Ok(Decision::stay()); // the same once more begins nothing anew
        }
        let of = Of {
            chatbot: ask.chatbot,
            revision: ask.revision,
        };
        let request = of.revision.clone(); // its answer carries this
        let write = WriteSummary {
            document: ask.document,
            passages: ask.passages,
        };
        Ok(Decision::to(Self::Writing(of))
            .ask(write, request)
            .wake_at(at.now_ms + SILENCE_MS))
    }

    /// The revision that the message at hand is an answer for; one that was overtaken means nothing any more (S1).
    fn answered(&self, at: &Moment) -> Option<&Of> {
        match self {
            Self::Writing(of) if at.request.as_deref() == Some(&of.revision) => Some(of),
            Self::Absent | Self::Writing(_) | Self::Ready(_) | Self::Without(..) => None,
        }
    }

    fn written(&self, written: SummaryWritten, at: &Moment) -> Decision<Self> {
        let Some(of) = self.answered(at) else {
            return Decision::stay();
        };
        let event = SummaryReady {
            document: at.id.to_string(),
            chatbot: of.chatbot.clone(),
            revision: of.revision.clone(),
            text: written.text,
        };
        Decision::to(Self::Ready(of.clone()))
            .emit(event)
            .never_wake()
    }

    fn given_up(&self, code: String, at: &Moment) -> Decision<Self> {
        match self.answered(at) {
            Some(of) => Decision::to(Self::Without(of.clone(), code)).never_wake(),
            None => Decision::stay(),
        }
    }

    fn silent(&self) -> Decision<Self> {
        match self {
            Self::Writing(of) => {
                Decision::to(Self::Without(of.clone(), "summaries.silence".into()))
            }
            Self::Absent | Self::Ready(_) | Self::Without(..) => Decision::stay(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::ReplyStatus;
    use runtime::testkit::entities::{Then, given};
    use runtime::{Emits, emit};

    fn ask(revision: &str) -> SummaryMessage {
        SummaryMessage::Summarize(Summarize {
            document: "e1".into(),
            chatbot: "ada".into(),
            revision: revision.into(),
            passages: "p".into(),
        })
    }
    fn of(revision: &str) -> Of {
        Of {
            chatbot: "ada".into(),
            revision: revision.into(),
        }
    }
    fn writing() -> Then<Summary> {
        given(Summary::Absent).when(ask("r1"))
    }
    fn written(text: &str) -> SummaryMessage {
        SummaryMessage::Written(SummaryWritten { text: text.into() })
    }

    #[test]
    fn a_new_revision_is_written() {
        let write = WriteSummary {
            document: "e1".into(),
            passages: "p".into(),
        };
        writing()
            .becomes(Summary::Writing(of("r1")))
            .emits(Emits::default().ask(write, "r1"))
            .wakes_at(3_600_000);
    }
    #[test]
    fn what_was_written_is_told_to_everybody() {
        let answer = writing().and_then().answering("r1", ReplyStatus::Done);
        answer
            .when(written("It opens at nine."))
            .becomes(Summary::Ready(of("r1")))
            .emits(emit(SummaryReady {
                document: "e1".into(),
                chatbot: "ada".into(),
                revision: "r1".into(),
                text: "It opens at nine.".into(),
            }));
    }
    #[test]
    fn the_answer_for_a_revision_that_was_overtaken_means_nothing() {
        let overtaken = writing().and_then().when(ask("r2"));
        let late = overtaken.and_then().answering("r1", ReplyStatus::Done);
        late.when(written("Old.")).stays().emits_nothing();
    }
    #[test]
    fn a_document_of_another_chatbot_is_refused() {
        let SummaryMessage::Summarize(ask) = ask("r2") else {
            unreachable!("it is one")
        };
        let other = Summarize {
            chatbot: "bob".into(),
            ..ask
        };
        writing()
            .and_then()
            .when(SummaryMessage::Summarize(other))
            .refuses("summaries.other_chatbot");
    }
    #[test]
    fn nothing_to_say_and_silence_are_remembered() {
        let refused = SummaryMessage::Refused(Refused {
            code: "summaries.nothing_to_say".into(),
            message: String::new(),
        });
        let answer = writing().and_then().answering("r1", ReplyStatus::Refused);
        answer.when(refused).becomes(Summary::Without(
            of("r1"),
            "summaries.nothing_to_say".into(),
        ));
        let woke = SummaryMessage::Woke(Woke { at_ms: 3_600_000 });
        writing()
            .and_then()
            .when(woke)
            .becomes(Summary::Without(of("r1"), "summaries.silence".into()));
    }
}
