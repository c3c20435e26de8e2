//! Bad input and faults, against the whole of Troupe: real workers, the real engine, a real file, real HTTP. Each ends
//! in a clear error, or is survived; nothing is lost, nothing doubled.
//!
//! - [`world`], [`caller`]: a whole Troupe in this process, and who speaks HTTP with it;
//! - [`files`], [`doors`], [`foreign`]: what comes in; [`models`]: who does not answer; [`full`]: no room;
//! - [`kills`]: the real process dies, with the [`load`] that runs meanwhile and what is [`kept`].
mod caller;
mod doors;
mod files;
mod foreign;
mod full;
mod kept;
mod kills;
mod lives;
mod load;
mod models;
mod world;

use crate::cli::binary::PATIENCE;
use std::time::Duration;
use tokio::time::Instant;

/// How often [`until`] looks.
const AGAIN: Duration = Duration::from_millis(10);

/// Looks again and again until something is there.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let over = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < over, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(AGAIN).await;
    }
}

/// The longest that a request waits for its answer here, in seconds.
const WAIT_S: u64 = 45;

/// A Markdown document of so many passages, which all say which edition of which note they are of. Blank lines make
/// the file as long as it should be, in bytes.
fn note(number: u64, edition: u32, passages: usize, bytes: usize) -> Vec<u8> {
    let mut text = String::new();
    for passage in 0..passages {
        text += &format!(
            "# Part {passage} of note {number}\n\n{} ",
            marker(number, edition)
        );
        let words = "The lamp of the lighthouse is cleaned, and somebody writes down when. ";
        text += &words.repeat(10);
        text += "\n\n";
    }
    let blank = bytes.saturating_sub(text.len());
    let mut text = text.into_bytes();
    text.extend(std::iter::repeat_n(b'\n', blank));
    text
}
/// What each passage of a note says.
fn marker(number: u64, edition: u32) -> String {
    format!("This is edition {edition} of note {number}.")
}
