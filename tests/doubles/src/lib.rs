//! Servers that cannot be had from a package registry, played for the tests. Each does honestly what our clients need,
//! refuses loudly what it does not play, and lies, hangs and fails on demand. What passes on a double shows agreement
//! with a double: the same tests run on the real server wherever a variable names one.
pub mod qdrant;
