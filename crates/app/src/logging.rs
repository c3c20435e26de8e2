//! What the process says of itself: on stderr, as text or as JSON lines.
use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging; a second call in the same process does nothing.
///
/// # Errors
/// If the level is not one, with what it said.
pub fn start(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::builder().parse(&log.level);
    let filter = filter.map_err(|e| format!("log.level {:?} is not a filter: {e}", log.level))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // An error only says that somebody else (a test) logs already.
    let _ = match log.format {
        LogFormat::Json => lines.json().try_init(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    Ok(())
}
