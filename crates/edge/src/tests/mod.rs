//! The edge over real HTTP, on the embedded ports, with the runtime's engine and workers that only answer.
mod access;
mod bad_input;
mod commands;
mod error_pages;
mod ledgers;
mod operator;
mod queries;
mod starting;
mod stopping;
mod streams;
mod support;
mod uploads;
mod workers;
