//! What the engine promises: two sagas told, and everything swept.
mod engine;
mod entity;
mod sweep;
mod told;
