//! given/when/then for the border of a context's commands: `outsider(border()).asks(&command).is_passed_on(command)`.
use crate::consumer::{Behaviour, Routed};
use crate::emits::{AnyRecord, Sealing, pass_on};
use crate::inbox::{Incoming, Opening};
use crate::{Consumer, Moment};
use events::personal::SubjectKey;
use events::{Addressed, Datum, Envelope};

/// Somebody outside, about to ask.
pub struct Outsider {
    border: Consumer,
    under: Option<String>,
}

/// Somebody outside, before this border.
pub fn outsider(border: Consumer) -> Outsider {
    let under = None;
    Outsider { border, under }
}

impl Outsider {
    /// The id part of the message's key; else that of the command.
    pub fn under(mut self, id: &str) -> Self {
        self.under = Some(id.to_owned());
        self
    }
    /// The command arrives, its texts clear.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn asks<A: Addressed>(self, command: &A) -> Told {
        let bytes = command.encode_for_outside();
        self.hears::<A>(command.id(), &bytes.unwrap_or_else(|e| panic!("{e}")))
    }
    /// The command arrives, its texts sealed as ours are: copied from some message.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn sealed<A: Addressed>(self, subject: &str, command: &A) -> Told {
        let sealing = Sealing {
            key: Some(&SubjectKey([7; 32])),
            tenant: "acme",
            subject,
            message: "m1",
        };
        let bytes = command.encode(Some(&sealing));
        self.hears::<A>(command.id(), &bytes.unwrap_or_else(|e| panic!("{e}")))
    }
    fn hears<A: Addressed>(self, id: &str, bytes: &[u8]) -> Told {
        let Behaviour::Route(step) = &self.border.behaviour else {
            panic!("{} is no border", self.border.name)
        };
        let (record, writer) = (A::NAME, A::schema().schema);
        let incoming = Incoming {
            datum: Datum {
                record,
                writer,
                bytes,
            },
            envelope: &Envelope::default(),
            tenant: "acme",
            opening: &Opening::Nobody,
        };
        let at = Moment::for_tests(self.under.as_deref().unwrap_or(id));
        Told(step.route(&incoming, &at))
    }
}

/// What came of it.
pub struct Told(Routed);

impl Told {
    /// It is asked of whom it concerns.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn is_passed_on<A: Addressed>(self, command: A) {
        match self.0 {
            Routed::On(emits) => assert!(emits.same(&pass_on(command)), "{emits:?}"),
            Routed::Unroutable(code, why) => panic!("{code}: {why}"),
            Routed::Undecodable(why) => panic!("undecodable: {why}"),
        }
    }
    /// It is refused with this code, and the reason says this.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn is_refused(self, code: &str, says: &str) {
        let (found, why) = match self.0 {
            Routed::On(emits) => panic!("it is passed on: {emits:?}"),
            Routed::Unroutable(code, why) => (code, why),
            Routed::Undecodable(why) => ("runtime.undecodable", why),
        };
        assert_eq!(found, code, "{why}");
        assert!(why.contains(says), "{why}");
    }
}
