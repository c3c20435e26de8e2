//! What is said in this context. In the repository this is `crates/events/src/trials.rs`.
use crate::guides::record;
use events::addressed;
use serde::{Deserialize, Serialize};

/// Names of topics; in the repository they stand in `crates/events/src/topic.rs`.
pub mod topic {
    pub const TRIALS_TRIAL: &str = "trials.trial";
    pub const TRIALS_SEAT: &str = "trials.seat";
    pub const TRIALS_CARD: &str = "trials.card";
    pub const TRIALS_EFFECTS: &str = "trials.effects";
    pub const TRIAL_BEGUN: &str = "trial.begun";
}

/// Command: begin a trial. Done is [`events::reply::Ok`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartTrial {
    /// The trial.
    pub trial: String,
}
record!(
    StartTrial,
    "troupe.trials.StartTrial",
    "trials/StartTrial.avsc"
);
addressed!(StartTrial, topic::TRIALS_TRIAL, trial);

/// Command: keep a seat for the trial.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveSeat {
    /// The trial.
    pub trial: String,
}
record!(
    ReserveSeat,
    "troupe.trials.ReserveSeat",
    "trials/ReserveSeat.avsc"
);
addressed!(ReserveSeat, topic::TRIALS_SEAT, trial);

/// Command: undo [`ReserveSeat`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseSeat {
    /// The trial.
    pub trial: String,
}
record!(
    ReleaseSeat,
    "troupe.trials.ReleaseSeat",
    "trials/ReleaseSeat.avsc"
);
addressed!(ReleaseSeat, topic::TRIALS_SEAT, trial);

/// Command: charge the card for the trial.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeCard {
    /// The trial.
    pub trial: String,
}
record!(
    ChargeCard,
    "troupe.trials.ChargeCard",
    "trials/ChargeCard.avsc"
);
addressed!(ChargeCard, topic::TRIALS_CARD, trial);

/// Command: undo [`ChargeCard`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundCard {
    /// The trial.
    pub trial: String,
}
record!(
    RefundCard,
    "troupe.trials.RefundCard",
    "trials/RefundCard.avsc"
);
addressed!(RefundCard, topic::TRIALS_CARD, trial);

/// Command: welcome who begins the trial.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendWelcome {
    /// The trial.
    pub trial: String,
}
record!(
    SendWelcome,
    "troupe.trials.SendWelcome",
    "trials/SendWelcome.avsc"
);
addressed!(SendWelcome, topic::TRIALS_EFFECTS, trial);

/// Event: a trial has begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialBegun {
    /// The trial.
    pub trial: String,
}
record!(
    TrialBegun,
    "troupe.trials.TrialBegun",
    "trials/TrialBegun.avsc"
);
addressed!(TrialBegun, topic::TRIAL_BEGUN, trial);
