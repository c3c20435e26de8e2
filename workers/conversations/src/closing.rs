//! The entity Closing: all conversations of a chatbot are ended, some at a time, and whoever asked hears when none is left.
//! It is the child of the deletion of the chatbot: one command and one reply, however many there are (S8).
#[cfg(test)]
mod tests;

use events::ReplyAddress;
use events::conversations::{
    ConversationsListed, EndConversation, EndConversations, ListConversations,
};
use events::reply::{self, Failed, Progress, Refused};
use events::system::Woke;
use runtime::{Arm, Decision, Entity, Inbox, Moment, Refusal, arm};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long it waits for any answer, in milliseconds (five minutes): each is given quickly, or is a dead letter.
pub const SILENCE_MS: i64 = 300_000;

/// When conversations are listed once more after all of them have ended, in milliseconds (two minutes), and then after twice
/// as long each time: the roster may have been behind its time, and nobody else ends what it did not know. The first time is
/// less than the looks for what is still shown take in all.
pub const SWEEP_MS: i64 = 120_000;

/// How often they are: the last time is a quarter of an hour after the end.
pub const SWEEPS: u32 = 3;

/// The code of an end that was waited for in vain.
pub const NOT_ENDED: &str = "conversations.not_ended";

/// What listing is called in its answer.
const LIST: &str = "list";

/// All that arrives on its input (E1).
#[derive(Clone, Debug, PartialEq)]
pub enum ClosingMessage {
    /// All are to end.
    End(EndConversations),
    /// Here are some.
    Listed(ConversationsListed),
    /// One has ended.
    Ended(reply::Ok),
    /// One does not.
    Refused(Refused),
    /// One could not, or they cannot be listed.
    Failed(Failed),
    /// It is under way.
    Progress(Progress),
    /// It was waited for long enough (E7).
    Woke(Woke),
}

impl Inbox for ClosingMessage {
    fn arms() -> Vec<Arm<Self>> {
        vec![
            arm(Self::End),
            arm(Self::Listed),
            arm(Self::Ended),
            arm(Self::Refused),
            arm(Self::Failed),
            arm(Self::Progress),
            arm(Self::Woke),
        ]
    }
}

/// It refuses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Never {}

impl Refusal for Never {
    fn code(&self) -> &'static str {
        match *self {}
    }
}

/// The end of all conversations of a chatbot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Who is told when none is left; none if nobody waits for that.
    pub asker: Option<ReplyAddress>,
    /// They are being listed once more, and nobody waits for that.
    #[serde(default)]
    pub sweeping: bool,
    /// How often that was done.
    #[serde(default)]
    pub swept: u32,
    /// Counts the questions for a list, so that an old answer is told from a new one.
    pub round: i64,
    /// Those that were told to end and have not answered yet.
    pub pending: BTreeSet<String>,
    /// Where the list goes on, after these.
    pub next: Option<i64>,
    /// How many have ended.
    pub ended: i64,
    /// When nobody is kept waiting any longer or, if nothing is under way, when they are listed once more; in milliseconds
    /// since 1970.
    pub give_up_at_ms: i64,
}

type Decided = Result<Decision<Closing>, Never>;

impl Entity for Closing {
    type Message = ClosingMessage;
    type Refusal = Never;

    fn decide(&self, message: ClosingMessage, at: &Moment) -> Decided {
        use ClosingMessage as M;
        Ok(match message {
            M::End(_) => self.begin(at),
            M::Listed(listed) => self.listed(listed, at),
            M::Ended(ended) => self.ended(&ended.id, at),
            M::Refused(said) => self.failed(&said.code, &said.message, at),
            M::Failed(said) => self.failed(&said.code, &said.message, at),
            M::Progress(_) => Decision::stay(),
            M::Woke(woke) => self.woke(&woke, at),
        })
    }
}

fn end_request(conversation: &str) -> String {
    format!("end/{conversation}")
}

impl Closing {
    /// Who asks again, asks for all of it again: it does no harm, and what was asked for may be lost.
    fn begin(&self, at: &Moment) -> Decision<Self> {
        let next = Self {
            asker: at.reply_to.clone(),
            round: self.round + 1,
            ..Self::default()
        };
        next.list(0, at)
    }

    fn is_under_way(&self) -> bool {
        self.asker.is_some() || self.sweeping
    }

    /// Nothing is under way until they are listed once more.
    fn rests(&self, at: &Moment) -> Decision<Self> {
        let swept = self.swept + u32::from(self.sweeping);
        let mut next = Self {
            round: self.round,
            swept,
            ..Self::default()
        };
        if swept >= SWEEPS {
            return Decision::to(next).never_wake();
        }
        next.give_up_at_ms = at.now_ms.saturating_add(SWEEP_MS << swept);
        let wake_at = next.give_up_at_ms;
        Decision::to(next).wake_at(wake_at)
    }

    fn sweep(&self, at: &Moment) -> Decision<Self> {
        let next = Self {
            sweeping: true,
            swept: self.swept,
            round: self.round + 1,
            ..Self::default()
        };
        next.list(0, at)
    }

    fn list_request(&self) -> String {
        format!("{LIST}/{}", self.round)
    }

    fn list(mut self, shelf: i64, at: &Moment) -> Decision<Self> {
        self.give_up_at_ms = at.now_ms.saturating_add(SILENCE_MS);
        let list = ListConversations {
            chatbot: at.id.to_string(),
            shelf,
        };
        let (request, wake_at) = (self.list_request(), self.give_up_at_ms);
        Decision::to(self).ask(list, request).wake_at(wake_at)
    }

    fn listed(&self, listed: ConversationsListed, at: &Moment) -> Decision<Self> {
        if !self.is_under_way()
            || at.request.as_deref() != Some(&*self.list_request())
            || !self.pending.is_empty()
        {
            return Decision::stay();
        }
        let mut next = self.clone();
        next.pending = listed.conversations.iter().cloned().collect();
        next.next = listed.next;
        if next.pending.is_empty() {
            return next.go_on(at);
        }
        next.give_up_at_ms = at.now_ms.saturating_add(SILENCE_MS);
        let wake_at = next.give_up_at_ms;
        let conversations = next.pending.clone();
        let decision = Decision::to(next).wake_at(wake_at);
        let tell = |decision: Decision<Self>, conversation: String| {
            let request = end_request(&conversation);
            decision.ask(EndConversation { conversation }, request)
        };
        conversations.into_iter().fold(decision, tell)
    }

    fn ended(&self, conversation: &str, at: &Moment) -> Decision<Self> {
        if at.request.as_deref() != Some(&*end_request(conversation))
            || !self.pending.contains(conversation)
        {
            return Decision::stay();
        }
        let mut next = self.clone();
        next.pending.remove(conversation);
        next.ended += 1;
        if next.pending.is_empty() {
            next.go_on(at)
        } else {
            Decision::to(next)
        }
    }

    /// The next of them; at the end, the answer, and they are listed once more after a while.
    fn go_on(mut self, at: &Moment) -> Decision<Self> {
        let (asker, ended) = (self.asker.clone(), self.ended);
        let Some(shelf) = self.next.take() else {
            let done = reply::Ok {
                id: at.id.to_string(),
            };
            return self.rests(at).answer(asker, done);
        };
        self.round += 1;
        let decision = self.list(shelf, at);
        match asker.filter(|_| ended > 0) {
            Some(asker) => decision.saying(|emits| {
                let message = format!("{ended} conversations have ended");
                emits.answer_progress(asker, &message, ended, ended)
            }),
            None => decision,
        }
    }

    /// Whoever asked hears why, and may ask again.
    fn failed(&self, code: &str, why: &str, at: &Moment) -> Decision<Self> {
        let request = at.request.as_deref().unwrap_or_default();
        let ours = request == self.list_request()
            || request
                .strip_prefix("end/")
                .is_some_and(|conversation| self.pending.contains(conversation));
        if ours && self.is_under_way() {
            self.given_up(code, why, at)
        } else {
            Decision::stay()
        }
    }

    fn woke(&self, woke: &Woke, at: &Moment) -> Decision<Self> {
        if !self.is_under_way() && self.give_up_at_ms == 0 {
            return Decision::stay();
        }
        if woke.at_ms < self.give_up_at_ms {
            return Decision::stay().wake_at(self.give_up_at_ms);
        }
        if !self.is_under_way() {
            return self.sweep(at);
        }
        let why = match self.pending.first() {
            Some(one) => format!(
                "{} conversations did not say that they ended, one of them is {one}",
                self.pending.len()
            ),
            None => "nobody said which conversations there are".to_owned(),
        };
        self.given_up(NOT_ENDED, &why, at)
    }

    fn given_up(&self, code: &str, why: &str, at: &Moment) -> Decision<Self> {
        if self.sweeping {
            return self.rests(at);
        }
        let next = Self {
            round: self.round,
            ..Self::default()
        };
        Decision::to(next)
            .answer_failed(self.asker.clone(), code, why, true)
            .never_wake()
    }
}
