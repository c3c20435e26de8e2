//! One broken rule each, for the test that demands that every one is caught. Outside tests nobody can ask for one:
//! see `Spec::breaks`.

/// A rule that the engine breaks on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // each is the name of a rule and of how it is broken
pub enum Sabotage {
    I1SourceIgnored,
    I2FreshIds,
    I3DuplicatesPass,
    I3RepeatsDropped,
    I4TenantUnchecked,
    I5AnotherPartitioner,
    E2RepeatsAppliedAgain,
    E2CopiesAppliedAgain,
    E3RepeatsSayNothing,
    E4NoVersionCheck,
    E5PublishBeforeSave,
    E6ExpiredBeforeRow,
    E7AnyWakeFits,
    E7NeverWakes,
    E7WakesNotOutgrown,
    O1KeyOfEachAttempt,
    C1DoneAgainAfterRestart,
    C2NeverParked,
    C2ParkedForEver,
    C3TwoAtATime,
    C3LaterResultsKept,
    C4AttemptsForgotten,
    D1RetryAtTheEnd,
    D2WaitingBurnsAttempts,
    D3LaterPassesDeadLetter,
    D4RedrivenTwice,
    D5DeadLettersUnanswered,
    V1RepeatsCountedAgain,
    G4AnotherTenantsPorts,
    K3UnknownPublishedAgain,
}

#[cfg(any(test, feature = "testkit"))]
impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::I1SourceIgnored,
        Self::I2FreshIds,
        Self::I3DuplicatesPass,
        Self::I3RepeatsDropped,
        Self::I4TenantUnchecked,
        Self::I5AnotherPartitioner,
        Self::E2RepeatsAppliedAgain,
        Self::E2CopiesAppliedAgain,
        Self::E3RepeatsSayNothing,
        Self::E4NoVersionCheck,
        Self::E5PublishBeforeSave,
        Self::E6ExpiredBeforeRow,
        Self::E7AnyWakeFits,
        Self::E7NeverWakes,
        Self::E7WakesNotOutgrown,
        Self::O1KeyOfEachAttempt,
        Self::C1DoneAgainAfterRestart,
        Self::C2NeverParked,
        Self::C2ParkedForEver,
        Self::C3TwoAtATime,
        Self::C3LaterResultsKept,
        Self::C4AttemptsForgotten,
        Self::D1RetryAtTheEnd,
        Self::D2WaitingBurnsAttempts,
        Self::D3LaterPassesDeadLetter,
        Self::D4RedrivenTwice,
        Self::D5DeadLettersUnanswered,
        Self::V1RepeatsCountedAgain,
        Self::G4AnotherTenantsPorts,
        Self::K3UnknownPublishedAgain,
    ];
}
