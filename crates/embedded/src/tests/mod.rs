//! Laws of the ports, and what only a file can suffer.
mod smoke;
mod support;
