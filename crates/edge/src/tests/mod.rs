//! The edge over real HTTP, on the embedded ports, with the runtime's engine and workers that only answer.
mod access;
mod bad_input;
mod commands;
mod ledgers;
mod queries;
mod stopping;
mod streams;
mod support;
mod uploads;
mod workers;
