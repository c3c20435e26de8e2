//! The contracts: schemas, the Rust types that go with them, example documents, and bytes that must decode for ever
//! (rules A1-A4, G1, G2 of the protocol).
//!
//! To add a record: its Rust type in `crates/events`, `schemas/<context>/<Record>.avsc`, two documents
//! `schemas/examples/<context>/<Record>.<n>.json` (personal fields in the clear), a line in `cases.rs`, and then
//! `TROUPE_WRITE_GOLDEN=1 cargo test -p tests contracts`, which writes the golden files that are missing and leaves
//! the others as they are.
//!
//! To change one: add a field with a default, an example with the next number that uses it, and write the golden
//! files that are missing. Examples may gain fields; golden files are never changed and never deleted.
mod cases;
mod evolution;
mod examples;
mod golden;
mod sealed;
mod shape;
mod topics;
mod wire;
