//! The end of a conversation: its turns are forgotten, because somebody says so or because they are old.
use super::{Conversation, ENDED, SILENCE_MS, Waiting};
use crate::RETENTION_MS;
use events::conversations::ConversationEnded;
use events::reply;
use events::system::Woke;
use runtime::{Decision, Moment};

impl Conversation {
    /// When to look next whether it is over. A waking is never put forward again (E7), so one in 30 days would keep the
    /// silence of every later question unnoticed; so it looks after twice the time each: about 14 times in 30 days.
    pub(super) fn rests_until(&self, now_ms: i64) -> i64 {
        let rested = now_ms.saturating_sub(self.last_turn_ms).max(2 * SILENCE_MS);
        let over = self.last_turn_ms.saturating_add(RETENTION_MS);
        now_ms.saturating_add(rested).min(over)
    }

    pub(super) fn woke(&self, woke: &Woke, at: &Moment) -> Decision<Self> {
        if let Some(current) = &self.current {
            return if woke.at_ms >= current.give_up_at_ms {
                self.silent(at)
            } else {
                Decision::stay()
            };
        }
        if self.visitor.is_empty() || self.turns.is_empty() && self.queue.is_empty() {
            return Decision::stay(); // it is over already
        }
        let over = self.last_turn_ms.saturating_add(RETENTION_MS);
        if at.now_ms >= over {
            self.forgotten(at)
        } else {
            Decision::stay().wake_at(self.rests_until(at.now_ms))
        }
    }

    pub(super) fn end(&self, at: &Moment) -> Decision<Self> {
        let ended = reply::Ok {
            id: at.id.to_string(),
        };
        let nothing = self.turns.is_empty() && self.current.is_none() && self.queue.is_empty();
        if nothing {
            Decision::stay().reply(ended)
        } else {
            self.forgotten(at).reply(ended)
        }
    }

    /// Who talked with whom stays: nobody else may go on under its id.
    fn forgotten(&self, at: &Moment) -> Decision<Self> {
        let next = Self {
            chatbot: self.chatbot.clone(),
            visitor: self.visitor.clone(),
            endings: self.endings + 1,
            ..Self::default()
        };
        let event = ConversationEnded {
            conversation: at.id.to_string(),
            chatbot: self.chatbot.clone(),
            visitor: self.visitor.clone(),
            endings: next.endings,
        };
        let why = "the conversation was ended";
        let mut decision = Decision::to(next);
        let failed = |waiting: &Waiting| self.failed_event(&waiting.question, ENDED, why, at);
        if let Some(current) = &self.current {
            let asker = current.asker.clone();
            decision = decision
                .emit(failed(current))
                .answer_failed(asker, ENDED, why, true);
        }
        for waiting in &self.queue {
            let asker = waiting.asker.clone();
            decision = decision
                .emit(failed(waiting))
                .answer_refused(asker, ENDED, why);
        }
        decision.emit(event).never_wake()
    }
}
