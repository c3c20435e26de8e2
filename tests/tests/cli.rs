//! The real binary, as a person uses it.
pub(crate) mod binary;
mod commands;
mod deleting;
mod interrupting;
mod looking;
mod operating;
mod serving;
pub(crate) mod trouble;
