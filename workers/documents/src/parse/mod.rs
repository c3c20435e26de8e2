//! Bytes in, passages out. Pure: no clock, no randomness, no input but the upload; the same bytes give the same passages.
//!
//! [`sniff`] tells what a file is by its content; one module per format turns it into [`Block`]s; [`split`] cuts those into
//! [`Passage`]s. Whatever is wrong with a file is a [`ParseError`] that says so to a person.

mod block;
mod csv_table;
mod docx;
mod error;
mod format;
mod html;
mod limits;
mod markdown;
mod passage;
mod pdf;
mod pdf_bounds;
mod pdf_codes;
mod pdf_layout;
mod pdf_streams;
mod plain;
mod table;
mod text;
mod text_format;
mod xlsx;
mod zip_bounds;

#[cfg(test)]
mod tests;

pub use block::{Block, Content};
pub use error::ParseError;
pub use format::{Format, sniff};
pub use limits::Limits;
pub use passage::{Passage, split};

use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A file as it was uploaded.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// The whole file.
    pub bytes: &'a [u8],
    /// What the uploader calls it, such as `prices.xlsx`; a hint, used only between formats that are all text.
    pub file_name: &'a str,
    /// The media type that the uploader declares, as in HTTP (`text/csv; charset=windows-1252`); a hint, may be empty.
    pub declared: &'a str,
}

/// What became of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parsed {
    /// What the file turned out to be.
    pub format: Format,
    /// The document's own title, where it has one; at most 200 characters.
    pub title: Option<String>,
    /// The text in the order of the document; never empty.
    pub passages: Vec<Passage>,
}

/// What a format's module makes of a file.
pub(crate) struct Extract {
    /// The document's own title, unchecked.
    title: Option<String>,
    /// The text in the order of the document.
    blocks: Vec<Block>,
}

/// Longest title, in characters.
const MAX_TITLE: usize = 200;

/// Turns an upload into passages. May panic on a damaged PDF (its reader does): callers use [`parse_guarded`].
///
/// # Errors
/// Every [`ParseError`]; none is worth a retry.
pub fn parse(upload: &Upload<'_>, limits: &Limits) -> Result<Parsed, ParseError> {
    limits.check_bytes(upload.bytes.len())?;
    let format = sniff(upload.bytes, upload.file_name, upload.declared)?;
    let Extract { title, blocks } = match format {
        Format::Pdf => pdf::extract(upload.bytes, limits)?,
        Format::Docx => docx::extract(upload.bytes, limits)?,
        Format::Xlsx => xlsx::extract(upload.bytes, limits)?,
        Format::Csv => csv_table::extract(&text::decode(upload.bytes, upload.declared)?, limits)?,
        Format::Html => html::extract(&text::decode(upload.bytes, upload.declared)?, limits)?,
        Format::Markdown => markdown::extract(&text::decode(upload.bytes, upload.declared)?),
        Format::Plain => plain::extract(&text::decode(upload.bytes, upload.declared)?),
    };
    limits.check_text(&blocks)?;
    let passages = split(blocks, limits.max_passage);
    if !passages
        .iter()
        .any(|passage| passage.text.contains(char::is_alphanumeric))
    {
        return Err(ParseError::NoText {
            format: format.with_article(),
        });
    }
    limits.check_passages(passages.len())?;
    Ok(Parsed {
        format,
        title: title.as_deref().and_then(clean_title),
        passages,
    })
}

/// [`parse`], with a panic of a reader turned into [`ParseError::Corrupt`]. Blocks for as long as parsing takes, up to
/// seconds for the largest files: run it where blocking is allowed.
///
/// # Errors
/// Every [`ParseError`]; none is worth a retry.
pub fn parse_guarded(upload: &Upload<'_>, limits: &Limits) -> Result<Parsed, ParseError> {
    // Nothing outlives the call that a panic could leave half-changed: parse borrows bytes and returns owned values.
    catch_unwind(AssertUnwindSafe(|| parse(upload, limits))).unwrap_or_else(|_| {
        let format = sniff(upload.bytes, upload.file_name, upload.declared)?;
        Err(ParseError::corrupt(
            format.with_article(),
            "its inner structure contradicts itself",
        ))
    })
}

fn clean_title(title: &str) -> Option<String> {
    let line = text::one_line(title);
    let cut: String = line.chars().take(MAX_TITLE).collect();
    (!cut.is_empty()).then_some(cut)
}
