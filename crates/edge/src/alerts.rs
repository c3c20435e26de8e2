//! The consumer `sagas.alerts`: what needs a person (S6, S7).
use events::system::SagaAlert;
use runtime::{Moment, View};
use serde::{Deserialize, Serialize};

/// The most alerts kept of one saga; the oldest go first.
const KEPT: usize = 20;

/// One alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Which saga it is, such as `chatbots.creation`.
    pub definition: String,
    /// The step it stood at.
    pub step: String,
    /// Stable.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// The alerts of one saga, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts {
    /// The latest of them.
    pub alerts: Vec<Alert>,
}

/// The view; its key is the saga.
#[derive(Clone, Copy, Debug, Default)]
pub struct SagaAlerts;
impl View for SagaAlerts {
    type Event = SagaAlert;
    type Row = Alerts;

    fn key(&self, event: &SagaAlert, _: &Moment) -> String {
        event.saga.clone()
    }
    fn apply(&self, row: &mut Alerts, event: SagaAlert, at: &Moment) {
        let SagaAlert {
            saga: _,
            definition,
            step,
            code,
            message,
        } = event;
        let alert = Alert {
            definition,
            step,
            code,
            message,
            at_ms: at.now_ms,
        };
        self.merge(
            row,
            Alerts {
                alerts: vec![alert],
            },
        );
    }
    fn merge(&self, into: &mut Alerts, other: Alerts) {
        into.alerts.extend(other.alerts);
        into.alerts.sort_by_key(|alert| alert.at_ms);
        let over = into.alerts.len().saturating_sub(KEPT);
        into.alerts.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_alerts_of_a_saga_are_kept() {
        let (mut row, mut at) = (Alerts::default(), Moment::for_tests("s1"));
        for n in 0..30 {
            at.now_ms = n;
            SagaAlerts.apply(
                &mut row,
                SagaAlert {
                    saga: "s1".into(),
                    ..SagaAlert::default()
                },
                &at,
            );
        }
        assert_eq!((row.alerts.len(), row.alerts[0].at_ms), (KEPT, 10));
    }
}
