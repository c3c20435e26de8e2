//! Measurements of Troupe, and what they are made of. The program is `main.rs`; [`kafka`] is what runs on real servers.
pub mod alone;
pub mod disk;
pub mod fairness;
pub mod hop;
pub mod kafka;
pub mod machine;
pub mod server;
pub mod table;
pub mod whole;

/// Messages are made on one thread and dropped on another, many a millisecond; in glibc's, that is a third of what the engine
/// costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
