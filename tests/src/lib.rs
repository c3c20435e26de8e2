//! What the tests across crates share with the binary `simulate`.
pub mod simulation;
