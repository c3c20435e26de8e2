//! The laws that every saga keeps. A broken one is told by its name.

/// A law, in words.
pub type Law = &'static str;

/// S1, E7: checked in every state that is reached, with every answer of every other command, every other time to
/// wake, and every command of a person that is not for it.
pub const IGNORED: Law = "an input that means nothing here changes nothing";
/// E2.
pub const REPEATED: Law = "a repeated input changes nothing";
/// S1.
pub const TOKENS: Law = "every command has a token of its own";
/// No dead ends and no circles.
pub const ENDS: Law = "from everywhere, calm days lead to an end";
/// S6.
pub const KEPT: Law = "completed: all is in effect but what was reported";
/// S3, S4.
pub const NOTHING_LEFT: Law = "undone: nothing is in effect";
/// Of what lasts; a step that leaves nothing behind has no place in the order.
pub const LAST_FIRST: Law = "what was done last is undone first";
/// A try after silence is not another undo: the saga had not heard of the first.
pub const UNDONE_ONCE: Law = "what was undone is not undone again";
/// O1, S4.
pub const MONEY: Law = "what was taken and not returned is one effect in the books, or none";
/// S7.
pub const ALERT: Law = "stuck comes with an alert";
/// D5.
pub const ONCE: Law = "who asked is answered once";
/// D5, S6, S7.
pub const TRUTH: Law = "who asked is told the truth";
/// O3: the one law about the commands themselves; see [`Sweep::addressed_by`](super::Sweep::addressed_by).
pub const ONE_ADDRESS: Law = "a step and its undo have one address";
/// A saga of many steps and tries may need fewer faults to be swept whole.
pub const BOUNDED: Law = "all worlds fit into the sweep's bound";
