//! What holds for the whole of Troupe; one binary, a module for each concern.
mod architecture;
mod cli;
#[cfg(feature = "servers")]
mod cluster;
mod compose;
mod contracts;
mod demo;
mod faults;
mod guides;
mod simulation;
