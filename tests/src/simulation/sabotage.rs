//! Every rule that is broken on purpose: in the engine, or beside it (a broken double of a port, another wiring, a
//! hook for tests). `every_sabotage_is_caught_by_a_law` runs them all.
use runtime::engine;

/// A broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// By a switch of the engine.
    Engine(engine::Sabotage),
    /// In a trial beside the storms, or by the business itself.
    Beside(Beside),
}

/// Rules that the engine cannot break by itself: each is the name of a rule and of how it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // as it says above
pub enum Beside {
    E1TwoInputs,
    O2VersionsIgnored,
    O3UndoneElsewhere,
    O4HandlersRemember,
    H1LastAnswerWins,
    H2FreshIdWhenSentAgain,
    H3OldAttemptsPass,
    M1OpenedWithoutLock,
    M2NotOnDisk,
    G3ResolvedUnchecked,
}

impl Beside {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::E1TwoInputs,
        Self::O2VersionsIgnored,
        Self::O3UndoneElsewhere,
        Self::O4HandlersRemember,
        Self::H1LastAnswerWins,
        Self::H2FreshIdWhenSentAgain,
        Self::H3OldAttemptsPass,
        Self::M1OpenedWithoutLock,
        Self::M2NotOnDisk,
        Self::G3ResolvedUnchecked,
    ];
}

impl Sabotage {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let engine = engine::Sabotage::ALL.into_iter().map(Self::Engine);
        engine.chain(Beside::ALL.into_iter().map(Self::Beside))
    }
    /// As docs/PROTOCOL.md calls it.
    pub fn name(self) -> String {
        match self {
            Self::Engine(sabotage) => format!("{sabotage:?}"),
            Self::Beside(sabotage) => format!("{sabotage:?}"),
        }
    }
    /// What the engine is told.
    pub fn of_engine(self) -> Option<engine::Sabotage> {
        match self {
            Self::Engine(sabotage) => Some(sabotage),
            Self::Beside(_) => None,
        }
    }
}
