//! From a question to somebody who answers it.
use super::{Conversation, Decided, EXPIRED, MAX_QUESTION, MAX_QUEUE, SILENCE_MS, Waiting};
use crate::ConversationRefusal as Refusal;
use events::Personal;
use events::answers::WriteAnswer;
use events::conversations::{AskQuestion, QuestionAsked, QuestionFailed};
use runtime::{Decision, Moment};

impl Conversation {
    pub(super) fn ask(&self, ask: AskQuestion, at: &Moment) -> Decided {
        let begun = !self.visitor.is_empty();
        if begun && (self.visitor != ask.visitor || self.chatbot != ask.chatbot) {
            return Err(Refusal::NotYours);
        }
        let text = checked(&ask.text)?;
        if self.is_waited_for(&ask.question) {
            return Ok(Decision::to(self.joined(&ask.question, at)));
        }
        if self.turns.iter().any(|said| said.question == ask.question) {
            return Err(Refusal::AskedBefore);
        }
        // Nobody came for it: its own waking may be late, but whoever asks next need not wait for that (E7).
        let late = self
            .current
            .as_ref()
            .is_some_and(|current| at.now_ms >= current.give_up_at_ms);
        let decision = if late {
            self.silent(at)
        } else {
            Decision::stay()
        };
        let mut next = decision.next.clone().unwrap_or_else(|| self.clone());
        if next.queue.len() >= MAX_QUEUE {
            return Err(Refusal::Busy);
        }
        (next.chatbot, next.visitor) = (ask.chatbot.clone(), ask.visitor.clone());
        next.queue.push(Waiting {
            question: ask.question.clone(),
            text,
            asker: at.reply_to.clone(),
            key: at.idempotency_key.clone(),
            deadline_ms: at.deadline_ms,
            give_up_at_ms: 0,
        });
        let AskQuestion {
            question,
            conversation,
            chatbot,
            visitor,
            text,
        } = ask;
        let asked = QuestionAsked {
            question,
            conversation,
            chatbot,
            visitor,
            text,
        };
        let decision = Decision {
            next: Some(next),
            ..decision
        }
        .emit(asked);
        Ok(go_on(decision, at))
    }

    /// The same question once more: the latest who asked is answered.
    fn joined(&self, question: &str, at: &Moment) -> Self {
        let mut next = self.clone();
        let waiting = next.current.iter_mut().chain(&mut next.queue);
        for waiting in waiting.filter(|waiting| waiting.question == question) {
            waiting.asker = at.reply_to.clone().or(waiting.asker.take());
        }
        next
    }

    pub(super) fn failed_event(
        &self,
        question: &str,
        code: &str,
        why: &str,
        at: &Moment,
    ) -> QuestionFailed {
        QuestionFailed {
            question: question.to_owned(),
            conversation: at.id.to_string(),
            chatbot: self.chatbot.clone(),
            visitor: self.visitor.clone(),
            code: code.to_owned(),
            reason: runtime::emits::clipped(why),
        }
    }
}

/// If nothing is being answered, the next question is.
pub(super) fn go_on(decision: Decision<Conversation>, at: &Moment) -> Decision<Conversation> {
    let Some(mut state) = decision.next.clone() else {
        return decision;
    };
    let mut decision = decision;
    while state.current.is_none() && !state.queue.is_empty() {
        let mut waiting = state.queue.remove(0);
        if waiting
            .deadline_ms
            .is_some_and(|deadline| deadline < at.now_ms)
        {
            let why = "nobody began to answer it in time";
            let event = state.failed_event(&waiting.question, EXPIRED, why, at);
            decision = decision
                .emit(event)
                .answer_refused(waiting.asker, EXPIRED, why);
            continue;
        }
        waiting.give_up_at_ms = at.now_ms.saturating_add(SILENCE_MS);
        let write = WriteAnswer {
            question: waiting.question.clone(),
            conversation: at.id.to_string(),
            chatbot: state.chatbot.clone(),
            visitor: state.visitor.clone(),
            text: waiting.text.as_str().into(),
            turns: state.told(),
        };
        let Waiting {
            question,
            key,
            deadline_ms,
            give_up_at_ms,
            ..
        } = waiting.clone();
        decision = decision.ask(write, question).saying(|emits| {
            let emits = emits.keyed(key);
            match deadline_ms {
                Some(deadline_ms) => emits.by(deadline_ms),
                None => emits,
            }
        });
        decision = decision.wake_at(give_up_at_ms);
        state.current = Some(waiting);
    }
    Decision {
        next: Some(state),
        ..decision
    }
}

fn checked(text: &Personal) -> Result<String, Refusal> {
    let text = match text {
        Personal::Clear(text) => text,
        Personal::Sealed(_) | Personal::Erased => return Err(Refusal::Erased),
    };
    if text.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    if text.chars().nth(MAX_QUESTION).is_some() {
        return Err(Refusal::TooLong);
    }
    Ok(text.clone())
}
