//! For the tests of whoever writes a saga, here and in other crates.
//!
//! - [`given`] tells one way through a saga and what it promises there;
//! - [`sweep`] tries all of them: everything that duplicates, dead letters, redrives, late answers of the outside,
//!   silence and an impatient person can do to it, with participants that keep the rules (one a step: commands in
//!   order, a book, a tombstone). It holds the saga to the laws in [`law`].
//! - [`Sabotage`] breaks one rule at a time, to show that the laws notice.

pub mod law;
mod machine;
mod participant;
mod sabotage;
mod simulated;
mod sweep;
mod told;
mod world;

pub use sabotage::Sabotage;
pub use sweep::{BrokenLaw, Sweep, Worlds, sweep};
pub use told::{Told, given};
