//! What answers a command (rule D5), besides `Done`, which is the command's own record.
use crate::record;
use serde::{Deserialize, Serialize};

/// It did not happen, and will not: an answer, not a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Stable, `<context>.<what>`; each has a page under docs/errors/.
    pub code: String,
    /// A sentence for a person; at most 1,000 characters.
    pub message: String,
}
record!(Refused, "troupe.reply.Refused", "reply/Refused.avsc");

/// It failed, and perhaps it happened all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Stable, `<context>.<what>`; each has a page under docs/errors/.
    pub code: String,
    /// A sentence for a person; at most 1,000 characters.
    pub message: String,
    /// False only if no attempt and no earlier try can have had an effect.
    pub may_have_happened: bool,
}
record!(Failed, "troupe.reply.Failed", "reply/Failed.avsc");

/// It is under way; the final answer comes later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done, for a person.
    pub message: String,
    /// Parts done.
    pub done: i64,
    /// Parts in all; 0 if not known.
    pub total: i64,
}
record!(Progress, "troupe.reply.Progress", "reply/Progress.avsc");

/// Done, with nothing more to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ok {
    /// What the command was about.
    pub id: String,
}
record!(Ok, "troupe.reply.Ok", "reply/Ok.avsc");
