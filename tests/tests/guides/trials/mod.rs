//! Trials: a seat is reserved, a card is charged, a welcome is sent; or nothing of it.
//! In the repository this would be `workers/trials/src/lib.rs`.

mod begin; // the saga begin-trial.v1
pub mod records;
mod seat; // the entity Seat, which takes part in it
