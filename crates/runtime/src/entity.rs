//! An entity: a thing with an identity and a history. Pure: state and message in, state and messages out.
use crate::{Emits, Inbox, Moment, Refusal};
use events::{Addressed, Record, ReplyAddress};
use serde::{Serialize, de::DeserializeOwned};

/// A thing with an identity and a history, with one input topic, kept as one row.
pub trait Entity: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// All that arrives on its input: commands, routed events, answers, wakes (E1).
    type Message: Inbox;
    /// Why it may not do what it is asked.
    type Refusal: Refusal;

    /// What to do. `Err` leaves the state as it is and answers `Refused`.
    ///
    /// # Errors
    /// The refusal, by name; never a failure.
    fn decide(&self, message: Self::Message, at: &Moment) -> Result<Decision<Self>, Self::Refusal>;
}

/// What to do about the time to wake (E7). Nothing is ever disarmed: a wake that came too late means nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wake {
    /// As it was.
    #[default]
    Keep,
    /// At this time, in milliseconds since 1970. If it is not after the latest there was, it is put a
    /// millisecond after that.
    At(i64),
    /// Not at all: whatever wake is under way means nothing any more.
    Never,
}

/// State out, messages out, and when to wake.
#[derive(Debug)]
pub struct Decision<E> {
    /// `None`: unchanged.
    pub next: Option<E>,
    /// What is said, in order.
    pub emits: Emits,
    /// When to wake.
    pub wake: Wake,
    /// From when the row may be swept away, in milliseconds since 1970: later than its input is kept. `None`: as
    /// it was.
    pub expires_at_ms: Option<i64>,
}

impl<E> Decision<E> {
    /// The entity becomes this.
    pub fn to(next: E) -> Self {
        Self {
            next: Some(next),
            ..Self::stay()
        }
    }
    /// The entity stays as it is.
    pub fn stay() -> Self {
        Self {
            next: None,
            emits: Emits::default(),
            wake: Wake::Keep,
            expires_at_ms: None,
        }
    }
    /// Changes what is said.
    pub fn saying(mut self, say: impl FnOnce(Emits) -> Emits) -> Self {
        self.emits = say(self.emits);
        self
    }
    /// See [`Emits::and`].
    pub fn emit<A: Addressed>(self, record: A) -> Self {
        self.saying(|emits| emits.and(record))
    }
    /// See [`Emits::ask`].
    pub fn ask<A: Addressed>(self, record: A, request: impl Into<String>) -> Self {
        self.saying(|emits| emits.ask(record, request))
    }
    /// See [`Emits::reply`].
    pub fn reply<R: Record>(self, record: R) -> Self {
        self.saying(|emits| emits.reply(record))
    }
    /// See [`Emits::answer`]; nothing if nobody asked.
    pub fn answer<R: Record>(self, to: Option<ReplyAddress>, record: R) -> Self {
        match to {
            Some(to) => self.saying(|emits| emits.answer(to, record)),
            None => self,
        }
    }
    /// See [`Emits::answer_refused`]; nothing if nobody asked.
    pub fn answer_refused(self, to: Option<ReplyAddress>, code: &str, message: &str) -> Self {
        match to {
            Some(to) => self.saying(|emits| emits.answer_refused(to, code, message)),
            None => self,
        }
    }
    /// See [`Emits::answer_failed`]; nothing if nobody asked.
    pub fn answer_failed(
        self,
        to: Option<ReplyAddress>,
        code: &str,
        message: &str,
        may: bool,
    ) -> Self {
        match to {
            Some(to) => self.saying(|emits| emits.answer_failed(to, code, message, may)),
            None => self,
        }
    }
    /// Wakes at this time, in milliseconds since 1970.
    pub fn wake_at(mut self, at_ms: i64) -> Self {
        self.wake = Wake::At(at_ms);
        self
    }
    /// Does not wake any more.
    pub fn never_wake(mut self) -> Self {
        self.wake = Wake::Never;
        self
    }
    /// May be swept away from this time on, in milliseconds since 1970.
    pub fn expire_at(mut self, at_ms: i64) -> Self {
        self.expires_at_ms = Some(at_ms);
        self
    }
}
