//! The entity Seat: one seat for one trial, which may be taken back before it was asked for.
use super::records::{ReleaseSeat, ReserveSeat};
use events::reply;
use events::system::Woke;
use runtime::{Arm, Decision, Entity, Inbox, Moment, Refusal, arm};
use serde::{Deserialize, Serialize};

/// All that arrives on the input of the seats (E1).
#[derive(Clone, Debug, PartialEq)]
pub enum SeatMessage {
    /// It is to be kept.
    Reserve(ReserveSeat),
    /// It is not wanted any more.
    Release(ReleaseSeat),
    /// It never sets a time to wake.
    Woke(Woke),
}

impl Inbox for SeatMessage {
    fn arms() -> Vec<Arm<Self>> {
        vec![arm(Self::Reserve), arm(Self::Release), arm(Self::Woke)]
    }
}

/// A seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seat {
    /// Nobody asked for it.
    #[default]
    Free,
    /// It is kept.
    Reserved,
    /// It was given back, now and for ever: a reservation that comes later is refused (S4).
    Released,
}

/// Why a seat is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeatRefusal {
    /// The undo came first.
    #[error("this was taken back before it came")]
    Undone,
}

impl Refusal for SeatRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Undone => "trials.undone",
        }
    }
}

impl Entity for Seat {
    type Message = SeatMessage;
    type Refusal = SeatRefusal;

    fn decide(&self, message: SeatMessage, at: &Moment) -> Result<Decision<Self>, SeatRefusal> {
        let ok = reply::Ok {
            id: at.id.to_string(),
        };
        match (self, message) {
            (Self::Free | Self::Reserved, SeatMessage::Reserve(_)) => {
                Ok(Decision::to(Self::Reserved).reply(ok)) // twice is as once (O1)
            }
            (Self::Released, SeatMessage::Reserve(_)) => Err(SeatRefusal::Undone),
            (_, SeatMessage::Release(_)) => Ok(Decision::to(Self::Released).reply(ok)),
            (_, SeatMessage::Woke(_)) => Ok(Decision::stay()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::reply as done;
    use runtime::testkit::entities::given;

    fn reserve() -> SeatMessage {
        SeatMessage::Reserve(ReserveSeat { trial: "e1".into() })
    }
    fn release() -> SeatMessage {
        SeatMessage::Release(ReleaseSeat { trial: "e1".into() })
    }

    #[test]
    fn a_seat_is_kept_once_however_often_it_is_asked_for() {
        let kept = given(Seat::Free).when(reserve()).becomes(Seat::Reserved);
        let again = kept.and_then().when(reserve()).becomes(Seat::Reserved);
        again.emits(done(reply::Ok { id: "e1".into() }));
    }
    #[test]
    fn what_was_taken_back_before_it_came_is_refused() {
        let back = given(Seat::Free).when(release()).becomes(Seat::Released);
        back.and_then().when(reserve()).refuses("trials.undone");
    }
}
