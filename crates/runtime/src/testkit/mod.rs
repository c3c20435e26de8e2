//! For tests, ours and authors': given/when/then, the simulated cluster, conformance suites.
pub mod borders;
pub mod conformance;
pub mod entities;
pub mod handlers;
pub mod nowhere;
pub mod sim;
pub mod views;
