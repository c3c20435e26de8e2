//! How much of a file is read before it is refused.
use super::{Block, ParseError};

/// The bounds of parsing. `Default` is what `troupe` uses; each is reached by no ordinary office document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest passage, in characters. 1,200 fits the context of the smallest model we serve three times over.
    pub max_passage: usize,
    /// Largest file, in bytes.
    pub max_bytes: usize,
    /// Most pages of a PDF, and most sheets of a workbook.
    pub max_pages: usize,
    /// Most bytes that a file may unpack to: all entries of a DOCX or XLSX, all streams of a PDF but its images.
    pub max_unpacked: u64,
    /// Most bytes of one packed stream of a PDF, and of all that one page draws directly. Pages of text have some
    /// kilobytes; reading one takes about thirty times its size in memory.
    pub max_page_content: u64,
    /// Highest ratio of unpacked to packed size of one entry of a DOCX or XLSX, looked at from 8 MiB on: text packs
    /// 5 to 60 times, deflate reaches 1,032.
    pub max_ratio: u64,
    /// Most entries in the directory of a DOCX or XLSX.
    pub max_entries: usize,
    /// Most cells of a workbook or CSV that hold something.
    pub max_cells: usize,
    /// Deepest nesting of elements in HTML and DOCX; parsing takes time in proportion to it.
    pub max_depth: usize,
    /// Most characters of text.
    pub max_text: usize,
    /// Most passages.
    pub max_passages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_passage: 1_200,
            max_bytes: 50 << 20,
            max_pages: 2_000,
            max_unpacked: 128 << 20,
            max_page_content: 16 << 20,
            max_ratio: 250,
            max_entries: 10_000,
            max_cells: 1_000_000,
            max_depth: 1_000,
            max_text: 10_000_000,
            max_passages: 20_000,
        }
    }
}

impl Limits {
    pub(super) fn check_bytes(&self, bytes: usize) -> Result<(), ParseError> {
        within(bytes, self.max_bytes, "bytes")
    }

    pub(super) fn check_cells(&self, cells: usize) -> Result<(), ParseError> {
        within(cells, self.max_cells, "cells")
    }

    pub(super) fn check_passages(&self, passages: usize) -> Result<(), ParseError> {
        within(passages, self.max_passages, "passages of text")
    }

    pub(super) fn check_text(&self, blocks: &[Block]) -> Result<(), ParseError> {
        let chars = blocks
            .iter()
            .map(|block| block.content.text().chars().count())
            .sum();
        within(chars, self.max_text, "characters")
    }

    pub(super) fn check_pages(&self, pages: usize) -> Result<(), ParseError> {
        if pages > self.max_pages {
            return Err(ParseError::TooManyPages {
                pages: pages as u64,
                limit: self.max_pages as u64,
            });
        }
        Ok(())
    }
}

fn within(count: usize, limit: usize, unit: &'static str) -> Result<(), ParseError> {
    if count > limit {
        return Err(ParseError::TooLarge {
            limit: limit as u64,
            unit,
        });
    }
    Ok(())
}
