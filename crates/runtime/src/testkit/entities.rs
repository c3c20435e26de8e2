//! given/when/then for an entity: `given(state).when(message).becomes(..).emits(..)`. No I/O, microseconds.
use crate::{Decision, Emits, Entity, Moment, Refusal, Wake};
use events::{ReplyAddress, ReplyStatus};
use std::fmt::Debug;

/// An entity about to hear a message.
pub struct Given<E> {
    state: E,
    at: Moment,
}

/// An entity in this state, whose id is `e1` of tenant `acme`, at time 0, asked by somebody.
pub fn given<E: Entity>(state: E) -> Given<E> {
    let at = Moment {
        reply_to: Some(asker("asker")),
        ..Moment::for_tests("e1")
    };
    Given { state, at }
}

/// Where answers go in tests; `request` tells askers apart.
pub fn asker(request: &str) -> ReplyAddress {
    ReplyAddress {
        topic: "replies".into(),
        key: "acme/asker".into(),
        partition: None,
        request: request.into(),
        from_outside: false,
    }
}

impl<E: Entity> Given<E> {
    /// Changes the circumstances.
    pub fn at(mut self, change: impl FnOnce(&mut Moment)) -> Self {
        change(&mut self.at);
        self
    }
    /// The message is an answer to `request`.
    pub fn answering(self, request: &str, status: ReplyStatus) -> Self {
        self.at(|at| {
            (at.request, at.reply_status, at.reply_to) = (Some(request.into()), Some(status), None);
        })
    }
    /// The message arrives.
    pub fn when(self, message: E::Message) -> Then<E> {
        let decided = self.state.decide(message, &self.at);
        Then {
            before: self.state,
            at: self.at,
            decided,
        }
    }
}

/// What came of it.
pub struct Then<E: Entity> {
    before: E,
    at: Moment,
    decided: Result<Decision<E>, E::Refusal>,
}

impl<E: Entity + Debug + PartialEq> Then<E> {
    #[track_caller]
    fn decision(&self) -> &Decision<E> {
        match &self.decided {
            Ok(decision) => decision,
            Err(refusal) => panic!("refused: {refusal}"),
        }
    }
    /// The state after it.
    #[track_caller]
    pub fn state(&self) -> &E {
        self.decision().next.as_ref().unwrap_or(&self.before)
    }
    /// The state after it is this.
    #[track_caller]
    pub fn becomes(self, wanted: E) -> Self {
        assert_eq!(*self.state(), wanted);
        self
    }
    /// The state is as it was.
    #[track_caller]
    pub fn stays(self) -> Self {
        assert_eq!(*self.state(), self.before);
        self
    }
    /// It says exactly this, in this order.
    #[track_caller]
    pub fn emits(self, wanted: Emits) -> Self {
        let got = &self.decision().emits;
        assert!(got.same(&wanted), "\n  said {got:#?}\nwanted {wanted:#?}");
        self
    }
    /// It says nothing.
    #[track_caller]
    pub fn emits_nothing(self) -> Self {
        self.emits(Emits::default())
    }
    /// It will wake at this time, in milliseconds since 1970.
    #[track_caller]
    pub fn wakes_at(self, at_ms: i64) -> Self {
        assert_eq!(self.decision().wake, Wake::At(at_ms));
        self
    }
    /// It refuses, with this code, and stays as it is.
    #[track_caller]
    pub fn refuses(self, code: &str) {
        match self.decided {
            Ok(decision) => panic!("did not refuse: {:#?}", decision.emits),
            Err(refusal) => assert_eq!(refusal.code(), code),
        }
    }
    /// And then: the same entity, a second later, about to hear another message.
    #[track_caller]
    pub fn and_then(self) -> Given<E> {
        let state = self.state().clone();
        let mut at = self.at;
        at.now_ms += 1_000;
        at.message.id = format!("{}+", at.message.id);
        Given { state, at }
    }
}
