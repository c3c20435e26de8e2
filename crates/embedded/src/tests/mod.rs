//! Laws of the ports, and what only a file can suffer.
mod full;
mod kill;
mod laws;
mod looking;
mod opening;
mod support;
mod tail;
