//! What the engine promises, one sentence a test; the rules are in docs/PROTOCOL.md.
mod answers;
mod borders;
mod discarding;
mod entities;
mod fixtures;
mod holds;
mod lanes;
mod outside;
mod parking;
mod passing;
mod redriving;
mod redriving_many;
mod schemas;
mod takeovers;
mod traces;
mod views;
