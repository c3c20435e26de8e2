//! The endpoints, by what they are about. The table of them is in [`crate::router`].

pub mod blobs;
pub mod chatbots;
pub mod conversations;
pub mod documents;
pub mod operations;
pub mod questions;
pub mod receive;
pub mod settings;

use crate::problem::{Code, Problem};
use events::id::check_part;

/// An id that a client chose.
///
/// # Errors
/// 422 if it is not `[a-z0-9-]+`.
pub(crate) fn chosen(id: Option<String>, at: &str) -> Result<Option<String>, Problem> {
    if let Some(id) = &id {
        check_part(id).map_err(|e| Problem::new(Code::Invalid, e.to_string()).with("where", at))?;
    }
    Ok(id)
}

/// A text of `1..=most` characters without control characters.
///
/// # Errors
/// 422 otherwise.
pub(crate) fn line(text: &str, most: usize, at: &str) -> Result<String, Problem> {
    let text = text.trim();
    let wrong = |why: String| Problem::new(Code::Invalid, why).with("where", at);
    match text.chars().count() {
        0 => Err(wrong("it is empty".into())),
        n if n > most => Err(wrong(format!(
            "it has {n} characters, and {most} are taken"
        ))),
        _ if text.chars().any(char::is_control) => Err(wrong("it has control characters".into())),
        _ => Ok(text.to_owned()),
    }
}
