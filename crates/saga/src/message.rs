//! All that arrives on the input of a saga (E1).
use events::system::{AbandonSaga, ResumeSaga, Woke};
use events::{Addressed, reply};
use runtime::{Arm, Inbox, any, arm};

/// What a saga started by `S` hears.
#[derive(Clone, Debug, PartialEq)]
pub enum SagaMessage<S> {
    /// Somebody asks for it.
    Start(S),
    /// The time that it set has come (E7).
    Woke(Woke),
    /// A person lets it try again (S7).
    Resume(ResumeSaga),
    /// A person gives it up (S7).
    Abandon(AbandonSaga),
    /// A command is answered: no.
    Refused(reply::Refused),
    /// A command is answered: it failed.
    Failed(reply::Failed),
    /// A command is under way.
    Progress(reply::Progress),
    /// Any other record, by its name: if it answers a command, `Done`, whatever it says.
    Other(String),
}

impl<S: Addressed> Inbox for SagaMessage<S> {
    fn arms() -> Vec<Arm<Self>> {
        vec![
            arm(Self::Start),
            arm(Self::Woke),
            arm(Self::Resume),
            arm(Self::Abandon),
            arm(Self::Refused),
            arm(Self::Failed),
            arm(Self::Progress),
            any(|incoming| Ok(Self::Other(incoming.datum.record.to_owned()))),
        ]
    }
}
