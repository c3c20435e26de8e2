//! From an answer, or none, to whoever asked.
use super::asking::go_on;
use super::{Conversation, SILENCE, Waiting};
use events::answers::{AnswerWritten, Role};
use events::conversations::{Answered, QuestionAnswered};
use runtime::{Decision, Moment};

impl Conversation {
    /// The question that the message at hand answers; one that was given up means nothing any more (S1).
    fn answered(&self, at: &Moment) -> Option<&Waiting> {
        let asked = at.request.as_deref();
        self.current
            .as_ref()
            .filter(|current| asked == Some(&current.question))
    }

    pub(super) fn written(&self, written: AnswerWritten, at: &Moment) -> Decision<Self> {
        let Some(current) = self.answered(at) else {
            return Decision::stay();
        };
        let mut next = Self {
            current: None,
            ..self.clone()
        };
        next.remember(&current.question, Role::Visitor, &current.text, at.now_ms);
        let words = written.text.reveal().unwrap_or_default();
        next.remember(&current.question, Role::Chatbot, words, at.now_ms);
        let event = QuestionAnswered {
            question: current.question.clone(),
            conversation: at.id.to_string(),
            chatbot: self.chatbot.clone(),
            visitor: self.visitor.clone(),
            asked: current.text.as_str().into(),
            text: written.text.clone(),
            known: written.known,
            citations: written.citations.clone(),
            model: written.model.clone(),
            provider: written.provider.clone(),
            usage: written.usage.clone(),
            endings: self.endings,
        };
        let done = Answered {
            question: current.question.clone(),
            conversation: at.id.to_string(),
            visitor: self.visitor.clone(),
            text: written.text,
            known: written.known,
            citations: written.citations,
            model: written.model,
            provider: written.provider,
            usage: written.usage,
            attempt: written.attempt,
            deltas: written.deltas,
        };
        let decision = Decision::to(next)
            .emit(event)
            .answer(current.asker.clone(), done);
        go_on(rest(decision, at), at)
    }

    /// `may`: whether it may have been answered all the same; none if it was refused.
    pub(super) fn not_answered(
        &self,
        code: &str,
        why: &str,
        may: Option<bool>,
        at: &Moment,
    ) -> Decision<Self> {
        match self.answered(at) {
            Some(current) => self.gave_up(current, code, why, may, at),
            None => Decision::stay(),
        }
    }

    /// The answer that is waited for did not come in time; whoever waits behind it gets their turn.
    pub(super) fn silent(&self, at: &Moment) -> Decision<Self> {
        match &self.current {
            Some(current) => {
                self.gave_up(current, SILENCE, "no answer came in time", Some(true), at)
            }
            None => Decision::stay(),
        }
    }

    fn gave_up(
        &self,
        current: &Waiting,
        code: &str,
        why: &str,
        may: Option<bool>,
        at: &Moment,
    ) -> Decision<Self> {
        let mut next = Self {
            current: None,
            ..self.clone()
        };
        next.last_turn_ms = at.now_ms;
        let event = self.failed_event(&current.question, code, why, at);
        let decision = Decision::to(next).emit(event);
        let asker = current.asker.clone();
        let decision = match may {
            None => decision.answer_refused(asker, code, why),
            Some(may) => decision.answer_failed(asker, code, why, may),
        };
        go_on(rest(decision, at), at)
    }
}

/// When to look next whether the conversation is over, if nothing more is asked.
fn rest(decision: Decision<Conversation>, at: &Moment) -> Decision<Conversation> {
    match decision
        .next
        .as_ref()
        .map(|next| next.rests_until(at.now_ms))
    {
        Some(until) => decision.wake_at(until),
        None => decision,
    }
}
