//! What holds for the whole of Troupe; one binary, a module for each concern.
mod contracts;
mod simulation;
