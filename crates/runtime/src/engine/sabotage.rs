//! One broken rule each, for the test that demands that every one is caught.

/// A rule that the engine breaks on purpose. Never set outside tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // each is the name of a rule and of how it is broken
pub enum Sabotage {
    I2FreshIds,
    I3DuplicatesPass,
    I3RepeatsDropped,
    I4TenantUnchecked,
    E2RepeatsAppliedAgain,
    E3RepeatsSayNothing,
    E4NoVersionCheck,
    E5PublishBeforeSave,
    E6ExpiredBeforeRow,
    E7AnyWakeFits,
    E7NeverWakes,
    O1KeyOfEachAttempt,
    C1DoneAgainAfterRestart,
    C3TwoAtATime,
    C4AttemptsForgotten,
    D1RetryAtTheEnd,
    D3LaterPassesDeadLetter,
    D4RedrivenTwice,
    D5DeadLettersUnanswered,
    V1RepeatsCountedAgain,
}
