//! The real binary, as a person uses it.
mod binary;
mod commands;
mod serving;
