//! Says an answer while it is written, a few words at a time (H3).
use crate::draft::Shown;
use events::Personal;
use events::answers::AnswerDelta;
use runtime::Context;

/// A delta holds at least so many words, unless it is the last: one a word would be a message a word.
const WORDS: usize = 4;

/// Sends deltas. They are numbered within the attempt; the first says that those of earlier attempts are void.
pub(crate) struct Speaker<'a> {
    cx: &'a Context,
    question: String,
    visitor: String,
    attempt: i64,
    n: i64,
    waiting: String,
    reset: bool,
    /// Deltas may be lost: once one could not be sent, the rest is not tried, so that nobody waits for a log that
    /// does not answer. The final answer holds the whole.
    silent: bool,
}

impl<'a> Speaker<'a> {
    pub(crate) fn new(cx: &'a Context, question: &str, visitor: &str) -> Self {
        let (question, visitor) = (question.to_owned(), visitor.to_owned());
        let attempt = attempt(cx);
        Self {
            cx,
            question,
            visitor,
            attempt,
            n: 0,
            waiting: String::new(),
            reset: true,
            silent: false,
        }
    }
    /// Takes what is to be shown, and sends it when it is worth a message.
    pub(crate) async fn show(&mut self, shown: impl IntoIterator<Item = Shown>) {
        for shown in shown {
            match shown {
                Shown::More(text) => self.waiting.push_str(&text),
                Shown::Reset => {
                    self.waiting.clear();
                    self.reset = true;
                }
            }
        }
        if self.waiting.split_whitespace().nth(WORDS - 1).is_some() {
            self.send().await;
        }
    }
    /// Sends what is left; gives how many deltas there were.
    pub(crate) async fn finish(mut self) -> i64 {
        if !self.waiting.is_empty() || (self.reset && self.n > 0) {
            self.send().await;
        }
        self.n
    }
    async fn send(&mut self) {
        if self.silent {
            return;
        }
        let delta = AnswerDelta {
            question: self.question.clone(),
            visitor: self.visitor.clone(),
            attempt: self.attempt,
            n: self.n,
            reset: std::mem::take(&mut self.reset),
            text: Personal::from(std::mem::take(&mut self.waiting)),
        };
        self.n += 1;
        if let Err(e) = self.cx.say(delta).await {
            tracing::warn!(question = self.question, error = %e, "the rest of this answer is not streamed");
            self.silent = true;
        }
    }
}

/// Which attempt this is, from 1.
pub(crate) fn attempt(cx: &Context) -> i64 {
    i64::from(cx.moment.attempt) + 1
}
