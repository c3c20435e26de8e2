//! Lies, to show that the laws notice.

/// One lie, told to an honest engine or by a participant; it amounts to breaking one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sabotage {
    /// Everybody is honest.
    #[default]
    Nothing,
    /// What was refused is undone like what may have happened. It costs an undo that nobody needs; the tombstone
    /// makes it harmless.
    RefusedIsUndoneToo,
    /// S3: silence is taken for a refusal.
    SilenceMeansNo,
    /// S3: a failure that may have happened is taken for a refusal.
    MaybeMeansNo,
    /// S1: an answer to an earlier try counts.
    TurnIgnored,
    /// E7: an old waking counts.
    EveryWakeFits,
    /// E7: nobody wakes the saga.
    NeverWakes,
    /// The first step is undone first.
    UndoneForwards,
    /// S6: the first step after the pivot turns the saga back.
    UnwoundPastPivot,
    /// S7: an undo that was refused is taken for done.
    UndoRefusedIsDone,
    /// S7: nobody is told that the saga is stuck.
    StuckInSilence,
    /// D5: that whoever asked was answered is forgotten.
    AnsweredAgain,
    /// S4: what comes after its undo is done all the same.
    NoTombstone,
    /// S4: what the outside did after the undo is kept.
    LateSuccessKept,
    /// O1: every try is another effect.
    KeyOfEachTry,
    /// E2: a repeat is judged by the state of now.
    RepeatJudgedAnew,
    /// S1: a second try has the token of the first.
    TurnStandsStill,
    /// The undo that is done is asked for once more.
    UndoneTwice,
}
