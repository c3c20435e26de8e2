//! Laws of the ports, and what only a file can suffer.
mod laws;
mod smoke;
mod support;
