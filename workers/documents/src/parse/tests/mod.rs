//! Whole files: the example documents as people upload them, and the same files damaged in every way that came to mind.
#![allow(clippy::unwrap_used)]

mod bad_files;
mod bad_pdfs;
mod examples;

use super::{Limits, ParseError, Parsed, Upload, parse_guarded};

/// Name and content of every example document.
pub(super) const EXAMPLES: [(&str, &[u8]); 8] = [
    (
        "visitor-guide.pdf",
        include_bytes!("../../../../../examples/documents/visitor-guide.pdf"),
    ),
    (
        "volunteer-handbook.docx",
        include_bytes!("../../../../../examples/documents/volunteer-handbook.docx"),
    ),
    (
        "prices.xlsx",
        include_bytes!("../../../../../examples/documents/prices.xlsx"),
    ),
    (
        "public-nights.html",
        include_bytes!("../../../../../examples/documents/public-nights.html"),
    ),
    (
        "telescope-care.md",
        include_bytes!("../../../../../examples/documents/telescope-care.md"),
    ),
    (
        "dome-troubleshooting.md",
        include_bytes!("../../../../../examples/documents/dome-troubleshooting.md"),
    ),
    (
        "observing-log.csv",
        include_bytes!("../../../../../examples/documents/observing-log.csv"),
    ),
    (
        "history.txt",
        include_bytes!("../../../../../examples/documents/history.txt"),
    ),
];

pub(super) fn example(name: &str) -> &'static [u8] {
    EXAMPLES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, bytes)| *bytes)
        .unwrap()
}

pub(super) fn read_within(
    bytes: &[u8],
    file_name: &str,
    limits: &Limits,
) -> Result<Parsed, ParseError> {
    parse_guarded(
        &Upload {
            bytes,
            file_name,
            declared: "",
        },
        limits,
    )
}

pub(super) fn read(bytes: &[u8], file_name: &str) -> Result<Parsed, ParseError> {
    read_within(bytes, file_name, &Limits::default())
}

/// The code that a file is rejected with, or `parsed`.
pub(super) fn verdict(bytes: &[u8], file_name: &str) -> &'static str {
    read(bytes, file_name).map_or_else(|error| error.code(), |_| "parsed")
}
